// Requests to the server, or to the results that an exported page holds. The newest request wins.

import { say, settings, tell } from "./dom.js";
import { packFrame, readFrames } from "./messages.js";

/** Thrown where a newer request took the place of this one, or it was stopped: nothing is wrong then. */
export class Superseded extends Error {}

let controller = null;

/**
 * Ask; onframe is called with each frame of the answer, and the last one is returned.
 * Arrays are {name: {data, shape}}. `named` tells an exported page which picture is meant.
 */
export async function ask(request, arrays = {}, onframe = () => {}, named = "") {
  controller?.abort();
  const mine = (controller = new AbortController());
  const frames = settings.recorded ? recordedFrames(request, named) : liveFrames(request, arrays, mine.signal);
  let last = null;
  const slow = setTimeout(() => tell(say("working")), 250);
  try {
    for await (const frame of frames) {
      if (mine.signal.aborted) throw new Superseded();
      if (frame.error !== undefined) {
        if (frame.reason === "superseded" || frame.reason === "stopped") throw new Superseded(frame.reason);
        throw new Error(frame.error);
      }
      last = frame;
      onframe(frame);
    }
  } catch (error) {
    if (error.name === "AbortError" || mine.signal.aborted) throw new Superseded();
    throw error;
  } finally {
    clearTimeout(slow);
    if (controller === mine) controller = null;
  }
  tell(say("ready"));
  return last;
}

/** Stop what is being computed. */
export function stop() {
  controller?.abort();
}

let attempts = 0;

/** Show by the pointer that what is shown is about to change; tests wait for it, too. */
function busy(change) {
  attempts += change;
  document.body.classList.toggle("busy", attempts > 0);
}

/** Run what a person asked for; what goes wrong is told, and a newer request is not wrong. */
export async function attempt(action) {
  busy(1);
  try {
    await action();
  } catch (error) {
    if (error instanceof Superseded) return;
    tell(settings.recorded ? error.message : say("failed", { error: error.message }), true);
    if (!error.expected) console.warn(error);
  } finally {
    busy(-1);
  }
}

async function* liveFrames(request, arrays, signal) {
  try {
    const response = await fetch("ask", {
      method: "POST",
      headers: { "Content-Type": "application/octet-stream" },
      body: packFrame(request, arrays),
      signal,
    });
    if (!response.ok) throw new Error((await response.text()).trim());
    yield* readFrames(response.body);
  } catch (error) {
    throw error instanceof TypeError ? new Error(say("gone")) : error; // what fetch throws where nobody answers
  }
}

// -- an exported page: answers by their request -----------------------------------------------------------------------

/** A request as text, its keys in order: the same in Python (export.py). */
export function requestKey(request, named) {
  const sorted = Object.keys(request).sort().map((key) => [key, request[key]]);
  return JSON.stringify([...sorted, ["photograph", named]]);
}

let reading = null;
let recordings = null;

/** Whether a request has an answer; of an exported page only once it has answered another. */
export function isAnswered(request, named) {
  return !settings.recorded || Boolean(recordings?.has(requestKey(request, named)));
}

async function* recordedFrames(request, named) {
  recordings = await (reading ??= readRecordings());
  const found = recordings.get(requestKey(request, named));
  if (!found) throw Object.assign(new Error(say("notRecorded")), { expected: true });
  for (const frame of found) {
    yield frame;
    if (request.kind === "grow") await new Promise((resolve) => setTimeout(resolve, 120));
  }
}

async function readRecordings() {
  const text = document.getElementById("recordings").textContent;
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const all = new Map();
  for await (const frame of readFrames(stream)) {
    if (!all.has(frame.key)) all.set(frame.key, []);
    all.get(frame.key).push(widened(frame));
  }
  return all;
}

/** Maps are kept as 8-bit parts of each channel's largest value; here they become numbers again. */
function widened(frame) {
  for (const name of Object.keys(frame.scales ?? {})) {
    const { data, shape } = frame[name];
    const signed = new Int8Array(data.buffer, data.byteOffset, data.length);
    const scales = frame.scales[name];
    const size = data.length / scales.length;
    frame[name] = { shape, data: Float32Array.from(signed, (value, i) => (value / 127) * scales[Math.floor(i / size)]) };
  }
  return frame;
}
