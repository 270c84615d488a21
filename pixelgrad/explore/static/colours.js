// Colours for numbers: light for strong activations, and blue and orange for gradients, which nearly everyone can tell
// apart. The middle of the diverging colours is the page's own background, so that nothing there looks like nothing.

const SEQUENTIAL = [[14, 17, 38], [45, 52, 122], [50, 116, 160], [92, 184, 156], [248, 236, 150]];
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function diverging() {
  return dark.matches
    ? [[255, 196, 130], [214, 110, 22], [24, 27, 33], [44, 122, 205], [160, 212, 255]]
    : [[122, 54, 0], [226, 125, 38], [250, 249, 246], [62, 135, 212], [8, 48, 107]];
}

/** A colour between anchors, for t from 0 to 1: [r, g, b]. */
function between(anchors, t) {
  const at = Math.min(Math.max(t, 0), 1) * (anchors.length - 1);
  const i = Math.min(Math.floor(at), anchors.length - 2);
  return anchors[i].map((value, k) => value + (at - i) * (anchors[i + 1][k] - value));
}

/** 256 colours as a table. */
function table(anchors) {
  return Uint8ClampedArray.from({ length: 256 * 3 }, (_, k) => between(anchors, Math.floor(k / 3) / 255)[k % 3]);
}

const sequentialTable = table(SEQUENTIAL);
let divergingTable = table(diverging());

/** Call back when the page becomes light or dark. */
export function onTheme(redraw) {
  dark.addEventListener("change", () => {
    divergingTable = table(diverging());
    redraw();
  });
}

/** A function value -> index into a table of colours; for signed numbers 0 is the middle. */
export function colourOf(value, largest, signed) {
  const colours = signed ? divergingTable : sequentialTable;
  const t = largest > 0 ? value / largest : 0;
  const k = 3 * Math.round(255 * Math.min(Math.max(signed ? (t + 1) / 2 : t, 0), 1));
  return [colours[k], colours[k + 1], colours[k + 2]];
}

/** How bright a colour is to the eye, 0 to 1 (WCAG 2). */
function luminance(rgb) {
  const [r, g, b] = rgb.map((value) => (value <= 10 ? value / 3294 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** A CSS colour, and black or white on it, whichever can be read better: at least 4.5 to 1. */
export function cellStyle(value, largest, signed) {
  const colour = colourOf(value, largest, signed);
  return { background: `rgb(${colour.join(" ")})`, color: luminance(colour) > 0.179 ? "#000000" : "#ffffff" };
}

/** The colours from one end to the other, as a small image. */
export function legendImage(signed) {
  const values = Float32Array.from({ length: 128 }, (_, i) => (signed ? i / 63.5 - 1 : i / 127));
  return mapImage(values, 1, 128, 1, signed);
}

/** An image of h x w numbers. */
export function mapImage(data, h, w, largest, signed) {
  const image = new ImageData(w, h);
  const pixels = image.data;
  const colours = signed ? divergingTable : sequentialTable;
  const [scale, middle] = signed ? [127.5, 127.5] : [255, 0];
  const unit = largest > 0 ? scale / largest : 0;
  for (let i = 0; i < h * w; i++) {
    const k = 3 * Math.round(Math.min(Math.max(middle + unit * data[i], 0), 255)); // as colourOf, without its arrays
    pixels[4 * i] = colours[k];
    pixels[4 * i + 1] = colours[k + 1];
    pixels[4 * i + 2] = colours[k + 2];
    pixels[4 * i + 3] = 255;
  }
  return image;
}

/** An image of a picture uint8 (H, W, 3). */
export function pictureImage({ data, shape }) {
  const [h, w] = shape;
  const image = new ImageData(w, h);
  for (let i = 0; i < h * w; i++) image.data.set([data[3 * i], data[3 * i + 1], data[3 * i + 2], 255], 4 * i);
  return image;
}

/** What a pixel's gradient (3, H, W) comes to: the number of largest magnitude among the three colours. */
export function strongestColour(data, h, w) {
  const size = h * w;
  return Float32Array.from({ length: size }, (_, i) => {
    let best = data[i];
    for (const other of [data[size + i], data[2 * size + i]]) if (Math.abs(other) > Math.abs(best)) best = other;
    return best;
  });
}

/** The largest magnitude; of many numbers that of all but the largest 0.5 %, so that a few do not darken all others. */
export function reach(data) {
  const sizes = Float32Array.from(data, Math.abs).sort();
  const at = sizes.length > 400 ? Math.floor(0.995 * (sizes.length - 1)) : sizes.length - 1;
  return sizes[at] || sizes[sizes.length - 1] || 0;
}

/** A canvas that shows an ImageData, enlarged without smoothing by CSS. */
export function drawImage(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height) {
    canvas.width = image.width;
    canvas.height = image.height;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}
