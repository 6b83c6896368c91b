// The filters of the history: a form, the address of the page, and the query that the server is asked with.

import { query } from "./api.js";
import { element } from "./dom.js";

const HOUR_MS = 3_600_000;
const RANGES = { "1h": HOUR_MS, "24h": 24 * HOUR_MS, "7d": 168 * HOUR_MS, "30d": 720 * HOUR_MS };
const FIELDS = ["range", "from", "to", "source", "lot", "decision", "model", "min_score", "max_score"];
export const DEFAULT_RANGE = "24h";

/** What the form says: {range, from, to, source, lot, decision, model, min_score, max_score, verdict: [...]}. */
export function readForm() {
  const chosen = Object.fromEntries(FIELDS.map((name) => [name, element(name).value.trim()]));
  chosen.verdict = [...document.querySelectorAll("[name=verdict]:checked")].map(({ value }) => value);
  return chosen;
}

export function fillForm(chosen) {
  for (const name of FIELDS) {
    const field = element(name);
    const value = chosen[name] ?? "";
    if (field.tagName === "SELECT" && value && ![...field.options].some((option) => option.value === value)) {
      field.add(new Option(value, value)); // a camera or model that is gone, but whose results are not
    }
    field.value = value || (name === "range" ? DEFAULT_RANGE : "");
  }
  for (const box of document.querySelectorAll("[name=verdict]")) box.checked = (chosen.verdict ?? []).includes(box.value);
  element("own-range").hidden = element("range").value !== "own";
  element("more").open = Boolean(chosen.min_score || chosen.max_score || chosen.model);
}

/** What the page's address says; a result's own address names no range. */
export function fromAddress(text) {
  const given = new URLSearchParams(text);
  const chosen = Object.fromEntries(FIELDS.map((name) => [name, given.get(name) ?? ""]));
  return { ...chosen, verdict: given.getAll("verdict"), id: given.get("id") };
}

export function toAddress(chosen, id) {
  const { range, ...rest } = chosen;
  return query({ ...rest, range: range === DEFAULT_RANGE ? "" : range, id });
}

/** From and to of a choice, in ms; null where it is open. */
export function timesOf({ range, from, to }, nowMs) {
  if (range === "own") return { fromMs: from ? Date.parse(from) : null, toMs: to ? Date.parse(to) : null };
  return { fromMs: range === "all" ? null : nowMs - RANGES[range || DEFAULT_RANGE], toMs: null };
}

/** The query for lists and exports, as the server takes it. */
export function serverQuery(chosen, nowMs) {
  const { fromMs, toMs } = timesOf(chosen, nowMs);
  const { source, lot, decision, model, min_score, max_score, verdict } = chosen;
  return { from: iso(fromMs), to: iso(toMs), source, lot, decision, model, min_score, max_score, verdict };
}

export const iso = (ms) => (ms === null ? null : new Date(ms).toISOString());
