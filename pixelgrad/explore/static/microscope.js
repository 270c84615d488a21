// The microscope: a value as the sum that it is, and its gradient as the sum that it is.

import { attempt } from "./client.js";
import { cellStyle, pictureImage } from "./colours.js";
import { button, choice, el, explanation, number, say, settings, show, tell } from "./dom.js";
import { app, askAboutPicture, best, changed, network, neuronList, neuronName, picture } from "./state.js";
import { targetChoice } from "./street.js";
import { LargeMap } from "./tiles.js";

const CHANNELS = 6; // written out in full
const LIST = 12; // single products written out
const WIDEST = 8; // columns of a table of numbers

/** A number in a cell: always so many digits. */
function fixed(value, digits) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** A number in a formula: in brackets behind an operation, if it is negative. */
function within(key, value) {
  return value < 0 && ["mean", "beta", "bias"].includes(key) ? `(${show(value)})` : show(value);
}

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
    const sums = [
      el("section", { class: "card" }, el("h3", {}, say("forwardSum")), this.forward),
      el("section", { class: "card" }, el("h3", {}, say("backwardSum")), this.backward),
    ];
    this.body = el("div", { class: "scope", tabindex: "0", role: "group", "aria-label": say("microscope") }, el("div", { class: "scope-side" }, left, steps), ...sums);
    this.body.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      this.step(event.key === "ArrowLeft" ? -1 : 1);
      event.preventDefault();
    });
    const explained = el("div", { class: "two" }, explanation("value"), explanation("sent"));
    this.element = el("div", {}, this.fields, this.title, this.body, explained);
  }

  async open() {
    this.described = await network();
    const { layers } = this.described;
    if (!app.target || app.target.layer >= layers.length || app.target.channel >= layers[app.target.layer].shape[0]) {
      const { probabilities } = await askAboutPicture({ kind: "forward" });
      app.target = { layer: layers.length - 1, channel: best(probabilities.data, 1)[0][0], row: null, column: null };
    }
    this.pixels = await picture();
    this.photo.draw(pictureImage(this.pixels));
    const fits = ({ layer, channel, row }) =>
      layer < layers.length && channel < this.shape(layer)[0] && (row === null) === (this.shape(layer).length === 1);
    if (!app.selected || !fits(app.selected)) app.selected = await this.firstNeuron();
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
    const words = { ...app.selected, layer: this.layerName(app.selected.layer), value: show(found.value) };
    const text = say(app.selected.row === null ? "selectedUnit" : "selected", words);
    this.title.textContent = text + (found.gradient === undefined ? "" : say("withGradient", { gradient: show(found.gradient, 6) }));
    tell(this.title.textContent);
    this.photo.frame(...found.field);
    this.showForward(found);
    this.showBackward(found);
    this.downButton.disabled = app.selected.layer < 0;
    this.upButton.disabled = !found.above?.length;
  }

  go(neuron) {
    app.selected = neuron;
    changed("selected");
    return attempt(() => this.look());
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
      const [c, hh, ww] = this.shape(Number(text));
      const inside = (value, n, before) => (n ? Math.min(n - 1, Math.floor((((value ?? 0) + 0.5) / (before ?? 1)) * n)) : null);
      move({ layer: Number(text), channel: Math.min(channel, c - 1), row: inside(row, hh, h), column: inside(column, ww, w) });
    };
    const fields = [
      choice(say("layer"), names, String(layer), chooseLayer).element,
      number(say("channel"), 0, count - 1, channel, (value) => move({ channel: value })).element,
    ];
    if (h) {
      fields.push(number(say("row"), 0, h - 1, row, (value) => move({ row: value })).element);
      fields.push(number(say("column"), 0, w - 1, column, (value) => move({ column: value })).element);
    }
    const active = document.activeElement?.closest(".field");
    const index = active && this.fields.contains(active) ? [...this.fields.children].indexOf(active) : -1;
    const again = (change) => {
      change();
      attempt(() => this.look());
    };
    const rules = settings.rules.map((name) => [name, say(`rule-${name}`)]);
    fields.push(targetChoice(this.described, (target) => again(() => (app.target = target))));
    fields.push(choice(say("rule"), rules, app.rule, (rule) => again(() => (app.rule = rule))).element);
    this.fields.replaceChildren(...fields);
    if (index >= 0) this.fields.children[index]?.lastChild.focus(); // the fields are new; who typed goes on there
  }

  showForward(found) {
    this.strongestBelow = null;
    if (app.selected.layer < 0) {
      this.forward.replaceChildren(el("p", {}, say("pixelValue")));
      return;
    }
    const { window: seen, weights } = found;
    const [C, HH, WW] = seen.shape;
    const size = HH * WW;
    const products = seen.data.map((value, i) => value * weights.data[i]);
    this.strongestBelow = this.neuronBelow(products.reduce((top, value, i) => (Math.abs(value) > Math.abs(products[top]) ? i : top), 0));
    const rows = found.inner ? [el("p", { class: "note" }, say("inner"))] : [];
    if (size === 1) rows.push(...this.productList(seen.data, weights.data, products));
    else {
      const sums = Array.from({ length: C }, (_, c) => products.subarray(c * size, (c + 1) * size).reduce((a, b) => a + b, 0));
      const order = sums.map((_, c) => c).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
      const shown = order.slice(0, CHANNELS);
      const reaches = [seen.data, weights.data, products].map((data) => Math.max(...data.map(Math.abs)));
      for (const c of shown) {
        const colour = app.selected.layer === 0 ? ["R", "G", "B"][c] : null;
        const name = colour ?? say(found.inner ? "squeezeMap" : "inputChannel", { channel: found.first_channel + c });
        const parts = [seen.data, weights.data, products].map((data) => data.subarray(c * size, (c + 1) * size));
        rows.push(this.channelRow(name, c, parts, reaches, [HH, WW], sums[c], found.terms));
      }
      if (order.length > shown.length) {
        const rest = order.slice(CHANNELS).reduce((a, c) => a + sums[c], 0);
        rows.push(el("p", { class: "numbers" }, say("others", { count: C - shown.length, value: show(rest) })));
        const list = order.map((c) => `${c}: ${show(sums[c])}`).join("   ");
        rows.push(el("details", {}, el("summary", {}, say("allSums")), el("p", { class: "numbers small" }, list)));
      }
    }
    this.forward.replaceChildren(...rows, this.stepsTable(found));
  }

  /** A channel of the window, times that of the filter: three tables of numbers. */
  channelRow(name, channel, [values, weights, products], reaches, shape, sum, terms) {
    const table = (data, i, key) => this.numberTable(say(key), data, shape, reaches[i], i === 0 && !this.found.inner ? (at) => this.go(this.neuronBelow(channel * values.length + at)) : null);
    const parts = terms === "products"
      ? [table(values, 0, "window"), "×", table(weights, 1, "filter"), "=", table(products, 2, "products")]
      : [table(values, 0, "window")];
    const signs = parts.map((part) => (typeof part === "string" ? el("span", { class: "sign" }, part) : part));
    const total = terms === "products" ? el("span", { class: "numbers" }, say("sumIs", { value: show(sum) })) : null;
    return el("div", { class: "term" }, el("h4", {}, name, " ", total), el("div", { class: "tables" }, ...signs));
  }

  numberTable(caption, data, [h, w], largest, onclick) {
    const digits = w > 4 ? 1 : 2;
    const table = el("table", { class: w > WIDEST ? "cells tiny" : w > 4 ? "cells small" : w > 3 ? "cells middle" : "cells" }, el("caption", {}, caption));
    for (let i = 0; i < h; i++) {
      const line = el("tr");
      for (let j = 0; j < w; j++) {
        const value = data[i * w + j];
        const text = w > WIDEST ? "" : fixed(value, largest < 1 ? digits + 1 : digits);
        const cell = el("td", { title: show(value, 6) }, text);
        Object.assign(cell.style, cellStyle(value, largest, true));
        if (onclick) {
          cell.classList.add("link");
          cell.addEventListener("click", () => onclick(i * w + j));
        }
        line.append(cell);
      }
      table.append(line);
    }
    return table;
  }

  /** Where every channel gives one product: a list of the largest. */
  productList(values, weights, products) {
    const order = Array.from(products, (_, i) => i).sort((a, b) => Math.abs(products[b]) - Math.abs(products[a]));
    const shown = order.slice(0, LIST);
    const below = this.described.layers[app.selected.layer - 1];
    const head = el("tr", {}, ...["channel", "window", "filter", "products"].map((key) => el("th", { scope: "col" }, key === "channel" ? below?.name ?? "" : say(key))));
    const lines = shown.map((i) => {
      const name = say(this.found.inner ? "squeezeMap" : "inputChannel", { channel: i });
      const link = this.found.inner ? name : button(name, () => this.go(this.neuronBelow(i)), { class: "link" });
      return el("tr", {}, el("th", { scope: "row" }, link), ...[values[i], weights[i], products[i]].map((v) => el("td", {}, show(v))));
    });
    const rest = order.slice(LIST).reduce((a, i) => a + products[i], 0);
    const table = el("table", { class: "list" }, head, ...lines);
    const others = el("p", { class: "numbers" }, say("othersUnits", { count: order.length - shown.length, value: show(rest) }));
    return order.length > shown.length ? [table, others] : [table];
  }

  /** From the sum to the value, and the network's own value beside it. */
  stepsTable({ steps, value }) {
    let before = null;
    const lines = steps.map((step) => {
      const numbers = Object.fromEntries(Object.entries(step).filter(([key]) => key !== "name").map(([key, v]) => [key, within(key, v)]));
      const text = say(`step-${step.name}`, { ...numbers, before: before === null ? "" : show(before) });
      before = step.value;
      return el("tr", { "data-step": step.name }, el("th", { scope: "row" }, text), el("td", {}, show(step.value)));
    });
    const own = el("tr", { class: "total" }, el("th", { scope: "row" }, say("inNetwork", { engine: app.engine })), el("td", {}, show(value)));
    const gap = el("tr", { class: "note" }, el("th", { scope: "row" }, say("difference")), el("td", {}, Math.abs(value - before).toExponential(1)));
    return el("table", { class: "list steps" }, ...lines, own, gap);
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
    if (found.above === undefined) {
      this.backward.replaceChildren(el("p", { class: "note" }, say("noGradient", { target: neuronName(app.target) })));
      return;
    }
    const above = app.selected.layer + 1;
    const terms = found.above.filter((term) => term.sent !== 0 || found.above.length === 1).map((term) => ({ ...term, neuron: this.neuronAbove(above, term) }));
    this.strongestAbove = terms[0]?.neuron ?? null;
    if (found.squeeze) {
      const [channel, row, column] = found.up;
      this.strongestAbove = { layer: above, channel, row, column };
    }
    const words = ["arrives", "times", "sent"].map((key) => el("th", { scope: "col" }, say(key)));
    const lines = terms.map(({ neuron, arriving, sent }) => {
      const key = found.squeeze ? "squeezeMap" : neuron.row === null ? "inputChannel" : "sentAt";
      const name = above === this.described.layers.length - 1 ? neuronName(neuron) : say(key, neuron);
      const link = found.squeeze ? name : button(name, () => this.go(neuron), { class: "link" });
      const cells = [arriving, arriving ? sent / arriving : 0, sent].map((value) => el("td", {}, show(value, 5)));
      return el("tr", {}, el("th", { scope: "row" }, link), ...cells);
    });
    const left = found.senders - terms.length;
    const rest = el("tr", {}, el("th", { scope: "row", colspan: 3 }, say("sentRest", { count: left })), el("td", {}, show(found.rest, 5)));
    const sum = el("tr", { class: "total" }, el("th", { scope: "row", colspan: 3 }, say("sentSum")), el("td", {}, show(found.gradient, 5)));
    const head = el("tr", {}, el("th", { scope: "col" }, say("fromLayer", { layer: this.layerName(above) })), ...words);
    this.backward.replaceChildren(el("table", { class: "list" }, head, ...lines, ...(left > 0 ? [rest] : []), sum));
  }

  /** Which neuron of the next layer a term of the gradient comes from. */
  neuronAbove(layer, { channel, at }) {
    if (this.shape(layer).length === 1) return { layer, channel, row: null, column: null };
    const { kernel, stride, pad } = this.found;
    const place = (p, k) => (kernel ? (p + pad - k) / stride : k);
    return { layer, channel, row: place(app.selected.row, at[0]), column: place(app.selected.column, at[1]) };
  }
}
