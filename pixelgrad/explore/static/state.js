// What is chosen: photograph, networks, engine, a neuron, and whose gradient is asked for. Views read it and are told.

import { ask } from "./client.js";
import { say, settings, texts } from "./dom.js";

export const app = {
  model: settings.model,
  beside: "",
  engine: settings.engine,
  rule: "standard",
  source: settings.given ? { given: true, name: settings.given } : { sample: settings.sample, name: settings.sample },
  networks: new Map(), // name -> what `describe` answered
  pictures: new Map(), // network -> the photograph at its size
  selected: null, // {layer, channel, row, column}; row and column are null in a layer without maps
  target: null, // likewise: whose gradient is shown
  ranking: null, // the scores of the photograph
};

const listeners = [];

/** Call back when something changed: "picture", "network", "target" or "selected". */
export function onChange(listener) {
  listeners.push(listener);
}

export function changed(what) {
  for (const listener of listeners) listener(what);
}

export function networkName(name) {
  return texts.words.theNetworks[name] ?? name;
}

/** A network's layers and classes, asked for once. */
export async function network(name = app.model) {
  if (!app.networks.has(name)) app.networks.set(name, await ask({ kind: "describe", model: name }));
  return app.networks.get(name);
}

/** The photograph at a network's size. */
export async function picture(name = app.model) {
  const { size } = await network(name);
  const key = size.join("x");
  if (!app.pictures.has(key)) {
    let found;
    if (app.source.bytes) {
      const file = { data: app.source.bytes, shape: [app.source.bytes.length] };
      found = await ask({ kind: "upload", model: name }, { file });
    } else {
      found = await ask({ kind: "picture", model: name, name: app.source.given ? "" : app.source.sample }, {}, undefined, "");
    }
    app.pictures.set(key, found.picture);
  }
  return app.pictures.get(key);
}

/** Take another photograph: a sample's name, the bytes of a file, or changed pixels. */
export function usePhotograph(source, pixels = null) {
  app.source = source;
  app.pictures.clear();
  if (pixels) app.pictures.set(pixels.shape.slice(0, 2).join("x"), pixels);
  changed("picture");
}

/** Ask something about the photograph. */
export async function askAboutPicture(request, { model = app.model, arrays = {}, onframe, pixels } = {}) {
  const seen = pixels ?? (await picture(model));
  const whole = { model, engine: app.engine, ...request };
  return ask(whole, { picture: seen, ...arrays }, onframe, pixels ? "changed" : app.source.name);
}

/** A neuron as the server takes it. */
export function neuronList({ layer, channel, row, column }) {
  return row === null || row === undefined ? [layer, channel] : [layer, channel, row, column];
}

/** A neuron, channel or class in words. */
export function neuronName({ layer, channel, row, column }, { layers, classes } = app.networks.get(app.model)) {
  if (layer === layers.length - 1) return say("targetClass", { name: classes[channel] });
  const name = layer < 0 ? say("photograph") : layers[layer].name;
  if (row === null || row === undefined) return say("targetChannel", { layer: name, channel });
  return say("targetNeuron", { layer: name, channel, row, column });
}

/** The classes as options, in the order of the alphabet. */
export function classOptions({ classes }, recorded = settings.recorded?.classes[app.source.name]) {
  const all = classes.map((name, k) => [String(k), name]);
  return all.filter(([k]) => !recorded || recorded.includes(Number(k))).sort((a, b) => a[1].localeCompare(b[1]));
}

/** The most probable classes: [index, probability]. */
export function best(probabilities, count) {
  return Array.from(probabilities, (p, k) => [k, p]).sort((a, b) => b[1] - a[1]).slice(0, count);
}
