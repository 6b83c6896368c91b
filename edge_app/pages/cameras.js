// The cameras: how each does, its newest picture, its settings, and what of its picture is inspected.

import { API, ask, may, repeat, send } from "./api.js";
import { fillForm, readForm } from "./camera_form.js";
import { element, facts, make } from "./dom.js";
import { faultOf } from "./freshness.js";
import { mark } from "./marks.js";
import { Polygons, listenForKeys } from "./polygons.js";
import { attempt, confirmBox, start } from "./shell.js";
import { age, count, plural } from "./text.js";

const INTERVAL_MS = 2000;
const TRIGGERS = { continuous: "continuously", http: "on a trigger", mqtt: "on an MQTT message", file: "when a file is dropped" };
const edited = { settings: null };
let polygons;

async function run() {
  polygons = new Polygons({ host: element("areas-picture"), list: element("areas-list"), state: element("areas-state") });
  listenForKeys(polygons, element("areas"));
  element("add").addEventListener("click", () => edit(null));
  element("editor-cancel").addEventListener("click", () => element("editor").close());
  element("camera-form").addEventListener("submit", save);
  element("areas-cancel").addEventListener("click", () => element("areas").close());
  element("draw-roi").addEventListener("click", () => polygons.begin("roi"));
  element("draw-ignore").addEventListener("click", () => polygons.begin("ignore"));
  element("areas-frame").addEventListener("click", showFrame);
  element("areas-save").addEventListener("click", saveAreas);
  await repeat(() => attempt(load), INTERVAL_MS);
}

async function load() {
  const { items } = await ask("cameras");
  element("none").hidden = items.length > 0;
  const cards = new Map([...element("cameras").children].map((card) => [card.dataset.name, card]));
  for (const item of items) {
    const { name } = item.settings;
    const card = cards.get(name) ?? element("cameras").appendChild(newCard(name));
    cards.delete(name);
    showCard(card, item);
  }
  for (const gone of cards.values()) gone.remove();
}

/** The picture and the buttons stay while the figures change, so that the focus stays too. */
function newCard(name) {
  const picture = make("img", { alt: `Newest picture of ${name}`, hidden: true });
  const button = (text, work, kind = "plain") => make("button", { type: "button", class: kind, onclick: work }, text);
  const settings = () => card.item.settings;
  const card = make("article", { class: "card camera", data: { name }, "aria-label": `Camera ${name}` },
    make("div", { class: "title-line" }, make("h2", {}, name), make("span", { class: "tag" })),
    make("div", { class: "frame" }, picture, make("span", { class: "frame-note small" })),
    make("p", { class: "note bad small", hidden: true }),
    make("div", { class: "figures" }),
    make("div", { class: "actions" },
      make("a", { class: "button", href: `/?camera=${encodeURIComponent(name)}` }, "Live"),
      ...(may("admin") ? [button("Areas", () => editAreas(settings())), button("Edit", () => edit(settings())), button("Remove", () => remove(name))] : [])));
  return card;
}

function showCard(card, item) {
  const { settings, kind, camera, station } = item;
  card.item = item;
  const fault = faultOf(item);
  const tag = card.querySelector(".tag");
  tag.textContent = camera ? camera.fault ?? camera.state : "drop folder";
  tag.className = `tag ${fault ? "bad" : camera?.state === "running" || !camera ? "good" : "warn"}`;
  const note = card.querySelector(".note");
  const trouble = [fault, station.last_error, item.mqtt_error && `MQTT: ${item.mqtt_error}`].filter(Boolean).join(" ");
  note.hidden = trouble === "";
  note.textContent = trouble;
  const frame = card.querySelector(".frame");
  frame.hidden = !camera;
  frame.classList.toggle("old", Boolean(fault));
  if (camera) {
    refreshPicture(frame.querySelector("img"), settings.name);
    frame.querySelector(".frame-note").textContent = camera.age_ms === null ? "No picture yet" : fault ? `Old picture, ${age(camera.age_ms)} ago` : `${age(camera.age_ms)} ago`;
  }
  const areas = [settings.roi.length > 0 ? "region of interest" : "", settings.ignore.length > 0 ? plural(settings.ignore.length, "ignored area") : "", settings.tiles ? "tiles" : ""].filter(Boolean);
  card.querySelector(".figures").replaceChildren(facts([
    ["Kind", kind],
    ["Inspects", TRIGGERS[settings.trigger]],
    ["Picture", camera?.width ? `${camera.width} × ${camera.height}, ${camera.fps.toFixed(1)}/s` : ""],
    ["Restarts", camera ? count(camera.num_restarts) : ""],
    ["Inspected", count(station.num_inspected)],
    ["No decision", count(station.num_no_decision)],
    ["Failed", station.num_failed > 0 ? count(station.num_failed) : ""],
    ["Last verdict", station.last_verdict ? mark(station.last_verdict) : ""],
    ["Age at inspection", station.age_ms === null ? "" : age(station.age_ms)],
    ["Lot", settings.lot],
    ["Looks at", areas.length > 0 ? areas.join(", ") : "the whole picture"],
    ["Address", settings.address ? make("code", {}, settings.address) : settings.file?.folder],
  ]));
}

/** Fetch the newest frame, unless the last one is still on its way; fetched, since its address stays the same. */
async function refreshPicture(image, name) {
  if (image.isComing) return;
  image.isComing = true;
  try {
    const response = await fetch(`${API}/cameras/${encodeURIComponent(name)}/frame.jpg`);
    image.hidden = !response.ok;
    if (response.ok) showBlob(image, await response.blob());
  } catch {
    image.hidden = true;
  } finally {
    image.isComing = false;
  }
}

function showBlob(image, blob) {
  const old = image.src;
  image.src = URL.createObjectURL(blob);
  if (old.startsWith("blob:")) URL.revokeObjectURL(old);
}

// ---- add, edit, remove ----

function edit(settings) {
  edited.settings = settings;
  element("editor-title").textContent = settings ? `Camera ${settings.name}` : "Add a camera";
  fillForm(element("camera-form"), settings);
  element("editor").showModal();
}

async function save(event) {
  event.preventDefault();
  const before = edited.settings;
  const settings = readForm(element("camera-form"), before);
  const saved = await attempt(() => store(before, settings), { button: element("camera-save"), done: `Camera ${settings.name} is saved.` });
  if (!saved) return;
  element("editor").close();
  await attempt(load);
}

const store = (before, settings) => (before
  ? ask(`cameras/${encodeURIComponent(before.name)}`, { method: "PUT", json: settings })
  : ask("cameras", { method: "POST", json: settings }));

async function remove(name) {
  const agreed = await confirmBox({ title: `Remove the camera ${name}?`, content: "It is stopped and its settings are forgotten. Its results stay.", yes: "Remove", danger: true });
  if (!agreed) return;
  await attempt(() => send(`cameras/${encodeURIComponent(name)}`, { method: "DELETE" }), { done: `Camera ${name} is removed.` });
  await attempt(load);
}

// ---- what is inspected ----

async function editAreas(settings) {
  edited.settings = settings;
  element("areas-title").textContent = `What is inspected: ${settings.name}`;
  polygons.show(settings);
  element("areas").showModal();
  await showFrame();
}

async function showFrame() {
  const response = await attempt(() => send(`cameras/${encodeURIComponent(edited.settings.name)}/frame.jpg`));
  if (!response) return;
  showBlob(polygons.picture, await response.blob());
}

async function saveAreas() {
  if (polygons.drawing) polygons.finish();
  const settings = { ...edited.settings, roi: polygons.roi, ignore: polygons.ignore };
  const saved = await attempt(() => store(edited.settings, settings), { button: element("areas-save"), done: "Saved. The camera starts again." });
  if (!saved) return;
  element("areas").close();
  await attempt(load);
}

start(run);
