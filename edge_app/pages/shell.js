// What every page has: the bar with the pages and who is logged in, health, messages, and the confirm box.

import { ask, may, repeat, send, sentence, session, toLogin } from "./api.js";
import { element, make } from "./dom.js";

const PAGES = [
  ["/", "Live"], ["/history", "History"], ["/cameras", "Cameras"], ["/models", "Models"], ["/health", "Health"],
  ["/try", "Try"],
];
const HEALTH_INTERVAL_MS = 5000;
const MESSAGE_MS = 8000;

/** Draw the bar, ask who is there, hide what they may not do, then run the page. */
export async function start(run, { onHealth = () => {} } = {}) {
  const here = window.location.pathname;
  element("bar").append(...bar(here));
  element("bar").after(make("div", { id: "messages", role: "status", "aria-live": "polite" }));
  for (const old of document.querySelectorAll("noscript")) old.remove();
  repeat(() => checkHealth(onHealth), HEALTH_INTERVAL_MS);
  try {
    const who = await session();
    if (who.needs_key && who.role === null) { toLogin(); return; }
    showWho(who);
    hideForbidden();
    await run(who);
  } catch (error) {
    say(sentence(error), "bad");
  }
}

/** Hide what needs a higher role: elements with data-role. Call it again for new ones. */
export function hideForbidden(within = document) {
  for (const found of within.querySelectorAll("[data-role]")) {
    if (!may(found.dataset.role)) found.hidden = true;
  }
}

/** Show a message: "good" goes by itself, "bad" stays until it is closed. */
export function say(text, kind = "good") {
  const close = make("button", { type: "button", class: "quiet", "aria-label": "Close this message" }, "×");
  const message = make("div", { class: `message ${kind}`, role: kind === "bad" ? "alert" : null },
    make("span", {}, text), close);
  close.addEventListener("click", () => message.remove());
  const messages = element("messages");
  for (const other of messages.children) if (other.firstChild.textContent === text) other.remove();
  messages.append(message);
  if (kind !== "bad") setTimeout(() => message.remove(), MESSAGE_MS);
}

/** Run `work`, and say what went wrong if something did; buttons cannot be pressed twice meanwhile. */
export async function attempt(work, { button, done } = {}) {
  if (button) button.disabled = true;
  try {
    const found = await work();
    if (done) say(done);
    return found;
  } catch (error) {
    if (error.name !== "AbortError") say(sentence(error), "bad");
    return undefined;
  } finally {
    if (button) button.disabled = false;
  }
}

/** Ask "are you sure"; resolves to true or false. `content` is text or elements. */
export function confirmBox({ title, content, yes, danger = false }) {
  return new Promise((answer) => {
    const agree = make("button", { type: "button", class: danger ? "danger" : "primary" }, yes);
    const cancel = make("button", { type: "button", class: "plain" }, "Cancel");
    const body = Array.isArray(content) ? content : [make("p", {}, content)];
    const box = make("dialog", { class: "box", "aria-labelledby": "box-title" },
      make("h2", { id: "box-title" }, title), ...body, make("div", { class: "actions" }, cancel, agree));
    const end = (agreed) => { box.close(); box.remove(); answer(agreed); };
    agree.addEventListener("click", () => end(true));
    cancel.addEventListener("click", () => end(false));
    box.addEventListener("cancel", (event) => { event.preventDefault(); end(false); });
    document.body.append(box);
    box.showModal();
    cancel.focus();
  });
}

function bar(here) {
  const links = PAGES.map(([address, name]) => make("a", {
    href: address, "aria-current": here === address ? "page" : null,
    data: address === "/try" ? { role: "operator" } : {},
  }, name));
  return [
    make("a", { class: "skip", href: "#main" }, "Skip to the page"),
    make("a", { class: "brand", href: "/" },
      make("img", { src: "/icon.svg", alt: "", width: "28", height: "28" }), make("span", {}, "Visual inspector")),
    make("nav", { "aria-label": "Pages" }, links),
    make("div", { class: "bar-end" },
      make("a", { class: "health", id: "health", href: "/health", data: { state: "unknown" } },
        make("span", { class: "dot", "aria-hidden": "true" }), make("span", { id: "health-text" }, "Connecting")),
      make("span", { class: "who", id: "who" })),
  ];
}

function showWho(who) {
  if (!who.needs_key) return;
  const out = make("button", { type: "button", class: "quiet" }, "Log out");
  out.addEventListener("click", async () => {
    await attempt(() => send("session", { method: "DELETE" }));
    window.location.assign("/login");
  });
  element("who").append(make("span", {}, `${who.name} (${who.role})`), out);
}

async function checkHealth(onHealth) {
  let [state, text, answer] = ["down", "Not reachable", null];
  try {
    answer = await ask("health");
    const problems = answer.details?.problems.length ?? 0;
    [state, text] = answer.ready ? ["ready", "Ready"] : ["busy", "Busy"];
    if (answer.ready && problems > 0) [state, text] = ["warn", problems === 1 ? "1 problem" : `${problems} problems`];
  } catch {
    // stays "Not reachable"
  }
  element("health").dataset.state = state;
  element("health-text").textContent = text;
  onHealth(answer);
}
