// How things are written: verdicts, times, sizes, scores. Times are those of the reader's clock and place.

export const VERDICTS = ["PASS", "REVIEW", "FAIL", "NO_DECISION"];
export const SIGNS = { PASS: "✓", REVIEW: "?", FAIL: "✕", NO_DECISION: "!" };
export const DECISIONS = { good: "Good", defect: "Defect", unsure: "Not sure" };

const REASONS = {
  frozen: "The camera repeats the same picture.",
  black: "The picture is black: check the lamp, the lens cap and the exposure.",
  white: "The picture is white: check the exposure.",
  stale: "The camera gives no new picture.",
  error: "The inspection failed: the log of the server says why.",
  busy: "More parts came than can be inspected.",
};

export const verdictWord = (verdict) => verdict.replace("_", " ");
export const reasonSentence = (reason) => REASONS[reason] ?? (reason ? `Reason: ${reason}.` : "");
export const shortDigest = (digest) => digest.slice(0, 12);
export const upperFirst = (text) => text.charAt(0).toUpperCase() + text.slice(1);

export function score(value) {
  if (value === null || value === undefined) return "–";
  return value >= 0.1 || value === 0 ? value.toFixed(3) : value.toPrecision(2);
}

export function milliseconds(value) {
  if (value === null || value === undefined) return "–";
  return value >= 100 ? `${Math.round(value).toLocaleString("en")} ms` : `${value.toFixed(1)} ms`;
}

export function age(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms < 10) return "under 10 ms";
  if (ms < 950) return `${Math.round(ms / 10) * 10} ms`;
  if (ms < 90_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 5_400_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let [left, unit] = [value, 0];
  while (left >= 1000 && unit < units.length - 1) { left /= 1000; unit++; }
  return `${unit === 0 ? left : left.toFixed(left < 10 ? 1 : 0)} ${units[unit]}`;
}

const two = (number) => String(number).padStart(2, "0");

export function clock(iso) {
  const time = new Date(iso);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

export function day(iso) {
  const time = new Date(iso);
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

export const moment = (iso) => (iso ? `${day(iso)} ${clock(iso)}` : "–");
export const count = (value) => Number(value ?? 0).toLocaleString("en");
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
