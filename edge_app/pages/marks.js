// A verdict as sign and word, for lists: the shape says it too, not the colour alone.

import { make } from "./dom.js";
import { SIGNS, verdictWord } from "./text.js";

export function mark(verdict) {
  return make("span", { class: "mark", data: { verdict } }, sign(verdict), verdictWord(verdict));
}

export function sign(verdict) {
  return make("span", { class: "sign", "aria-hidden": "true" }, SIGNS[verdict]);
}
