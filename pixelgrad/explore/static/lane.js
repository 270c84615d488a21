// One network's street: the photograph, every layer with all its channels, and the scores.

import { mapImage, pictureImage, reach, strongestColour } from "./colours.js";
import { button, el, exact, say } from "./dom.js";
import { Scores } from "./scores.js";
import { app, askAboutPicture, neuronList, networkName, picture } from "./state.js";
import { Tiles } from "./tiles.js";

/** One network's street. */
export class Lane {
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
    const ofClass = (label) => ({ layer: this.layers.length - 1, channel: label, row: null, column: null });
    this.scores = new Scores({ onclass: (label) => view.aim(ofClass(label)), possible: (label) => view.canAim(ofClass(label)) });
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
      const heading = [el("b", {}, ...breakable(layer.name)), el("small", {}, shape), el("small", {}, layer.words || "\u00a0"), el("small", {}, layer.after || "\u00a0"), this.scales[index]];
      return el("figure", { class: "layer" }, el("figcaption", {}, ...heading), this.tiles[index].canvas);
    });
    this.photoScale = el("small", { class: "scale" }, "\u00a0");
    this.closed = el("p", { class: "note", hidden: true }, say("closedRelu"));
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
      el("figure", { class: "layer photo-column" }, el("figcaption", {}, ...first), el("div", { class: "photos" }, this.photo, this.saliency), this.photoScale, this.closed),
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
    this.photoScale.textContent = "\u00a0";
    this.closed.hidden = true;
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
    const sent = this.gradient.get(target.layer - 1);
    this.closed.hidden = reach(sent.data) > 0; // what a neuron sends down that is not active
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

/** A layer's name, which may be broken at its underscores. */
function breakable(name) {
  return name.split(/(?<=_)/).flatMap((part, i) => (i ? [el("wbr"), part] : [part]));
}

/** Whether a layer has negative values, which those before a ReLU have: they are shown with their sign. */
export function hasNegative(maps) {
  return maps ? maps.data.some((value) => value < 0) : false;
}

function drawPicture(canvas, pixels) {
  drawMap(canvas, pictureImage(pixels));
}

export function drawMap(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  canvas.getContext("2d").putImageData(image, 0, 0);
  canvas.classList.remove("empty");
}

function clear(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
  canvas.classList.add("empty");
}
