// Images that grow while you watch, stop, and go on.

import { attempt, stop } from "./client.js";
import { drawImage, pictureImage } from "./colours.js";
import { button, choice, el, explanation, number, say, settings, show, tell } from "./dom.js";
import { LOOPS, app, askAboutPicture, changed, chooseClass, classOptions, network, settleClass } from "./state.js";

const PACES = { slow: 200, watch: 40, fast: 0 }; // milliseconds that a step takes at least

export class GrowView {
  constructor() {
    this.name = "grow";
    this.steps = 120;
    this.left = 0; // of the steps, when they were stopped
    this.pace = "watch";
    this.canvas = el("canvas", { class: "growing", role: "img", "aria-label": say("grow"), width: 96, height: 96 });
    this.placeholder = el("p", { class: "note placeholder" }, say("growHere"));
    this.curve = el("canvas", { class: "curve", "aria-hidden": "true", width: 640, height: 160 });
    this.text = el("p", { class: "numbers" }, "\u00a0");
    this.fields = el("div", { class: "controls" });
    this.startButton = button(say("start"), () => this.run(null), { class: "primary", disabled: true });
    this.stopButton = button(say("stop"), () => this.halt(), { disabled: true });
    this.goOnButton = button(say("goOn"), () => this.run(this.last), { disabled: true });
    const actions = el("div", { class: "actions" }, this.startButton, this.stopButton, this.goOnButton);
    this.explained = el("div", {});
    const side = el("div", { class: "grow-side" }, actions, this.text, this.curve);
    this.recordedNote = settings.recorded ? el("p", { class: "note" }, say("recordedLive")) : null;
    this.element = el("div", {}, this.fields, this.recordedNote ?? "", el("div", { class: "beside" }, el("div", { class: "grow-frame" }, this.canvas, this.placeholder), side), this.explained);
  }

  async open(stale) {
    this.described = await network();
    await settleClass();
    const before = this.about();
    this.label = app.label;
    if (settings.recorded) [this.label, app.layer] = [settings.recorded.targets[0], settings.recorded.layer];
    if (!(app.layer in this.described.layers)) app.layer = Math.max(this.described.layers.findLastIndex(({ shape }) => shape.length === 3) - 2, 0);
    [this.what, this.layer] = [app.grows, app.layer];
    if (stale || this.about() !== before) this.choose();
  }

  /** What is chosen to grow, as text. */
  about() {
    return `${this.what} ${this.what === "class" ? this.label : this.layer}`;
  }

  /** The fields for what grows, and nothing grown as yet. */
  choose() {
    const { what } = this;
    if (settings.recorded) this.steps = settings.recorded.steps[what];
    const again = (change) => attempt(async () => {
      await change();
      changed("grows");
      await this.open(true);
    });
    const loops = LOOPS.map((name) => [name, say(`what-${name}`)]);
    const fields = [choice(say("what"), loops, what, (value) => again(() => (app.grows = value))).element];
    if (what === "class") {
      const classes = classOptions(this.described, settings.recorded?.targets.slice(0, 1));
      fields.push(choice(say("class"), classes, String(this.label), (value) => again(() => chooseClass(Number(value)))).element);
    } else {
      const all = this.described.layers.map(({ name }, i) => [String(i), name]);
      const layers = settings.recorded ? all.filter(([i]) => Number(i) === this.layer) : all;
      fields.push(choice(say("layer"), layers, String(this.layer), (value) => again(() => (app.layer = Number(value)))).element);
    }
    const steps = number(say("steps"), 1, 1000, this.steps, (value) => ([this.steps, this.left] = [value, 0]));
    steps.input.disabled = Boolean(settings.recorded);
    fields.push(steps.element);
    if (!settings.recorded) {
      const paces = Object.keys(PACES).map((name) => [name, say(`pace-${name}`)]);
      fields.push(choice(say("pace"), paces, this.pace, (value) => (this.pace = value)).element);
    }
    this.fields.replaceChildren(...fields);
    this.explained.replaceChildren(explanation(what));
    this.clear();
  }

  /** What has grown belongs to what was chosen before: nothing is left of it to go on from. */
  clear() {
    stop();
    this.last = null;
    this.left = 0;
    this.values = [];
    this.goOnButton.disabled = true;
    this.startButton.disabled = false;
    this.stopButton.disabled = true;
    this.placeholder.hidden = false;
    this.text.textContent = "\u00a0";
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.drawCurve();
  }

  /** Start, or go on from an image. */
  async run(start) {
    const steps = (start && this.left) || this.steps; // going on ends where the stopped ones would have ended
    const request = { kind: "grow", what: this.what, steps };
    if (!settings.recorded) request.pace = PACES[this.pace];
    if (this.what === "class") request.label = this.label;
    else request.layer = this.layer;
    if (start === null) this.values = [];
    const what = this.what;
    this.offset = start === null ? 0 : (this.at ?? 0) + 1;
    this.running(true);
    const arrays = start ? { start } : {};
    await attempt(() => askAboutPicture(request, { arrays, onframe: (frame) => this.take(frame, what) }));
    this.left = this.last ? Math.max(this.offset + steps - this.at - 1, 0) : 0;
    this.running(false);
  }

  take({ picture, t, value }, what) {
    if (what !== this.what) return;
    this.last = { data: new Uint8Array(picture.data), shape: picture.shape };
    this.at = this.offset + t;
    this.placeholder.hidden = true;
    drawImage(this.canvas, pictureImage(picture));
    this.values.push([this.at, value]);
    const shown = show(value, what === "dream" ? 0 : what === "class" ? 2 : 3);
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

  /** The number that the loop drives, over the steps, with the ends of both axes. */
  drawCurve() {
    const { width, height } = this.curve;
    const context = this.curve.getContext("2d");
    const style = getComputedStyle(this.curve);
    context.clearRect(0, 0, width, height);
    if (!this.values.length) return;
    const last = Math.max(...this.values.map(([t]) => t), 1);
    const top = Math.max(...this.values.map(([, value]) => value), 0);
    const bottom = Math.min(...this.values.map(([, value]) => value), 0);
    const [left, right, low, high] = [96, width - 10, height - 38, 12];
    const across = (t) => left + (t / last) * (right - left);
    const up = (value) => low - ((value - bottom) / (top - bottom || 1)) * (low - high);
    context.fillStyle = style.getPropertyValue("--soft");
    context.strokeStyle = style.getPropertyValue("--line");
    context.lineWidth = 2;
    context.font = "22px system-ui, sans-serif";
    context.strokeRect(left, high, right - left, low - high);
    const short = (value) => (Math.abs(value) >= 1e4 ? value.toExponential(1) : show(value, 2));
    context.textAlign = "right";
    context.fillText(short(top), left - 8, high + 16);
    context.fillText(short(bottom), left - 8, low + 2);
    context.fillText(say("stepIs", { t: last + 1 }), right, height - 8);
    context.textAlign = "left";
    context.fillText(say(`axis-${this.what}`), left, height - 8);
    context.strokeStyle = style.getPropertyValue("--accent");
    context.lineWidth = 4;
    context.beginPath();
    this.values.forEach(([t, value], i) => {
      const at = [across(t), up(value)];
      if (i === 0) context.moveTo(...at);
      else context.lineTo(...at);
    });
    context.stroke();
  }

  redraw() {
    if (this.values?.length) this.drawCurve();
  }
}
