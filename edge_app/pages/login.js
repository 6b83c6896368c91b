// The log-in page: a key for a session, then back to where the reader wanted to go.

import { API, send, sentence, session } from "./api.js";
import { element } from "./dom.js";

/** Only an address on this server is gone to. */
function next() {
  const wanted = new URLSearchParams(window.location.search).get("next") ?? "/";
  const address = new URL(wanted, window.location.origin);
  return address.origin === window.location.origin && address.pathname !== "/login" ? address.pathname + address.search : "/";
}

async function logIn(event) {
  event.preventDefault();
  element("login-error").hidden = true;
  element("enter").disabled = true;
  try {
    await send(`${API}/session`, { method: "POST", headers: { Authorization: `Bearer ${element("key").value.trim()}` } });
    window.location.replace(next());
  } catch (error) {
    element("login-error").textContent = sentence(error);
    element("login-error").hidden = false;
    element("key").select();
  } finally {
    element("enter").disabled = false;
  }
}

element("login").addEventListener("submit", logIn);
element("enter").disabled = false; // until here the browser would send the form by itself
element("reveal").addEventListener("change", ({ target }) => { element("key").type = target.checked ? "text" : "password"; });
session().then((who) => { if (!who.needs_key || who.role) window.location.replace(next()); }).catch(() => {}); // the form says what is wrong
