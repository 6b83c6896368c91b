// The thresholds on the live page: moved with two handles, tried on the last results, saved with a confirmation.

import { ask, may, query, send } from "./api.js";
import { element, make, table } from "./dom.js";
import { judge, parseNpy } from "./judge.js";
import { attempt, confirmBox, say } from "./shell.js";
import { count, moment, plural, score, verdictWord } from "./text.js";

const REPLAY_MS = 3_600_000;
const REPLAY_LIMIT_MS = 20_000;

// Useful thresholds are often small: the scale gives the low end more room.
const toPosition = (value) => Math.sqrt(value);
const toScore = (position) => Number((position * position).toFixed(6));
const NAMES = ["review", "fail"];

export class Limits {
  /** results: returns the last ones, newest first. onPreview(map of id -> verdict) is called when handles move. */
  constructor({ results, onPreview }) {
    Object.assign(this, { results, onPreview, inForce: null, version: null, chosen: null, maps: new Map(), redraw: 0 });
    this.bands = ["to-fail", "to-review"].map((name) => make("span", { class: name }));
    element("range-track").append(...this.bands);
    element("range-ticks").append(...[0, 0.05, 0.2, 0.5, 1].map((value) => placed(make("span", {}, String(value)), value)));
    for (const name of NAMES) {
      element(name).addEventListener("input", ({ target }) => this.move(name, toScore(Number(target.value))));
      element(`${name}-number`).addEventListener("input", ({ target }) => {
        if (target.value !== "") this.move(name, Number(target.value));
      });
      element(`${name}-number`).addEventListener("blur", () => this.show());
    }
    element("min-area").addEventListener("input", ({ target }) => this.moveArea(Number(target.value)));
    element("min-area").addEventListener("blur", () => this.show());
    element("discard").addEventListener("click", () => this.discard());
    element("save").addEventListener("click", () => this.save());
    element("history").addEventListener("toggle", () => this.showHistory());
  }

  get isMoved() {
    return this.chosen !== null && Object.keys(this.inForce).some((name) => this.inForce[name] !== this.chosen[name]);
  }

  /** Take what is in force; handles that somebody is moving stay where they are. */
  takeInForce(thresholds, version) {
    if (thresholds === null || (this.version === version && same(this.inForce, thresholds))) return;
    const wasMoved = this.isMoved;
    Object.assign(this, { inForce: thresholds, version });
    if (!wasMoved) this.chosen = { ...thresholds };
    for (const id of ["review", "fail", "review-number", "fail-number", "min-area"]) element(id).disabled = false;
    element("limits-version").textContent = version === 0 ? "the model's own" : `version ${version}, set on this device`;
    this.show();
  }

  move(name, value) {
    if (!(value >= 0 && value <= 1)) return;
    const changed = { ...this.chosen, [name]: value };
    if (changed.review > changed.fail) changed[name === "fail" ? "review" : "fail"] = value;
    this.chosen = changed;
    this.show();
  }

  moveArea(value) {
    if (!(Number.isInteger(value) && value >= 1)) return;
    this.chosen = { ...this.chosen, min_area_px: value };
    this.show();
  }

  discard() {
    this.chosen = { ...this.inForce };
    this.show();
  }

  show() {
    for (const name of NAMES) {
      const slider = element(name);
      slider.value = String(toPosition(this.chosen[name]));
      slider.setAttribute("aria-valuetext", score(this.chosen[name]));
      const number = element(`${name}-number`);
      if (document.activeElement !== number) number.value = String(Number(this.chosen[name].toFixed(4)));
    }
    if (document.activeElement !== element("min-area")) element("min-area").value = String(this.chosen.min_area_px);
    this.bands[0].style.width = `${toPosition(this.chosen.fail) * 100}%`;
    this.bands[1].style.width = `${toPosition(this.chosen.review) * 100}%`;
    element("limits-actions").hidden = !this.isMoved;
    element("limits-note").hidden = this.isMoved;
    this.showPreview();
  }

  /** Show dots for the last scores and, with moved handles, what the last results would have been. */
  showPreview() {
    cancelAnimationFrame(this.redraw);
    this.redraw = requestAnimationFrame(() => {
      const scored = this.results().filter((result) => result.image_score !== null);
      element("range-dots").replaceChildren(...scored.map((result) => placed(make("i"), result.image_score)));
      element("preview").hidden = !this.isMoved;
      if (!this.isMoved) { this.onPreview(new Map()); return; }
      this.loadMaps(scored);
      const then = new Map(scored.map((result) => [result.id, this.verdictThen(result)]));
      element("preview").textContent = previewSentence(scored, then);
      this.onPreview(then);
    });
  }

  /** By the score map where it is here, exactly as the server decides; else by the image score alone. */
  verdictThen({ id, image_score: imageScore }) {
    const { fail, review, min_area_px: minAreaPx } = this.chosen;
    const map = this.maps.get(id);
    if (map && imageScore > review) return judge(map, { fail, review, minAreaPx }).verdict;
    return imageScore > fail ? "FAIL" : imageScore > review ? "REVIEW" : "PASS";
  }

  async loadMaps(results) {
    for (const { id } of results) {
      if (this.maps.has(id)) continue;
      this.maps.set(id, null); // asked for; stays null where the map is not kept
      try {
        const response = await send(`inspections/${id}/score.npy`);
        this.maps.set(id, parseNpy(await response.arrayBuffer()));
      } catch {
        continue;
      }
      if (this.isMoved) this.showPreview();
    }
    const here = new Set(this.results().map(({ id }) => id));
    for (const id of this.maps.keys()) if (!here.has(id)) this.maps.delete(id);
  }

  async save() {
    const { chosen, inForce } = this;
    const stop = new AbortController();
    const effect = make("p", { role: "status" }, "Judging the results of the last hour again …");
    showEffect(effect, chosen, stop.signal);
    const agreed = await confirmBox({
      title: "Save these thresholds?",
      content: [
        table(["", "In force", "New"], [
          ["Review above", score(inForce.review), score(chosen.review)],
          ["Fail above", score(inForce.fail), score(chosen.fail)],
          ["Smallest region", `${inForce.min_area_px} px`, `${chosen.min_area_px} px`],
        ], { caption: "Thresholds before and after" }),
        effect,
        make("p", { class: "dim small" }, "They hold for the next part on, and are kept on this device, outside the model. Results that are there keep theirs."),
      ],
      yes: "Save",
    });
    stop.abort();
    if (!agreed) return;
    const saved = await attempt(() => ask("thresholds", { method: "PUT", json: chosen }), { button: element("save") });
    if (!saved) return;
    this.takeInForce(saved.thresholds, saved.version);
    this.discard();
    element("history").open = false;
    say(`Saved as version ${saved.version} by ${saved.by}.`);
  }

  async showHistory() {
    if (!element("history").open) return;
    const found = await attempt(() => ask("thresholds/history"));
    if (!found) return;
    const rows = found.items.map(({ version, by, when, thresholds: own }) => [
      version === 0 ? "the model's own" : String(version), score(own.review), score(own.fail), `${own.min_area_px} px`,
      by ?? "–", when ? moment(when) : "–",
    ]);
    element("history-table").replaceChildren(
      table(["Version", "Review", "Fail", "Region", "By", "When"], rows, { caption: "Earlier thresholds" }));
  }
}

/** Ask the server what would have been, exactly, over the last hour; only an administrator may. */
async function showEffect(place, chosen, signal) {
  if (!may("admin")) return;
  const limit = AbortSignal.timeout ? AbortSignal.any?.([signal, AbortSignal.timeout(REPLAY_LIMIT_MS)]) ?? signal : signal;
  try {
    const from = new Date(Date.now() - REPLAY_MS).toISOString();
    const { fail, review, min_area_px } = chosen;
    const text = await (await send(`replay${query({ from })}`, { method: "POST", json: { fail, review, min_area_px }, signal: limit })).text();
    const lines = text.trim().split("\n").map((line) => JSON.parse(line));
    const last = lines[lines.length - 1];
    place.textContent = last.kind === "summary" ? effectSentence(last.counts) : `That could not be tried: ${last.error}.`;
  } catch (error) {
    if (!signal.aborted) place.textContent = "What would have been could not be told in time.";
  }
}

function effectSentence(counts) {
  const seen = counts.num_judged;
  if (seen === 0) return "No result of the last hour has its score map kept, so the effect cannot be told.";
  if (counts.num_changed === 0) return `Of ${plural(seen, "result")} of the last hour, none would have had another verdict.`;
  const changes = counts.changed.map(({ before, after, num }) => `${count(num)} ${verdictWord(before)} → ${verdictWord(after)}`);
  return `Of ${plural(seen, "result")} of the last hour, ${count(counts.num_changed)} would have had another verdict: ${changes.join(", ")}.`;
}

function previewSentence(results, then) {
  const changes = new Map();
  for (const { id, verdict } of results) {
    if (then.get(id) === verdict) continue;
    const name = `${verdictWord(verdict)} → ${verdictWord(then.get(id))}`;
    changes.set(name, (changes.get(name) ?? 0) + 1);
  }
  const number = [...changes.values()].reduce((sum, one) => sum + one, 0);
  if (results.length === 0) return "There is no result yet to try this on.";
  if (number === 0) return `None of the last ${plural(results.length, "result")} would change.`;
  const list = [...changes].map(([name, times]) => `${times} ${name}`).join(", ");
  return `Of the last ${plural(results.length, "result")}, ${number} would change: ${list}.`;
}

function placed(made, value) {
  made.style.left = `${toPosition(Math.min(Math.max(value, 0), 1)) * 100}%`;
  return made;
}

function same(a, b) {
  return a !== null && Object.keys(b).every((name) => a[name] === b[name]);
}
