// Shows why a word got its label: its window, the runners-up, what each word of the window contributed.

import { fromTemplate, kindOf, make, percent, signed } from "./elements.js";

const BOUNDARY = "(boundary)";

/** Make the explanation of one token, an answer of /v1/explain, for one model of /v1/models. */
export function explanationOf(token, model, { spans, hues, titled }) {
  const article = fromTemplate("explanation-template");
  const part = (selector) => article.querySelector(selector);
  const hue = (label) => hues.get(kindOf(label, spans)) ?? "no-hue";

  part(".of-model").textContent = titled ? model.name : "";
  part(".word").textContent = token.text;
  part(".chip").textContent = token.label;
  part(".chip").classList.add(...hue(token.label).split(" "));

  part(".window").append(...windowOf(token.window));

  for (const { label, score } of token.top) {
    const bar = barOf(`share ${hue(label)}`, { "--share": score });
    part(".labels tbody").append(rowOf(label, bar, score, percent(score)));
    if (label === token.learnt_as) part(".labels tbody").lastChild.classList.add("chosen");
  }
  part(".note").textContent = noteOn(token, spans);

  part(".pushes caption").textContent = `What pushed towards (+) and against (−) ${token.learnt_as}`;
  const largest = Math.max(...token.window.map(({ contribution }) => Math.abs(contribution))) || 1;
  const middle = Math.floor(token.window.length / 2);
  token.window.forEach(({ text, contribution }, place) => {
    const side = contribution < 0 ? "against" : "towards";
    const bar = barOf(`push ${side}`, { "--share": Math.abs(contribution) / largest });
    const row = rowOf(text ?? BOUNDARY, bar, contribution, signed(contribution));
    row.classList.toggle("boundary", text === null);
    row.classList.toggle("chosen", place === middle);
    part(".pushes tbody").append(row);
  });
  part(".sum").textContent = sumOf(token);
  return article;
}

function noteOn({ label, learnt_as: learntAs }, spans) {
  if (spans && label === "O") return "O: outside, part of no entity.";
  if (label === learntAs) return "";
  return `The network tells apart how entities begin and end: it knows ${label} here as ${learntAs}.`;
}

function windowOf(window) {
  const middle = Math.floor(window.length / 2);
  return window.map(({ text }, place) =>
    make("li", {
      className: text === null ? "boundary" : "",
      textContent: text ?? BOUNDARY,
      ariaCurrent: place === middle ? "true" : null,
    }),
  );
}

function rowOf(name, bar, value, shown) {
  return make(
    "tr",
    {},
    make("th", { scope: "row", textContent: name, dir: "auto" }),
    make("td", {}, bar),
    make("td", {}, make("data", { value: String(value), textContent: shown })),
  );
}

/** A bar whose length is a custom property: set from script, as the page allows no inline styles. */
function barOf(className, properties) {
  const bar = make("div", { className: `bar ${className}`, ariaHidden: "true" }, make("div"));
  for (const [name, value] of Object.entries(properties)) bar.style.setProperty(name, value);
  return bar;
}

function sumOf({ window, learnt_as: label, score, empty_score: empty }) {
  const plain = (value) => signed(value).replace("+", "");
  return (
    `Together the ${window.length} places move the score of ${label} by ${signed(score - empty)}: ` +
    `from ${plain(empty)}, were every word unknown, to ${plain(score)}.`
  );
}
