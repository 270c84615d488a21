// Elements, texts and what is told to screen readers. Text is always set as text, never as markup.

export const settings = JSON.parse(document.getElementById("settings").textContent);
export const texts = settings.texts; // in the language that the explorer was started in

/** A text of the catalogue with its {names} filled in. */
export function say(key, values = {}) {
  const text = texts.words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** An element: el("p", {class: "note", onclick: f}, "text", other elements). */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A formula as elements: x_{l} below the line, x^{2} above it. */
export function formula(text) {
  const parts = text.split(/([_^]\{[^}]*\})/).map((part) => {
    const match = /^([_^])\{([^}]*)\}$/.exec(part);
    return match ? el(match[1] === "_" ? "sub" : "sup", {}, match[2]) : part;
  });
  return el("p", { class: "formula" }, ...parts);
}

/** A labelled choice; options are [value, text]. */
export function choice(label, options, value, onchange, attributes = {}) {
  const { title, ...own } = attributes;
  const select = el("select", { autocomplete: "off", ...own }, ...options.map(([v, text]) => el("option", { value: v }, text)));
  select.value = value;
  select.addEventListener("change", () => onchange(select.value));
  return { element: el("label", { class: "field", title }, el("span", {}, label), select), select };
}

/** A labelled number from min to max. */
export function number(label, min, max, value, onchange) {
  const input = el("input", { type: "number", min, max, value, inputmode: "numeric", autocomplete: "off" });
  input.addEventListener("change", () => {
    const whole = Math.round(Number(input.value));
    input.value = Math.min(Math.max(Number.isFinite(whole) ? whole : value, Number(input.min)), Number(input.max));
    onchange(Number(input.value));
  });
  return { element: el("label", { class: "field" }, el("span", {}, label), input), input };
}

/** A labelled slider. */
export function slider(label, min, max, step, value, oninput) {
  const input = el("input", { type: "range", min, max, step, value, autocomplete: "off" });
  const shown = el("b", {}); // an output element would be what the label names
  input.addEventListener("input", () => oninput(Number(input.value), shown));
  return { element: el("label", { class: "field wide" }, el("span", {}, label, " ", shown), input), input, shown };
}

export function button(text, onclick, attributes = {}) {
  return el("button", { type: "button", onclick, ...attributes }, text);
}

/** Something that may be wider than its place: it scrolls sideways, and a line above says so. */
export function sideways(element) {
  const hint = el("p", { class: "note sideways-hint", hidden: true }, say("sideways"));
  const box = el("div", { class: "sideways", role: "group", "aria-label": say("sideways") }, element);
  box.addEventListener("keydown", (event) => event.target === box && event.stopPropagation()); // its arrow keys scroll
  const watch = new ResizeObserver(() => {
    hint.hidden = box.scrollWidth <= box.clientWidth + 1;
    box.tabIndex = hint.hidden ? -1 : 0;
  });
  watch.observe(box);
  watch.observe(element);
  return el("div", {}, hint, box);
}

const live = el("p", { class: "status", role: "status", "aria-live": "polite" });
export const statusLine = live;

/** What happens now, at the foot of the page; screen readers read it out. */
export function tell(text, wrong = false) {
  if (live.textContent !== text) live.textContent = text;
  live.classList.toggle("wrong", wrong);
}

/** How many decimals a number of this size needs for so many significant digits. */
export function decimals(size, significant) {
  return size > 0 ? Math.min(Math.max(significant - 1 - Math.floor(Math.log10(size)), 0), 12) : significant;
}

/** A number with so many decimals, and the sign as a minus. */
export function fixed(value, digits) {
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
}

/** A number with so many significant digits: what is computed from several of them keeps nearly as many. */
export function exact(value, significant = 7) {
  if (value === 0 || Number.isInteger(value)) return String(value).replace("-", "−");
  const size = Math.abs(value);
  const text = size < 1e-6 || size >= 1e7 ? value.toExponential(significant - 1) : value.toFixed(decimals(size, significant));
  return text.replace("-", "−");
}

/** A number for people: as many digits as tell something, and the sign as a minus. */
export function show(value, digits = 4) {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const text = size !== 0 && (size < 10 ** -digits || size >= 1e6) ? value.toExponential(2) : value.toFixed(digits);
  return text.replace("-", "−");
}

/** Two sentences, a formula, the line of code with its file, and a question. */
export function explanation(name) {
  const view = texts.views[name];
  const question = el("p", { class: "question" }, el("strong", {}, say("question")), " ", view.question);
  const places = [name, `${name}-more`].filter((one) => one in settings.code);
  const parts = [formula(view.formula), ...places.flatMap((one) => codeParts(one))];
  return el("section", { class: "explained" }, el("p", {}, view.text), ...parts, question);
}

/** Of a method its formula, and the line of code with its file. */
export function methodExplanation(name) {
  const [title, text, sentence] = texts.methods[name] ?? [name, "", ""];
  return el("section", { class: "explained" }, el("h3", {}, title), el("p", {}, sentence), formula(text), ...codeParts(name));
}

function codeParts(name) {
  const code = settings.code[name];
  const place = `${code.file}:${code.line}`;
  const [before, main, after] = code.function;
  const mark = el("mark", {}, main);
  const whole = el("pre", { tabindex: "0" }, el("code", {}, before ? `${before}\n` : "", mark, after ? `\n${after}` : ""));
  const link = settings.recorded ? el("span", {}, place) : el("a", { href: `source/${code.file}`, target: "_blank" }, place);
  return [
    el("p", { class: "label" }, say("code"), " ", link),
    el("pre", { class: "line", tabindex: "0" }, el("code", {}, code.text)),
    el("details", { ontoggle: () => (whole.scrollTop = mark.offsetTop - whole.clientHeight / 2) }, el("summary", {}, say("wholeFunction")), whole),
  ];
}
