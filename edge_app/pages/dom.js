// Elements: found by id, made with what they hold, and hidden from whoever may not use them.

export const element = (id) => document.getElementById(id);

/** Make an element: `make("a", { href, class: "x", onclick, data: { verdict } }, "text", child)`. */
export function make(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(made.dataset, value);
    else if (name === "class") made.className = value;
    else if (name in made && typeof value !== "string") made[name] = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an element of a drawing; attributes as they are written in SVG. */
export function draw(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** A list of terms and what they are; entries without a value are left out. */
export function facts(entries) {
  return make("dl", { class: "facts" }, entries
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
}

/** A table from rows of cells; a cell is text or an element. */
export function table(heads, rows, { caption }) {
  return make("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": caption },
    make("table", {},
      make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, row.map((cell) => make("td", {}, cell)))))));
}

export function setText(id, text) {
  const found = element(id);
  if (found.textContent !== text) found.textContent = text; // a live region speaks only of changes
}
