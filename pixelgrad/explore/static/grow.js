// Images that grow while you watch, stop, and go on.

import { attempt, stop } from "./client.js";
import { drawImage, pictureImage } from "./colours.js";
import { button, choice, el, explanation, number, say, settings, show, tell } from "./dom.js";
import { app, askAboutPicture, best, classOptions, network } from "./state.js";

const LOOPS = ["class", "dream", "inversion"];

export class GrowView {
  constructor() {
    this.name = "grow";
    this.what = "class";
    this.steps = 120;
    this.canvas = el("canvas", { class: "growing", role: "img", "aria-label": say("grow"), width: 96, height: 96 });
    this.placeholder = el("p", { class: "note placeholder" }, say("growHere"));
    this.curve = el("canvas", { class: "curve", "aria-hidden": "true", width: 640, height: 160 });
    this.text = el("p", { class: "numbers" }, "\u00a0");
    this.fields = el("div", { class: "controls" });
    this.startButton = button(say("start"), () => this.run(null), { class: "primary" });
    this.stopButton = button(say("stop"), () => this.halt(), { disabled: true });
    this.goOnButton = button(say("goOn"), () => this.run(this.last), { disabled: true });
    const actions = el("div", { class: "actions" }, this.startButton, this.stopButton, this.goOnButton);
    this.explained = el("div", {});
    const side = el("div", { class: "grow-side" }, actions, this.text, this.curve);
    this.recordedNote = settings.recorded ? el("p", { class: "note" }, say("recordedLive")) : null;
    this.element = el("div", {}, this.fields, this.recordedNote ?? "", el("div", { class: "beside" }, el("div", { class: "grow-frame" }, this.canvas, this.placeholder), side), this.explained);
  }

  async open(stale) {
    if (!stale && this.opened) return;
    this.opened = true;
    this.described = await network();
    const { probabilities } = await askAboutPicture({ kind: "scores" });
    this.label = settings.recorded ? settings.recorded.targets[0] : best(probabilities.data, 1)[0][0];
    this.layer = settings.recorded ? settings.recorded.layer : this.described.layers.findLastIndex(({ shape }) => shape.length === 3) - 2;
    this.choose(this.what);
    this.last = null;
    this.goOnButton.disabled = true;
  }

  choose(what) {
    this.what = what;
    if (settings.recorded) this.steps = settings.recorded.steps[what];
    const loops = LOOPS.map((name) => [name, say(`what-${name}`)]);
    const fields = [choice(say("what"), loops, what, (value) => this.choose(value)).element];
    if (what === "class") {
      fields.push(choice(say("class"), classOptions(this.described, settings.recorded?.targets.slice(0, 1)), String(this.label), (value) => (this.label = Number(value))).element);
    } else {
      const all = this.described.layers.map(({ name }, i) => [String(i), name]);
      const layers = settings.recorded ? all.filter(([i]) => Number(i) === this.layer) : all;
      fields.push(choice(say("layer"), layers, String(Math.max(this.layer, 0)), (value) => (this.layer = Number(value))).element);
    }
    fields.push(number(say("steps"), 1, 1000, this.steps, (value) => (this.steps = value)).element);
    this.fields.replaceChildren(...fields);
    this.explained.replaceChildren(explanation(what));
    this.last = null;
    this.goOnButton.disabled = true;
  }

  /** Start, or go on from an image. */
  async run(start) {
    const request = { kind: "grow", what: this.what, steps: this.steps };
    if (this.what === "class") request.label = this.label;
    else request.layer = Math.max(this.layer, 0);
    if (start === null) this.values = [];
    const what = this.what;
    this.offset = start === null ? 0 : (this.at ?? 0) + 1;
    this.running(true);
    const arrays = start ? { start } : {};
    await attempt(() => askAboutPicture(request, { arrays, onframe: (frame) => this.take(frame, what) }));
    this.running(false);
  }

  take({ picture, t, value }, what) {
    this.last = { data: new Uint8Array(picture.data), shape: picture.shape };
    this.at = this.offset + t;
    this.placeholder.hidden = true;
    drawImage(this.canvas, pictureImage(picture));
    this.values.push([this.at, value]);
    const shown = what === "dream" ? show(value, 0) : show(value, 3);
    this.text.textContent = `${say("stepIs", { t: this.at + 1 })}, ${say(`value-${what}`, { value: shown })}`;
    this.drawCurve();
  }

  halt() {
    stop();
    tell(say("stopped"));
  }

  running(now) {
    this.startButton.disabled = now;
    this.stopButton.disabled = !now;
    this.goOnButton.disabled = now || !this.last || Boolean(settings.recorded);
    if (now) this.stopButton.focus({ preventScroll: true });
  }

  drawCurve() {
    const { width, height } = this.curve;
    const context = this.curve.getContext("2d");
    context.clearRect(0, 0, width, height);
    const last = Math.max(...this.values.map(([t]) => t), 1);
    const top = Math.max(...this.values.map(([, value]) => value)) || 1;
    context.strokeStyle = getComputedStyle(this.curve).getPropertyValue("--accent");
    context.lineWidth = 4;
    context.beginPath();
    this.values.forEach(([t, value], i) => {
      const [x, y] = [4 + (t / last) * (width - 8), height - 6 - (value / top) * (height - 12)];
      if (i === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.stroke();
  }

  redraw() {
    if (this.values?.length) this.drawCurve();
  }
}
