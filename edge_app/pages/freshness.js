// Whether the picture on the live page may look alive: numbers and states in, one level and its words out.

import { age, upperFirst } from "./text.js";

export const LATE_MS = 3000;

/**
 * Return {level, tag, title, text}. Levels: "live"; "last", the last part of a camera that waits for its trigger;
 * "wait", nothing has come yet; "stale", the camera gives nothing; "lost", the server cannot be reached.
 *
 * camera: as the server describes it, null where there is none. pictureMs: age of the picture on the screen, null
 * without one. isOpen: whether the server is heard. trouble: why no picture comes, or "".
 */
export function freshness({ isOpen, wasOpen, camera, pictureMs, trouble }) {
  if (!isOpen) {
    return wasOpen
      ? { level: "lost", tag: "Not connected", title: "NOT LIVE", text: "The inspector cannot be reached. Trying again." }
      : { level: "wait", tag: "Connecting", title: "Connecting", text: "" };
  }
  if (!camera) return { level: "wait", tag: "No camera", title: "No camera yet", text: "Its parts will be shown here." };
  const fault = faultOf(camera);
  if (fault) return { level: "stale", tag: "Camera stalled", title: "NOT LIVE", text: fault };
  if (camera.settings.trigger !== "continuous") {
    return pictureMs === null
      ? { level: "wait", tag: "Waiting", title: "Waiting for the first part", text: "This camera inspects on a trigger." }
      : { level: "last", tag: "Last part", title: "", text: "" };
  }
  if (pictureMs === null) {
    return { level: "wait", tag: "Waiting", title: "Waiting for the picture", text: trouble };
  }
  if (pictureMs > LATE_MS + 2 * camera.settings.min_interval_ms + 2000 / Math.max(camera.camera?.fps || 1, 0.2)) {
    return { level: "stale", tag: "No new picture", title: "NOT LIVE", text: trouble || `No new picture for ${age(pictureMs)}.` };
  }
  return { level: "live", tag: "Live", title: "", text: "" };
}

/** One sentence about what is wrong with a camera, or "". */
export function faultOf({ settings, camera }) {
  if (!camera) return "";
  const error = camera.last_error ? ` ${upperFirst(camera.last_error)}.` : "";
  const since = camera.age_ms === null ? "" : ` Last picture ${age(camera.age_ms)} ago.`;
  if (camera.fault === "frozen") return "The camera repeats the same picture.";
  if (camera.fault === "black") return "The picture is black: check the lamp, the lens cap and the exposure.";
  if (camera.fault === "white") return "The picture is white: check the exposure.";
  if (camera.fault === "stale") return `The camera gives no new picture.${since}${error}`;
  if (camera.state === "waiting") return `The camera does not answer; it is tried again.${since}${error}`;
  if (camera.state === "stuck") return `The camera hangs and cannot be restarted; restart the device.${error}`;
  if (camera.state === "stopped") return "The camera is stopped.";
  if (camera.state === "ended") return `The recording ${settings.address} has ended.`;
  return "";
}
