// The models: what serves, what a rollback takes, what looks on; uploads; and where the shadow model differs.

import { API, Refused, ask, query, repeat, send, toLogin } from "./api.js";
import { element, facts, make, table } from "./dom.js";
import { mark } from "./marks.js";
import { attempt, confirmBox, hideForbidden, say, start } from "./shell.js";
import { bytes, count, moment, score, shortDigest } from "./text.js";

const INTERVAL_MS = 2000;
const STATES = {
  serving: ["good", "Serving"], shadow: ["warn", "Shadow"], loading: ["warn", "Being loaded and tested"],
  available: ["", "Available"], failed: ["bad", "Failed"],
};
const seen = { list: "", shadow: "" };

async function run() {
  element("rollback").addEventListener("click", rollBack);
  element("bundle").addEventListener("change", ({ target }) => { if (target.files[0]) upload(target.files[0]); target.value = ""; });
  const drop = element("drop");
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("over"); });
  drop.addEventListener("drop", (event) => { if (event.dataTransfer.files[0]) upload(event.dataTransfer.files[0]); });
  await repeat(() => attempt(load), INTERVAL_MS);
}

async function load() {
  const status = await ask("models");
  const text = JSON.stringify(status);
  if (text !== seen.list) {
    seen.list = text;
    showHost(status);
    element("models").replaceChildren(...status.items.map((entry) => make("li", {}, card(entry, status))));
    hideForbidden();
    await showServing();
  }
  await showDisagreements(status.shadow);
}

function showHost({ state, reason, warning, loading, previous, items }) {
  const name = nameOf(items.find(({ digest }) => digest === loading));
  const notes = [];
  if (state === "swapping") notes.push(["warn", `No model answers for a moment: ${reason || "one replaces another"}. Requests are told to come again.`]);
  if (state === "failed") notes.push(["bad", `No model answers: ${reason}`]);
  if (loading && state === "serving") notes.push(["warn", `${name} is being loaded and tested. The model before it answers meanwhile.`]);
  if (warning) notes.push(["warn", warning]);
  element("host-note").replaceChildren(...notes.map(([kind, text]) => make("p", { class: `note ${kind}` }, text)));
  const before = items.find(({ digest }) => digest === previous);
  element("rollback").disabled = !before || Boolean(loading);
  element("rollback").textContent = before ? `Roll back to ${nameOf(before)}` : "Roll back";
  element("rollback").title = before ? "" : "There is no model before this one";
}

async function showServing() {
  try {
    const model = await ask("model");
    const inForce = model.threshold_version === 0 ? "the model's own" : `version ${model.threshold_version}, set on this device`;
    element("serving").replaceChildren(...[
      make("p", { class: "model-name" }, nameOf(model)),
      facts([
        ["Runs on", model.runner],
        ["Input", `${model.input.width} × ${model.input.height} px`],
        ["Parameters", count(model.num_parameters)],
        ["Fail above", score(model.thresholds.fail)],
        ["Review above", score(model.thresholds.review)],
        ["Smallest region", `${model.thresholds.min_area_px} px`],
        ["Thresholds are", inForce],
        ["Differs in its self-test by", model.self_test_difference === 0 ? "nothing" : model.self_test_difference.toExponential(1)],
        ["Made", moment(model.created)],
        ["Digest", make("code", { title: model.digest }, shortDigest(model.digest))],
      ]),
      model.warning ? make("p", { class: "note warn small" }, `Thresholds: ${model.warning}`) : null,
    ].filter(Boolean));
  } catch (error) {
    element("serving").replaceChildren(make("p", { class: "dim" }, error.message));
  }
}

function card(entry, { shadow, loading }) {
  const { digest, state, reason, is_previous: isPrevious } = entry;
  const [kind, text] = STATES[state];
  const isBusy = Boolean(loading);
  const button = (name, work, className = "plain") => make("button", { type: "button", class: className, disabled: isBusy, data: { role: "admin" }, onclick: ({ target }) => work(target) }, name);
  return make("div", { class: "model", data: { digest, state } },
    make("div", { class: "model-head" }, make("h3", {}, nameOf(entry)), make("span", { class: `tag ${kind}` }, text),
      isPrevious ? make("span", { class: "tag" }, "Previous") : null),
    make("p", { class: "dim small num" }, `${bytes(entry.num_bytes)} · made ${moment(entry.created)} · here since ${moment(entry.stored)} · `, make("code", { title: digest }, shortDigest(digest))),
    reason ? make("p", { class: "note bad small" }, reason) : null,
    make("div", { class: "actions" },
      state === "serving" || state === "loading" ? null : button("Activate", (target) => activate(entry, target), "primary"),
      state === "serving" || state === "loading" ? null : digest === shadow ? button("End the shadow", endShadow) : button("Look on as shadow", (target) => setShadow(entry, target))));
}

async function showDisagreements(shadow) {
  const { items } = await ask(`models/disagreements${query({ limit: 20 })}`);
  const text = JSON.stringify([shadow, items.map(({ id }) => id)]);
  if (text === seen.shadow) return;
  seen.shadow = text;
  const none = shadow ? "The shadow model has agreed with every result so far." : "No model looks on as a shadow.";
  element("disagreements").replaceChildren(items.length === 0 ? make("p", { class: "dim" }, none)
    : table(["Time", "Camera", "Lot", "Serving model", "Shadow model", ""], items.map((item) => [
      moment(item.created), item.origin.source, item.origin.lot, both(item.verdict, item.image_score),
      both(item.shadow.verdict, item.shadow.image_score),
      make("a", { href: `/history${query({ id: item.id })}` }, "Look"),
    ]), { caption: "Results to which the shadow model gave another verdict" }));
}

const both = (verdict, value) => make("span", {}, mark(verdict), make("span", { class: "dim" }, ` ${score(value)}`));
const nameOf = (model) => (model ? `${model.name} ${model.version}` : "A model");

// ---- changes ----

async function activate(entry, button) {
  const agreed = await confirmBox({ title: `Let ${nameOf(entry)} serve?`, content: "It is loaded and tested first. The model before it can be rolled back to. Thresholds that were set on this device belong to one model: the new one begins with its own, or with those set for it earlier.", yes: "Activate" });
  if (agreed) await change(() => ask(`models/${entry.digest}/activate`, { method: "POST" }), button, (now) => `${nameOf(now)} serves.`);
}

async function rollBack() {
  const agreed = await confirmBox({ title: `${element("rollback").textContent}?`, content: "The model that served before answers again.", yes: "Roll back" });
  if (agreed) await change(() => ask("models/rollback", { method: "POST" }), element("rollback"), (now) => `${nameOf(now)} serves again.`);
}

const setShadow = (entry, button) => change(() => ask("models/shadow", { method: "PUT", json: { digest: entry.digest } }), button, (now) => `${nameOf(now)} looks on.`);
const endShadow = (button) => change(async () => (await send("models/shadow", { method: "DELETE" })).ok, button, () => "No model looks on any more.");

async function change(work, button, words) {
  const soon = setTimeout(() => attempt(load), 300); // shows that it is being loaded
  const now = await attempt(work, { button });
  clearTimeout(soon);
  if (now) say(words(now));
  seen.list = "";
  await attempt(load);
}

async function upload(file) {
  element("upload-state").hidden = false;
  element("upload-text").textContent = `Sending ${file.name}, ${bytes(file.size)} …`;
  const entry = await attempt(() => sent(file));
  element("upload-state").hidden = true;
  if (entry) say(`${nameOf(entry)} is verified and tested. Activate it to let it serve.`);
  await attempt(load);
}

/** XMLHttpRequest, since fetch does not tell how much of a body has gone out. */
function sent(file) {
  return new Promise((done, fail) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${API}/models`);
    request.setRequestHeader("Content-Type", "application/zip");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      element("upload-progress").value = loaded / total;
      if (loaded === total) element("upload-text").textContent = "Verifying and testing on this device …";
    });
    request.addEventListener("load", () => {
      if (request.status === 401) toLogin();
      const answer = JSON.parse(request.responseText || "{}");
      if (request.status === 201) done(answer);
      else fail(new Refused(request.status, `${file.name} was refused: ${answer.detail ?? `status ${request.status}`}.`));
    });
    request.addEventListener("error", () => fail(new Refused(0, "The inspector does not answer, or ended the upload.")));
    request.send(file);
  });
}

start(run);
