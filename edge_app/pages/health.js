// The health of the device: problems in words, figures, drift, where results are sent, settings, who changed what.

import { ask, may, query, repeat } from "./api.js";
import { listen, showSettings } from "./device_settings.js";
import { element, make, table } from "./dom.js";
import { showOutbox } from "./outbox.js";
import { attempt, start } from "./shell.js";
import { age, bytes, count, moment, upperFirst } from "./text.js";

const INTERVAL_MS = 3000;
const UNKNOWN = "none yet"; // limits of a figure that is not known well enough
const LEARNING = ["", "Learning"];
const LEVELS = { ok: ["good", "As it should be"], watch: ["warn", "Watch it"], alarm: ["bad", "Alarm"] };
const FIGURES = { brightness: "Brightness", focus: "Focus", score: "Score of good parts", latency_ms: "Model time, ms" };
const STORES = { ok: "Everything is stored", degraded: "Not everything is kept", failed: "Nothing is stored" };
const audit = { items: [], cursor: null };

async function run() {
  if (may("admin")) {
    listen();
    element("audit-more").addEventListener("click", ({ target }) => attempt(loadAudit, { button: target }));
    await attempt(showSettings);
    await attempt(loadAudit);
  }
  await repeat(() => attempt(load), INTERVAL_MS);
}

async function load() {
  const [health, drift] = await Promise.all([ask("health"), ask("drift"), showOutbox(may("admin"))]);
  showProblems(health);
  showTiles(health);
  showDrift(drift);
}

function showProblems({ ready, details }) {
  const { problems } = details;
  const notes = problems.length === 0
    ? [make("p", { class: `note ${ready ? "" : "warn"}` }, ready ? "All is well." : "The inspector is busy: a photo sent now would be told to come again.")]
    : problems.map((text) => make("p", { class: "note warn" }, text.startsWith("camera ") ? upperFirst(text) : text));
  const text = problems.join() + ready;
  if (element("problems").dataset.shown === text) return;
  element("problems").dataset.shown = text;
  element("problems").replaceChildren(...notes);
}

function showTiles({ uptime_s: uptimeS, details }) {
  const { store, bundle } = details;
  element("uptime").textContent = `Version ${details.version}, up for ${age(uptimeS * 1000)}`;
  const tile = (name, value, note, kind = "") => make("div", { class: `card tile ${kind}` }, make("h2", {}, name), make("p", { class: "value" }, value), make("p", { class: "dim small" }, note));
  element("tiles").replaceChildren(
    tile("Disk", `${bytes(store.free_bytes)} free`, `${bytes(store.num_bytes)} of results`, store.state === "ok" ? "" : "bad"),
    tile("Memory", details.memory_free_bytes === null ? "–" : `${bytes(details.memory_free_bytes)} free`, "of the whole device"),
    tile("Queue", `${details.num_waiting} of ${details.queue_size}`, "photos waiting or being inspected"),
    tile("Store", `${count(store.num_results)} results`, store.reason || `${STORES[store.state]}; the oldest ${store.oldest ? moment(store.oldest) : "–"}`, store.state === "ok" ? "" : "bad"),
    tile("Model", bundle ? `${bundle.name} ${bundle.version}` : "None answers", details.runtime?.name ?? "", bundle ? "" : "bad"),
    tile("Refused photos", `${count((details.counts.busy ?? 0) + (details.counts.unreadable ?? 0))}`, `${count(details.counts.busy)} while busy, ${count(details.counts.unreadable)} unreadable`));
}

function showDrift({ level, sentence, sources }) {
  const [kind, text] = sources.length === 0 ? LEARNING : LEVELS[level];
  element("drift-tag").className = `tag ${kind}`;
  element("drift-tag").textContent = text;
  element("drift-sentence").textContent = `${sources.length === 0 ? upperFirst(sentence) : sentence}.`;
  const rows = sources.flatMap(({ source, figures }) => figures.map((figure, index) => [
    index === 0 ? make("strong", {}, source) : "",
    FIGURES[figure.name] ?? figure.name,
    figureTag(figure),
    number(figure.average), number(figure.normal), limits(figure), count(figure.num_results),
  ]));
  element("drift-sources").replaceChildren(...(rows.length === 0 ? [] : [
    table(["Camera", "Figure", "State", "Now", "Normal", "Alarm", "Photos"], rows, { caption: "Drift by camera" }),
    make("p", { class: "dim small" }, "Moving averages against the reference that came with the model; model time against the first results on this device. Photos that look like the one before are not counted again.")]));
}

/** How a figure does; one without limits yet is neither good nor bad. */
function figureTag(figure) {
  const [kind, text] = limits(figure) === UNKNOWN ? LEARNING : LEVELS[figure.level];
  return make("span", { class: `tag ${kind}` }, text);
}

function limits({ alarm_below: below, alarm_above: above }) {
  const parts = [below === null ? "" : `below ${number(below)}`, above === null ? "" : `above ${number(above)}`].filter(Boolean);
  return parts.length === 0 ? UNKNOWN : parts.join(" or ");
}

function number(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  return size >= 100 ? value.toFixed(0) : size >= 1 ? value.toFixed(1) : value.toPrecision(2);
}

async function loadAudit() {
  const page = await ask(`audit${query({ limit: 25, cursor: audit.cursor })}`);
  audit.items.push(...page.items);
  audit.cursor = page.next_cursor;
  element("audit-more").hidden = !page.next_cursor;
  element("audit").replaceChildren(audit.items.length === 0 ? make("p", { class: "dim" }, "Nothing was changed yet.")
    : table(["When", "Who", "What", ""], audit.items.map(({ when, by, action, detail }) => [moment(when), by, make("code", {}, action), detail]), { caption: "Changes" }));
}

start(run);
