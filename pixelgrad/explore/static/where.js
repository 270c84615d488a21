// Where the network looks: two attribution methods beside each other on the photograph, with a line to drag.

import { attempt } from "./client.js";
import { drawImage, mapImage, pictureImage, reach } from "./colours.js";
import { choice, el, explanation, methodExplanation, say, settings, slider, texts } from "./dom.js";
import { app, askAboutPicture, best, classOptions, network, picture } from "./state.js";

export class WhereView {
  constructor() {
    this.name = "where";
    this.methods = ["saliency", settings.methods.includes("grad_cam") ? "grad_cam" : settings.methods[1]];
    this.maps = [null, null];
    this.cut = 50;
    this.opacity = 80;
    this.photo = el("canvas", { class: "under", width: 64, height: 64, role: "img", "aria-label": say("photograph") });
    this.canvases = [0, 1].map(() => el("canvas", { class: "over", width: 64, height: 64, "aria-hidden": "true" }));
    this.line = el("div", { class: "cut" });
    this.stack = el("div", { class: "stack" }, this.photo, ...this.canvases, this.line);
    this.slide = slider(say("compare"), 0, 100, 1, this.cut, (value) => this.moveCut(value));
    this.plain = el("canvas", { class: "plain", width: 64, height: 64, "aria-hidden": "true" });
    this.strength = slider(say("strength"), 0, 100, 5, this.opacity, (value, shown) => {
      this.opacity = value;
      shown.textContent = `${value} %`;
      for (const canvas of this.canvases) canvas.style.opacity = value / 100;
    });
    this.stack.addEventListener("pointermove", (event) => event.buttons && this.drag(event));
    this.stack.addEventListener("pointerdown", (event) => this.drag(event));
    this.classField = el("div", { class: "inline" });
    this.selects = [0, 1].map((side) => {
      const names = settings.methods.map((name) => [name, texts.methods[name]?.[0] ?? name]);
      return choice(say(side ? "right" : "left"), names, this.methods[side], (name) => attempt(() => this.change(side, name)));
    });
    this.captions = [el("span"), el("span")];
    const controls = el("div", { class: "controls" }, this.classField, ...this.selects.map(({ element }) => element));
    const figure = el("figure", { class: "compare" }, el("figcaption", { class: "split" }, ...this.captions), this.stack, this.slide.element, this.strength.element);
    this.explained = el("div", { class: "two" });
    const row = el("div", { class: "compare-row" }, figure, el("figure", {}, el("figcaption", { class: "split" }, say("photograph")), this.plain));
    this.element = el("div", {}, controls, row, explanation("attribute"), this.explained);
    this.moveCut(this.cut);
    this.strength.input.dispatchEvent(new Event("input"));
  }

  async open(stale) {
    if (!stale && this.label !== undefined) return;
    const described = await network();
    const { probabilities } = await askAboutPicture({ kind: "scores" });
    const pixels = await picture();
    const image = pictureImage(pixels);
    for (const canvas of [this.photo, this.plain]) drawImage(canvas, image);
    [[this.label]] = best(probabilities.data, 1);
    const options = classOptions(described, settings.recorded && [this.label]);
    const list = choice(say("class"), options, String(this.label), (value) => {
      this.label = Number(value);
      attempt(() => this.both());
    });
    this.classField.replaceChildren(list.element);
    await this.both();
  }

  async both() {
    await this.compute(0);
    await this.compute(1);
  }

  change(side, name) {
    this.methods[side] = name;
    return this.compute(side);
  }

  async compute(side) {
    const method = this.methods[side];
    const request = { kind: "attribute", method, label: this.label };
    const found = await askAboutPicture(request);
    this.maps[side] = found;
    this.draw(side);
    this.captions[side].textContent = texts.methods[method]?.[0] ?? method;
    this.explained.replaceChildren(...this.methods.map(methodExplanation));
  }

  draw(side) {
    const found = this.maps[side];
    if (!found) return;
    const [h, w] = found.map.shape;
    const image = mapImage(found.map.data, h, w, reach(found.map.data), found.signed);
    const canvas = this.canvases[side];
    [canvas.width, canvas.height] = [w, h];
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  drag(event) {
    const { left, width } = this.stack.getBoundingClientRect();
    this.moveCut(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width)));
  }

  moveCut(value) {
    this.cut = value;
    this.slide.input.value = value;
    this.slide.shown.textContent = `${Math.round(value)} %`;
    this.canvases[0].style.clipPath = `inset(0 ${100 - value}% 0 0)`;
    this.canvases[1].style.clipPath = `inset(0 0 0 ${value}%)`;
    this.line.style.left = `${value}%`;
  }

  redraw() {
    this.draw(0);
    this.draw(1);
  }
}
