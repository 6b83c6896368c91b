// The last results as a strip of small pictures, the newest first.

import { element, make } from "./dom.js";
import { sign } from "./marks.js";
import { clock, verdictWord } from "./text.js";

export const LENGTH = 24;
const SMALL = { width: 192, height: 136 };

export class Strip {
  constructor() {
    this.results = []; // newest first
    this.pictures = new Map(); // result id -> canvas or image
    this.then = new Map(); // result id -> the verdict it would have
    this.isHeld = false;
    this.list = element("strip");
    for (const [event, isHeld] of [["pointerenter", true], ["pointerleave", false], ["focusin", true], ["focusout", false]]) {
      this.list.addEventListener(event, () => this.hold(isHeld));
    }
    element("not-pass").addEventListener("change", () => this.show());
  }

  /** Take a result; `results` from the list have pictures of their own. */
  add(result) {
    if (this.results.some((other) => other.id === result.id)) return;
    this.results.unshift(result);
    this.results.sort((a, b) => (a.created < b.created ? 1 : -1));
    for (const old of this.results.splice(LENGTH)) {
      this.pictures.delete(old.id);
      this.then.delete(old.id);
    }
    this.show();
  }

  clear() {
    this.results = [];
    this.pictures.clear();
    this.show();
  }

  /** Keep a small copy of a live picture. */
  keep(resultId, bitmap) {
    const canvas = make("canvas", { class: "thumb", ...SMALL });
    const scale = Math.max(SMALL.width / bitmap.width, SMALL.height / bitmap.height);
    const [width, height] = [bitmap.width * scale, bitmap.height * scale];
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, (SMALL.width - width) / 2, (SMALL.height - height) / 2, width, height);
    this.pictures.set(resultId, canvas);
    this.show();
  }

  keepLink(resultId, link) {
    this.pictures.set(resultId, make("img", { class: "thumb", src: link, alt: "", loading: "lazy" }));
  }

  /** Mark what results would have been under other thresholds; an empty map takes the marks away. */
  preview(then) {
    this.then = then;
    this.show();
  }

  hold(isHeld) {
    this.isHeld = isHeld;
    element("strip-paused").hidden = !isHeld;
    if (!isHeld) this.show();
  }

  show() {
    if (this.isHeld && this.then.size === 0) return;
    const hidesPass = element("not-pass").checked;
    const shown = this.results.filter(({ verdict }) => !(hidesPass && verdict === "PASS"));
    this.list.replaceChildren(...shown.map((result) => make("li", {}, this.cell(result))));
    element("strip-empty").hidden = shown.length > 0;
    element("strip-empty").textContent = this.results.length > 0 ? "All of the last results are PASS." : "No results yet.";
  }

  cell({ id, verdict, created }) {
    const would = this.then.get(id);
    const says = would && would !== verdict ? `, would be ${verdictWord(would)}` : "";
    return make("a", {
      href: `/history?id=${encodeURIComponent(id)}`, data: { verdict }, title: `${verdictWord(verdict)}${says}, ${clock(created)}`,
    },
    this.pictures.get(id) ?? make("span", { class: "thumb" }),
    says ? make("span", { class: "then" }, `→ ${verdictWord(would)}`) : null,
    make("span", { class: "line", data: { verdict } }, sign(verdict), verdict === "NO_DECISION" ? "NO DEC." : verdict),
    make("span", { class: "when" }, clock(created)));
  }
}
