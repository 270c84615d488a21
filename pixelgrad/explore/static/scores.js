// The most probable classes as bars: score, softmax, percentage.

import { el, fixed, say } from "./dom.js";
import { best } from "./state.js";

/** A list of bars that keeps its rows: `update(probabilities, classes)` moves them. */
export class Scores {
  constructor({ rows = 8, onclass = null, possible = () => true } = {}) {
    this.rows = rows;
    this.onclass = onclass;
    this.possible = possible; // whether a class can be chosen
    this.element = el("ol", { class: "scores", "aria-label": say("scores") });
    this.chosen = null;
  }

  /** Show probabilities; `before` are those of the whole photograph, and marked. `classes` are the names. */
  update(probabilities, classes, { before = null, scores = null } = {}) {
    this.last = [probabilities, classes, { before, scores }];
    const ranked = best(probabilities, this.rows);
    if (this.chosen !== null && !ranked.some(([k]) => k === this.chosen)) ranked[ranked.length - 1] = [this.chosen, probabilities[this.chosen]];
    while (this.element.children.length < ranked.length) this.element.append(this.row());
    ranked.forEach(([k, p], i) => {
      const item = this.element.children[i];
      const [name, score, percent] = item.querySelectorAll("span");
      name.textContent = classes[k];
      name.title = classes[k];
      score.textContent = scores ? fixed(scores[k], 2) : "";
      percent.textContent = say("probability", { p: (100 * p).toFixed(1) });
      item.style.setProperty("--p", p);
      item.style.setProperty("--before", before ? before[k] : -1);
      item.classList.toggle("compared", before !== null);
      item.dataset.label = k;
      if (this.onclass) {
        item.firstChild.setAttribute("aria-pressed", String(k === this.chosen));
        item.firstChild.disabled = !this.possible(k);
        item.title = this.possible(k) ? "" : say("notRecorded");
      }
      item.classList.toggle("chosen", k === this.chosen);
    });
  }

  choose(label) {
    this.chosen = label;
    if (this.last) this.update(...this.last);
  }

  row() {
    const item = el("li", {});
    const inside = [el("span", { class: "name" }), el("span", { class: "score" }), el("span", { class: "percent" })];
    if (this.onclass) {
      item.append(el("button", { type: "button", onclick: () => this.onclass(Number(item.dataset.label)) }, ...inside));
    } else item.append(el("div", {}, ...inside));
    item.append(el("div", { class: "bar" }));
    return item;
  }
}
