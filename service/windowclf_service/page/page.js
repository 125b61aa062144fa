// The page: what is shown, and what happens when something is typed, chosen or clicked.

import { count, fromTemplate, huesOf, make, marksSpans } from "./elements.js";
import { explanationOf } from "./explanation.js";
import { showModels } from "./models.js";
import { ask, key } from "./service.js";
import { copy, curlCommand } from "./sharing.js";
import { countKinds, focusWord, makeChoosable, showTagged, wordsOf } from "./tagged_text.js";

const DEBOUNCE = 150; // milliseconds without a key before the text is tagged
const RUNNERS_UP = 4;
const NEIGHBOURS = 100; // words that go along on each side in a sentence without end; no window is as wide

const $ = (id) => document.getElementById(id);

let models = []; // as /v1/models lists them
let hues = new Map(); // kind of label -> class names
let panes = []; // {model, spans, element, text, request, answer}: one, or two side by side
let chosen = null; // {index, text} of the word that is explained
let again = start; // what "Try again" does
let timer = 0;
let tagging = new AbortController();
let explaining = new AbortController();

// -- models ---------------------------------------------------------------------------------------------

async function start() {
  again = start;
  try {
    ({ models } = await ask("v1/models", undefined, { onWait }));
  } catch (error) {
    return showProblem(error);
  }
  hues = huesOf(models);
  showModels(models);
  arrange();
}

/** Lay out one pane, or two, for the models that are chosen, and tag the text with them. */
function arrange() {
  const name = document.querySelector("input[name=model]:checked").value;
  const others = models.filter((model) => model.name !== name);
  const selected = others.find((model) => model.name === $("other").value) ?? others[0];
  $("other").replaceChildren(...others.map((model) => make("option", { textContent: model.name })));
  if (selected) $("other").value = selected.name;
  const shown = models.filter((model) => model.name === name);
  if (selected && $("compare").checked) shown.push(selected);
  panes = shown.map(makePane);
  explaining.abort(); // its tokens are of the panes before
  $("main").classList.toggle("comparing", panes.length > 1);
  $("results").replaceChildren(...panes.map((pane) => pane.element));
  tag();
}

function makePane(model) {
  const element = fromTemplate("pane-template");
  const text = element.querySelector(".tagged");
  const pane = { model, spans: marksSpans(model.labels), element, text };
  element.querySelector("h2").textContent = model.name;
  text.ariaLabel = `Text tagged by ${model.name}: arrow keys move, Enter explains a word`;
  makeChoosable(text, explain);
  for (const button of element.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", () => copyFrom(pane, button.dataset.copy));
  }
  return pane;
}

// -- tagging --------------------------------------------------------------------------------------------

/** Tag the text with every shown model. A new call ends the one before, so the last text wins. */
async function tag() {
  again = tag;
  clearTimeout(timer);
  tagging.abort();
  tagging = new AbortController();
  const { signal } = tagging;
  // half a surrogate pair has no UTF-8; it becomes U+FFFD, which is as long
  const text = $("text").value.toWellFormed?.() ?? $("text").value;
  const requests = panes.map(({ model }) => ({ inputs: text, parameters: { model: model.name } }));
  try {
    const answers = await Promise.all(requests.map((body) => ask("v1/tag", body, { signal, onWait })));
    signal.throwIfAborted();
    panes.forEach((pane, i) => Object.assign(pane, { request: requests[i], answer: answers[i] }));
    showAnswers();
  } catch (error) {
    if (!signal.aborted) showProblem(error);
  }
}

function showAnswers() {
  showProblem(null);
  const results = panes.map((pane) => pane.answer.results[0]);
  const comparable = panes.length > 1 && sharesLabels(panes[0].model, panes[1].model);
  panes.forEach((pane, i) => {
    const result = results[i];
    const focused = pane.text.contains(document.activeElement) ? document.activeElement.dataset.index : null;
    const others = comparable ? results[1 - i].tokens : null;
    showTagged(pane.text, result, { spans: pane.spans, hues, others });
    const kinds = countKinds(result, pane.spans).map(([kind, n]) =>
      make("li", { className: hues.get(kind) }, make("span", { textContent: kind }), ` ${n}`),
    );
    pane.element.querySelector(".legend").replaceChildren(...kinds);
    const word = focused === null ? null : wordsOf(pane.text)[Math.min(focused, result.tokens.length - 1)];
    if (word) focusWord(pane.text, word);
  });
  say(statusOf(results, comparable));
  if (chosen && results[0].tokens[chosen.index]?.text === chosen.text) explain(chosen.index);
  else forget();
}

function countsOf({ tokens, entities }, spans) {
  const words = count(tokens.length, "word");
  return spans ? `${words}, ${count(entities?.length ?? 0, "entity", "entities")}` : words;
}

function statusOf([first, second], comparable) {
  if (!second) return countsOf(first, panes[0].spans);
  if (!comparable) return "The models have different labels: no differences are marked.";
  const n = first.tokens.filter((token, i) => token.label !== second.tokens[i].label).length;
  const words = count(first.tokens.length, "word");
  return n ? `${n.toLocaleString("en")} of ${words} differ, marked ≠` : `${words}, all labelled alike`;
}

function sharesLabels(one, other) {
  return one.labels.some((label) => label !== "O" && other.labels.includes(label));
}

// -- explaining -----------------------------------------------------------------------------------------

/** Explain a word with every shown model. */
async function explain(index) {
  explaining.abort();
  explaining = new AbortController();
  const { signal } = explaining;
  chosen = { index, text: panes[0].answer.results[0].tokens[index].text };
  markChosen();
  try {
    const tokens = await Promise.all(panes.map((pane) => askWhy(pane, index, signal)));
    signal.throwIfAborted();
    const titled = models.length > 1;
    const articles = panes.map(({ model, spans }, i) =>
      explanationOf(tokens[i], model, { spans, hues, titled }),
    );
    const isNew = !$("panel").classList.contains("open");
    $("explanations").replaceChildren(...articles);
    $("panel").classList.add("open");
    if (isNew) $("panel").scrollIntoView({ block: "nearest" });
    announce(tokens.map(({ text, label }, i) => `${text}: ${label}, explained for ${panes[i].model.name}`));
  } catch (error) {
    if (signal.aborted) return;
    again = () => explain(index);
    showProblem(error);
  }
}

/** Ask for the explanation of one token, as a word of its sentence. */
async function askWhy({ model, answer }, index, signal) {
  const { sentences, tokens } = answer.results[0];
  const token = tokens[index];
  const sentence = sentences.find(({ start, end }) => start <= token.start && token.end <= end);
  const inside = (other) => sentence.start <= other.start && other.end <= sentence.end;
  let first = index;
  while (first > index - NEIGHBOURS && tokens[first - 1] && inside(tokens[first - 1])) first--;
  let end = index + 1;
  while (end < index + NEIGHBOURS && tokens[end] && inside(tokens[end])) end++;
  const words = tokens.slice(first, end).map(({ text }) => text);
  const body = { inputs: [words], parameters: { model: model.name, top: RUNNERS_UP } };
  const explained = await ask("v1/explain", body, { signal, onWait });
  return explained.results[0].tokens[index - first];
}

function markChosen() {
  for (const pane of panes) {
    for (const word of pane.text.querySelectorAll("[aria-current]")) word.ariaCurrent = null;
    if (chosen) wordsOf(pane.text)[chosen.index].ariaCurrent = "true";
  }
}

/** Close the explanation. */
function forget() {
  explaining.abort();
  chosen = null;
  markChosen();
  $("explanations").replaceChildren();
  $("panel").classList.remove("open");
}

// -- words to the reader --------------------------------------------------------------------------------

function say(text) {
  $("status").textContent = text;
}

function announce(parts) {
  $("announcement").textContent = parts.join(". ");
}

function onWait(seconds) {
  say(`The service is busy; asking again in ${count(seconds, "second")}.`);
}

/** Show an error, or with null that there is none (any more). */
function showProblem(error) {
  const keyIsAsked = error?.status === 401;
  $("problem").hidden = !error || (keyIsAsked && !key.get());
  $("problem").firstElementChild.textContent = error?.message ?? "";
  $("problem").lastElementChild.hidden = keyIsAsked;
  $("key-form").hidden = !keyIsAsked;
  if (error) say("");
  if (keyIsAsked && document.activeElement === document.body) $("key").focus();
}

async function copyFrom({ request, answer }, what) {
  if (!answer) return;
  try {
    await copy(what === "JSON" ? JSON.stringify(answer, null, 2) : curlCommand("v1/tag", request));
    announce([`Copied as ${what}`]);
  } catch (error) {
    showProblem(error);
  }
}

$("text").addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(panes.length ? tag : start, DEBOUNCE);
});
$("models").addEventListener("change", arrange);
$("compare").addEventListener("change", arrange);
$("other").addEventListener("change", arrange);
$("problem").lastElementChild.addEventListener("click", () => again());
$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  key.set($("key").value);
  $("key").value = "";
  again();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && chosen) forget();
});

start();
