// The page that tries one photo: asks the server once, then decides again here whenever a threshold moves.

import { ask as askJson, repeat, send, sentence } from "./api.js";
import { judge, parseNpy } from "./judge.js";
import { drawTicks, element, markRegion, shorten, showFigures, showRegions, showScale, showVerdict, toPosition, toScore }
  from "./panel.js";
import { Picture } from "./picture.js";
import { start } from "./shell.js";

const ACCEPTED = ["image/jpeg", "image/png", "image/bmp"];
const MODEL_INTERVAL_MS = 5000;

const picture = new Picture(element("picture"));
const state = {
  model: null, thresholds: null, photo: null, answer: null, map: null, judgement: null,
  roundTripMs: 0, opacity: 0.65, showMap: true, highlighted: -1, upload: null, redraw: 0,
};

// ---- asking the server ----

async function inspect(file) {
  hideNotice();
  const problem = problemWith(file);
  if (problem) { showNotice(problem); return; }
  state.upload?.abort();
  const upload = new AbortController();
  state.upload = upload;
  showWorking(`Inspecting ${file.name || "the photo"} …`);
  try {
    const [photo, result] = await Promise.all([readPhoto(file), ask(file, upload.signal)]);
    if (upload.signal.aborted) return;
    state.photo?.close();
    Object.assign(state, result, { photo, highlighted: -1 });
    showResult(file.name || "photo");
    if (!photo) showNotice("This browser cannot show the photo, but the verdict is valid.");
  } catch (error) {
    if (upload.signal.aborted) return;
    showNotice(sentence(error));
  } finally {
    if (state.upload === upload) showWorking("");
  }
}

async function ask(file, signal) {
  const startMs = performance.now();
  const answer = await askJson("inspections?source=try", { method: "POST", body: file, type: mediaType(file), signal });
  const roundTripMs = performance.now() - startMs;
  const response = await send(answer.links.score_npy, { signal });
  return { answer, roundTripMs, map: parseNpy(await response.arrayBuffer()) };
}

async function readPhoto(file) {
  try {
    return await createImageBitmap(file);
  } catch {
    return null; // the server says what is wrong with it, or the browser lacks the format
  }
}

function problemWith(file) {
  const limit = state.model?.limits.max_body_bytes;
  if (!ACCEPTED.includes(mediaType(file))) return `${file.name || "This"} is not a JPEG, PNG or BMP photo.`;
  if (limit && file.size > limit) {
    return `${file.name} has ${(file.size / 1e6).toFixed(1)} MB; the limit is ${limit / 1e6} MB. Send a smaller photo.`;
  }
  return "";
}

const mediaType = (file) => (/^image\/(x-)?(ms-)?bmp$/.test(file.type) ? "image/bmp" : file.type);

// ---- showing ----

function showResult(name) {
  const { answer } = state;
  element("well").dataset.state = "shown";
  element("tools").hidden = false;
  element("files").hidden = false;
  element("file-name").textContent = `${name}, ${answer.frame.width} × ${answer.frame.height}`;
  for (const link of ["overlay", "mask"]) element(`link-${link}`).href = answer.links[link];
  element("link-json").href = answer.links.self;
  decide();
}

/** Judge the map with the thresholds of this page and show what follows. */
function decide() {
  const { map, thresholds, answer } = state;
  showLimits();
  if (!map) return;
  state.judgement = judge(map, thresholds);
  state.highlighted = -1;
  const scale = { x: answer.frame.width / map.width, y: answer.frame.height / map.height };
  showVerdict(state.judgement, { isAdjusted: isAdjusted(), ownVerdict: answer.verdict, scale });
  showFigures(state.judgement, { latencyMs: answer.latency_ms, roundTripMs: state.roundTripMs });
  showRegions(state.judgement, { scale, onHighlight: highlight });
  element("picture").setAttribute("aria-label",
    `Photo with defect map: ${state.judgement.verdict}, ${state.judgement.regions.length} regions`);
  draw();
}

function showLimits() {
  const { thresholds, judgement, map } = state;
  for (const name of ["fail", "review"]) {
    const slider = element(name);
    slider.value = String(toPosition(thresholds[name]));
    slider.setAttribute("aria-valuetext", shorten(thresholds[name]));
    if (document.activeElement !== element(`${name}-number`)) {
      element(`${name}-number`).value = String(Number(thresholds[name].toFixed(4)));
    }
  }
  if (document.activeElement !== element("min-area")) element("min-area").value = String(thresholds.minAreaPx);
  element("reset").disabled = !isAdjusted();
  showScale(thresholds, map ? (judgement?.imageScore ?? state.answer.image_score) : null);
}

function draw() {
  cancelAnimationFrame(state.redraw);
  state.redraw = requestAnimationFrame(() => {
    if (!state.judgement) return;
    const { photo, map, judgement, thresholds, opacity, showMap, highlighted } = state;
    picture.show({ photo, frame: state.answer.frame, map, judgement, thresholds, opacity, showMap, highlighted });
  });
}

function highlight(index) {
  if (state.highlighted === index) return;
  state.highlighted = index;
  markRegion(index);
  draw();
}

function showWorking(text) {
  element("working").hidden = text === "";
  element("working-text").textContent = text;
  element("well").setAttribute("aria-busy", String(text !== ""));
  element("verdict").classList.toggle("stale", text !== ""); // it belongs to the photo before
}

function showNotice(text) {
  element("notice").hidden = false;
  element("notice-text").textContent = text;
}

function hideNotice() {
  element("notice").hidden = true;
}

// ---- thresholds ----

function ownThresholds() {
  const { fail, review, min_area_px: minAreaPx } = state.model.thresholds;
  return { fail, review, minAreaPx };
}

function isAdjusted() {
  const own = ownThresholds();
  return Object.keys(own).some((name) => own[name] !== state.thresholds[name]);
}

/** Set one threshold; the other gives way, since review is never above fail. */
function setThreshold(name, value) {
  if (!(value >= 0 && value <= 1)) return;
  const changed = { ...state.thresholds, [name]: value };
  if (changed.review > changed.fail) changed[name === "fail" ? "review" : "fail"] = value;
  state.thresholds = changed;
  decide();
}

function setMinArea(value) {
  if (!(Number.isInteger(value) && value >= 1)) return;
  state.thresholds = { ...state.thresholds, minAreaPx: value };
  decide();
}

// ---- the model and the server's health ----

async function loadModel() {
  if (state.model) return;
  state.model = await askJson("model");
  const { name, version, input, runner, examples, limits, warning } = state.model;
  element("model").textContent = `${name} ${version}, ${input.width} × ${input.height}, ${runner}`;
  element("accepts").textContent = `JPEG, PNG or BMP, up to ${limits.max_body_bytes / 1e6} MB`;
  state.thresholds = ownThresholds();
  for (const id of ["fail", "review", "fail-number", "review-number", "min-area"]) element(id).disabled = false;
  element("model-warning").hidden = !warning;
  element("model-warning").textContent = warning ?? "";
  showExamples(examples);
  decide();
}

function showExamples(links) {
  const thumbs = links.map((link, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "thumb";
    const image = document.createElement("img");
    image.src = link;
    image.alt = `Example ${index + 1}`;
    button.append(image);
    button.addEventListener("click", () => inspectExample(link, index));
    return button;
  });
  element("thumbs").replaceChildren(...thumbs);
  element("examples").hidden = thumbs.length === 0;
}

async function inspectExample(link, index) {
  try {
    const response = await send(link);
    await inspect(new File([await response.blob()], `example ${index + 1}`, { type: "image/png" }));
  } catch (error) {
    showNotice(sentence(error));
  }
}

// ---- what a person does ----

function listen() {
  for (const id of ["choose", "choose-next"]) element(id).addEventListener("click", () => element("file").click());
  element("file").addEventListener("change", ({ target }) => {
    if (target.files.length > 0) inspect(target.files[0]);
    target.value = ""; // so that the same file can be chosen again
  });
  element("notice-close").addEventListener("click", hideNotice);
  for (const name of ["fail", "review"]) {
    element(name).addEventListener("input", ({ target }) => setThreshold(name, toScore(Number(target.value))));
    element(`${name}-number`).addEventListener("input", ({ target }) => {
      if (target.value !== "") setThreshold(name, Number(target.value));
    });
    element(`${name}-number`).addEventListener("blur", showLimits);
  }
  element("min-area").addEventListener("input", ({ target }) => setMinArea(Number(target.value)));
  element("min-area").addEventListener("blur", showLimits);
  element("reset").addEventListener("click", () => { state.thresholds = ownThresholds(); decide(); });
  element("show-map").addEventListener("change", ({ target }) => { state.showMap = target.checked; draw(); });
  element("opacity").addEventListener("input", ({ target }) => { state.opacity = Number(target.value); draw(); });
  element("picture").addEventListener("pointermove", showPointer);
  element("picture").addEventListener("pointerleave", () => { element("pointer").textContent = ""; highlight(-1); });
  new ResizeObserver(draw).observe(element("well"));
  listenForFiles();
}

function showPointer(event) {
  const found = picture.probe(event);
  if (!found) return;
  element("pointer").textContent = `x ${found.x}, y ${found.y}: score ${shorten(found.score)}`;
  highlight(found.region);
}

function listenForFiles() {
  const well = element("well");
  let depth = 0;
  const setDragging = (isOver) => { well.classList.toggle("dragging", isOver); };
  document.addEventListener("dragenter", (event) => { event.preventDefault(); depth++; setDragging(true); });
  document.addEventListener("dragleave", () => { depth = Math.max(0, depth - 1); setDragging(depth > 0); });
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    setDragging(false);
    if (event.dataTransfer.files.length > 0) inspect(event.dataTransfer.files[0]);
  });
  document.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((one) => one.type.startsWith("image/"));
    if (file) inspect(file);
  });
}

drawTicks();
listen();
start(() => repeat(() => loadModel().catch((error) => showNotice(sentence(error))), MODEL_INTERVAL_MS));
