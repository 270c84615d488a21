// The page: what can be chosen at its head, the views, and photographs that are dropped, opened or taken.

import { ask, attempt } from "./client.js";
import { onTheme } from "./colours.js";
import { button, choice, el, say, settings, statusLine, tell } from "./dom.js";
import { GrowView } from "./grow.js";
import { HandsView } from "./hands.js";
import { MicroscopeView } from "./microscope.js";
import { addressOf, app, changed, networkName, onChange, takeAddress, useNetwork, usePhotograph } from "./state.js";
import { StreetView } from "./street.js";
import { WhereView } from "./where.js";

const views = [new StreetView(), new MicroscopeView(), new WhereView(), new HandsView(), new GrowView()];
const stale = new Set(views);
let current = null;

const tabs = views.map((view) =>
  el("button", {
    type: "button",
    role: "tab",
    id: `tab-${view.name}`,
    "aria-controls": "view",
    onclick: (event) => {
      open(view, true);
      if (event.detail) panel.focus({ preventScroll: true }); // after the mouse, arrow keys belong to what is shown
    },
    onkeydown: (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      const next = views[(views.indexOf(view) + step + views.length) % views.length];
      open(next, true);
      document.getElementById(`tab-${next.name}`).focus();
    },
  }, say(view.name)),
);
const panel = el("main", { id: "view", role: "tabpanel", tabindex: "-1" });
addEventListener("keydown", (event) => {
  if (event.target === document.body || event.target === panel) current.key?.(event);
});

/** Write what is chosen into the address: as a step to come back from, or in place of the one before. */
function remember(step = false) {
  const address = addressOf(current.name);
  if (step && address !== location.hash) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

/** Show a view; what it shows is computed anew if the photograph or the network changed since. */
function open(view, step = false) {
  current = view;
  views.forEach((one, i) => {
    tabs[i].setAttribute("aria-selected", String(one === view));
    tabs[i].tabIndex = one === view ? 0 : -1;
  });
  panel.setAttribute("aria-labelledby", `tab-${view.name}`);
  panel.replaceChildren(view.element);
  besideChoice.element.hidden = view.name !== "street"; // the other views show one network
  remember(step);
  const old = stale.delete(view);
  return attempt(async () => {
    try {
      await view.open(old);
      if (current === view) remember();
    } catch (error) {
      stale.add(view);
      throw error;
    }
  });
}

onChange((what) => {
  if (what === "picture" || what === "network") {
    for (const view of views) stale.add(view);
    showControls();
    open(current);
  } else if (what === "microscope") {
    if (networkChoice.select.value !== app.model) for (const view of views) stale.add(view);
    showControls();
    open(views[1], true).then(() => views[1].body.focus({ preventScroll: true }));
  } else if (what === "described") describeOwn();
  else remember(what === "selected");
});

addEventListener("popstate", () => {
  const { view, stale: old } = takeAddress(location.hash);
  if (old) for (const one of views) stale.add(one);
  showControls();
  open(views.find(({ name }) => name === view) ?? current);
});

// -- what can be chosen -----------------------------------------------------------------------------------------------

const photographs = settings.samples.map((name) => [name, name]);
if (settings.given) photographs.unshift(["given", say("given", { name: settings.given })]);
const sourceChoice = choice(say("photograph"), [...photographs, ["own", say("yours")]], "", (value) => {
  if (value !== "own") usePhotograph(value === "given" ? { given: true, name: settings.given } : { sample: value, name: value });
});
const ownOption = sourceChoice.select.lastChild;
const sourceNote = el("p", { class: "note source-note", hidden: true });
const lostNote = el("p", { class: "lost", role: "alert", hidden: true });

/** The controls at the head show what is in force. */
function showControls() {
  const { given, sample, key, name } = app.source;
  ownOption.hidden = !key;
  ownOption.textContent = name;
  sourceChoice.select.value = key ? "own" : given ? "given" : sample;
  lostNote.hidden = !app.lost;
  lostNote.textContent = app.lost ? say("lost", { name: given ? name : sourceChoice.select.selectedOptions[0].textContent }) : "";
  describeOwn();
  networkChoice.select.value = app.model;
  for (const option of besideChoice.select.options) option.hidden = option.disabled = option.value === app.model;
  besideChoice.select.value = app.beside;
  engineChoice.select.value = app.engine;
}

/** What becomes of a photograph of one's own, in numbers of the network that looks at it; it makes no request of its own. */
function describeOwn() {
  const described = app.networks.get(app.model);
  sourceNote.hidden = !app.source.bytes || !described;
  if (sourceNote.hidden) return;
  const { size, classes } = described;
  sourceNote.textContent = say("ownNote", { name: app.source.name, size: size.join(" × "), count: classes.length });
}

const fileInput = el("input", { type: "file", accept: "image/*", class: "hidden", "aria-label": say("ownFile"), tabindex: "-1" });
fileInput.addEventListener("change", () => {
  if (fileInput.files[0]) takeFile(fileInput.files[0]);
  fileInput.value = "";
});

const networks = settings.networks.map((name) => [name, networkName(name)]);
const networkChoice = choice(say("network"), networks, app.model, (name) => {
  useNetwork(name);
  changed("network");
}, { title: say("networkHelp") });
const besideChoice = choice(say("beside"), [["", say("nothing")], ...networks], "", (name) => {
  app.beside = name;
  changed("network");
}, { title: say("besideHelp") });
const engineChoice = choice(say("engine"), settings.engines.map((name) => [name, name]), app.engine, (name) => {
  app.engine = name;
  changed("network");
}, { title: say("engineHelp") });

// -- photographs of one's own -----------------------------------------------------------------------------------------

/** Take a picture file; only one that can be opened replaces the photograph. */
function takeFile(file) {
  return attempt(async () => {
    if (file.size > settings.uploadLimit) throw new Error(say("tooLarge", { mb: settings.uploadLimit / 2 ** 20 }));
    const bytes = new Uint8Array(await file.arrayBuffer());
    const found = await ask({ kind: "upload", model: app.model }, { file: { data: bytes, shape: [bytes.length] } });
    usePhotograph({ bytes, name: file.name || say("yours") }, found.picture);
    if (found.notes.length) tell(found.notes.join(" "));
  });
}

const dropHint = el("div", { class: "drop", "aria-hidden": "true" }, say("dropHere"));
let drags = 0;
const holdsFile = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
if (!settings.recorded) {
  addEventListener("dragenter", (event) => holdsFile(event) && (drags++, document.body.classList.add("dropping")));
  addEventListener("dragleave", (event) => holdsFile(event) && --drags <= 0 && document.body.classList.remove("dropping"));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    drags = 0;
    document.body.classList.remove("dropping");
    const [file] = event.dataTransfer.files;
    if (file) takeFile(file);
  });
}

/** Take a picture with the camera, in a dialog. */
async function useCamera() {
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 640 } });
  } catch (error) {
    tell(say("noCamera", { error: error.message }), true);
    return;
  }
  const video = el("video", { autoplay: true, playsinline: true, muted: true });
  video.srcObject = stream;
  const end = () => {
    for (const track of stream.getTracks()) track.stop();
    dialog.remove();
  };
  const shoot = () => {
    const canvas = el("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && takeFile(new File([blob], say("yours"))), "image/png");
    dialog.close();
  };
  const shutter = button(say("shoot"), shoot, { class: "primary", disabled: true });
  video.onloadeddata = () => {
    shutter.disabled = false; // before that there is no picture to take
    shutter.focus();
  };
  const actions = el("div", { class: "actions" }, shutter, button(say("cancel"), () => dialog.close()));
  const dialog = el("dialog", { "aria-label": say("camera"), onclose: end }, video, actions);
  document.body.append(dialog);
  dialog.showModal();
}

const own = settings.recorded
  ? []
  : [button(say("ownFile"), () => fileInput.click(), { title: say("ownFileHelp") }), fileInput, button(say("camera"), useCamera)];
const controls = el("div", { class: "controls" }, sourceChoice.element, ...own, networkChoice.element, engineChoice.element, besideChoice.element);
const fold = el("details", { class: "fold" }, el("summary", {}, say("choices")), controls, sourceNote);
const phone = window.matchMedia("(max-width: 640px)"); // there they would push the picture off the screen
const unfold = () => (fold.open = !phone.matches);
phone.addEventListener("change", unfold);
unfold();
const header = el(
  "header",
  {},
  el("a", { class: "skip", href: "#view", onclick: (event) => (event.preventDefault(), panel.focus()) }, say("skip")),
  el("h1", {}, say("title")),
  fold,
);
const note = settings.recorded ? el("p", { class: "recorded" }, say("recorded")) : "";
const nav = el("div", { role: "tablist", "aria-label": say("views"), class: "tabs" }, ...tabs);
document.getElementById("page").replaceWith(header, note, lostNote, nav, panel, el("footer", {}, statusLine), dropHint);
onTheme(() => views.forEach((view) => view.redraw?.()));
const { view: named } = takeAddress(location.hash);
showControls();
open(views.find(({ name }) => name === named) ?? views[0]);
