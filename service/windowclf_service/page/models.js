// Shows which models there are: the switch between them, and what is known of each.

import { kindOf, make, marksSpans } from "./elements.js";

/** Fill the switch and the account of the models. */
export function showModels(models) {
  const segments = models.map(({ name }, i) =>
    make(
      "label",
      {},
      make("input", { type: "radio", name: "model", value: name, checked: i === 0 }),
      make("span", { textContent: name }),
    ),
  );
  const legend = document.querySelector("#models legend");
  document.getElementById("models").replaceChildren(legend, ...segments);
  document.getElementById("models").hidden = false;
  document.getElementById("comparison").hidden = models.length < 2;
  document.getElementById("about").replaceChildren(...models.map(accountOf));
}

const ACCOUNT_OF_TUNING = {
  frozen: "frozen: as they were pretrained",
  tuned: "tuned: training moves them",
  "two-channel": "in two channels: as they were pretrained, and a copy that training moves",
};

function accountOf({ name, labels, version, window, tuning, metrics }) {
  const spans = marksSpans(labels);
  const kinds = [...new Set(labels.map((label) => kindOf(label, spans)))].filter(Boolean);
  const facts = [
    ["Labels", spans ? `${kinds.join(", ")} (as ${labels.join(", ")})` : labels.join(", ")],
    ["Window", `${window} words`],
    ["Word vectors", ACCOUNT_OF_TUNING[tuning]],
    ...measured(metrics ?? {}),
    ["Version", version],
  ];
  const list = make("dl");
  for (const [term, text] of facts) {
    list.append(make("dt", { textContent: term }), make("dd", { textContent: text }));
  }
  return make("section", {}, make("h3", { textContent: name }), list);
}

/** Name and value of each figure; figures within figures by their path: `entities f1`. */
function measured(figures, path = "") {
  return Object.entries(figures).flatMap(([name, value]) => {
    const term = `${path} ${name.replaceAll("_", " ")}`.trim();
    if (value === null) return [];
    if (typeof value === "object") return measured(value, term);
    const round = typeof value === "number" && !Number.isInteger(value);
    return [[term, round ? value.toFixed(4) : String(value)]];
  });
}
