// Where results are sent: what waits, what was refused for good, and sending that again.

import { ask } from "./api.js";
import { element, make, table } from "./dom.js";
import { attempt, confirmBox } from "./shell.js";
import { count, moment, plural } from "./text.js";

const KINDS = { mqtt: "MQTT", webhook: "Webhook", modbus: "Reject gate", removed: "Removed" };
let seen = "";

export async function showOutbox(mayChange) {
  const { destinations } = await ask("outbox");
  const text = JSON.stringify(destinations);
  if (text === seen) return; // an open list of refused messages stays open
  seen = text;
  element("outbox").replaceChildren(destinations.length === 0
    ? make("p", { class: "dim" }, "Results are sent nowhere. MQTT brokers, webhooks and reject gates are set up in the settings, under destinations.")
    : table(["Name", "Kind", "State", "Waiting", "Oldest", "Refused", "Dropped", "Last error"],
      destinations.map((each) => row(each, mayChange)), { caption: "Destinations" }));
}

function row(each, mayChange) {
  const [kind, text] = each.paused ? ["bad", "Paused"] : each.connected === null ? ["", "Not tried yet"]
    : each.connected ? ["good", "Connected"] : ["bad", "Not connected"];
  const refused = each.dead === 0 || !mayChange ? count(each.dead)
    : make("button", { type: "button", class: "quiet", onclick: () => showDead(each.name) }, plural(each.dead, "message"));
  return [each.name, KINDS[each.kind] ?? each.kind, make("span", { class: `tag ${kind}` }, text), count(each.waiting),
    each.oldest ? moment(each.oldest) : "–", refused, count(each.dropped), each.last_error || "–"];
}

async function showDead(name) {
  const found = await attempt(() => ask(`outbox/${encodeURIComponent(name)}/dead`));
  if (!found) return;
  const rows = found.items.map(({ number, created, reason, message }) => [String(number), moment(created), reason, make("code", {}, message.id ?? message.kind ?? "")]);
  const agreed = await confirmBox({
    title: `Messages that ${name} refused`,
    content: [table(["Number", "Made", "Reason", "Message"], rows, { caption: "Refused messages" }),
      make("p", { class: "small dim" }, `${found.next_cursor ? "These are the oldest. " : ""}Sent again, they keep their ids and go first.`)],
    yes: "Send all again",
  });
  if (!agreed) return;
  await attempt(() => ask(`outbox/${encodeURIComponent(name)}/dead/requeue`, { method: "POST", json: {} }), { done: "They wait to be sent again." });
  seen = "";
  await attempt(() => showOutbox(true));
}
