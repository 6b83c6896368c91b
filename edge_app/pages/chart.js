// Results over time as stacked bars, FAIL at the bottom so that its height can be compared.

import { draw, element, make } from "./dom.js";
import { VERDICTS, count, day, verdictWord } from "./text.js";

const HEIGHT = 150;
const ROOM = { left: 40, right: 6, top: 8, bottom: 20 };
const ORDER = ["FAIL", "REVIEW", "NO_DECISION", "PASS"];
const STEP_MS = { hour: 3_600_000, day: 86_400_000 };

let shown = null;
new ResizeObserver(() => { if (shown) showChart(shown); }).observe(element("chart"));

/** Show {from, to, bucket, buckets} of the server's statistics. */
export function showChart(statistics) {
  shown = statistics;
  const total = statistics.buckets.reduce((sum, bucket) => sum + height(bucket), 0);
  element("legend").replaceChildren(...(total === 0 ? [] : legend(statistics.buckets)));
  if (total === 0) {
    element("chart").replaceChildren(make("p", { class: "empty", id: "chart-empty" }, "No results in this time."));
    return;
  }
  element("chart").replaceChildren(picture(statistics, total, Math.max(240, element("chart").clientWidth)));
}

function picture({ from, to, bucket, buckets }, total, width) {
  const stepMs = STEP_MS[bucket];
  const startMs = Math.floor(Date.parse(from) / stepMs) * stepMs;
  const num = Math.max(1, Math.ceil((Date.parse(to) - startMs) / stepMs));
  const slot = (width - ROOM.left - ROOM.right) / num;
  const top = nice(Math.max(...buckets.map(height)));
  const y = (value) => HEIGHT - ROOM.bottom - (value / top) * (HEIGHT - ROOM.top - ROOM.bottom);
  const x = (ms) => ROOM.left + ((ms - startMs) / stepMs) * slot;
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${HEIGHT}`, role: "img",
    "aria-label": `${count(total)} results by the ${bucket}: ${sums(buckets)}`,
  });
  for (const value of [0, top / 2, top]) {
    svg.append(draw("line", { class: "axis", x1: ROOM.left, x2: width - ROOM.right, y1: y(value), y2: y(value) }));
    svg.append(label(count(value), ROOM.left - 5, y(value) + 4, "end"));
  }
  for (const each of buckets) svg.append(bar(each, { x: x(Date.parse(each.start)), width: Math.max(1.5, Math.min(slot * 0.86, 46)), y, bucket }));
  const numTicks = Math.min(num, width < 480 ? 4 : 8);
  for (let tick = 0; tick < num; tick += Math.ceil(num / numTicks)) {
    const ms = startMs + tick * stepMs;
    svg.append(label(timeLabel(ms, num * stepMs), x(ms), HEIGHT - 5, "start"));
  }
  return svg;
}

function bar({ start, counts }, { x, width, y, bucket }) {
  const group = draw("g", { class: "bucket" });
  let below = 0;
  for (const verdict of ORDER) {
    const number = counts[verdict.toLowerCase()];
    if (number === 0) continue;
    const [from, to] = [y(below), y(below + number)];
    group.append(draw("rect", { class: `bar-${verdict}`, x, width, y: to, height: Math.max(from - to, 0.75) }));
    below += number;
  }
  const title = draw("title");
  const list = ORDER.filter((verdict) => counts[verdict.toLowerCase()] > 0)
    .map((verdict) => `${count(counts[verdict.toLowerCase()])} ${verdictWord(verdict)}`);
  title.textContent = `${day(start)}${bucket === "hour" ? ` ${hour(Date.parse(start))}` : ""}: ${list.join(", ")}`;
  group.append(title);
  return group;
}

function legend(buckets) {
  return VERDICTS.map((verdict) => {
    const square = draw("svg", { viewBox: "0 0 10 10", "aria-hidden": "true" }, draw("rect", { class: `bar-${verdict}`, width: 10, height: 10, rx: 2 }));
    const number = buckets.reduce((sum, { counts }) => sum + counts[verdict.toLowerCase()], 0);
    return make("span", {}, square, `${verdictWord(verdict)} ${count(number)}`);
  });
}

function label(text, x, y, anchor) {
  const made = draw("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

const height = ({ counts }) => Object.values(counts).reduce((sum, number) => sum + number, 0);
const sums = (buckets) => VERDICTS
  .map((verdict) => `${verdictWord(verdict)} ${buckets.reduce((sum, { counts }) => sum + counts[verdict.toLowerCase()], 0)}`).join(", ");
const hour = (ms) => `${String(new Date(ms).getHours()).padStart(2, "0")}:00`;

function timeLabel(ms, spanMs) {
  const time = new Date(ms);
  return spanMs <= 2 * STEP_MS.day ? hour(ms) : `${time.getMonth() + 1}/${time.getDate()}`;
}

/** The next of 2, 4, 10, 20, 40, 100, ... */
function nice(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [2, 4, 10, 20].map((step) => step * power).find((limit) => limit >= value) ?? 20 * power;
}
