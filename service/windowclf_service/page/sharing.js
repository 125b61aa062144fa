// What is copied: an answer as JSON, a request as a curl command.

import { address, key } from "./service.js";

const LONGEST_ARGUMENT = 30_000; // UTF-16 units: at most 90 kB; Linux allows 128 KiB an argument

// DEL, C1 controls, marks of text direction: a terminal that they are pasted into would act on them.
const ACTS_ON_TERMINALS = /[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g;

/** A curl command for a POSIX shell that sends what the page sent; a key is left for the reader to fill in. */
export function curlCommand(path, body) {
  const json = JSON.stringify(body).replace(
    ACTS_ON_TERMINALS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  const lines = [`curl -sS ${shellQuoted(address(path))}`, "-H 'Content-Type: application/json'"];
  if (key.get()) lines.push("-H 'Authorization: Bearer YOUR_KEY'");
  // JSON is one line, so no text can end the here-document early
  const long = json.length > LONGEST_ARGUMENT;
  lines.push(long ? `--data-binary @- <<'END'\n${json}\nEND` : `--data-binary ${shellQuoted(json)}`);
  return lines.join(" \\\n  ");
}

/** Quote for sh: within single quotes everything stands for itself, but for the single quote. */
function shellQuoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Put a text on the clipboard. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // no clipboard interface on plain http from another machine: select the text and copy as a person would
  const area = document.createElement("textarea");
  const focused = document.activeElement;
  area.className = "announcement";
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  focused?.focus();
  if (!copied) throw new Error("The browser did not allow copying.");
}
