// One result: its picture with the map over it, regions, what it was judged by, and what a person says of it.

import { ask, may } from "./api.js";
import { element, facts, make, table } from "./dom.js";
import { sign } from "./marks.js";
import { attempt } from "./shell.js";
import { DECISIONS, age, count, milliseconds, moment, reasonSentence, score, shortDigest, verdictWord } from "./text.js";

export const KEYS = { g: "good", d: "defect", u: "unsure" };

export class Detail {
  /** onStep(-1 or 1), onClose(), onDecided(result) tell the list. */
  constructor({ onStep, onClose, onDecided }) {
    Object.assign(this, { onStep, onClose, onDecided, result: null, wanted: null, opacity: 1, showsMap: true });
  }

  /** Show a result; false where it cannot be had, or another one is wanted by now. */
  async open(id) {
    this.wanted = id;
    const found = await attempt(() => ask(`inspections/${encodeURIComponent(id)}`));
    if (!found || this.wanted !== id) return false;
    this.result = found;
    this.show();
    return true;
  }

  show() {
    const { result } = this;
    element("detail").hidden = false;
    element("detail").replaceChildren(
      this.head(result), this.picture(result), this.decision(result), this.about(result), regions(result));
  }

  async decide(decision) {
    if (!may("operator") || !this.result || this.result.id !== this.wanted) return; // nobody has seen the wanted one
    const { id } = this.result;
    const note = element("decision-note").value.trim();
    const made = await attempt(() => ask(`inspections/${id}/decision`, { method: "PUT", json: { decision, note } }));
    if (!made || this.result.id !== id) return;
    this.result = { ...this.result, decision: made };
    element("decide-card").replaceWith(this.decision(this.result));
    this.onDecided(this.result);
  }

  toggleMap() {
    const box = element("detail-map");
    if (box) box.click();
  }

  head({ verdict, created, reason }) {
    const step = (by, text, name) => make("button", { type: "button", class: "plain", "aria-label": name, title: name, onclick: () => this.onStep(by) }, text);
    return make("div", { class: "detail-head" },
      make("span", { class: "big-mark", data: { verdict } }, sign(verdict), verdictWord(verdict)),
      make("h2", {}, moment(created), reason ? make("span", { class: "dim small" }, ` ${reasonSentence(reason)}`) : null),
      make("div", { class: "actions" },
        step(-1, "← Newer", "Newer result (left arrow)"), step(1, "Older →", "Older result (right arrow)"),
        make("button", { type: "button", class: "plain", id: "detail-close", title: "Back to the list (Escape)", onclick: () => this.onClose() }, "Close")));
  }

  picture({ links, verdict, frame }) {
    const look = make("div", { class: "look" });
    if (!links.image) look.append(make("p", { class: "dim" }, "The photo was not kept: see the storage settings on the health page."));
    else look.append(image(links.image, `Photo of the part, ${frame.width} × ${frame.height} pixels`));
    const over = links.overlay ? image(links.overlay, `The same photo with the defect map: ${verdictWord(verdict)}`) : null;
    if (over) look.append(over);
    const apply = () => { if (over) over.style.opacity = this.showsMap ? String(this.opacity) : "0"; };
    apply();
    const box = make("input", { type: "checkbox", id: "detail-map", checked: this.showsMap, onchange: ({ target }) => { this.showsMap = target.checked; apply(); } });
    const slider = make("input", { type: "range", min: "0", max: "1", step: "0.05", value: String(this.opacity), oninput: ({ target }) => { this.opacity = Number(target.value); apply(); } });
    const names = { image: "Photo", overlay: "Overlay", mask: "Mask", score: "Score map", score_npy: "npy", self: "JSON" };
    return make("div", { class: "card" }, look, make("div", { class: "look-tools" },
      over ? make("label", { class: "check" }, box, "Defect map ", make("kbd", {}, "M")) : null,
      over ? make("label", { class: "opacity" }, "Strength", slider) : null,
      make("span", { class: "links" }, Object.entries(names).filter(([name]) => links[name])
        .map(([name, text]) => make("a", { href: links[name], target: "_blank", rel: "noopener" }, text)))));
  }

  decision({ decision }) {
    const choices = Object.entries(KEYS).map(([key, name]) => make("button", {
      type: "button", class: "plain", id: `decide-${name}`, "aria-pressed": String(decision?.decision === name),
      onclick: () => this.decide(name),
    }, DECISIONS[name], make("kbd", {}, key.toUpperCase())));
    const said = decision
      ? make("p", { class: "decided" }, make("strong", {}, DECISIONS[decision.decision]), ` by ${decision.by}, ${moment(decision.when)}`,
        decision.note ? make("span", {}, `: ${decision.note}`) : null)
      : make("p", { class: "dim small" }, "Nobody has decided on this part yet.");
    const note = make("input", { id: "decision-note", maxlength: "1000", placeholder: "Note, kept with the decision", "aria-label": "Note", value: decision?.note ?? "", autocomplete: "off" });
    return make("section", { class: "card decide", id: "decide-card", "aria-label": "What a person says of this part" },
      make("div", { class: "title-line" }, make("h3", {}, "What do you say?")),
      may("operator") ? make("div", { class: "choices" }, choices) : null,
      may("operator") ? note : null,
      make("div", { role: "status", id: "decided" }, said));
  }

  about(result) {
    const { model, origin, thresholds, shadow, quality } = result;
    const version = result.threshold_version === 0 ? "the model's own"
      : result.threshold_version === null ? "those of the request" : `version ${result.threshold_version}`;
    return make("section", { class: "card" }, facts([
      ["Image score", score(result.image_score)],
      ["Fail above", score(thresholds.fail)],
      ["Review above", score(thresholds.review)],
      ["Smallest region", `${thresholds.min_area_px} px`],
      ["Thresholds are", version],
      ["Model", `${model.name} ${model.version}`],
      ["Model digest", make("code", { title: model.digest }, shortDigest(model.digest))],
      ["Camera", origin.source],
      ["Lot", origin.lot],
      ["Trigger", origin.trigger],
      ["Captured", origin.captured ? moment(origin.captured) : ""],
      ["Age at inspection", origin.frame_age_ms === null ? "" : age(origin.frame_age_ms)],
      ["Model time", milliseconds(result.latency_ms)],
      ["Brightness, focus", quality ? `${quality.brightness.toFixed(0)}, ${quality.focus.toFixed(0)}` : ""],
      ["Shadow model", shadow ? `${verdictWord(shadow.verdict)}, score ${score(shadow.image_score)} (${shadow.model.name} ${shadow.model.version})` : ""],
      ["Result", make("code", {}, result.id)],
      ["Not on disk", result.not_stored_because],
    ]));
  }
}

function image(link, text) {
  return make("img", { src: link, alt: text, onerror: ({ target }) => {
    target.replaceWith(make("p", { class: "dim" }, "The picture is not kept any more."));
  } });
}

function regions({ regions: found, frame }) {
  const rows = found.map((region, index) => [
    String(index + 1), score(region.peak_score), score(region.mean_score), `${count(region.area_px)} px`,
    `${region.box.x}, ${region.box.y}`, `${region.box.width} × ${region.box.height}`,
  ]);
  return make("section", { class: "card" },
    make("h3", {}, found.length === 0 ? "No region is above the thresholds" : `Regions, in pixels of the photo (${frame.width} × ${frame.height})`),
    found.length === 0 ? null : table(["#", "Peak", "Mean", "Area", "Position", "Size"], rows, { caption: "Regions" }));
}
