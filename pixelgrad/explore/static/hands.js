// Hands on: paint grey over the photograph, and drag a fooling step; the scores follow.

import { Superseded, attempt } from "./client.js";
import { drawImage, pictureImage } from "./colours.js";
import { button, choice, el, explanation, fixed, say, settings, slider, tell } from "./dom.js";
import { Scores } from "./scores.js";
import { app, askAboutPicture, best, changed, classOptions, network, picture, settleClass, usePhotograph } from "./state.js";

const GREY = 128;
const VISIBLE = 30; // grey levels, root mean square, that a change is enlarged to

/** What both halves of the view have: a newer request takes the place of theirs, and they still owe an answer. */
class Half {
  constructor(ondone) {
    this.ondone = ondone; // called when what was asked for is shown
    this.ready = false; // whether the photograph is there, and what can be chosen
    this.owed = false; // whether what a person asked for has not come yet
  }

  async ask(request, options) {
    try {
      return await askAboutPicture(request, options);
    } catch (error) {
      if (!(error instanceof Superseded)) this.owed = false; // there will be no answer
      throw error;
    }
  }
}

/** Painting on the photograph; the newest painting is looked at as soon as the one before is done. */
class Paint extends Half {
  constructor(ondone) {
    super(ondone);
    this.brush = 9;
    this.canvas = el("canvas", { class: "large-map paint", tabindex: "0", role: "img", "aria-label": `${say("paintTitle")}. ${say("paintHelp")}`, width: 64, height: 64 });
    this.box = el("div", { class: "cursor", hidden: true });
    this.scores = new Scores({ rows: 6 });
    this.size = slider(say("brush"), 1, 33, 2, this.brush, (value, shown) => {
      this.brush = value;
      shown.textContent = say("pixels", { n: value });
      this.showBrush();
    });
    this.size.shown.textContent = say("pixels", { n: this.brush });
    this.drop = el("p", { class: "numbers drop-text" }, "\u00a0");
    const buttons = [button(say("restore"), () => this.restore()), button(say("takeOver"), () => this.takeOver())];
    const actions = el("div", { class: "actions" }, ...buttons);
    if (settings.recorded) for (const control of [this.size.input, ...buttons]) control.disabled = true;
    const help = say(settings.recorded ? "paintLive" : "paintHelp");
    const frame = el("div", { class: "map-frame" }, this.canvas, this.box);
    const side = el("div", {}, el("p", { class: "note" }, help), this.scores.element, this.drop, markNote(), this.size.element, actions);
    this.element = el("section", { class: "card" }, el("h3", {}, say("paintTitle")), el("div", { class: "beside" }, frame, side));
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.point(event);
    });
    this.canvas.addEventListener("pointermove", (event) => event.buttons && this.point(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("blur", () => (this.box.hidden = true));
    this.canvas.addEventListener("focus", () => this.showBrush());
  }

  async open() {
    this.whole = await picture();
    this.classes = (await network()).classes;
    const [h, w] = this.whole.shape;
    if (this.source !== app.source || !this.mask) {
      this.mask = { data: new Uint8Array(h * w), h, w };
      this.at = [Math.floor(h / 2), Math.floor(w / 2)];
    } else if (this.mask.h !== h || this.mask.w !== w) this.mask = resized(this.mask, h, w); // another network's size
    this.source = app.source;
    this.before = await askAboutPicture({ kind: "scores" });
    await settleClass(this.before.probabilities.data);
    this.cover();
    this.show(this.before);
    this.owed = false;
    this.ready = true;
    if (this.mask.data.includes(1)) await this.again();
  }

  /** The photograph with grey where the mask says so. */
  cover() {
    const data = this.whole.data.map((value, i) => (this.mask.data[Math.floor(i / 3)] ? GREY : value));
    this.pixels = { data, shape: this.whole.shape };
    drawImage(this.canvas, pictureImage(this.pixels));
  }

  /** The scores, and what the grey does to that of the class that is chosen. */
  show(found) {
    this.found = found;
    const { probabilities, scores } = found;
    this.scores.chosen = app.label;
    this.scores.update(probabilities.data, this.classes, { before: this.before.probabilities.data, scores: scores.data });
    const [whole, painted] = [this.before.scores.data, scores.data].map((all) => Number(all[app.label].toFixed(2)));
    const words = { name: this.classes[app.label], whole: fixed(whole, 2), painted: fixed(painted, 2), change: fixed(Math.abs(whole - painted), 2) };
    this.drop.textContent = say(painted > whole ? "riseIs" : "dropIs", words);
  }

  point(event) {
    if (!this.ready) return;
    const [h, w] = this.pixels.shape;
    this.at = [Math.floor((event.offsetY / this.canvas.clientHeight) * h), Math.floor((event.offsetX / this.canvas.clientWidth) * w)];
    this.showBrush();
    this.paint();
  }

  key(event) {
    if (!this.ready) return;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key in moves) {
      const far = event.shiftKey ? 1 : 4;
      this.at = this.at.map((p, i) => Math.min(Math.max(p + far * moves[event.key][i], 0), this.pixels.shape[i] - 1));
      this.showBrush();
    } else if (event.key === " ") this.paint();
    else return;
    event.preventDefault();
  }

  showBrush() {
    if (!this.pixels || !this.at) return;
    const [h, w] = this.pixels.shape;
    const [top, left] = this.at.map((p) => p - (this.brush - 1) / 2);
    this.box.hidden = false;
    const style = { top: (100 * top) / h, left: (100 * left) / w, height: (100 * this.brush) / h, width: (100 * this.brush) / w };
    for (const [name, value] of Object.entries(style)) this.box.style[name] = `${value}%`;
  }

  paint() {
    if (settings.recorded) return tell(say("paintLive"), true);
    const [h, w] = this.pixels.shape;
    const half = (this.brush - 1) / 2;
    const [row, column] = this.at;
    for (let i = Math.max(0, row - half); i <= Math.min(h - 1, row + half); i++) {
      for (let j = Math.max(0, column - half); j <= Math.min(w - 1, column + half); j++) {
        this.mask.data[i * w + j] = 1;
      }
    }
    this.cover();
    this.again();
  }

  /** Ask for the scores of the painting; while an answer is on its way the next question waits, and only the newest. */
  async again() {
    if (this.asking) {
      this.waiting = true;
      return;
    }
    this.asking = this.owed = true;
    await attempt(async () => {
      do {
        this.waiting = false;
        const found = await this.ask({ kind: "scores" }, { pixels: this.pixels });
        if (this.waiting && !this.mask.data.includes(1)) continue; // the photograph was restored meanwhile
        const { probabilities } = found;
        this.show(found);
        const [[k, p]] = best(probabilities.data, 1);
        tell(`${this.classes[k]}, ${say("probability", { p: (100 * p).toFixed(1) })}`);
      } while (this.waiting);
      this.owed = false;
    });
    this.asking = false;
    if (!this.owed) this.ondone();
  }

  restore() {
    if (app.source.original) return usePhotograph(app.source.original);
    if (!this.ready) return;
    this.mask.data.fill(0);
    this.cover();
    this.show(this.before);
    if (this.asking) this.waiting = true; // the answer on its way is of the painting
  }

  takeOver() {
    if (!this.ready) return;
    const original = app.source.original ?? app.source;
    const name = say("painted", { name: original.name });
    usePhotograph({ original, name }, { data: Uint8Array.from(this.pixels.data), shape: this.pixels.shape });
  }
}

function markNote() {
  return el("p", { class: "note" }, say("markHelp"));
}

/** A mask at another size. */
function resized({ data, h, w }, height, width) {
  const at = (i) => data[Math.floor((Math.floor(i / width) * h) / height) * w + Math.floor(((i % width) * w) / width)];
  return { data: Uint8Array.from({ length: height * width }, (_, i) => at(i)), h: height, w: width };
}

/** The line from the photograph towards another class. */
class Fool extends Half {
  constructor(ondone) {
    super(ondone);
    this.canvas = el("canvas", { class: "large-map", role: "img", "aria-label": say("photograph"), width: 64, height: 64 });
    this.changeCaption = el("figcaption", {}, "\u00a0");
    this.change = el("canvas", { class: "large-map", "aria-hidden": "true", width: 64, height: 64 });
    this.scores = new Scores({ rows: 6 });
    this.amount = slider(say("amount"), 0, 30, 1, 0, (value) => this.show(value));
    this.amount.input.setAttribute("aria-describedby", "fool-scores");
    this.scores.element.id = "fool-scores";
    this.targetField = el("div", { class: "inline" });
    const pictures = el("div", { class: "pair" }, el("figure", {}, el("figcaption", {}, say("now")), this.canvas), el("figure", {}, this.changeCaption, this.change));
    this.leads = el("p", { class: "numbers" }, "\u00a0");
    const side = el("div", {}, this.targetField, this.amount.element, this.leads, this.scores.element, markNote());
    this.element = el("section", { class: "card" }, el("h3", {}, say("foolTitle")), el("p", { class: "note" }, say("foolHelp")), el("div", { class: "beside" }, pictures, side));
  }

  async open() {
    this.whole = await picture();
    this.classes = (await network()).classes;
    const { probabilities } = await askAboutPicture({ kind: "scores" });
    const [[first], ...others] = best(probabilities.data, 40);
    const possible = settings.recorded?.targets;
    if (!(app.fooling in this.classes) || app.fooling === first || (possible && !possible.includes(app.fooling))) {
      const banana = this.classes.findIndex((name) => name.split(" ")[0] === "banana");
      app.fooling = possible ? possible[0] : banana >= 0 && banana !== first ? banana : others[20][0];
    }
    this.list = choice(say("target"), classOptions({ classes: this.classes }, possible), String(app.fooling), (value) => {
      app.fooling = Number(value);
      changed("fooling");
      this.again();
    });
    this.targetField.replaceChildren(this.list.element);
    this.ready = true;
    await this.aim();
  }

  async again() {
    await attempt(() => this.aim());
    if (!this.owed) this.ondone();
  }

  async aim() {
    this.owed = true;
    this.target = app.fooling;
    this.list.select.value = String(this.target);
    this.found = await this.ask({ kind: "fool", label: this.target });
    this.scores.chosen = this.target;
    const { amounts, probabilities } = this.found;
    const K = probabilities.shape[1];
    const from = amounts.data.findIndex((_, i) => best(probabilities.data.subarray(i * K, (i + 1) * K), 1)[0][0] === this.target);
    const words = { name: this.classes[this.target], n: from < 0 ? "" : fixed(amounts.data[from], 2) };
    this.leads.textContent = say(from === 0 ? "seenAlready" : from < 0 ? "leadsNever" : "leadsFrom", words);
    this.amount.input.disabled = from === 0;
    if (from === 0) this.amount.input.value = 0;
    this.show(Number(this.amount.input.value));
    this.owed = false;
  }

  /** The photograph changed by an amount, and what the network says of it. */
  show(index) {
    if (!this.found) return;
    const { amounts, probabilities, direction } = this.found;
    const amount = amounts.data[index];
    const K = probabilities.shape[1];
    const shape = this.whole.shape;
    const data = Uint8ClampedArray.from(this.whole.data, (value, i) => value + amount * direction.data[i]);
    const times = Math.max(1, Math.min(10, Math.round(VISIBLE / (amount || 1))));
    const change = Uint8ClampedArray.from(direction.data, (value) => GREY + times * amount * value);
    this.changeCaption.textContent = say("change", { n: times });
    drawImage(this.canvas, pictureImage({ data, shape }));
    drawImage(this.change, pictureImage({ data: change, shape }));
    this.amount.shown.textContent = say("greyLevels", { n: amount.toFixed(2) });
    const at = (i) => probabilities.data.subarray(i * K, (i + 1) * K);
    this.scores.update(at(index), this.classes, { before: at(0) });
    const [[k, p]] = best(at(index), 1);
    this.amount.input.setAttribute("aria-valuetext", `${this.amount.shown.textContent}: ${this.classes[k]}, ${(100 * p).toFixed(0)} %`);
  }
}

export class HandsView {
  constructor() {
    this.name = "hands";
    this.paint = new Paint(() => this.catchUp());
    this.fool = new Fool(() => this.catchUp());
    const explained = el("div", { class: "two" }, explanation("paint"), explanation("fool"));
    this.element = el("div", {}, el("div", { class: "two" }, this.paint.element, this.fool.element), explained);
  }

  async open(stale) {
    this.opening = true;
    try {
      if (stale || !this.paint.ready || !this.fool.ready) {
        this.paint.ready = this.fool.ready = false;
        await this.paint.open();
        await this.fool.open();
      } else {
        await settleClass(this.paint.before.probabilities.data);
        this.paint.show(this.paint.found);
        if (app.fooling !== this.fool.target) await this.fool.open();
      }
    } finally {
      this.opening = false;
    }
    this.catchUp();
  }

  /** The newest request wins: what it took the place of, in the other half of this view, is asked again after it. */
  catchUp() {
    if (this.opening) return; // which comes to it
    if (!this.fool.ready) attempt(() => this.fool.open());
    else if (this.fool.owed) this.fool.again();
    else if (this.paint.owed) this.paint.again();
  }

  redraw() {}
}
