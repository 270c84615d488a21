// The two-way street: activations forward, and the gradient of any number back through the same layers.

import { attempt } from "./client.js";
import { legendImage } from "./colours.js";
import { button, choice, el, explanation, say, settings, tell } from "./dom.js";
import { Inspector } from "./inspector.js";
import { Lane, drawMap } from "./lane.js";
import { aimAt, app, canAsk, changed, classOptions, exists, network, neuronList, neuronName, settleClass, useNetwork } from "./state.js";

export class StreetView {
  constructor() {
    this.name = "street";
    this.lanes = [];
    this.complete = false; // whether every lane has its activations
    this.lanesElement = el("div", { class: "lanes" });
    this.inspector = new Inspector(this);
    this.explained = el("div", {});
    this.direction = el(
      "div",
      { class: "segments", role: "group", "aria-label": say("show") },
      ...["activations", "gradient"].map((key) => button(say(key), () => this.turn(key === "gradient"), { "data-key": key })),
    );
    this.targetField = el("div", { class: "inline" });
    this.rule = ruleChoice((rule) => {
      app.rule = rule;
      this.turn(true);
    });
    this.legend = el("canvas", { class: "legend", width: 128, height: 1, role: "img", "aria-label": say("legend") });
    this.legendText = el("span", {});
    const legend = el("p", { class: "note legend-row" }, this.legend, this.legendText);
    const controls = el("div", { class: "controls" }, this.direction, this.targetField, this.rule.element);
    this.element = el("div", {}, controls, this.lanesElement, legend, this.inspector.element, this.explained);
  }

  /** Show the view: everything is computed anew if the photograph or the networks changed. */
  async open(stale) {
    if (!stale && this.lanes.length) {
      await settleClass(this.lanes[0].probabilities); // another view or the address may have changed what is asked for
      this.showTarget();
      this.turnTo(app.gradient);
      if (app.gradient) await this.sendBack();
      else for (const lane of this.lanes) lane.drawAll();
      return this.refreshSelected();
    }
    this.complete = false;
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
    this.complete = true;
    await settleClass(this.lanes[0].probabilities);
    this.showTarget();
    if (app.gradient) await this.sendBack();
    this.refreshSelected();
  }

  /** Activations or gradient. */
  turn(toGradient) {
    this.turnTo(toGradient);
    changed("target");
    // A request for the gradient takes the place of what is still coming in.
    if (toGradient) return attempt(() => (this.complete ? this.sendBack() : this.open(true)));
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
    tell(say("gradientShown", { target: neuronName(app.target) }));
  }

  /** Whether the gradient of a target can be had, in every lane. */
  canAim(target, rule = "standard") {
    return this.lanes.every(({ model }) => canAsk({ kind: "gradient", target: neuronList(target), rule }, model));
  }

  /** Whose gradient is wanted. */
  async aim(target) {
    await aimAt(target);
    this.showTarget();
    return this.turn(true);
  }

  showTarget() {
    this.targetField.replaceChildren(targetChoice(this.lanes[0], (target) => this.aim(target)));
    offerRules(this.rule.select, (rule) => this.canAim(app.target, rule));
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
    const neuron = app.selected;
    if (chosen !== app.model) {
      useNetwork(chosen);
      app.selected = neuron;
    }
    changed("microscope");
  }

  refreshSelected(announce = false) {
    if (!app.selected) {
      this.inspector.element.hidden = true;
      for (const one of this.lanes) for (const tiles of one.tiles) tiles.choose(null);
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

/** Whose gradient is shown: a class, or the neuron or channel that was chosen. */
export function targetChoice(described, onchange) {
  const last = described.layers.length - 1;
  const options = classOptions(described).map(([value, name]) => [`class ${value}`, name]);
  const own = app.target.layer === last ? [] : [["own", neuronName(app.target)]];
  const value = own.length ? "own" : `class ${app.target.channel}`;
  const onchosen = (chosen) => chosen !== "own" && onchange({ layer: last, channel: Number(chosen.slice(6)), row: null, column: null });
  return choice(say("of"), [...own, ...options], value, onchosen).element;
}

/** What a ReLU lets pass. */
export function ruleChoice(onchange) {
  const rules = settings.rules.map((rule) => [rule, say(`rule-${rule}`)]);
  return choice(say("rule"), rules, app.rule, onchange, { title: say("ruleHelp") });
}

/** Only rules for which there is an answer can be chosen; without one the rule is the standard one. */
export function offerRules(select, possible) {
  for (const option of select.options) option.disabled = !possible(option.value);
  if (!possible(app.rule)) app.rule = "standard";
  select.value = app.rule;
}
