// Below the street: the chosen channel enlarged, its numbers, and what can be done with it.

import { mapImage, reach } from "./colours.js";
import { button, el, exact, say, settings, show } from "./dom.js";
import { hasNegative } from "./lane.js";
import { app, canLookAt, networkName } from "./state.js";
import { LargeMap } from "./tiles.js";

/** The chosen channel enlarged, its numbers, and what can be done with it. */
export class Inspector {
  constructor(view) {
    this.view = view;
    const options = { onmove: (row, column) => view.move(row, column), onenter: () => view.closer() };
    this.activation = new LargeMap({ label: say("activations"), ...options });
    this.gradient = new LargeMap({ label: say("gradient"), ...options });
    this.text = el("p", { class: "numbers" });
    this.ofChannel = button(say("sendChannel"), () => view.aim({ ...app.selected, row: null, column: null }));
    this.ofNeuron = button(say("sendNeuron"), () => view.aim(app.selected));
    this.closer = button(say("closer"), () => view.closer(), { class: "primary" });
    this.actions = el("div", { class: "actions" }, this.ofChannel, this.ofNeuron, this.closer);
    this.note = el("p", { class: "note" });
    const caption = (key, map) => el("figure", {}, el("figcaption", {}, say(key)), map.element);
    this.maps = el("div", { class: "pair" }, caption("activations", this.activation), caption("gradient", this.gradient));
    this.element = el("section", { class: "inspector", hidden: true }, this.maps, el("div", {}, this.text, this.actions, this.note));
  }

  focus() {
    (this.maps.hidden ? this.closer : this.activation.canvas).focus();
  }

  update(lane) {
    const { layer, channel, row, column } = app.selected;
    const [, h, w] = lane.layers[layer].shape;
    this.element.hidden = false;
    this.maps.hidden = !h;
    this.ofChannel.hidden = !h;
    this.offer(lane);
    const at = h ? (channel * h + row) * w + column : channel;
    const words = { layer: lane.layers[layer].name, channel, row, column };
    const forward = lane.forward.get(layer);
    const back = lane.gradient.get(layer);
    const about = settings.recorded ? "≈ " : "";
    words.value = forward ? about + show(forward.data[at]) : "…";
    let text = say(h ? "selected" : "selectedUnit", words);
    if (this.view.lanes.length > 1) text = say("inNetworkNamed", { network: networkName(lane.model), text });
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

  /** What can be done with the neuron: an exported page has few answers, and a lower lane comes up. */
  offer(lane) {
    const { layer, channel } = app.selected;
    this.ofChannel.disabled = !this.view.canAim({ layer, channel, row: null, column: null });
    this.ofNeuron.disabled = !this.view.canAim(app.selected);
    this.closer.disabled = !canLookAt(app.selected, lane.model);
    const lower = lane.model === app.model ? "" : say("comesFirst", { network: networkName(lane.model) });
    this.note.textContent = this.closer.disabled ? say("notRecorded") : lower;
  }
}
