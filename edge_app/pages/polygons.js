// Polygons drawn on a picture: one region of interest, and areas to ignore. Points are shares of width and height.

import { draw, element, make } from "./dom.js";
import { plural } from "./text.js";

const SIDE = 1000; // of the drawing; points are kept as shares of it
const CLOSE_PX = 14;
const MIN_POINTS = 3;

export class Polygons {
  /** `host` gets the picture and the drawing over it; `list` what there is, with buttons to remove it. */
  constructor({ host, list, state }) {
    Object.assign(this, { host, list, state, roi: [], ignore: [], drawing: null, kind: null, dragged: null });
    this.picture = make("img", { alt: "The camera's picture" });
    this.svg = draw("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, preserveAspectRatio: "none", role: "img", "aria-label": "Areas drawn on the picture" });
    host.replaceChildren(this.picture, this.svg);
    this.svg.addEventListener("pointerdown", (event) => this.onDown(event));
    this.svg.addEventListener("pointermove", (event) => this.onMove(event));
    this.svg.addEventListener("pointerup", () => { this.dragged = null; });
  }

  show({ roi, ignore }) {
    Object.assign(this, { roi: copy(roi), ignore: ignore.map(copy), drawing: null, kind: null });
    this.redraw();
  }

  begin(kind) {
    Object.assign(this, { drawing: [], kind });
    this.redraw();
  }

  /** Close the polygon that is being drawn. */
  finish() {
    if (!this.drawing || this.drawing.length < MIN_POINTS) return;
    if (this.kind === "roi") this.roi = this.drawing;
    else this.ignore.push(this.drawing);
    Object.assign(this, { drawing: null, kind: null });
    this.redraw();
  }

  cancel() {
    const wasDrawing = this.drawing !== null;
    Object.assign(this, { drawing: null, kind: null });
    this.redraw();
    return wasDrawing;
  }

  /** The last point of the polygon that is being drawn goes. */
  undo() {
    this.drawing?.pop();
    this.redraw();
  }

  onDown(event) {
    event.preventDefault();
    const point = this.pointOf(event);
    if (this.drawing === null) { this.grab(event, point); return; }
    if (this.drawing.length >= MIN_POINTS && this.isNear(this.drawing[0], event)) this.finish();
    else this.drawing.push(point);
    this.redraw();
  }

  /** Take hold of the corner under the pointer. */
  grab(event) {
    for (const polygon of [this.roi, ...this.ignore]) {
      const at = polygon.findIndex((corner) => this.isNear(corner, event));
      if (at >= 0) {
        this.dragged = { polygon, at };
        this.svg.setPointerCapture(event.pointerId);
        return;
      }
    }
  }

  onMove(event) {
    if (!this.dragged) return;
    this.dragged.polygon[this.dragged.at] = this.pointOf(event);
    this.redraw();
  }

  pointOf(event) {
    const box = this.svg.getBoundingClientRect();
    const share = (value, size) => Number(Math.min(Math.max(value / size, 0), 1).toFixed(4));
    return [share(event.clientX - box.left, box.width), share(event.clientY - box.top, box.height)];
  }

  isNear([x, y], event) {
    const box = this.svg.getBoundingClientRect();
    return Math.hypot(x * box.width - (event.clientX - box.left), y * box.height - (event.clientY - box.top)) < CLOSE_PX;
  }

  redraw() {
    const shapes = [];
    if (this.roi.length > 0) shapes.push(draw("path", { class: "outside", d: outside(this.roi), "fill-rule": "evenodd" }), polygon(this.roi, "roi"));
    for (const each of this.ignore) shapes.push(polygon(each, "ignore"));
    if (this.drawing) shapes.push(draw("polyline", { class: this.kind, points: points(this.drawing) }));
    const corners = [...this.roi.map((at) => corner(at, "roi")), ...this.ignore.flat().map((at) => corner(at, "ignore")),
      ...(this.drawing ?? []).map((at) => corner(at, this.kind))];
    this.svg.replaceChildren(...shapes);
    this.host.querySelectorAll(".corner").forEach((old) => old.remove());
    this.host.append(...corners);
    this.svg.classList.toggle("drawing", this.drawing !== null);
    this.showList();
  }

  showList() {
    const entries = [];
    if (this.roi.length > 0) entries.push(["Region of interest", this.roi, () => { this.roi = []; }]);
    this.ignore.forEach((each, index) => entries.push([`Ignored area ${index + 1}`, each, () => { this.ignore.splice(index, 1); }]));
    this.list.replaceChildren(...entries.map(([name, each, remove]) => this.entry(name, each, remove)));
    const finish = make("button", { type: "button", class: "plain", id: "areas-finish", disabled: (this.drawing ?? []).length < MIN_POINTS, onclick: () => this.finish() }, "Close the polygon");
    const text = this.drawing === null
      ? entries.length === 0 ? "The whole picture is inspected." : ""
      : `${plural(this.drawing.length, "corner")}. Click the corners; click the first one, or press Enter, to close. Backspace takes one back. `;
    this.state.replaceChildren(text, ...(this.drawing === null ? [] : [finish]));
  }

  /** A polygon can also be typed: corners as x, y in percent. */
  entry(name, each, remove) {
    const field = make("input", { "aria-label": `Corners of ${name}, x and y in percent`, value: each.map((at) => at.map((share) => Number((share * 100).toFixed(2))).join(" ")).join(", ") });
    field.addEventListener("change", () => {
      const typed = parse(field.value);
      field.setCustomValidity(typed ? "" : "Write at least three corners as x y in percent, for example 10 10, 90 10, 50 90");
      field.reportValidity();
      if (typed) { each.splice(0, each.length, ...typed); this.redraw(); }
    });
    return make("li", {}, make("div", { class: "title-line" }, make("strong", {}, `${name}, ${plural(each.length, "corner")}`),
      make("button", { type: "button", class: "quiet", onclick: () => { remove(); this.redraw(); } }, "Remove")), field);
  }
}

function parse(text) {
  const found = text.split(/[,;]/).map((pair) => pair.trim().split(/\s+/).map((number) => Number(number) / 100));
  const isGood = found.length >= MIN_POINTS && found.every((at) => at.length === 2 && at.every((share) => share >= 0 && share <= 1));
  return isGood ? found : null;
}

const copy = (polygonPoints) => polygonPoints.map((at) => [...at]);
const points = (corners) => corners.map(([x, y]) => `${x * SIDE},${y * SIDE}`).join(" ");
const polygon = (corners, kind) => draw("polygon", { class: kind, points: points(corners) });
const outside = (corners) => `M0 0H${SIDE}V${SIDE}H0Z M${corners.map(([x, y]) => `${x * SIDE} ${y * SIDE}`).join(" L")}Z`;

function corner([x, y], kind) {
  const made = make("span", { class: `corner ${kind}` });
  made.style.left = `${x * 100}%`;
  made.style.top = `${y * 100}%`;
  return made;
}

export function listenForKeys(polygons, dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("input")) return;
    if (event.key === "Enter" && polygons.drawing && event.target.id !== "areas-finish") { event.preventDefault(); polygons.finish(); }
    if (event.key === "Backspace") { event.preventDefault(); polygons.undo(); }
  });
  dialog.addEventListener("cancel", (event) => { if (polygons.cancel()) event.preventDefault(); });
  element("areas-help").textContent = "Only what lies inside the region of interest is inspected. What lies inside an ignored area never counts. Corners can be dragged, or typed in percent.";
}
