// The microscope: a value as the sum that it is, and its gradient as the sum that it is.

import { attempt } from "./client.js";
import { pictureImage } from "./colours.js";
import { button, choice, el, exact, explanation, number, say, settings, show, tell } from "./dom.js";
import { app, askAboutPicture, best, changed, colourName, exists, network, neuronList, neuronName, picture } from "./state.js";
import { targetChoice } from "./street.js";
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
    this.body.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      this.step(event.key === "ArrowLeft" ? -1 : 1);
      event.preventDefault();
    });
    this.explained = el("div", { class: "two" });
    this.element = el("div", {}, this.fields, this.title, this.body, this.explained);
  }

  async open() {
    this.described = await network();
    const { layers } = this.described;
    if (!app.target || app.target.layer < 0 || !exists(app.target, this.described)) {
      const { probabilities } = await askAboutPicture({ kind: "forward" });
      app.target = { layer: layers.length - 1, channel: best(probabilities.data, 1)[0][0], row: null, column: null };
    }
    this.pixels = await picture();
    this.photo.draw(pictureImage(this.pixels));
    const whole = ({ layer, row }) => (row === null) === (this.shape(layer).length === 1);
    if (!app.selected || !exists(app.selected, this.described) || !whole(app.selected)) app.selected = await this.firstNeuron();
    await this.look();
  }

  /** What to begin with: the last layer's most probable class, and from there down the strongest way. */
  async firstNeuron() {
    if (settings.recorded) {
      const [layer, channel, row, column] = settings.recorded.neurons[`${app.model}/${app.source.name}`];
      return { layer, channel, row, column };
    }
    const maps = this.described.layers.findLastIndex((layer) => layer.shape.length === 3);
    let found = null;
    await askAboutPicture({ kind: "forward" }, {
      onframe: (frame) => {
        if (frame.index === maps) found = frame.maps;
      },
    });
    const [, h, w] = found.shape;
    const at = found.data.indexOf(found.data.reduce((a, b) => Math.max(a, b)));
    return { layer: maps, channel: Math.floor(at / (h * w)), row: Math.floor((at % (h * w)) / w), column: at % w };
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
    this.downButton.disabled = app.selected.layer < 0;
    this.upButton.disabled = !this.strongestAbove;
  }

  go(neuron) {
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

  showFields() {
    const { layer, channel, row, column } = app.selected;
    const [count, h, w] = this.shape(layer);
    const names = [["-1", say("photograph")], ...this.described.layers.map(({ name }, i) => [String(i), name])];
    const move = (change) => this.go({ ...app.selected, ...change });
    const chooseLayer = (text) => {
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
    const again = (change) => {
      change();
      changed("target");
      attempt(() => this.look());
    };
    const rules = settings.rules.map((name) => [name, say(`rule-${name}`)]);
    fields.push(targetChoice(this.described, (target) => again(() => (app.target = target))));
    fields.push(choice(say("rule"), rules, app.rule, (rule) => again(() => (app.rule = rule)), { title: say("ruleHelp") }).element);
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
      follow: (i) => (inner || !inside(i) ? null : () => this.go(this.neuronBelow(i))),
      place: (i) => (inside(i) ? say("placeIn", { name: name(Math.floor(i / (HH * WW))), row: at(i)[0], column: at(i)[1] }) : say("padding")),
      pixel: (i) => (layer === 0 && inside(i) ? say("greyOf", { grey: this.grey(Math.floor(i / (HH * WW)), ...at(i)) }) : ""),
      order: (count) => say(count === 1 ? "countHelp" : layer === 0 ? "orderColours" : "orderHelp", { layer: source }),
      window: sides.length && !inner ? say("windowOf", { layer: source, top: origin[0], bottom: origin[0] + HH - 1, left: origin[1], right: origin[1] + WW - 1 }) : null,
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
    const view = found.view ?? "value-pixel";
    this.explained.replaceChildren(explanation(view), ...(found.sent_view ? [explanation(found.sent_view)] : []));
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
      follow: (term) => (found.squeeze ? null : () => this.go(neurons.get(term))),
    };
    this.backward.replaceChildren(...backwardSum(found, about), ...ownGradient(found));
  }

  /** Which neuron of the next layer a term of the gradient comes from. */
  neuronAbove(layer, { channel, at }) {
    if (this.shape(layer).length === 1) return { layer, channel, row: null, column: null };
    const { kernel, stride, pad } = this.found;
    const place = (p, k) => (kernel ? (p + pad - k) / stride : k);
    return { layer, channel, row: place(app.selected.row, at[0]), column: place(app.selected.column, at[1]) };
  }
}
