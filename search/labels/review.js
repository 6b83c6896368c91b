"use strict";
(() => {
  const { header, proposals, download, command } = JSON.parse(document.getElementById("data").textContent);
  const items = [...document.querySelectorAll(".item")];
  const byField = document.getElementById("by");
  const place = `labels:${header.fingerprint}:${header.created}`;
  let current = 0, kind = "", onlyUndecided = false, unsaved = false;

  // Some browsers give a file no storage: then decisions live as long as the page.
  const stored = { get(key) { try { return localStorage.getItem(key); } catch { return null; } }, set(key, value) { try { localStorage.setItem(key, value); } catch { /* see above */ } } };

  const now = () => new Date().toISOString().slice(0, 19) + "Z";
  const isDecided = (proposal) => proposal.decision !== "open";

  function show(index) {
    const { decision, other, by } = proposals[index], item = items[index];
    item.dataset.decision = decision;
    for (const button of item.querySelectorAll("[data-decision]")) button.setAttribute("aria-pressed", button.dataset.decision === decision);
    const words = { open: "", accepted: "accepted", rejected: "rejected: the given label stays", other: `labelled ${other}` }[decision];
    item.querySelector(".verdict").textContent = words + (words && by ? `, by ${by}` : "");
    item.querySelector(".choose").hidden = true;
  }

  function count() {
    document.getElementById("count").textContent = proposals.filter(isDecided).length;
    document.getElementById("saved").textContent = unsaved ? "not saved yet" : "";
  }

  function keep() {
    const decided = proposals.filter(isDecided).map(({ id, decision, other, by, when }) => ({ id, decision, other, by, when }));
    stored.set(place, JSON.stringify(decided));
  }

  function decide(index, decision, other = "") {
    const undoes = proposals[index].decision === decision && decision !== "other";
    const chosen = undoes ? "open" : decision;
    Object.assign(proposals[index], { decision: chosen, other, by: chosen === "open" ? "" : byField.value.trim(), when: chosen === "open" ? "" : now() });
    unsaved = true;
    show(index); count(); keep();
  }

  function askOther(index) {
    const form = items[index].querySelector(".choose");
    if (items[index].querySelector("[data-decision=other]").hidden) return;
    form.hidden = false;
    const input = form.querySelector("input");
    input.value = proposals[index].other;
    input.focus();
  }

  const isShown = (index) => !items[index].hidden;

  function moveTo(index) {
    if (index < 0 || index >= items.length) return;
    items[current]?.classList.remove("current");
    current = index;
    items[current].classList.add("current");
    items[current].focus({ preventScroll: true });
    items[current].scrollIntoView({ block: "nearest" });
  }

  function step(by, wanted = () => true) {
    for (let index = current + by; index >= 0 && index < items.length; index += by) {
      if (isShown(index) && wanted(index)) return moveTo(index);
    }
  }

  function filter() {
    items.forEach((item, index) => { item.hidden = (kind !== "" && item.dataset.kind !== kind) || (onlyUndecided && isDecided(proposals[index])); });
    const first = items.findIndex((item) => !item.hidden);
    if (first >= 0 && !isShown(current)) moveTo(first);
  }

  function text() { return [header, ...proposals].map((line) => JSON.stringify(line) + "\n").join(""); }

  function save() {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text()], { type: "application/x-ndjson" }));
    link.download = download;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    unsaved = false;
    count();
    const done = document.getElementById("done");
    done.hidden = false;
    done.textContent = `Saved as ${download} in the browser's download folder. Next: ${command}`;
  }

  function take(decisions) {
    const known = new Map(proposals.map((proposal, index) => [proposal.id, index]));
    for (const { id, decision, other = "", by = "", when = "" } of decisions) {
      const index = known.get(id);
      if (index === undefined) continue;
      Object.assign(proposals[index], { decision, other, by, when });
      show(index);
    }
    count();
  }

  async function load(file) {
    try {
      const [first, ...rest] = (await file.text()).split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
      if (first?.fingerprint !== header.fingerprint) throw new Error("it was made for other data");
      take(rest);
      unsaved = false;
      keep(); count();
    } catch (error) {
      document.getElementById("saved").textContent = `${file.name} cannot be used: ${error.message}`;
    }
  }

  items.forEach((item, index) => {
    show(index);
    item.addEventListener("click", (event) => {
      const button = event.target.closest("[data-decision]");
      if (index !== current) moveTo(index);
      if (!button || button === item) return;
      if (button.dataset.decision === "other") askOther(index); else decide(index, button.dataset.decision);
    });
    item.querySelector(".choose").addEventListener("submit", (event) => {
      event.preventDefault();
      const label = event.target.querySelector("input").value.trim();
      if (label) { decide(index, "other", label); items[index].focus(); }
    });
  });

  const keys = {
    a: () => decide(current, "accepted"), r: () => decide(current, "rejected"), o: () => askOther(current),
    u: () => isDecided(proposals[current]) && decide(current, proposals[current].decision === "other" ? "open" : proposals[current].decision),
    j: () => step(1), ArrowRight: () => step(1), k: () => step(-1), ArrowLeft: () => step(-1),
    n: () => step(1, (index) => !isDecided(proposals[index])), s: save,
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input")) {
      if (event.key === "Escape") { event.target.closest("form")?.setAttribute("hidden", ""); items[current]?.focus(); }
      return;
    }
    const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act || (!items.length && act !== save)) return;
    event.preventDefault();
    act();
  });
  document.getElementById("filters").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.id === "undecided") { onlyUndecided = !onlyUndecided; button.setAttribute("aria-pressed", onlyUndecided); }
    else {
      kind = button.dataset.kind;
      for (const one of document.querySelectorAll("#filters [data-kind]")) one.setAttribute("aria-pressed", one === button);
    }
    filter();
  });
  document.getElementById("save").addEventListener("click", save);
  document.getElementById("load").addEventListener("click", () => document.getElementById("file").click());
  document.getElementById("file").addEventListener("change", (event) => { if (event.target.files[0]) load(event.target.files[0]); event.target.value = ""; });
  byField.value = stored.get("labels:by") ?? "";
  byField.addEventListener("change", () => stored.set("labels:by", byField.value.trim()));
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  const before = JSON.parse(stored.get(place) ?? "[]");
  if (before.length) { take(before); unsaved = true; count(); }
  if (items.length) items[0].classList.add("current");
  count();
})();
