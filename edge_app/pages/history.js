// The history: filters, a chart, a list in pages, and one result beside it; arrows go through the list.

import { ask, query } from "./api.js";
import { showChart } from "./chart.js";
import { Detail, KEYS } from "./detail.js";
import { element, make } from "./dom.js";
import { fillForm, fromAddress, iso, readForm, serverQuery, timesOf, toAddress } from "./filters.js";
import { mark } from "./marks.js";
import { attempt, start } from "./shell.js";
import { DECISIONS, clock, day, moment, plural, score, verdictWord } from "./text.js";

const PAGE = 50;
const THUMB_PX = 192;
const DAY_MS = 86_400_000;
const list = { items: [], cursor: null, chosen: {}, nowMs: 0, openId: null, asked: 0 };
let detail;

async function run() {
  detail = new Detail({ onStep: step, onClose: close, onDecided: replace });
  const given = fromAddress(window.location.search);
  await attempt(fillChoices);
  fillForm(given);
  element("filters").addEventListener("input", () => onFilter());
  element("filters").addEventListener("submit", (event) => event.preventDefault());
  element("clear").addEventListener("click", () => { fillForm({}); onFilter(); });
  element("older").addEventListener("click", ({ target }) => attempt(loadOlder, { button: target }));
  document.addEventListener("keydown", onKey);
  window.addEventListener("popstate", () => {
    const back = fromAddress(window.location.search);
    if (back.id) open(back.id); else hideDetail();
  });
  await reload();
  if (given.id) await open(given.id);
}

async function fillChoices() {
  const [{ items: cameras }, { items: models }] = await Promise.all([ask("cameras"), ask("models")]);
  const sources = [...cameras.map(({ settings }) => [settings.name, settings.name]), ["rest", "Photos sent over REST"], ["try", "Photos of the page"]];
  for (const [value, name] of sources) element("source").add(new Option(name, value));
  for (const { digest, name, version } of models) element("model").add(new Option(`${name} ${version}`, digest));
}

// ---- the list ----

let waiting = 0;
function onFilter() {
  element("own-range").hidden = element("range").value !== "own";
  clearTimeout(waiting);
  waiting = setTimeout(() => { hideDetail(); keepAddress(); attempt(reload); }, 250);
}

async function reload() {
  Object.assign(list, { chosen: readForm(), nowMs: Date.now(), asked: list.asked + 1 });
  const turn = list.asked;
  const asked = serverQuery(list.chosen, list.nowMs);
  for (const [id, path] of [["csv", "inspections.csv"], ["ndjson", "inspections.ndjson"], ["labels", "labels.jsonl"]]) {
    element(`export-${id}`).href = `/api/v1/${path}${query(asked)}`;
  }
  const [page] = await Promise.all([ask(`inspections${query({ ...asked, limit: PAGE })}`), loadChart(turn)]);
  if (turn !== list.asked) return;
  Object.assign(list, { items: page.items, cursor: page.next_cursor });
  showList();
}

async function loadOlder() {
  if (!list.cursor) return;
  const turn = list.asked;
  const page = await ask(`inspections${query({ ...serverQuery(list.chosen, list.nowMs), limit: PAGE, cursor: list.cursor })}`);
  if (turn !== list.asked) return;
  Object.assign(list, { items: [...list.items, ...page.items], cursor: page.next_cursor });
  showList();
}

async function loadChart(turn) {
  const { fromMs, toMs } = timesOf(list.chosen, list.nowMs);
  const endMs = toMs ?? list.nowMs;
  const startMs = fromMs ?? endMs - 30 * DAY_MS;
  const bucket = endMs - startMs <= 4 * DAY_MS ? "hour" : "day";
  const { source, lot, model } = list.chosen;
  const found = await ask(`statistics${query({ from: iso(startMs), to: iso(endMs), bucket, source, lot, model })}`);
  if (turn !== list.asked) return;
  showChart(found);
  const { verdict, decision, min_score: least, max_score: most } = list.chosen;
  const isWider = verdict.length > 0 || decision || least || most;
  const zone = bucket === "day" ? "Days are those of UTC. " : "";
  element("chart-note").textContent = `${zone}${isWider ? "The chart follows time, camera, lot and model only." : ""}`;
}

function showList() {
  element("rows").replaceChildren(...list.items.map((item) => make("li", {}, row(item))));
  element("rows-empty").hidden = list.items.length > 0;
  element("older").hidden = !list.cursor;
  element("results-note").textContent = list.items.length === 0 ? "" : `${list.cursor ? "The newest " : ""}${plural(list.items.length, "result")}`;
}

function row(item) {
  const { id, verdict, created, origin, decision, links } = item;
  const picture = links.overlay
    ? make("img", { src: `${links.overlay}?max_side_px=${THUMB_PX}`, alt: "", loading: "lazy" }) : make("span", { class: "blank" });
  const isToday = day(created) === day(new Date().toISOString());
  return make("button", { type: "button", data: { verdict, id }, "aria-current": id === list.openId ? "true" : null,
    "aria-label": `${verdictWord(verdict)}, ${moment(created)}, ${origin.source}`, onclick: () => openByHand(id) },
  picture, mark(verdict),
  make("span", { class: "cell when" }, isToday ? clock(created) : moment(created)),
  make("span", { class: "cell extra num" }, score(item.image_score)),
  make("span", { class: "cell extra" }, origin.source, origin.lot ? make("span", { class: "dim" }, ` · ${origin.lot}`) : null),
  make("span", { class: "cell small" }, decision ? make("span", { class: "tag" }, DECISIONS[decision.decision]) : null));
}

/** Show a result that changed, where the list has it. */
function replace(result) {
  const at = list.items.findIndex(({ id }) => id === result.id);
  if (at < 0) return;
  list.items[at] = result;
  element("rows").children[at].replaceChildren(row(result));
}

// ---- one result ----

async function openByHand(id) {
  if (await open(id)) keepAddress({ isNew: true });
}

async function open(id) {
  list.openId = id; // at once: the next arrow goes on from here
  if (!await detail.open(id)) return false;
  element("main").dataset.view = "detail";
  for (const button of element("rows").querySelectorAll("button")) {
    const isOpen = button.dataset.id === id;
    button.toggleAttribute("aria-current", isOpen);
    if (isOpen) button.scrollIntoView({ block: "nearest" });
  }
  return true;
}

async function step(by) {
  const at = list.items.findIndex(({ id }) => id === list.openId);
  if (at + by >= list.items.length) await attempt(loadOlder);
  const next = list.items[at < 0 ? 0 : at + by];
  if (next && await open(next.id)) keepAddress();
}

function close() {
  const id = list.openId;
  hideDetail();
  keepAddress();
  [...element("rows").querySelectorAll("button")].find((button) => button.dataset.id === id)?.focus();
}

function hideDetail() {
  list.openId = null;
  element("detail").hidden = true;
  element("main").dataset.view = "list";
  for (const button of element("rows").querySelectorAll("[aria-current]")) button.removeAttribute("aria-current");
}

function onKey(event) {
  const isTyping = event.target.matches("input:not([type=checkbox], [type=range]), select, textarea");
  if (!list.openId || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") { close(); return; }
  if (isTyping) return;
  const key = event.key.toLowerCase();
  if (KEYS[key]) detail.decide(KEYS[key]);
  else if (key === "m") detail.toggleMap();
  else if (key === "arrowright" || key === "arrowdown") step(1);
  else if (key === "arrowleft" || key === "arrowup") step(-1);
  else return;
  event.preventDefault();
}

function keepAddress({ isNew = false } = {}) {
  const address = `/history${toAddress(readForm(), list.openId)}`;
  if (isNew) window.history.pushState(null, "", address);
  else window.history.replaceState(null, "", address);
}

start(run);
