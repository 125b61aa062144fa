// Small helpers for making elements. Text goes in as text, never as HTML.

/** Make an element: `make("span", { className: "chip", textContent: "LOC" }, child, …)`. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Copy the one element that a <template> of the page holds. */
export function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

/** The kind of a label: LOC of B-LOC; the whole label where it marks no span; "" of O. */
export function kindOf(label, marksSpans) {
  if (!marksSpans) return label;
  return label === "O" ? "" : label.replace(/^[BIES]-/, "");
}

/** Whether the labels of a model mark spans: then each but O tells its place in the span. */
export function marksSpans(labels) {
  return labels.includes("O") && labels.every((label) => label === "O" || /^[BIES]-/.test(label));
}

const N_HUES = 7; // colours that people with any colour vision can tell apart; then the underline changes

/** Class names for the colour and the underline of every kind of label that any of the models knows. */
export function huesOf(models) {
  const kinds = new Set();
  for (const { labels } of models) {
    for (const label of labels) kinds.add(kindOf(label, marksSpans(labels)));
  }
  kinds.delete("");
  return new Map([...kinds].map((kind, i) => [kind, `hue-${i % N_HUES} line-${Math.floor(i / N_HUES) % 3}`]));
}

/** 97.3 % */
export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/** +1.23 or −1.23, with a true minus sign. */
export function signed(value) {
  const text = Math.abs(value).toFixed(2);
  if (Number(text) === 0) return text;
  return (value < 0 ? "−" : "+") + text;
}

/** "1 word", "5 words" */
export function count(n, noun, plural = `${noun}s`) {
  return `${n.toLocaleString("en")} ${n === 1 ? noun : plural}`;
}
