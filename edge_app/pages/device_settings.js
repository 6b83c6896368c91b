// The settings that an administrator changes while the server runs: storage, requests, destinations.

import { ask } from "./api.js";
import { element, make } from "./dom.js";
import { attempt, say } from "./shell.js";

const PHOTOS = {
  all: "Of all results", non_pass: "Of all but PASS", sample: "Of all but PASS, and of some PASS", none: "None",
};
let settings = null;

export async function showSettings() {
  ({ settings } = await ask("settings"));
  const { storage } = settings;
  const number = (name, label, value, hint) => make("label", { class: "field" }, make("span", {}, label),
    make("input", { type: "number", name, step: "any", min: "0", value: value === null ? "" : String(value) }), hint ? make("span", { class: "hint" }, hint) : null);
  element("settings").replaceChildren(
    make("div", { class: "fields" },
      make("label", { class: "field" }, make("span", {}, "Keep photo and score map"),
        make("select", { name: "photos" }, Object.entries(PHOTOS).map(([key, text]) => make("option", { value: key, selected: key === storage.photos }, text)))),
      number("sample_every", "Of PASS, every n-th", storage.sample_every, "With “of some PASS”"),
      number("max_age_days", "Keep results for, days", storage.max_age_days),
      number("max_gb", "At most, GB", storage.max_gb, "The oldest make room"),
      number("min_free_mb", "Leave free, MB", storage.min_free_mb, "Of the disk, to others"),
      number("max_requests_per_s", "Requests a second of one peer", settings.max_requests_per_s, "Empty: as the server was started"),
      make("label", { class: "field" }, make("span", {}, "Name of this device"), make("input", { name: "device_id", maxlength: "40", value: settings.device_id }), make("span", { class: "hint" }, "In messages; after a restart"))),
    make("details", {}, make("summary", { class: "small" }, "Destinations: MQTT brokers, webhooks, reject gates"),
      make("label", { class: "field" }, make("span", {}, "A JSON list, as docs/messaging.md describes it. Secrets are named here, and lie in files on the device."),
        make("textarea", { name: "destinations", rows: "8", spellcheck: "false" }, JSON.stringify(settings.destinations, null, 2)))),
    make("div", { class: "actions" }, make("button", { class: "primary", id: "settings-save" }, "Save")));
}

export function listen() {
  element("settings").addEventListener("submit", async (event) => {
    event.preventDefault();
    const saved = await attempt(() => ask("settings", { method: "PUT", json: read() }), { button: element("settings-save") });
    if (!saved) return;
    say(saved.needs_restart.length > 0 ? "Saved. The name of this device holds after the next start." : "Saved.");
    await attempt(showSettings);
  });
}

function read() {
  const { elements } = element("settings");
  const number = (name) => (elements[name].value.trim() === "" ? null : Number(elements[name].value));
  let destinations;
  try {
    destinations = JSON.parse(elements.destinations.value);
  } catch (error) {
    throw new Error(`The destinations are not JSON: ${error.message}.`);
  }
  return {
    ...settings,
    device_id: elements.device_id.value.trim(),
    max_requests_per_s: number("max_requests_per_s"),
    destinations,
    storage: {
      photos: elements.photos.value,
      ...Object.fromEntries(["sample_every", "max_age_days", "max_gb", "min_free_mb"].map((name) => [name, number(name)])),
    },
  };
}
