// What comes by itself: the pictures of one camera (MJPEG, read part by part so that a silent stream is known for
// what it is), and results and states over a WebSocket. Both try again by themselves while the page is looked at.

import { API, pause, send, session, toLogin } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const SILENT_MS = 4000; // the server says how it is every second
const END = new TextEncoder().encode("\r\n\r\n");

/** Finds the parts of a multipart stream: feed it chunks, get [{headers, body}]. */
export class Parts {
  constructor() {
    this.held = new Uint8Array(0);
  }

  feed(chunk) {
    this.held = joined(this.held, chunk);
    const found = [];
    for (;;) {
      const end = indexOf(this.held, END);
      if (end < 0) return found;
      const headers = headersOf(new TextDecoder("latin1").decode(this.held.subarray(0, end)));
      const [start, length] = [end + END.length, Number(headers["content-length"])];
      if (!(length > 0)) throw new Error("the live picture is not what it should be");
      if (this.held.length < start + length) return found;
      found.push({ headers, body: this.held.slice(start, start + length) });
      this.held = this.held.slice(start + length);
    }
  }
}

/** Shows the pictures of one camera: `onPicture(bitmap, resultId)`; `onTrouble(error)` when there are none. */
export class PictureFeed {
  constructor({ onPicture, onTrouble }) {
    Object.assign(this, { onPicture, onTrouble, run: null });
  }

  watch(camera) {
    this.run?.abort();
    this.run = camera ? new AbortController() : null;
    if (camera) this.keepReading(camera, this.run.signal);
  }

  async keepReading(camera, signal) {
    let waitMs = FIRST_WAIT_MS;
    while (!signal.aborted) {
      try {
        await this.read(camera, signal, () => { waitMs = FIRST_WAIT_MS; });
        if (!signal.aborted) this.onTrouble(new Error("The server ended the picture."));
      } catch (error) {
        if (!signal.aborted) this.onTrouble(error);
      }
      await pause(waitMs);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    }
  }

  async read(camera, signal, onGood) {
    const response = await send(`cameras/${encodeURIComponent(camera)}/stream.mjpg`, { signal });
    const reader = response.body.getReader();
    const parts = new Parts();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const last = parts.feed(value).pop(); // older ones came while the last one was decoded
      if (!last) continue;
      const bitmap = await createImageBitmap(new Blob([last.body], { type: "image/jpeg" }));
      if (signal.aborted) return;
      onGood();
      this.onPicture(bitmap, last.headers["x-result-id"]);
    }
  }
}

/** Hears results and states: `onResult(result)`, `onState(state)`, `onOpen(isOpen, reason)`. */
export class EventFeed {
  constructor({ onResult, onState, onOpen }) {
    Object.assign(this, { onResult, onState, onOpen, socket: null, heardMs: 0, waitMs: FIRST_WAIT_MS, timer: 0 });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    setInterval(() => this.giveUpSilent(), 1000);
  }

  open() {
    clearTimeout(this.timer);
    if (this.socket || document.hidden) return;
    const address = new URL(`${API}/live`, window.location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address);
    this.socket = socket;
    this.heardMs = performance.now();
    socket.addEventListener("message", ({ data }) => { if (this.socket === socket) this.hear(JSON.parse(data)); });
    socket.addEventListener("close", ({ reason }) => { if (this.socket === socket) this.lost(reason); });
  }

  close() {
    const { socket } = this;
    this.socket = null;
    socket?.close();
    this.onOpen(false, "");
  }

  hear(message) {
    this.heardMs = performance.now();
    this.waitMs = FIRST_WAIT_MS;
    this.onOpen(true, "");
    if (message.kind === "result") this.onResult(message);
    else this.onState(message);
  }

  lost(reason) {
    this.socket = null;
    this.onOpen(false, reason);
    this.timer = setTimeout(() => this.open(), this.waitMs);
    this.waitMs = Math.min(2 * this.waitMs, LONGEST_WAIT_MS);
    checkSession();
  }

  /** A cable that was pulled closes nothing: whoever says nothing for 4 s is gone. */
  giveUpSilent() {
    if (!this.socket || performance.now() - this.heardMs < SILENT_MS) return;
    const { socket } = this;
    this.lost("");
    socket.close();
  }
}

/** A WebSocket does not say why it was refused; when the session has ended, the log-in page is next. */
async function checkSession() {
  try {
    const who = await session();
    if (!who.needs_key) return;
    const now = await (await fetch(`${API}/session`)).json();
    if (now.role === null) toLogin();
  } catch {
    // the server is away: the page says so
  }
}

function joined(first, second) {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

function indexOf(bytes, wanted) {
  for (let at = bytes.indexOf(wanted[0]); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (at + wanted.length > bytes.length) return -1;
    if (wanted.every((byte, offset) => bytes[at + offset] === byte)) return at;
  }
  return -1;
}

function headersOf(text) {
  const pairs = text.split("\r\n").map((line) => /^([\w-]+): *(.*)$/.exec(line)).filter(Boolean);
  return Object.fromEntries(pairs.map(([, name, value]) => [name.toLowerCase(), value]));
}
