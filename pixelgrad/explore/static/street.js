// The two-way street: activations forward, and the gradient of any number back through the same layers.

import { attempt } from "./client.js";
import { legendImage, mapImage, pictureImage, reach, strongestColour } from "./colours.js";
import { button, choice, el, exact, explanation, say, settings, show, tell } from "./dom.js";
import { Scores } from "./scores.js";
import { app, askAboutPicture, best, changed, classOptions, exists, network, networkName, neuronList, neuronName, picture } from "./state.js";
import { LargeMap, Tiles } from "./tiles.js";

/** One network's street. */
class Lane {
  constructor(view, model, described) {
    this.view = view;
    this.model = model;
    this.layers = described.layers;
    this.classes = described.classes;
    this.size = described.size;
    this.forward = new Map();
    this.gradient = new Map();
    this.photo = el("canvas", { class: "photo", role: "img", "aria-label": say("photograph"), width: 64, height: 64 });
    this.saliency = el("canvas", { class: "photo", role: "img", "aria-label": say("gradient"), width: 64, height: 64 });
    this.scores = new Scores({ onclass: (label) => view.aim({ layer: this.layers.length - 1, channel: label }) });
    this.tiles = this.layers.slice(0, -1).map((layer, index) => {
      const [count, h, w] = layer.shape;
      const label = say(h ? "maps" : "units", { layer: layer.name, count, h, w });
      const tiles = new Tiles({
        label,
        onselect: (channel, row, column) => view.select(this, index, channel, row, column),
        onenter: () => view.inspector.focus(),
      });
      tiles.layOut(layer.shape);
      return tiles;
    });
    this.scales = this.tiles.map(() => el("small", { class: "scale" }, "\u00a0"));
    const columns = this.layers.slice(0, -1).map((layer, index) => {
      const shape = layer.shape.join(" × ");
      const heading = [el("b", { title: layer.name }, layer.name), el("small", {}, shape), el("small", {}, layer.words || "\u00a0"), el("small", {}, layer.after || "\u00a0"), this.scales[index]];
      return el("figure", { class: "layer" }, el("figcaption", {}, ...heading), this.tiles[index].canvas);
    });
    this.photoScale = el("small", { class: "scale" }, "\u00a0");
    const first = [el("b", {}, say("photograph")), el("small", {}, networkName(model))];
    const last = this.layers[this.layers.length - 1];
    const ending = [el("b", {}, `${last.name}, ${last.shape.join(" × ")}`), el("small", {}, say("softmaxHead"))];
    const enlarge = (event) => {
      if (event.type === "keydown" && event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.enlarge();
    };
    for (const canvas of [this.photo, this.saliency]) {
      canvas.tabIndex = 0;
      canvas.setAttribute("role", "button");
      canvas.title = say("enlarge");
      canvas.addEventListener("click", enlarge);
      canvas.addEventListener("keydown", enlarge);
    }
    this.element = el(
      "div",
      { class: "lane", role: "group", "aria-label": networkName(model) },
      el("figure", { class: "layer photo-column" }, el("figcaption", {}, ...first), el("div", { class: "photos" }, this.photo, this.saliency), this.photoScale),
      el("div", { class: "layers", tabindex: "0", role: "group", "aria-label": say("layers") }, ...columns),
      el("figure", { class: "layer score-column" }, el("figcaption", {}, ...ending), this.scores.element, el("p", { class: "note" }, say("softmaxHelp"))),
    );
  }

  /** Photograph and gradient as large as the window allows: that of a neuron is a speck otherwise. */
  enlarge() {
    const shown = [this.photo, this.saliency].filter((canvas) => !canvas.classList.contains("empty"));
    const copies = shown.map((canvas) => {
      const copy = el("canvas", { class: "enlarged", width: canvas.width, height: canvas.height, role: "img", "aria-label": canvas.getAttribute("aria-label") });
      copy.getContext("2d").drawImage(canvas, 0, 0);
      return copy;
    });
    const dialog = el("dialog", { "aria-label": say("enlarge"), onclose: () => dialog.remove() }, el("div", { class: "pair" }, ...copies), el("div", { class: "actions" }, button(say("close"), () => dialog.close(), { class: "primary" })));
    document.body.append(dialog);
    dialog.showModal();
  }

  async run() {
    this.forward.clear();
    this.gradient.clear();
    const pixels = await picture(this.model);
    drawPicture(this.photo, pixels);
    clear(this.saliency);
    const request = { kind: "forward" };
    const last = await askAboutPicture(request, { model: this.model, onframe: (frame) => this.takeForward(frame) });
    this.probabilities = last.probabilities.data;
    this.scores.update(this.probabilities, this.classes, { scores: last.scores.data });
  }

  takeForward(frame) {
    if (frame.maps === undefined) return;
    this.forward.set(frame.index, frame.maps);
    if (!app.gradient) this.draw(frame.index);
  }

  async runGradient(target) {
    this.gradient.clear();
    this.target = target;
    this.drawAll();
    const request = { kind: "gradient", target: neuronList(target), rule: app.rule };
    await askAboutPicture(request, { model: this.model, onframe: (frame) => this.takeGradient(frame) });
    this.scores.choose(target.layer === this.layers.length - 1 ? target.channel : null);
  }

  takeGradient({ index, gradient }) {
    this.gradient.set(index, gradient);
    if (index < 0) {
      const [, h, w] = gradient.shape;
      const map = strongestColour(gradient.data, h, w);
      drawMap(this.saliency, mapImage(map, h, w, reach(map), true));
      this.photoScale.textContent = say("scaleSigned", { value: exact(reach(map), 2) });
    } else this.draw(index);
  }

  /** Draw a layer: the gradient where that is asked for and has arrived. */
  draw(index) {
    if (index >= this.tiles.length) return;
    const maps = (app.gradient ? this.gradient : this.forward).get(index);
    const signed = app.gradient || hasNegative(maps);
    this.tiles[index].draw(maps ?? null, signed);
    const later = app.gradient && this.target && index > this.target.layer;
    const scale = maps ? say(signed ? "scaleSigned" : "scale", { value: exact(reach(maps.data), 2) }) : "\u00a0";
    this.scales[index].textContent = later ? say("later") : scale;
  }

  drawAll() {
    this.tiles.forEach((_, index) => this.draw(index));
  }
}

/** The chosen channel enlarged, its numbers, and what can be done with it. */
class Inspector {
  constructor(view) {
    this.view = view;
    const options = { onmove: (row, column) => view.move(row, column), onenter: () => view.closer() };
    this.activation = new LargeMap({ label: say("activations"), ...options });
    this.gradient = new LargeMap({ label: say("gradient"), ...options });
    this.text = el("p", { class: "numbers" });
    this.actions = el(
      "div",
      { class: "actions" },
      button(say("sendChannel"), () => view.aim({ ...app.selected, row: null, column: null }), { class: "of-maps" }),
      button(say("sendNeuron"), () => view.aim(app.selected)),
      button(say("closer"), () => view.closer(), { class: "primary" }),
    );
    const caption = (key, map) => el("figure", {}, el("figcaption", {}, say(key)), map.element);
    this.maps = el("div", { class: "pair" }, caption("activations", this.activation), caption("gradient", this.gradient));
    this.element = el("section", { class: "inspector", hidden: true }, this.maps, el("div", {}, this.text, this.actions));
  }

  focus() {
    (this.maps.hidden ? this.actions.lastChild : this.activation.canvas).focus();
  }

  update(lane) {
    const { layer, channel, row, column } = app.selected;
    const [, h, w] = lane.layers[layer].shape;
    this.element.hidden = false;
    this.maps.hidden = !h;
    this.actions.querySelector(".of-maps").hidden = !h;
    const at = h ? (channel * h + row) * w + column : channel;
    const words = { layer: lane.layers[layer].name, channel, row, column };
    const forward = lane.forward.get(layer);
    const back = lane.gradient.get(layer);
    const about = settings.recorded ? "≈ " : "";
    words.value = forward ? about + show(forward.data[at]) : "…";
    let text = say(h ? "selected" : "selectedUnit", words);
    if (back) text += say("withGradient", { gradient: about + exact(back.data[at], 5) });
    this.text.textContent = text;
    if (!h) return text;
    for (const [map, values, signed] of [[this.activation, forward, hasNegative(forward)], [this.gradient, back, true]]) {
      map.element.parentElement.hidden = !values;
      if (!values) continue;
      const part = values.data.subarray(channel * h * w, (channel + 1) * h * w);
      map.canvas.setAttribute("aria-label", say("chooseNeuron", words));
      map.draw(mapImage(part, h, w, reach(part), signed));
      map.frame(row, row + 1, column, column + 1);
    }
    return text;
  }
}

export class StreetView {
  constructor() {
    this.name = "street";
    this.lanes = [];
    this.lanesElement = el("div", { class: "lanes" });
    this.inspector = new Inspector(this);
    this.explained = el("div", {});
    this.direction = el(
      "div",
      { class: "segments", role: "group", "aria-label": say("show") },
      ...["activations", "gradient"].map((key) => button(say(key), () => this.turn(key === "gradient"), { "data-key": key })),
    );
    this.targetField = el("div", { class: "inline" });
    const rules = settings.rules.map((rule) => [rule, say(`rule-${rule}`)]);
    this.rule = choice(say("rule"), rules, app.rule, (rule) => {
      app.rule = rule;
      this.turn(true);
    }, { title: say("ruleHelp") });
    this.legend = el("canvas", { class: "legend", width: 128, height: 1, role: "img", "aria-label": say("legend") });
    this.legendText = el("span", {});
    const legend = el("p", { class: "note legend-row" }, this.legend, this.legendText);
    const controls = el("div", { class: "controls" }, this.direction, this.targetField, this.rule.element);
    this.element = el("div", {}, controls, this.lanesElement, legend, this.inspector.element, this.explained);
  }

  /** Show the view: everything is computed anew if the photograph or the networks changed. */
  async open(stale) {
    if (!stale && this.lanes.length) {
      this.showTarget(); // it may have been changed under the microscope, or by the address
      this.turnTo(app.gradient);
      if (app.gradient) await this.sendBack();
      else for (const lane of this.lanes) lane.drawAll();
      return this.refreshSelected();
    }
    this.kept = !this.source || app.source === this.source; // another photograph has another class
    this.source = app.source;
    const models = app.beside && app.beside !== app.model ? [app.model, app.beside] : [app.model];
    const described = [];
    for (const model of models) described.push(await network(model));
    if (String(models) !== this.shown) {
      this.lanes = models.map((model, i) => new Lane(this, model, described[i]));
      this.lanesElement.replaceChildren(...this.lanes.map((lane) => lane.element));
      this.shown = String(models);
    }
    this.turnTo(app.gradient);
    for (const lane of this.lanes) {
      if (app.engine === "naive") tell(say("slow"));
      await lane.run();
    }
    const [first] = this.lanes;
    app.ranking = first.probabilities;
    const last = first.layers.length - 1;
    if (!app.target || app.target.layer < 0 || !exists(app.target, first) || (!this.kept && app.target.layer === last)) {
      app.target = { layer: last, channel: best(app.ranking, 1)[0][0], row: null, column: null };
    }
    this.showTarget();
    if (app.gradient) await this.sendBack();
    this.refreshSelected();
  }

  /** Activations or gradient. */
  turn(toGradient) {
    this.turnTo(toGradient);
    changed("target");
    if (toGradient) return attempt(() => this.sendBack());
    for (const lane of this.lanes) lane.drawAll();
  }

  turnTo(toGradient) {
    app.gradient = toGradient;
    this.drawLegend();
    for (const item of this.direction.children) item.setAttribute("aria-pressed", String((item.dataset.key === "gradient") === toGradient));
    const name = toGradient ? "gradient" : "forward";
    if (this.explainedName !== name) this.explained.replaceChildren(explanation((this.explainedName = name)));
  }

  drawLegend() {
    drawMap(this.legend, legendImage(app.gradient));
    this.legendText.textContent = say(app.gradient ? "legendGradient" : "legendActivations");
  }

  async sendBack() {
    for (const lane of this.lanes) {
      const fits = app.target.layer < lane.layers.length && app.target.channel < lane.layers[app.target.layer].shape[0];
      if (fits) await lane.runGradient(app.target);
    }
    this.refreshSelected();
  }

  /** Whose gradient is wanted. */
  aim(target) {
    app.target = { row: null, column: null, ...target };
    this.showTarget();
    return this.turn(true);
  }

  showTarget() {
    this.targetField.replaceChildren(targetChoice(this.lanes[0], (target) => this.aim(target)));
    this.rule.select.value = app.rule;
  }

  /** A channel was chosen, by a click also a position in it; the strongest neuron otherwise. */
  select(lane, layer, channel, row, column) {
    const [, h, w] = lane.layers[layer].shape;
    if (!h) [row, column] = [null, null];
    else if (row === null) {
      const maps = lane.forward.get(layer);
      const part = maps ? maps.data.subarray(channel * h * w, (channel + 1) * h * w) : [0];
      const at = part.indexOf(part.reduce((a, b) => Math.max(a, b)));
      [row, column] = [Math.floor(at / w), at % w];
    }
    app.selected = { layer, channel, row, column };
    this.selectedLane = lane;
    this.refreshSelected(true);
    this.inspector.element.scrollIntoView({ block: "nearest" });
    changed("selected");
  }

  move(row, column) {
    app.selected = { ...app.selected, row, column };
    this.refreshSelected(true);
    changed("selected");
  }

  /** Put the chosen neuron under the microscope; one of the second network makes that the first. */
  closer() {
    const chosen = this.selectedLane?.model ?? app.model;
    if (chosen !== app.model) [app.model, app.beside] = [chosen, app.model];
    changed("microscope");
  }

  refreshSelected(announce = false) {
    if (!app.selected) {
      this.inspector.element.hidden = true;
      return;
    }
    const lane = this.lanes.includes(this.selectedLane) ? this.selectedLane : this.lanes[0];
    const { layer, channel } = app.selected;
    if (layer < 0 || layer >= lane.tiles.length || !exists(app.selected, lane)) {
      this.inspector.element.hidden = true;
      return;
    }
    for (const one of this.lanes) one.tiles.forEach((tiles, index) => tiles.choose(index === layer ? channel : null));
    const text = this.inspector.update(lane);
    if (announce) tell(text);
  }

  redraw() {
    this.drawLegend();
    for (const lane of this.lanes) {
      lane.drawAll();
      const back = lane.gradient.get(-1);
      if (back) lane.takeGradient({ index: -1, gradient: back });
    }
    this.refreshSelected();
  }
}

/** Whether a layer has negative values, which those before a ReLU have: they are shown with their sign. */
function hasNegative(maps) {
  return maps ? maps.data.some((value) => value < 0) : false;
}

/** Whose gradient is shown: a class, or the neuron or channel that was chosen. */
export function targetChoice(described, onchange) {
  const last = described.layers.length - 1;
  const options = classOptions(described).map(([value, name]) => [`class ${value}`, name]);
  const own = app.target.layer === last ? [] : [["own", neuronName(app.target)]];
  const value = own.length ? "own" : `class ${app.target.channel}`;
  const onchosen = (chosen) => chosen !== "own" && onchange({ layer: last, channel: Number(chosen.slice(6)), row: null, column: null });
  return choice(say("of"), [...own, ...options], value, onchosen).element;
}

function drawPicture(canvas, pixels) {
  drawMap(canvas, pictureImage(pixels));
}

function drawMap(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.classList.remove("empty");
}

function clear(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  canvas.classList.add("empty");
}
