// Sums as tables: a value from its products, and a gradient from its senders. Each table has as many digits as are
// needed to compute its last line from the lines above, to the last digit shown.

import { cellStyle } from "./colours.js";
import { button, decimals, el, exact, fixed, say, sideways, tell } from "./dom.js";

const SHOWN = 4; // channels written out in full
const LONGEST = 12; // single products written out
const WIDE = 4; // columns of a table of numbers, from which on its cells are rounded
const WIDEST = 8; // and from which on they are only colours

/** How many decimals each step from the sum to the value has: a step that is computed from another needs more there. */
function stepDecimals(steps) {
  const last = Math.max(4, decimals(Math.max(...steps.map(({ value }) => Math.abs(value))), 5));
  const found = [last];
  for (let i = steps.length - 1; i > 0; i--) {
    const factor = steps[i].name === "batchnorm" ? Math.abs(steps[i].gamma) / Math.sqrt(steps[i].var + steps[i].eps) : 1;
    const more = { batchnorm: factor > 3 ? 2 : 1, bias: 1 }[steps[i].name] ?? 0;
    found.unshift(Math.min(found[0] + more, 9));
  }
  return found;
}

/** The other terms together, as what is missing to the sum as it is shown. */
function remainder(total, shown, digits) {
  const round = (value) => Number(value.toFixed(digits));
  return fixed(round(total) - shown.reduce((sum, value) => sum + round(value), 0), digits);
}

/**
 * The sum behind a value. `about` knows the neighbourhood: name(c) of a channel, place(i) of a window's entry in words,
 * inside(i) whether it is no padding, follow(i) to go there (or null), pixel(i) of the photograph in words, order(n, of)
 * how n channels or units are ordered, source.
 */
export function forwardSum(found, about, engine) {
  const { window: seen, weights, steps } = found;
  const [, HH, WW] = seen.shape;
  const digits = stepDecimals(steps);
  const products = Float64Array.from(seen.data, (value, i) => value * weights.data[i]);
  const parts = { seen: seen.data, weights: weights.data, products };
  const total = steps[0].value;
  const rows = HH * WW === 1
    ? productList(parts, total, digits[0], about)
    : channelSums(parts, found, total, digits[0], about);
  return [...rows, stepsTable(found, digits, engine)];
}

function channelSums(parts, found, total, digits, about) {
  const [C, HH, WW] = found.window.shape;
  const size = HH * WW;
  const part = (data, c) => data.subarray(c * size, (c + 1) * size);
  const sums = Array.from({ length: C }, (_, c) => part(parts.products, c).reduce((a, b) => a + b, 0));
  const order = sums.map((_, c) => c).sort((a, b) => Math.abs(sums[b]) - Math.abs(sums[a]));
  const shown = order.slice(0, SHOWN);
  const reaches = Object.fromEntries(Object.entries(parts).map(([key, data]) => [key, Math.max(...data.map(Math.abs))]));
  const of = digits + (order.length > SHOWN || C === 1 ? 0 : 1);
  const precision = precisions(reaches, WW, of, found.terms !== "products");
  const width = ([key, data]) => [key, Math.max(...shown.map((c) => widest(part(data, c), precision[key])))];
  const widths = Object.fromEntries(Object.entries(parts).map(width));
  const format = { shape: [HH, WW], reaches, precision, widths, single: found.terms !== "products" };
  const rows = [el("p", { class: "note" }, about.order(C, "sums"))];
  for (const c of shown) {
    const own = Object.fromEntries(Object.entries(parts).map(([key, data]) => [key, part(data, c)]));
    rows.push(channelRow(c, own, fixed(sums[c], of), format, about));
  }
  if (WW > WIDE) rows.push(el("p", { class: "note" }, say("rounded")));
  if (order.length > SHOWN) {
    const rest = remainder(total, shown.map((c) => sums[c]), of);
    rows.push(el("p", { class: "numbers" }, say("others", { count: C - SHOWN, value: rest })));
    const list = order.map((c) => `${about.name(c)}: ${fixed(sums[c], of)}`.replaceAll(" ", "\u00a0")).join("   ");
    rows.push(el("details", {}, el("summary", {}, say("allSums")), el("p", { class: "numbers small" }, list)));
  }
  return rows;
}

/** How many decimals the tables have: as many as the sum needs, or, in wide tables, three digits in all. */
function precisions(reaches, columns, digits, single) {
  if (columns > WIDE) return Object.fromEntries(Object.entries(reaches).map(([key, reach]) => [key, decimals(reach, 3)]));
  const other = (key) => Math.min(Math.max(digits + 1 + Math.ceil(Math.log10(reaches[key] || 1)), 2), 8);
  return { seen: single ? digits : other("weights"), weights: other("seen"), products: digits + 1 };
}

/** The width of the longest number, in widths of a digit: the columns of all channels are as wide. */
function widest(data, precision) {
  const width = (text) => text.length + (text.startsWith("−") ? 0.4 : 0) - 0.5; // a minus is wide, a point is narrow
  return Math.max(...Array.from(data, (value) => width(fixed(value, precision))));
}

/** A channel of the window, times that of the filter: three tables of numbers, and a line for the number chosen. */
function channelRow(c, parts, sum, { shape, reaches, precision, widths, single }, about) {
  const readout = el("p", { class: "note readout" }, "\u00a0");
  const first = c * parts.seen.length;
  const say_ = (i) => {
    const { seen, weights, products } = parts;
    const [x, w, p] = [seen[i], weights[i], products[i]].map((value) => exact(value));
    const text = single ? `${about.place(first + i)}: ${x}` : `${about.place(first + i)}${about.pixel(first + i)}: ${x} × ${w.startsWith("−") ? `(${w})` : w} = ${p}`;
    readout.textContent = text;
    return text;
  };
  const table = (key, caption) =>
    numberTable({ caption, data: parts[key], shape, reach: reaches[key], precision: precision[key], width: widths[key], first, about, say_, active: key === "seen" });
  const sign = (text) => el("span", { class: "sign" }, text);
  const tables = single
    ? [table("seen", say("window"))]
    : [table("seen", about.window ?? say("window")), sign("×"), table("weights", say("filter")), sign("="), table("products", say("products"))];
  const total = single ? null : el("span", { class: "numbers" }, say("sumIs", { value: sum }));
  const kind = ["tables", shape[1] > WIDE && "wide", single && "single"].filter(Boolean).join(" ");
  return el("div", { class: "term" }, el("h4", {}, about.name(c), " ", total), sideways(el("div", { class: kind }, ...tables)), readout);
}

/** A table of numbers; those of the window can be reached with Tab and the arrow keys, and followed with Enter. */
function numberTable({ caption, data, shape: [h, w], reach, precision, width, first, about, say_, active }) {
  const name = w > WIDEST ? "cells tiny" : w > WIDE ? "cells small" : "cells";
  const table = el("table", { class: name }, el("caption", {}, caption));
  const cells = [];
  let touched = null;
  const tap = (i, follow) => (event) => {
    if (event.pointerType === "touch" && touched !== i) tell(say_((touched = i))); // there is nothing to point with
    else follow?.();
  };
  for (let i = 0; i < h * w; i++) {
    const inside = about.inside(first + i);
    const text = w > WIDEST ? "" : fixed(data[i], precision);
    const follow = active && inside ? about.follow(first + i) : null;
    const named = inside ? `${about.place(first + i)}: ${exact(data[i])}` : say("padding");
    const content = active
      ? el("button", { type: "button", class: "cell", tabindex: i === 0 ? "0" : "-1", "aria-label": named, "aria-disabled": follow ? null : "true", onclick: tap(i, follow), onfocus: () => tell(say_(i)) }, text)
      : text;
    const cell = el("td", { title: named, class: inside ? null : "padding", onpointerenter: () => say_(i) }, content);
    if (inside) Object.assign(cell.style, cellStyle(data[i], reach, true));
    if (w <= WIDEST) cell.style.minWidth = `calc(${width}ch + 6px)`;
    cells.push(cell);
  }
  for (let i = 0; i < h; i++) table.append(el("tr", {}, ...cells.slice(i * w, (i + 1) * w)));
  if (active) {
    table.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -w, ArrowDown: w }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation(); // the layers stay where they are
      const at = cells.findIndex((cell) => cell.firstChild === document.activeElement);
      const next = cells[at + step]?.firstChild;
      if (!next || (Math.abs(step) === 1 && w > 1 && Math.floor(at / w) !== Math.floor((at + step) / w))) return;
      cells[at].firstChild.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    });
  }
  return table;
}

/** Where every channel gives one product: a list of the largest. */
function productList({ seen, weights, products }, total, digits, about) {
  const order = Array.from(products, (_, i) => i).sort((a, b) => Math.abs(products[b]) - Math.abs(products[a]));
  const shown = order.slice(0, LONGEST);
  const of = digits + (order.length > LONGEST ? 0 : 1);
  const head = el("tr", {}, ...[about.source, say("value"), say("weight"), say("product")].map((text) => el("th", { scope: "col" }, text)));
  const lines = shown.map((i) => {
    const follow = about.follow(i);
    const link = follow ? button(about.name(i), follow, { class: "link" }) : about.name(i);
    const cells = [exact(seen[i]), exact(weights[i]), fixed(products[i], of)].map((text) => el("td", {}, text));
    return el("tr", {}, el("th", { scope: "row" }, link), ...cells);
  });
  const list = [el("p", { class: "note" }, about.order(order.length, "products")), el("table", { class: "list" }, head, ...lines)];
  if (order.length > LONGEST) {
    const rest = remainder(total, shown.map((i) => products[i]), of);
    list.push(el("p", { class: "numbers" }, say("othersUnits", { count: order.length - LONGEST, value: rest })));
  }
  return list;
}

/** From the sum to the value, and the network's own value beside it. */
function stepsTable({ steps, value }, digits, engine) {
  const bracketed = (text) => (text.startsWith("−") ? `(${text})` : text);
  const lines = steps.map((step, i) => {
    const numbers = Object.fromEntries(Object.entries(step).filter(([key]) => key !== "name").map(([key, v]) => [key, exact(v)]));
    for (const key of ["mean", "beta", "bias"]) if (key in numbers) numbers[key] = bracketed(numbers[key]);
    if ("eps" in step) numbers.eps = String(step.eps);
    if (step.name === "bias") numbers.bias = fixed(step.bias, digits[0] + 1);
    const before = i ? fixed(steps[i - 1].value, digits[i - 1]) : "";
    const text = say(`step-${step.name}`, { ...numbers, before });
    return el("tr", { "data-step": step.name }, el("th", { scope: "row" }, text), el("td", {}, fixed(step.value, digits[i])));
  });
  const own = el("tr", { class: "total" }, el("th", { scope: "row" }, say("inNetwork", { engine })), el("td", {}, fixed(value, digits.at(-1))));
  const apart = Math.abs(value - steps.at(-1).value);
  const gap = apart === 0 ? "0" : apart.toExponential(1).replace("-", "−");
  const difference = el("tr", { class: "note" }, el("th", { scope: "row" }, say("difference")), el("td", {}, gap));
  return el("table", { class: "list steps" }, ...lines, own, difference);
}

/** The sum behind a gradient. `about`: name(term) of a sender, follow(term) to go there, source (the layer above), rule. */
export function backwardSum(found, about) {
  const steps = found.above.some((term) => term.gate !== 1 || term.scale !== 1); // a ReLU or a batch norm lies between
  const keys = steps ? ["gradient", "gate", "scale", "at_sum", "weights", "sent"] : ["gradient", "weights", "sent"];
  const digits = decimals(Math.max(Math.abs(found.gradient), ...found.above.map(({ sent }) => Math.abs(sent) / 10)), 5);
  const left = found.senders - found.above.length;
  const of = digits + (left > 0 ? 0 : 2);
  const title = (key) => say(key === "gate" ? `sent-gate-${about.rule}` : `sent-${key}`);
  const head = el("tr", {}, el("th", { scope: "col" }, about.source), ...keys.map((key) => el("th", { scope: "col" }, title(key))));
  const lines = found.above.map((term) => {
    const follow = about.follow(term);
    const link = follow ? button(about.name(term), follow, { class: "link" }) : about.name(term);
    const cells = keys.map((key) => el("td", { "data-key": key }, key === "sent" ? fixed(term.sent, of) : exact(term[key], key === "at_sum" ? 6 : 7)));
    return el("tr", { class: term.gate === 0 ? "silent" : null }, el("th", { scope: "row" }, link), ...cells);
  });
  const wide = keys.length;
  if (left > 0) {
    const rest = remainder(found.gradient, found.above.map(({ sent }) => sent), digits);
    lines.push(el("tr", { class: "rest" }, el("th", { scope: "row", colspan: wide }, el("span", { class: "whole" }, say("sentRest", { count: left }))), el("td", { "data-key": "sent" }, rest)));
  }
  const sum = el("tr", { class: "total" }, el("th", { scope: "row", colspan: wide }, el("span", { class: "whole" }, say("sentSum"))), el("td", {}, fixed(found.gradient, digits)));
  const silent = found.above.some((term) => term.gate === 0) ? ` ${say(`sentSilent-${about.rule}`)}` : "";
  return [el("p", { class: "note" }, say("sentOrder"), silent), sideways(el("table", { class: "list senders" }, head, ...lines, sum))];
}

/** What a neuron does with its own gradient before it sends any on, by a ReLU rule. */
export function ownGradient({ passed, value }, rule) {
  if (!passed) return [];
  const words = { gradient: exact(passed.gradient), gate: passed.gate, scale: exact(passed.scale), at_sum: exact(passed.at_sum, 6), rule };
  const closed = rule === "standard" || (rule === "guided" && value <= 0); // the ReLU, and not only the rule
  const silent = closed ? "ownSilent" : "ownStopped";
  return [el("p", { class: "own-gradient" }, say(passed.gate ? "ownGradient" : silent, { ...words, open: say(`open-${rule}`) }))];
}
