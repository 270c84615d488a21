// Maps on canvas: all channels of a layer as tiles, and one channel enlarged.

import { colourOf, drawImage, mapImage, reach } from "./colours.js";
import { el, exact, say } from "./dom.js";

const narrow = window.matchMedia("(max-width: 640px)"); // there a layer has most of the width for itself
const columnWidth = () => (narrow.matches ? 264 : 98); // of a layer's column, CSS pixels
const HEIGHT = 440;
const GAP = 1;

/** The tiles of a layer. `onselect(channel, row, column)` is called by clicks, and `onenter` by Enter. */
export class Tiles {
  constructor({ label, onselect, onenter }) {
    this.canvas = el("canvas", { tabindex: "0", role: "img", "aria-label": label, class: "tiles", width: 1, height: 1 });
    this.onselect = onselect;
    this.canvas.addEventListener("click", (event) => this.click(event));
    this.canvas.addEventListener("keydown", (event) => this.key(event, onenter));
    this.canvas.addEventListener("pointermove", (event) => this.hover(event));
    this.chosen = null;
    narrow.addEventListener("change", () => this.shape && (this.layOut(this.shape), this.redraw()));
  }

  /** Room for `shape` = [C, h, w] or [C], before there are numbers: nothing jumps when they come. */
  layOut(shape) {
    const [count] = shape;
    // As few columns, and so as large tiles, as the height allows.
    const largest = shape.length === 3 ? (narrow.matches ? 52 : 38) : narrow.matches ? 32 : 16;
    for (this.columns = 1; ; this.columns++) {
      this.size = Math.min(Math.floor(columnWidth() / this.columns) - GAP, largest);
      this.rows = Math.ceil(count / this.columns);
      if (this.rows * (this.size + GAP) <= HEIGHT || this.size <= 3) break;
    }
    this.shape = shape;
    const scale = (this.scale = Math.min(window.devicePixelRatio || 1, 2));
    const [w, h] = [this.columns, this.rows].map((n) => n * (this.size + GAP) + GAP);
    this.canvas.width = Math.round(w * scale);
    this.canvas.height = Math.round(h * scale);
    this.canvas.style.width = `${w}px`;
    this.canvas.style.height = `${h}px`;
  }

  /** Show numbers, {data, shape}. */
  draw(maps, signed) {
    this.maps = maps;
    this.signed = signed;
    this.redraw();
  }

  redraw() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    if (!this.maps) return;
    const { data } = this.maps;
    const [count, h = 1, w = 1] = this.shape;
    const largest = reach(data);
    const tile = document.createElement("canvas");
    context.imageSmoothingEnabled = false;
    for (let c = 0; c < count; c++) {
      const [x, y, side] = this.place(c);
      const part = data.subarray(c * h * w, (c + 1) * h * w);
      if (h * w === 1) {
        context.fillStyle = `rgb(${colourOf(part[0], largest, this.signed).join(" ")})`;
        context.fillRect(x, y, side, side);
      } else {
        drawImage(tile, mapImage(part, h, w, largest, this.signed));
        context.imageSmoothingEnabled = w > side;
        context.drawImage(tile, x, y, side, side);
      }
    }
    this.mark();
  }

  /** Where a channel's tile lies on the canvas. */
  place(channel) {
    const step = (this.size + GAP) * this.scale;
    return [
      Math.round((channel % this.columns) * step + GAP * this.scale),
      Math.round(Math.floor(channel / this.columns) * step + GAP * this.scale),
      Math.round(this.size * this.scale),
    ];
  }

  choose(channel) {
    if (this.chosen === channel) return;
    this.chosen = channel;
    this.redraw();
  }

  mark() {
    if (this.chosen === null) return;
    const context = this.canvas.getContext("2d");
    const [x, y, side] = this.place(this.chosen);
    const line = 2 * this.scale;
    context.strokeStyle = getComputedStyle(this.canvas).getPropertyValue("--mark");
    context.lineWidth = line;
    context.strokeRect(x - line / 4, y - line / 4, side + line / 2, side + line / 2);
  }

  /** Channel, row and column under the pointer, or null. */
  under(event) {
    if (!this.shape) return null;
    const step = this.size + GAP;
    const channel = Math.floor(event.offsetY / step) * this.columns + Math.floor(event.offsetX / step);
    if (Math.floor(event.offsetX / step) >= this.columns || channel < 0 || channel >= this.shape[0]) return null;
    const [, h = 1, w = 1] = this.shape;
    const inside = (offset, n) => Math.min(n - 1, Math.floor(((offset % step) / this.size) * n));
    return [channel, inside(event.offsetY, h), inside(event.offsetX, w)];
  }

  click(event) {
    const found = this.under(event);
    if (found) this.onselect(...found);
  }

  /** The value under the pointer as the canvas's tooltip. */
  hover(event) {
    const found = this.maps && this.under(event);
    if (!found) return this.canvas.removeAttribute("title");
    const [channel, row, column] = found;
    const [, h = 1, w = 1] = this.shape;
    const value = exact(this.maps.data[(channel * h + row) * w + column], 4);
    this.canvas.title = say(this.shape.length === 3 ? "hoverNeuron" : "hoverUnit", { channel, row, column, value });
  }

  key(event, onenter) {
    if (!this.shape) return;
    const moves = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns };
    if (event.key in moves) {
      const next = (this.chosen ?? -moves[event.key]) + moves[event.key];
      if (next >= 0 && next < this.shape[0]) this.onselect(next, null, null);
    } else if (event.key === "Enter") onenter();
    else return;
    event.preventDefault();
  }
}

/** One map enlarged, with a chosen position. `onmove(row, column)` is called by clicks and arrow keys. */
export class LargeMap {
  constructor({ label, onmove, onenter = () => {} }) {
    this.canvas = el("canvas", { tabindex: "0", role: "img", "aria-label": label, class: "large-map", width: 8, height: 8 });
    this.box = el("div", { class: "cursor", hidden: true });
    this.element = el("div", { class: "map-frame" }, this.canvas, this.box);
    this.onmove = onmove;
    this.canvas.addEventListener("click", (event) => {
      const at = (offset, side, n) => Math.min(n - 1, Math.max(0, Math.floor((offset / side) * n)));
      const { clientWidth: w, clientHeight: h } = this.canvas;
      onmove(at(event.offsetY, h, this.canvas.height), at(event.offsetX, w, this.canvas.width));
    });
    this.canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
      if (event.key in moves && this.at) {
        const [row, column] = this.at.map((p, i) => p + moves[event.key][i]);
        if (row >= 0 && column >= 0 && row < this.canvas.height && column < this.canvas.width) onmove(row, column);
      } else if (event.key === "Enter") onenter();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  draw(image) {
    drawImage(this.canvas, image);
  }

  /** Frame a rectangle: rows top to bottom, columns left to right, the ends excluded. */
  frame(top, bottom, left, right) {
    const { height: h, width: w } = this.canvas;
    this.at = [top, left];
    this.box.hidden = false;
    const clamp = (value, n) => `${(100 * Math.min(Math.max(value, 0), n)) / n}%`;
    Object.assign(this.box.style, {
      top: clamp(top, h),
      left: clamp(left, w),
      height: `${(100 * (Math.min(bottom, h) - Math.max(top, 0))) / h}%`,
      width: `${(100 * (Math.min(right, w) - Math.max(left, 0))) / w}%`,
    });
  }

  unframe() {
    this.box.hidden = true;
  }
}
