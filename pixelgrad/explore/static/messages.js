// Frames as explore/messages.py describes them: two numbers, a header in JSON, and arrays as they lie in memory.

const KINDS = { uint8: Uint8Array, int32: Int32Array, float32: Float32Array, float64: Float64Array };
const NAMES = new Map(Object.entries(KINDS).map(([name, kind]) => [kind, name]));

/** A frame to send: arrays are {name: {data, shape}}. */
export function packFrame(header, arrays = {}) {
  const listed = [];
  let size = 0;
  for (const [name, { data, shape }] of Object.entries(arrays)) {
    listed.push({ name, dtype: NAMES.get(data.constructor), shape, offset: size });
    size += Math.ceil(data.byteLength / 8) * 8;
  }
  let text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: listed }));
  const padded = new Uint8Array(Math.ceil((8 + text.length) / 8) * 8 - 8).fill(32);
  padded.set(text);
  const frame = new Uint8Array(8 + padded.length + size);
  new DataView(frame.buffer).setUint32(0, padded.length, true);
  new DataView(frame.buffer).setUint32(4, size, true);
  frame.set(padded, 8);
  Object.values(arrays).forEach(({ data }, i) => {
    frame.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 8 + padded.length + listed[i].offset);
  });
  return frame;
}

/** A frame's header with its arrays in it, as {data, shape}; the arrays look at the frame's own memory. */
export function unpackFrame(frame) {
  const view = new DataView(frame.buffer, frame.byteOffset, 8);
  const start = 8 + view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(frame.subarray(8, start)));
  for (const { name, dtype, shape, offset } of header.arrays) {
    const count = shape.reduce((a, b) => a * b, 1);
    header[name] = { data: new KINDS[dtype](frame.buffer, frame.byteOffset + start + offset, count), shape };
  }
  return header;
}

/** The frames of a stream, as they come. */
export async function* readFrames(stream) {
  const reader = stream.getReader();
  let parts = [];
  let held = 0;
  const take = (size) => {
    const out = new Uint8Array(size);
    for (let filled = 0; filled < size; ) {
      const part = parts[0].subarray(0, size - filled);
      out.set(part, filled);
      filled += part.length;
      if (part.length === parts[0].length) parts.shift();
      else parts[0] = parts[0].subarray(part.length);
    }
    held -= size;
    return out;
  };
  let prefix = null;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    parts.push(value);
    held += value.length;
    for (;;) {
      if (prefix === null && held >= 8) prefix = take(8);
      if (prefix === null) break;
      const view = new DataView(prefix.buffer);
      const rest = view.getUint32(0, true) + view.getUint32(4, true);
      if (held < rest) break;
      const frame = new Uint8Array(8 + rest);
      frame.set(prefix);
      frame.set(take(rest), 8);
      prefix = null;
      yield unpackFrame(frame);
    }
  }
}
