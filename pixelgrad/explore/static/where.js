// Where the network looks: two attribution methods beside each other on the photograph, with a line to drag.

import { Superseded, attempt, stop } from "./client.js";
import { drawImage, mapImage, pictureImage, reach } from "./colours.js";
import { choice, el, explanation, fixed, methodExplanation, say, settings, slider, tell, texts } from "./dom.js";
import { app, askAboutPicture, changed, chooseClass, classOptions, network, picture, settleClass } from "./state.js";

export class WhereView {
  constructor() {
    this.name = "where";
    this.maps = [null, null];
    this.shown = [null, null]; // the method and the class whose maps these are
    this.asking = 0; // requests for maps on their way
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
      const list = choice(say(side ? "right" : "left"), [], "", (name) => attempt(() => this.change(side, name)));
      list.select.append(...families());
      return list;
    });
    this.scoreText = el("p", { class: "numbers" }, "\u00a0");
    this.legend = el("p", { class: "note" }, say("legendMaps"));
    this.captions = [el("span"), el("span")];
    const controls = el("div", { class: "controls" }, this.classField, ...this.selects.map(({ element }) => element));
    const figure = el("figure", { class: "compare" }, el("figcaption", { class: "split" }, ...this.captions), this.stack, this.slide.element, this.strength.element, this.legend);
    this.explained = el("div", {});
    const original = el("figure", {}, el("figcaption", { class: "split" }, say("photograph")), this.plain, this.scoreText);
    const row = el("div", { class: "compare-row" }, figure, original, this.explained);
    this.element = el("div", {}, controls, row, explanation("attribute"));
    this.moveCut(this.cut);
    this.strength.input.dispatchEvent(new Event("input"));
  }

  async open(stale) {
    app.methods.forEach((name, side) => (this.selects[side].select.value = name));
    if (stale) this.answer = null;
    // What failed is tried again.
    this.shown = this.shown.map((wanted, side) => (this.answer && this.maps[side] ? wanted : null));
    await this.resume();
  }

  /** From wherever the opening is: a person may choose something before all of it has come in. */
  async resume(first = 0) {
    if (!this.answer) await this.begin();
    await settleClass(this.answer.probabilities);
    await this.both(first);
  }

  /** The photograph and the classes of the network that looks at it. */
  async begin() {
    const described = await network();
    const { probabilities, scores } = await askAboutPicture({ kind: "scores" });
    const image = pictureImage(await picture());
    for (const canvas of [this.photo, this.plain]) drawImage(canvas, image);
    this.classes = described.classes;
    await settleClass(probabilities.data);
    this.classChoice = choice(say("class"), classOptions(described), String(app.label), (value) => attempt(async () => {
      await chooseClass(Number(value));
      await this.resume();
    }));
    this.classField.replaceChildren(this.classChoice.element);
    this.answer = { probabilities: probabilities.data, scores: scores.data };
  }

  /** Both maps, of the class that is chosen. */
  async both(first) {
    this.label = app.label;
    this.classChoice.select.value = String(app.label);
    const [score, p] = [this.answer.scores[this.label], this.answer.probabilities[this.label]];
    this.scoreText.textContent = say("classScore", { name: this.classes[this.label], score: fixed(score, 2), p: (100 * p).toFixed(1) });
    await this.update(first);
    tell(this.scoreText.textContent);
  }

  change(side, name) {
    app.methods = app.methods.with(side, name);
    changed("methods");
    return this.resume(side);
  }

  /** Compute what is not shown yet, this side first; a request for the other may just have been superseded. */
  async update(first) {
    const missing = [first, 1 - first].filter((side) => this.shown[side] !== `${app.methods[side]} ${this.label}`);
    if (!missing.length && this.asking) stop(); // what is on its way is no longer wanted
    const failures = [];
    for (const side of missing) {
      try {
        await this.compute(side);
      } catch (error) {
        if (error instanceof Superseded) throw error;
        failures.push(error);
      }
    }
    if (failures.length) throw failures[0];
  }

  async compute(side) {
    const [method, label] = [app.methods[side], this.label];
    this.asking++;
    try {
      this.maps[side] = await askAboutPicture({ kind: "attribute", method, label });
    } catch (error) {
      if (!(error instanceof Superseded)) this.lack(side, `${method} ${label}`);
      throw error;
    } finally {
      this.asking--;
    }
    this.shown[side] = `${method} ${label}`;
    this.draw(side);
    this.captions[side].textContent = texts.methods[method]?.[0] ?? method;
    this.explained.replaceChildren(...[...new Set(app.methods)].map(methodExplanation));
  }

  /** There is no such map: nothing is shown in its place, and only a new visit asks again. */
  lack(side, wanted) {
    const canvas = this.canvases[side];
    this.maps[side] = null;
    this.shown[side] = wanted;
    canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
    this.captions[side].textContent = "\u00a0";
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

/** The methods as options, those of a family together. */
function families() {
  const found = new Map();
  for (const name of settings.methods) {
    const family = settings.families[name];
    if (!found.has(family)) found.set(family, el("optgroup", { label: say(`family-${family}`) }));
    found.get(family).append(el("option", { value: name }, texts.methods[name]?.[0] ?? name));
  }
  return found.values();
}
