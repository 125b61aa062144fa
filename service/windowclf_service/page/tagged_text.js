// Shows a tagged text: every word is a button, every label stands beside its colour as text.

import { kindOf, make, percent } from "./elements.js";

/**
 * Where each code point of a text starts in UTF-16 units, and where the text ends.
 *
 * The service counts code points, JavaScript counts units; they differ after an emoji.
 */
export function unitOffsets(text) {
  const offsets = [];
  let units = 0;
  for (const character of text) {
    offsets.push(units);
    units += character.length;
  }
  offsets.push(units);
  return offsets;
}

/**
 * Fill an element with a tagged text, white space and line breaks as they were written.
 *
 * `others` are the tokens of the text as another model tags it, or null; words that it labels otherwise are
 * marked.
 */
export function showTagged(element, result, { spans, hues, others = null }) {
  const offsets = unitOffsets(result.text);
  const between = (start, end) => result.text.slice(offsets[start], offsets[end]);
  const entities = [...(result.entities ?? [])].reverse(); // the next one is last
  const shown = new DocumentFragment();
  let entity = null; // the one that the token at hand is in
  let place = shown; // where elements go: the text, or that entity
  let end = 0; // of what is shown so far
  result.tokens.forEach((token, i) => {
    place.append(between(end, token.start));
    if (!entity && entities.at(-1)?.start === token.start) {
      entity = entities.pop();
      place = make("span", { className: `entity ${hues.get(entity.entity_group)}` });
      shown.append(place);
    }
    const other = others && others[i].label !== token.label ? others[i] : null;
    place.append(wordOf(token, i, { spans, hues, other }));
    end = token.end;
    if (entity && entity.end <= end) {
      place.append(make("span", { className: "kind", textContent: entity.entity_group, ariaHidden: "true" }));
      [entity, place] = [null, shown];
    }
  });
  shown.append(between(end, offsets.length - 1));
  const first = shown.querySelector(".token");
  if (first) first.tabIndex = 0;
  element.replaceChildren(shown);
}

// Copied for every word: texts are long, and that is faster than making each anew.
const WORD = make("span", { className: "token", role: "button", tabIndex: -1 });
WORD.append(make("span", { className: "word" }));
const TAG = make("span", { className: "tag" });
const UNEQUAL = make("span", { className: "unequal", textContent: "≠", ariaHidden: "true" });

function wordOf(token, i, { spans, hues, other }) {
  const word = WORD.cloneNode(true);
  let name = `${token.text}: ${token.label}, ${percent(token.score)}`;
  word.dataset.index = i;
  word.firstChild.append(token.text);
  if (!spans) {
    const tag = TAG.cloneNode();
    tag.className += ` ${hues.get(kindOf(token.label, spans))}`;
    tag.append(token.label);
    word.append(tag);
    word.className = "token stacked";
  }
  if (other) {
    name += `; the other model says ${other.label}`;
    word.classList.add("differs");
    word.firstChild.append(UNEQUAL.cloneNode(true));
  }
  word.setAttribute("aria-label", name);
  word.setAttribute("title", name);
  return word;
}

/** The kinds of label in a text and how often each occurs, most frequent first. */
export function countKinds(result, spans) {
  const counts = new Map();
  const kinds = spans
    ? (result.entities ?? []).map((entity) => entity.entity_group)
    : result.tokens.map((token) => token.label);
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}

/** Let the words of an element be chosen by mouse and keyboard; one of them at a time is in the tab order. */
export function makeChoosable(element, choose) {
  element.addEventListener("click", (event) => {
    const word = event.target.closest(".token");
    if (word) {
      focusWord(element, word);
      choose(Number(word.dataset.index));
    }
  });
  element.addEventListener("keydown", (event) => {
    const word = event.target.closest(".token");
    if (!word || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      choose(Number(word.dataset.index));
    } else {
      const words = wordsOf(element);
      const next = nextWord(words, Number(word.dataset.index), event.key);
      if (next === undefined) return;
      focusWord(element, words[next]);
    }
    event.preventDefault();
  });
}

/** The elements of the words, in order. */
export function wordsOf(element) {
  return element.getElementsByClassName("token");
}

/** Move the focus to a word, and the place of the text in the tab order with it. */
export function focusWord(element, word) {
  const before = element.querySelector('.token[tabindex="0"]');
  if (before) before.tabIndex = -1;
  word.tabIndex = 0;
  word.focus();
}

function nextWord(words, from, key) {
  const last = words.length - 1;
  switch (key) {
    case "ArrowRight":
      return Math.min(from + 1, last);
    case "ArrowLeft":
      return Math.max(from - 1, 0);
    case "ArrowDown":
      return onNextLine(words, from, 1);
    case "ArrowUp":
      return onNextLine(words, from, -1);
    case "Home":
      return 0;
    case "End":
      return last;
  }
}

/** The word of the line below (step 1) or above (-1) that is nearest to a word's middle. */
function onNextLine(words, from, step) {
  const middle = (box) => (box.left + box.right) / 2;
  const start = words[from].getBoundingClientRect();
  let [best, line] = [from, null];
  let distance = Infinity;
  for (let i = from + step; words[i]; i += step) {
    const box = words[i].getBoundingClientRect();
    if (step > 0 ? box.top < start.bottom : box.bottom > start.top) continue; // the same line
    line ??= box;
    if (box.top >= line.bottom || box.bottom <= line.top) break; // the line after that
    const away = Math.abs(middle(box) - middle(start));
    if (away < distance) [best, distance] = [i, away];
  }
  return best;
}
