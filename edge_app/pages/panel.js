// The result beside the photo: verdict, figures, the score scale and the list of regions.

const ICONS = { PASS: "✓", REVIEW: "?", FAIL: "✕" };

export const element = (id) => document.getElementById(id);
export const shorten = (score) => (score >= 0.1 || score === 0 ? score.toFixed(3) : score.toPrecision(2));

// Useful thresholds are often small: the scale and the sliders give the low end more room.
export const toPosition = (score) => Math.sqrt(score);
export const toScore = (position) => position * position;

export function drawTicks() {
  for (const score of [0, 0.05, 0.2, 0.5, 1]) {
    const tick = document.createElement("span");
    tick.textContent = String(score);
    tick.style.left = `${toPosition(score) * 100}%`;
    element("ticks").append(tick);
  }
}

export function showVerdict(judgement, { isAdjusted, ownVerdict, scale }) {
  element("verdict").dataset.verdict = judgement.verdict;
  element("verdict-icon").textContent = ICONS[judgement.verdict];
  element("verdict-word").textContent = judgement.verdict;
  element("verdict-reason").textContent = reason(judgement, scale);
  const own = element("verdict-own");
  own.hidden = !isAdjusted;
  own.textContent = `With your thresholds. Those in force say ${ownVerdict}.`;
}

export function showFigures(judgement, { latencyMs, roundTripMs }) {
  element("image-score").textContent = shorten(judgement.imageScore);
  element("num-regions").textContent = String(judgement.regions.length);
  element("latency").textContent = milliseconds(latencyMs);
  element("round-trip").textContent = milliseconds(roundTripMs);
}

export function showScale({ fail, review }, imageScore) {
  element("band-review").style.left = `${toPosition(review) * 100}%`;
  element("band-fail").style.left = `${toPosition(fail) * 100}%`;
  const needle = element("needle");
  needle.hidden = imageScore === null;
  if (imageScore === null) return;
  needle.style.left = `${toPosition(imageScore) * 100}%`;
  needle.dataset.side = toPosition(imageScore) > 0.8 ? "left" : toPosition(imageScore) < 0.2 ? "right" : "middle";
  element("needle-label").textContent = `image score ${shorten(imageScore)}`;
}

/** scale: {x, y}, photo pixels per map pixel; `onHighlight(index or -1)` is called on hover and focus. */
export function showRegions(judgement, { scale, onHighlight }) {
  const rows = judgement.regions.map((region, index) => row(region, index, scale, onHighlight));
  element("regions").replaceChildren(...rows);
  element("regions-wrap").hidden = rows.length === 0;
  element("regions-empty").hidden = rows.length > 0;
  element("regions-empty").textContent = "No region is above the thresholds.";
}

export function markRegion(index) {
  for (const row of element("regions").children) row.classList.toggle("marked", Number(row.dataset.index) === index);
}

function row(region, index, scale, onHighlight) {
  const line = document.createElement("tr");
  line.dataset.index = String(index);
  line.tabIndex = 0;
  const [x, y] = [Math.floor(region.x * scale.x), Math.floor(region.y * scale.y)];
  const cells = [index + 1, shorten(region.peakScore), shorten(region.meanScore),
    `${areaPx(region, scale).toLocaleString("en")} px`, `${x}, ${y}`];
  for (const text of cells) {
    const cell = document.createElement("td");
    cell.textContent = String(text);
    line.append(cell);
  }
  for (const event of ["mouseenter", "focus"]) line.addEventListener(event, () => onHighlight(index));
  for (const event of ["mouseleave", "blur"]) line.addEventListener(event, () => onHighlight(-1));
  return line;
}

function reason({ verdict, regions, threshold }, scale) {
  if (verdict === "PASS") return "No region is large enough and above the review threshold.";
  const largest = Math.max(...regions.map((region) => areaPx(region, scale))).toLocaleString("en");
  const limit = `the ${verdict === "FAIL" ? "fail" : "review"} threshold ${shorten(threshold)}`;
  return regions.length === 1
    ? `1 region above ${limit}, ${largest} px.`
    : `${regions.length} regions above ${limit}, the largest ${largest} px.`;
}

function areaPx(region, scale) {
  return Math.max(1, Math.round(region.areaPx * scale.x * scale.y));
}

function milliseconds(value) {
  return value >= 100 ? `${Math.round(value)} ms` : `${value.toFixed(1)} ms`;
}
