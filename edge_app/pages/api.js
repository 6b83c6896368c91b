// Asks the server: one place for errors, for who is logged in, and for going to the log-in page.

import { upperFirst } from "./text.js";

export const API = "/api/v1";
const RANK = { viewer: 1, operator: 2, admin: 3 };
const MAX_RETRIES = 5;

let known = null;

/** What the server refused, in its own sentence. */
export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

/** Send a request and return the response; Refused where it is no success. A busy server is asked again. */
export async function send(path, { method = "GET", json, body, type, signal, headers = {} } = {}) {
  const options = { method, signal, headers: { ...headers } };
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers["Content-Type"] = "application/json";
  } else if (body !== undefined) {
    options.body = body;
    options.headers["Content-Type"] = type;
  }
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(path.startsWith("/") ? path : `${API}/${path}`, options);
    if (response.ok) return response;
    if (response.status === 401) toLogin();
    const waits = response.headers.get("Retry-After");
    if (response.status !== 503 || !waits || method === "GET" || attempt === MAX_RETRIES) {
      throw new Refused(response.status, await detail(response));
    }
    await pause(1000 * Number(waits));
  }
}

/** Send a request and return the JSON of the answer. */
export async function ask(path, options) {
  return (await send(path, options)).json();
}

/** Who the reader is: {needs_key, name, role}. Asked once a page. */
export async function session() {
  known ??= await ask("session");
  return known;
}

export function may(role) {
  return known !== null && RANK[known.role] >= RANK[role];
}

export function toLogin() {
  if (window.location.pathname === "/login") return;
  const here = window.location.pathname + window.location.search;
  window.location.replace(`/login?next=${encodeURIComponent(here)}`);
}

/** One sentence about anything that went wrong. */
export function sentence(error) {
  if (error instanceof TypeError) return "The inspector does not answer. Is it still running?";
  return error.message;
}

export const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/** Call `work` now and again `intervalMs` after each end, while the page is looked at. */
export function repeat(work, intervalMs) {
  const turn = async () => {
    if (!document.hidden) await work();
    setTimeout(turn, intervalMs);
  };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) work(); });
  return turn();
}

/** A query string without what is empty; lists repeat their name. */
export function query(options) {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== "" && one !== null && one !== undefined) found.append(name, one);
    }
  }
  const text = found.toString();
  return text ? `?${text}` : "";
}

async function detail(response) {
  try {
    const text = (await response.json()).detail;
    return `${upperFirst(text)}${/[.?!]$/.test(text) ? "" : "."}`;
  } catch {
    return `The inspector answered with status ${response.status}.`;
  }
}
