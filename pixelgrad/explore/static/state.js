// What is chosen: photograph, networks, engine, a class, a neuron, whose gradient is asked for. Views read it, are told.

import { ask, isAnswered } from "./client.js";
import { say, settings, texts } from "./dom.js";

export const LOOPS = ["class", "dream", "inversion"];

export const app = {
  model: settings.model,
  beside: "",
  engine: settings.engine,
  rule: "standard",
  source: settings.given ? { given: true, name: settings.given } : { sample: settings.sample, name: settings.sample },
  networks: new Map(), // name -> what `describe` answered
  pictures: new Map(), // network -> the photograph at its size
  selected: null, // {layer, channel, row, column}; row and column are null in a layer without maps
  label: null, // the class that every view is about
  target: null, // a neuron, a channel or that class: whose gradient is asked for
  gradient: false, // whether the street shows it, in place of the activations
  methods: ["saliency", "grad_cam"], // compared where the network looks
  fooling: null, // the class that the fooling step leads to
  grows: "class", // which loop
  layer: null, // whose features that loop enlarges or inverts
  own: new Map(), // photographs that no server knows by name, by their name in the address
  lost: false, // whether the address named one that went with an earlier page
};

const listeners = [];

/** Call back when something changed: "picture", "network", "described", "target", "selected" and the like. */
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
  if (!app.networks.has(name)) {
    app.networks.set(name, await ask({ kind: "describe", model: name }));
    changed("described");
  }
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
  setPhotograph(source, pixels);
  app.lost = false;
  changed("picture");
}

function setPhotograph(source, pixels = null) {
  app.source = source;
  const last = app.networks.get(app.model)?.layers.length - 1;
  if (app.target?.layer === last) app.target = null; // another photograph has another class
  app.label = null;
  app.pictures.clear();
  if (pixels) source.painted = pixels;
  if (source.painted) app.pictures.set(source.painted.shape.slice(0, 2).join("x"), source.painted);
  if (source.bytes || source.painted) {
    source.key ??= `own-${Date.now()}`; // a name that no earlier page gave away
    app.own.set(source.key, source);
  }
}

/** Take another network; what belongs to the layers or classes of the one before is not chosen any longer. */
export function useNetwork(name) {
  if (app.beside === name) app.beside = app.model; // the two change places
  const alike = ["standard", "robust"]; // of the same layers and classes
  if (!alike.includes(name) || !alike.includes(app.model)) {
    app.selected = app.target = app.label = app.fooling = app.layer = null;
  }
  app.model = name;
}

// -- the class, and whose gradient is asked for -----------------------------------------------------------------------

/** Make sure that there are both: the photograph's most probable class, where none was chosen. */
export async function settleClass(probabilities = null) {
  const described = await network();
  const last = described.layers.length - 1;
  const ofClass = (label) => ({ layer: last, channel: label, row: null, column: null });
  if (app.target && !canBeTarget(app.target, described)) app.target = null;
  if (!(app.label in described.classes) || !canBeTarget(ofClass(app.label), described)) {
    const ranked = async () => probabilities ?? (await askAboutPicture({ kind: "scores" })).probabilities.data;
    app.label = app.target?.layer === last ? app.target.channel : best(await ranked(), 1)[0][0];
  }
  app.target ??= ofClass(app.label);
}

function canBeTarget(target, described) {
  const possible = target.layer >= 0 && exists(target, described);
  return possible && canAsk({ kind: "gradient", target: neuronList(target), rule: "standard" });
}

/** Ask for the gradient of a neuron, a channel or a class; a class is then that of all views. */
export async function aimAt(target) {
  app.target = { row: null, column: null, ...target };
  if (target.layer === (await network()).layers.length - 1) app.label = target.channel;
  changed("target");
}

/** Choose the class of all views, as whose gradient is asked for, too. */
export async function chooseClass(label) {
  return aimAt({ layer: (await network()).layers.length - 1, channel: label });
}

// -- the address: what is chosen stands there, so that a reload keeps it and the Back button finds it -----------------

/** What is chosen, as the part of the address behind the #. */
export function addressOf(view) {
  const list = (neuron) => neuron && neuronList(neuron).join(",");
  const { key, given, sample } = app.source;
  const parts = {
    model: app.model,
    beside: app.beside,
    engine: app.engine,
    rule: app.rule,
    photograph: key ?? (given ? "given" : sample),
    neuron: list(app.selected),
    class: app.label,
    of: list(app.target),
    shows: app.gradient ? "gradient" : "",
    methods: app.methods.join(","),
    fooling: app.fooling,
    grows: app.grows === LOOPS[0] ? "" : app.grows,
    layer: app.layer,
  };
  const given_ = Object.entries(parts).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return `#${view}?${given_.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll("%2C", ",")}`).join("&")}`;
}

function neuronFrom(text) {
  const numbers = text?.split(",").map(Number);
  if (!numbers || ![2, 4].includes(numbers.length) || !numbers.every(Number.isInteger)) return null;
  const [layer, channel, row = null, column = null] = numbers;
  return { layer, channel, row, column };
}

/** Take over what an address says, as far as it is there; returns the view, and what has to be computed anew. */
export function takeAddress(hash) {
  const [view, query = ""] = hash.slice(1).split("?");
  const parts = new URLSearchParams(query);
  const whole = (name) => (/^\d+$/.test(parts.get(name)) ? Number(parts.get(name)) : null);
  const known = (name, all, now) => (all.includes(parts.get(name)) ? parts.get(name) : now);
  const before = [app.model, app.beside, app.engine, app.source];
  app.model = known("model", settings.networks, app.model);
  app.beside = parts.has("model") ? known("beside", settings.networks.filter((name) => name !== app.model), "") : app.beside;
  app.engine = known("engine", settings.engines, app.engine);
  app.rule = known("rule", settings.rules, app.rule);
  const methods = parts.get("methods")?.split(",") ?? [];
  if (methods.length === 2 && methods.every((name) => settings.methods.includes(name))) app.methods = methods;
  const name = parts.get("photograph");
  app.lost = Boolean(name?.startsWith("own-")) && !app.own.has(name);
  if (app.own.has(name)) {
    if (app.source !== app.own.get(name)) setPhotograph(app.own.get(name));
  } else if (name === "given" && settings.given && !app.source.given) setPhotograph({ given: true, name: settings.given });
  else if (settings.samples.includes(name) && app.source.sample !== name) setPhotograph({ sample: name, name });
  if (parts.has("model")) {
    app.gradient = parts.get("shows") === "gradient";
    app.selected = neuronFrom(parts.get("neuron"));
    app.target = app.lost ? null : neuronFrom(parts.get("of"));
    app.label = app.lost ? null : whole("class");
    app.fooling = whole("fooling");
    app.grows = known("grows", LOOPS, LOOPS[0]);
    app.layer = whole("layer");
  }
  const now = [app.model, app.beside, app.engine, app.source];
  return { view, stale: now.some((value, i) => value !== before[i]) };
}

/** Ask something about the photograph. */
export async function askAboutPicture(request, { model = app.model, arrays = {}, onframe, pixels } = {}) {
  const seen = pixels ?? (await picture(model));
  const whole = { model, engine: app.engine, ...request };
  return ask(whole, { picture: seen, ...arrays }, onframe, pixels ? "changed" : app.source.name);
}

/** Whether something about the photograph is answered: an exported page holds some answers only. */
export function canAsk(request, model = app.model) {
  return isAnswered({ model, engine: app.engine, ...request }, app.source.name);
}

/** Whether a neuron can be put under the microscope. */
export function canLookAt(neuron, model = app.model) {
  if (!settings.recorded) return true;
  return canAsk({ kind: "value", neuron: neuronList(neuron), target: neuronList(app.target), rule: app.rule }, model);
}

/** A neuron as the server takes it. */
export function neuronList({ layer, channel, row, column }) {
  return row === null || row === undefined ? [layer, channel] : [layer, channel, row, column];
}

/** A neuron, channel or class in words. */
export function neuronName({ layer, channel, row, column }, { layers, classes } = app.networks.get(app.model)) {
  if (layer === layers.length - 1) return say("targetClass", { name: classes[channel] });
  if (layer < 0) return say("pixelName", { colour: colourName(channel), row, column });
  const name = layer < 0 ? say("photograph") : layers[layer].name;
  if (row === null || row === undefined) return say("targetChannel", { layer: name, channel });
  return say("targetNeuron", { layer: name, channel, row, column });
}

export function colourName(channel) {
  return say(["red", "green", "blue"][channel]);
}

/** Whether a neuron can be there in a network. */
export function exists({ layer, channel, row, column }, { layers, size }) {
  if (layer < -1 || layer >= layers.length) return false;
  const [count, h, w] = layer < 0 ? [3, ...size] : layers[layer].shape;
  if (!(channel >= 0 && channel < count)) return false;
  return row === null || (row >= 0 && row < h && column >= 0 && column < w);
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
