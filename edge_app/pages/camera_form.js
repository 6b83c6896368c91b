// The form of one camera: the fields, and the settings that they make. What has no field here stays as it was.

import { make } from "./dom.js";

const TRIGGERS = {
  continuous: "Continuously",
  http: "On a trigger (button, REST)",
  mqtt: "On an MQTT message",
  file: "When an image is dropped into a folder",
};

// name, label, hint, options of the field; `only`: the triggers that it goes with
const FIELDS = [
  ["name", "Name", "Letters, digits, - and _", { required: true, maxlength: 40, pattern: "[A-Za-z0-9][A-Za-z0-9_\\-]*" }],
  ["trigger", "Inspects", "", { choices: TRIGGERS }],
  ["address", "Address", "v4l2:0 · csi:0 · rtsp://user:password@host/path · http://host/mjpeg · video:NAME or folder:NAME, in the server's recordings", { wide: true, maxlength: 2000, only: ["continuous", "http", "mqtt"] }],
  ["file.folder", "Folder", "A folder in the server's recordings", { only: ["file"] }],
  ["file.then", "Then", "", { choices: { move: "Move it aside", leave: "Leave it" }, only: ["file"] }],
  ["mqtt.host", "MQTT broker", "", { only: ["mqtt"] }],
  ["mqtt.port", "MQTT port", "", { number: true, only: ["mqtt"] }],
  ["mqtt.topic", "MQTT topic", "", { only: ["mqtt"] }],
  ["mqtt.username", "MQTT user", "", { only: ["mqtt"] }],
  ["mqtt.password", "MQTT password", "*** keeps the one that is stored", { only: ["mqtt"] }],
  ["lot", "Lot", "Written with every result", { maxlength: 100 }],
  ["fps", "Pictures a second", "Empty: what it gives", { number: true, step: "any", min: 0 }],
  ["width", "Width, px", "Empty: what it gives", { number: true, min: 16 }],
  ["height", "Height, px", "", { number: true, min: 16 }],
];
const MORE = [
  ["min_interval_ms", "Least time between two, ms", "", { number: true, step: "any", min: 0 }],
  ["trigger_timeout_ms", "Longest wait after a trigger, ms", "", { number: true, step: "any", min: 50 }],
  ["timeout_s", "Stalled after, s", "The longest without a picture", { number: true, step: "any", min: 0.5 }],
  ["frozen_s", "Frozen after, s", "Identical pictures for so long; empty: never", { number: true, step: "any", min: 0.2 }],
  ["delay_ms", "Exposure to arrival, ms", "", { number: true, step: "any", min: 0 }],
  ["tiles.size_px", "Tile size, px", "For large photos with small defects; empty: no tiles", { number: true, min: 8 }],
  ["tiles.overlap", "Tile overlap", "Share of a tile, 0 to 0.5", { number: true, step: "any", min: 0, max: 0.5 }],
  ["loop", "Start a recording again at its end", "", { isSwitch: true }],
];
const DEFAULTS = {
  name: "", address: "", trigger: "continuous", lot: "", fps: null, width: null, height: null, min_interval_ms: 0,
  trigger_timeout_ms: 2000, timeout_s: 2, frozen_s: 1.5, delay_ms: 0, loop: true, roi: [], ignore: [], tiles: null, mqtt: null, file: null,
};
const NESTED = {
  mqtt: { host: "127.0.0.1", port: 1883, topic: "", username: "", password: "" },
  file: { folder: "", then: "move" },
  tiles: { size_px: null, overlap: 0.25 },
};

/** Fill `form` with the fields of a camera; null for a new one. */
export function fillForm(form, settings) {
  const shown = { ...DEFAULTS, ...settings };
  const more = make("details", {}, make("summary", {}, "More"), make("div", { class: "fields" }, MORE.map((field) => fieldOf(field, shown))));
  form.replaceChildren(
    make("div", { class: "fields" }, FIELDS.map((field) => fieldOf(field, shown))), more,
    make("div", { class: "actions" }, make("button", { class: "primary", id: "camera-save" }, "Save")));
  const trigger = form.elements.trigger;
  const follow = () => {
    for (const field of form.querySelectorAll("[data-only]")) field.hidden = !field.dataset.only.split(" ").includes(trigger.value);
  };
  trigger.addEventListener("change", follow);
  follow();
}

/** The settings that the form makes out of `before`, the settings as they are, or null. */
export function readForm(form, before) {
  const settings = { ...DEFAULTS, ...before };
  const { trigger } = Object.fromEntries([["trigger", form.elements.trigger.value]]);
  for (const name of ["mqtt", "file"]) settings[name] = trigger === name ? { ...NESTED[name], ...before?.[name] } : null;
  settings.tiles = form.elements["tiles.size_px"].value ? { ...NESTED.tiles, ...before?.tiles } : null;
  for (const [name, , , options] of [...FIELDS, ...MORE]) {
    const [outer, inner] = name.split(".");
    const value = valueOf(form.elements[name], options);
    if (inner === undefined) settings[outer] = value;
    else if (settings[outer]) settings[outer] = { ...settings[outer], [inner]: value };
  }
  if (trigger === "file") settings.address = "";
  return settings;
}

function fieldOf([name, label, hint, { choices, number, isSwitch, wide, only, ...rest }], shown) {
  const [outer, inner] = name.split(".");
  const value = inner === undefined ? shown[outer] : { ...NESTED[outer], ...shown[outer] }[inner];
  const isUnset = value === null || (outer === "tiles" && shown.tiles === null && inner === "size_px");
  let field;
  if (choices) {
    field = make("select", { name }, Object.entries(choices).map(([key, text]) => make("option", { value: key, selected: key === value }, text)));
  } else if (isSwitch) {
    field = make("input", { type: "checkbox", name, checked: value });
    return make("label", { class: "check wide" }, field, label);
  } else {
    field = make("input", { name, type: number ? "number" : "text", value: isUnset ? "" : String(value), ...Object.fromEntries(Object.entries(rest).map(([key, given]) => [key, typeof given === "boolean" ? given : String(given)])) });
  }
  return make("label", { class: `field${wide ? " wide" : ""}`, data: only ? { only: only.join(" ") } : {} },
    make("span", {}, label), field, hint ? make("span", { class: "hint" }, hint) : null);
}

function valueOf(field, { number, isSwitch }) {
  if (isSwitch) return field.checked;
  const text = field.value.trim();
  return number ? (text === "" ? null : Number(text)) : text;
}
