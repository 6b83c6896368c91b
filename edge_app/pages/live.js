// The live page: picture, verdict, last results and thresholds of one camera, and how fresh all of it is.

import { ask, may, query } from "./api.js";
import { element, make, setText } from "./dom.js";
import { EventFeed, PictureFeed } from "./feed.js";
import { freshness } from "./freshness.js";
import { Limits } from "./limits.js";
import { attempt, start } from "./shell.js";
import { LENGTH, Strip } from "./strip.js";
import { SIGNS, VERDICTS, age, clock, count, milliseconds, plural, reasonSentence, score, verdictWord } from "./text.js";

const CHOSEN = "inspector-camera";
const PICTURE_WAIT_MS = 1500;
const NUM_LINKED = 8; // pictures of earlier results that the server has to draw

const shown = { camera: null, state: null, result: null, isOpen: false, wasOpen: false, trouble: "", pictureS: null, pictureId: "" };
let strip, limits, pictures;

async function run() {
  strip = new Strip();
  limits = new Limits({ results: () => strip.results, onPreview: (then) => strip.preview(then) });
  pictures = new PictureFeed({ onPicture: showPicture, onTrouble: (error) => { shown.trouble = error.message; } });
  const events = new EventFeed({ onResult, onState, onOpen });
  element("camera").addEventListener("change", ({ target }) => choose(target.value));
  element("trigger-form").addEventListener("submit", (event) => { event.preventDefault(); trigger(); });
  element("wall").addEventListener("click", toggleWall);
  document.addEventListener("keydown", onKey);
  document.addEventListener("visibilitychange", () => pictures.watch(document.hidden ? null : shown.camera));
  events.open();
  setInterval(showFreshness, 250);
}

// ---- what comes in ----

function onOpen(isOpen, reason) {
  if (shown.isOpen === isOpen) return;
  shown.isOpen = isOpen;
  shown.wasOpen ||= isOpen;
  if (reason) shown.trouble = reason;
  showFreshness();
}

function onState(state) {
  shown.state = state;
  showCameras(state.cameras);
  showCounts(state);
  limits.takeInForce(state.thresholds, state.threshold_version);
  showFreshness();
}

function onResult(result) {
  if (result.source !== shown.camera) return;
  strip.add(result);
  limits.showPreview();
  const comesAlone = shown.pictureS === null || performance.now() - shown.pictureS > PICTURE_WAIT_MS;
  if (comesAlone || shown.pictureId === result.id) showResult(result);
}

/** Show a verdict, unless a newer one is there. While pictures come, it is that of the picture on the screen. */
function showResult(result) {
  const isOld = shown.result && (shown.result.created > result.created || shown.result.source !== result.source);
  if (isOld || result.source !== shown.camera) return;
  shown.result = result;
  showFreshness();
}

function showPicture(bitmap, resultId) {
  const canvas = element("picture");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  canvas.hidden = false;
  Object.assign(shown, { pictureS: performance.now(), pictureId: resultId, trouble: "" });
  strip.keep(resultId, bitmap);
  bitmap.close();
  const result = strip.results.find(({ id }) => id === resultId);
  if (result) showResult(result);
  showFreshness();
}

// ---- the camera ----

function showCameras(cameras) {
  const names = cameras.map(({ settings }) => settings.name);
  const list = element("camera");
  if (list.length === 0 || names.join() !== [...list.options].map(({ value }) => value).join()) {
    list.replaceChildren(...names.map((name) => make("option", { value: name }, name)));
    list.disabled = names.length === 0;
    if (names.length === 0) list.append(make("option", { value: "" }, "No camera"));
  }
  const wanted = shown.camera ?? new URLSearchParams(window.location.search).get("camera") ?? localStorage.getItem(CHOSEN);
  const name = names.includes(wanted) ? wanted : names[0] ?? null;
  if (name !== shown.camera) choose(name);
  list.value = name ?? "";
  const isTriggered = camera()?.settings.trigger !== "continuous";
  element("trigger-form").hidden = !may("operator") || !camera() || !isTriggered;
}

const camera = () => shown.state?.cameras.find(({ settings }) => settings.name === shown.camera) ?? null;

async function choose(name) {
  Object.assign(shown, { camera: name, result: null, pictureS: null, pictureId: "", trouble: "" });
  if (name) localStorage.setItem(CHOSEN, name);
  element("picture").hidden = true;
  element("all-results").href = `/history${query({ source: name })}`;
  strip.clear();
  pictures.watch(name);
  showFreshness();
  if (name) await attempt(() => loadLast(name));
}

/** Show the results that came before this page was opened. */
async function loadLast(name) {
  const { items } = await ask(`inspections${query({ source: name, limit: LENGTH })}`);
  if (name !== shown.camera) return;
  for (const [index, item] of items.entries()) {
    if (index < NUM_LINKED && item.links.overlay) strip.keepLink(item.id, `${item.links.overlay}?max_side_px=256`);
    strip.add({ ...item, source: name, num_regions: item.regions.length, lot: item.origin.lot, frame_age_ms: item.origin.frame_age_ms });
  }
  if (items[0] && !shown.result) {
    [shown.result] = strip.results;
    await showLastPicture(items[0], name);
  }
  limits.showPreview();
  showFreshness();
}

/** A camera that waits for its trigger shows its last part, and says how old that is. */
async function showLastPicture(item, name) {
  if (!item.links.overlay || camera()?.settings.trigger === "continuous") return;
  const response = await fetch(item.links.overlay);
  if (!response.ok) return;
  const bitmap = await createImageBitmap(await response.blob());
  if (name !== shown.camera || shown.pictureS !== null) return;
  showPicture(bitmap, item.id);
  shown.pictureS = performance.now() - (Date.parse(shown.state.now) - Date.parse(item.created));
}

async function trigger() {
  const address = `cameras/${encodeURIComponent(shown.camera)}/trigger${query({ lot: element("lot").value.trim() })}`;
  await attempt(() => ask(address, { method: "POST" }), { button: element("trigger") });
}

function onKey(event) {
  const isTyping = event.target.matches("input, select, textarea");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "w") toggleWall();
  if (key === "t" && !element("trigger-form").hidden && !element("trigger").disabled) trigger();
}

function toggleWall() {
  const isOn = element("main").toggleAttribute("data-wall");
  element("wall").setAttribute("aria-pressed", String(isOn));
  element("wall").textContent = isOn ? "Leave wall view" : "Wall view";
}

// ---- what is shown ----

function showFreshness() {
  const pictureMs = shown.pictureS === null ? null : performance.now() - shown.pictureS;
  const { isOpen, wasOpen, trouble } = shown;
  const { level, tag, title, text } = freshness({ isOpen, wasOpen, camera: camera(), pictureMs, trouble });
  element("well").dataset.level = level;
  setText("curtain-title", title);
  setText("curtain-text", text);
  element("curtain-link").hidden = !(isOpen && !camera() && may("admin"));
  const mark = element("live-tag");
  mark.dataset.level = level;
  mark.className = `tag ${{ live: "good", stale: "bad", lost: "bad" }[level] ?? ""}`;
  setText("live-tag", tag);
  const taken = shown.pictureS === null ? "" : level === "live" ? `${camera().camera?.fps.toFixed(1) ?? "–"} pictures/s` : `picture ${age(pictureMs)} old`;
  setText("picture-age", taken);
  showVerdict(level, text);
  const word = element("verdict-word").textContent;
  element("picture").setAttribute("aria-label", level === "live" || level === "last" ? `Picture with defect map: ${word}` : "Old picture, not live");
}

/** A verdict is shown while its picture may be trusted; else there is none, whatever the last one was. */
function showVerdict(level, text) {
  const { result } = shown;
  const isLost = level === "stale" || level === "lost";
  const verdict = isLost ? "NO_DECISION" : result?.verdict ?? "none";
  element("verdict").dataset.verdict = verdict;
  setText("verdict-sign", SIGNS[verdict] ?? "");
  setText("verdict-word", verdict === "none" ? "No result" : verdictWord(verdict));
  setText("verdict-reason", isLost ? text : reasonOf(result));
  const isOf = result && !isLost;
  setText("verdict-figures", isOf ? figures(result) : "");
}

function reasonOf(result) {
  if (!result) return "The verdict of the newest part appears here.";
  if (result.verdict === "NO_DECISION") return reasonSentence(result.reason);
  if (result.verdict === "PASS") return "Nothing large enough is above the review threshold.";
  const limit = result.verdict === "FAIL" ? result.thresholds.fail : result.thresholds.review;
  return `${plural(result.num_regions, "region")} above the ${result.verdict.toLowerCase()} threshold ${score(limit)}.`;
}

function figures(result) {
  const lot = result.lot ? `lot ${result.lot} · ` : "";
  return `${lot}${clock(result.created)} · score ${score(result.image_score)} · model ${milliseconds(result.latency_ms)}`;
}

function showCounts({ counts, model, drift }) {
  const number = (verdict) => counts[verdict.toLowerCase()] ?? 0;
  element("counts").replaceChildren(...VERDICTS.map((verdict) => make("div", { data: { verdict } },
    make("dt", {}, verdictWord(verdict)), make("dd", {}, count(number(verdict))))));
  const judged = number("PASS") + number("REVIEW") + number("FAIL");
  const share = judged === 0 ? "" : `, ${((100 * number("FAIL")) / judged).toFixed(1)} % FAIL`;
  const name = model.name ? `${model.name} ${model.version}` : "No model answers";
  const doing = model.state === "swapping" ? ": a model is being loaded" : model.loading ? ": another model is being loaded" : "";
  const trend = drift.level === "ok" ? "" : ` Drift: ${drift.sentence}.`;
  setText("counts-note", `All cameras since the start${share}. Model ${name}${doing}.${trend}`);
}

start(run);
