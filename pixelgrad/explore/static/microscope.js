// The microscope: a value as the sum that it is, and its gradient as the sum that it is.

import { attempt } from "./client.js";
import { pictureImage } from "./colours.js";
import { button, choice, el, exact, explanation, fixed, number, say, settings, show, tell, texts } from "./dom.js";
import { aimAt, app, askAboutPicture, canAsk, canLookAt, changed, colourName, exists, network, neuronList, neuronName, picture, settleClass } from "./state.js";
import { offerRules, ruleChoice, targetChoice } from "./street.js";
import { backwardSum, forwardSum, ownGradient } from "./sums.js";
import { LargeMap } from "./tiles.js";

export class MicroscopeView {
  constructor() {
    this.name = "microscope";
    const onmove = (row, column) => this.go({ layer: -1, channel: 0, row, column });
    this.photo = new LargeMap({ label: say("field"), onmove });
    this.photo.canvas.removeAttribute("tabindex"); // the fields choose a pixel, too
    this.fields = el("div", { class: "controls" });
    this.title = el("h2", { class: "numbers" });
    this.forward = el("div", { class: "sum" });
    this.backward = el("div", { class: "sum" });
    this.downButton = button(say("down"), () => this.step(-1));
    this.upButton = button(say("up"), () => this.step(1));
    const steps = el("div", {}, el("div", { class: "actions" }, this.downButton, this.upButton), el("p", { class: "note" }, say("stepHelp")));
    const left = el("figure", { class: "field-photo" }, el("figcaption", {}, say("field")), this.photo.element);
    const sums = el(
      "div",
      { class: "scope-sums" },
      el("section", { class: "card" }, el("h3", {}, say("forwardSum")), this.forward),
      el("section", { class: "card" }, el("h3", {}, say("backwardSum")), this.backward),
    );
    this.body = el("div", { class: "scope", tabindex: "0", role: "group", "aria-label": say("microscope") }, el("div", { class: "scope-side" }, left, steps), sums);
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.explained = el("div", { class: "two" });
    this.element = el("div", {}, this.fields, this.title, this.body, this.explained);
  }

  async open() {
    this.described = await network();
    await settleClass();
    this.pixels = await picture();
    this.photo.draw(pictureImage(this.pixels));
    const whole = ({ layer, row }) => (row === null) === (this.shape(layer).length === 1);
    const possible = (neuron) => neuron && exists(neuron, this.described) && whole(neuron);
    if (possible(app.selected) && !canLookAt(app.selected)) app.rule = "standard";
    if (!possible(app.selected) || !canLookAt(app.selected)) app.selected = await this.firstNeuron();
    await this.look();
  }

  /** What to begin with: the strongest neuron of the last maps. */
  async firstNeuron() {
    if (settings.recorded) return this.recordedNeurons()[0];
    const maps = this.described.layers.findLastIndex((layer) => layer.shape.length === 3);
    let found = null;
    await askAboutPicture({ kind: "forward" }, {
      onframe: (frame) => {
        if (frame.index === maps) found = frame.maps;
      },
    });
    const [channels, h, w] = found.shape;
    // Where each class has a map of its own, that of the class: the gradient to the others is 0.
    const own = channels === this.described.classes.length;
    const part = own ? found.data.subarray(app.label * h * w, (app.label + 1) * h * w) : found.data;
    const at = part.indexOf(part.reduce((a, b) => Math.max(a, b))) + (own ? app.label * h * w : 0);
    return { layer: maps, channel: Math.floor(at / (h * w)), row: Math.floor((at % (h * w)) / w), column: at % w };
  }

  /** Of an exported page: the neurons that were recorded for the class, one of each layer, the first to begin with. */
  recordedNeurons() {
    const walk = settings.recorded.walks[`${app.model}/${app.source.name}/${app.label}`];
    return walk.map(([layer, channel, row = null, column = null]) => ({ layer, channel, row, column }));
  }

  shape(layer) {
    return layer < 0 ? [3, ...this.pixels.shape.slice(0, 2)] : this.described.layers[layer].shape;
  }

  layerName(layer) {
    return layer < 0 ? say("photograph") : this.described.layers[layer].name;
  }

  /** Put the chosen neuron under the microscope. */
  async look() {
    const request = { kind: "value", neuron: neuronList(app.selected), target: neuronList(app.target), rule: app.rule };
    const found = await askAboutPicture(request);
    this.found = found;
    this.showFields();
    const { layer, channel, row, column } = app.selected;
    const last = layer === this.described.layers.length - 1;
    const words = { layer: this.layerName(layer), channel, row, column, value: show(found.value), colour: layer < 0 ? colourName(channel) : "" };
    const key = layer < 0 ? "selectedPixel" : last ? "selectedClass" : row === null ? "selectedUnit" : "selected";
    if (last) words.name = this.described.classes[channel];
    this.title.textContent = say(key, words) + (found.gradient === undefined ? "" : say("withGradient", { gradient: exact(found.gradient) }));
    tell(this.title.textContent);
    this.photo.frame(...found.field);
    this.showForward(found);
    this.showBackward(found);
    this.downButton.disabled = !this.strongestBelow || !canLookAt(this.strongestBelow);
    this.upButton.disabled = !this.strongestAbove || !canLookAt(this.strongestAbove);
  }

  go(neuron) {
    if (!canLookAt(neuron)) return tell(say("notRecorded"), true);
    const inside = this.body.contains(document.activeElement); // what is focused there is about to be replaced
    app.selected = neuron;
    changed("selected");
    return attempt(async () => {
      await this.look();
      if (inside && !this.body.contains(document.activeElement)) this.body.focus({ preventScroll: true });
    });
  }

  /** Follow the strongest term, to the layer before or after. */
  step(direction) {
    const term = direction < 0 ? this.strongestBelow : this.strongestAbove;
    if (term) this.go(term);
  }

  /** The arrow keys, wherever nothing else takes them; with a modifier they are the browser's. */
  key(event) {
    const direction = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!direction || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.step(direction);
  }

  showFields() {
    const { layer, channel, row, column } = app.selected;
    const [count, h, w] = this.shape(layer);
    const possible = settings.recorded ? this.recordedNeurons().map((one) => String(one.layer)) : null;
    const all = [["-1", say("photograph")], ...this.described.layers.map(({ name }, i) => [String(i), name])];
    const names = all.filter(([i]) => !possible || possible.includes(i));
    const move = (change) => this.go({ ...app.selected, ...change });
    const chooseLayer = (text) => {
      if (settings.recorded) return this.go(this.recordedNeurons().find((one) => one.layer === Number(text)));
      if (Number(text) === app.target.layer && this.shape(app.target.layer).length === 1) return move(app.target);
      const [c, hh, ww] = this.shape(Number(text));
      const inside = (value, n, before) => (n ? Math.min(n - 1, Math.floor((((value ?? 0) + 0.5) / (before ?? 1)) * n)) : null);
      move({ layer: Number(text), channel: Math.min(channel, c - 1), row: inside(row, hh, h), column: inside(column, ww, w) });
    };
    const colours = [0, 1, 2].map((c) => [String(c), colourName(c)]);
    const inLayer = layer < 0
      ? choice(say("colour"), colours, String(channel), (value) => move({ channel: Number(value) }))
      : number(say(h ? "channel" : "unit"), 0, count - 1, channel, (value) => move({ channel: value }));
    const fields = [choice(say("layer"), names, String(layer), chooseLayer).element, inLayer.element];
    if (h) {
      fields.push(number(say("row"), 0, h - 1, row, (value) => move({ row: value })).element);
      fields.push(number(say("column"), 0, w - 1, column, (value) => move({ column: value })).element);
    }
    const active = document.activeElement?.closest(".field");
    const index = active && this.fields.contains(active) ? [...this.fields.children].indexOf(active) : -1;
    if (settings.recorded) for (const field of fields.slice(1)) field.lastChild.disabled = true; // one neuron a layer
    const again = (change) => attempt(async () => {
      await change();
      changed("target");
      await this.open();
    });
    const rule = ruleChoice((chosen) => again(() => (app.rule = chosen)));
    const asked = { kind: "value", neuron: neuronList(app.selected), target: neuronList(app.target) };
    offerRules(rule.select, (name) => canAsk({ ...asked, rule: name }));
    fields.push(targetChoice(this.described, (target) => again(() => aimAt(target))), rule.element);
    this.fields.replaceChildren(...fields);
    if (index >= 0) this.fields.children[index]?.lastChild.focus(); // the fields are new; who typed goes on there
  }

  showForward(found) {
    this.strongestBelow = null;
    const { layer, channel, row, column } = app.selected;
    if (layer < 0) {
      const [grey, std] = [this.grey(channel, row, column), this.described.std[channel]];
      const numbers = { grey, std: exact(std), mean: exact(grey - found.value * std, 6), value: exact(found.value) };
      this.forward.replaceChildren(el("p", { class: "numbers" }, say(std === 1 ? "pixelValue" : "pixelValueStd", numbers)));
      return;
    }
    const { window: seen, weights, origin, inner, first_channel: first, maps_before: sides } = found;
    const [, HH, WW] = seen.shape;
    const size = Float64Array.from(seen.data, (value, i) => Math.abs(value * weights.data[i]));
    this.strongestBelow = this.neuronBelow(size.reduce((top, value, i) => (value > size[top] ? i : top), 0));
    const at = (i) => [origin[0] + Math.floor((i % (HH * WW)) / WW), origin[1] + (i % WW)];
    const inside = (i) => !sides.length || at(i).every((p, side) => p >= 0 && p < sides[side]);
    const source = this.layerName(layer - 1);
    const name = (c) => {
      if (layer === 0) return colourName(first + c);
      return say(inner ? "squeezeMap" : sides.length ? "inputChannel" : "inputUnit", { channel: first + c });
    };
    const about = {
      source,
      name,
      inside,
      follow: (i) => (inner || !inside(i) || !canLookAt(this.neuronBelow(i)) ? null : () => this.go(this.neuronBelow(i))),
      place: (i) => (inside(i) ? say("placeIn", { name: name(Math.floor(i / (HH * WW))), row: at(i)[0], column: at(i)[1] }) : say("padding")),
      pixel: (i) => (layer === 0 && inside(i) ? say("greyOf", { grey: this.grey(Math.floor(i / (HH * WW)), ...at(i)) }) : ""),
      order: (count, of) => {
        const products = of === "sums" ? "orderHelp" : sides.length ? "orderProducts" : "orderUnits";
        return say(count === 1 ? "countHelp" : layer === 0 ? "orderColours" : products, { layer: source });
      },
      window: sides.length && !inner ? say("windowOf", windowWords(source, origin, [HH, WW])) : null,
    };
    const note = inner ? [el("p", { class: "note" }, say("inner"))] : [];
    this.forward.replaceChildren(...note, ...forwardSum(found, about, app.engine));
  }

  /** The grey level of a pixel, 0 to 255. */
  grey(channel, row, column) {
    return this.pixels.data[3 * (row * this.pixels.shape[1] + column) + channel];
  }

  /** The neuron that an entry of the window is, or null in the padding. */
  neuronBelow(index) {
    const { window: seen, origin, first_channel: first, inner } = this.found;
    const [, HH, WW] = seen.shape;
    const below = app.selected.layer - 1;
    const shape = this.shape(below);
    if (inner) {
      const [channel, row, column] = this.found.below;
      return { layer: below, channel, row, column };
    }
    if (shape.length === 1) return { layer: below, channel: first + index, row: null, column: null };
    const c = Math.floor(index / (HH * WW));
    const inBounds = (value, n) => Math.min(Math.max(value, 0), n - 1);
    const row = inBounds(origin[0] + Math.floor((index % (HH * WW)) / WW), shape[1]);
    return { layer: below, channel: first + c, row, column: inBounds(origin[1] + (index % WW), shape[2]) };
  }

  showBackward(found) {
    this.strongestAbove = null;
    const views = [valueView(found, this.described), sentView(found)].filter(Boolean);
    this.explained.replaceChildren(...views.map(explanation));
    if (found.above === undefined) {
      const { layer, channel, row, column } = app.target;
      const same = app.selected.layer === layer && app.selected.channel === channel && app.selected.row === row && app.selected.column === column;
      const key = app.selected.layer > layer ? "gradientLater" : same ? "gradientStarts" : "gradientBeside";
      this.backward.replaceChildren(el("p", { class: "note" }, say(key, { target: neuronName(app.target) })));
      return;
    }
    const layer = app.selected.layer + 1;
    const neurons = new Map(found.above.map((term) => [term, this.neuronAbove(layer, term)]));
    const strongest = found.above.find((term) => term.sent !== 0);
    if (strongest) this.strongestAbove = neurons.get(strongest);
    if (found.squeeze) {
      const [channel, row, column] = found.up;
      this.strongestAbove = { layer, channel, row, column };
    }
    const last = layer === this.described.layers.length - 1;
    const named = (neuron) => (last ? neuronName(neuron) : say(found.squeeze ? "squeezeMap" : neuron.row === null ? "inputUnit" : "sentAt", neuron));
    const about = {
      source: say("fromLayer", { layer: this.layerName(layer) }),
      name: (term) => named(neurons.get(term)),
      follow: (term) => (found.squeeze || !canLookAt(neurons.get(term)) ? null : () => this.go(neurons.get(term))),
      rule: app.rule,
    };
    this.backward.replaceChildren(...backwardSum(found, about), ...ownGradient(found, app.rule));
  }

  /** Which neuron of the next layer a term of the gradient comes from. */
  neuronAbove(layer, { channel, at }) {
    if (this.shape(layer).length === 1) return { layer, channel, row: null, column: null };
    const { kernel, stride, pad } = this.found;
    const place = (p, k) => (kernel ? (p + pad - k) / stride : k);
    return { layer, channel, row: place(app.selected.row, at[0]), column: place(app.selected.column, at[1]) };
  }
}

/** What explains the value: a neuron that is not active raises another question than one that is. */
function valueView({ view, value, steps }, { std }) {
  if (!view) return std.every((one) => one === 1) ? "value-pixel" : "value-pixel-std";
  const silent = view === "value" && value === 0 && steps.at(-1).name === "relu";
  return silent ? "value-inactive" : view;
}

/** What explains the gradient, by the ReLU rule where that matters. */
function sentView({ sent_view: view }) {
  return `${view}-${app.rule}` in texts.views ? `${view}-${app.rule}` : view;
}

/** Where a window lies: its first and last row and column, which are negative in the padding. */
function windowWords(layer, [top, left], [h, w]) {
  const [first, last, from, to] = [top, top + h - 1, left, left + w - 1].map((at) => fixed(at, 0));
  return { layer, top: first, bottom: last, left: from, right: to };
}
