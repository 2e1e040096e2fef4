// A thread of a pool under test: reverses byte strings, and does what each asks for first. The other side: mirror.ts.
import { serveBatches } from '../../../dist/crypto/pool/serve.js';

const align = (bytes) => Math.ceil(bytes / 16) * 16;

function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const BEHAVIOURS = {
  0: () => {},
  1: () => process.exit(3),
  2: () => {
    queueMicrotask(() => {
      throw new Error('thrown out of turn');
    });
    spin(1);
  },
  3: (kernel) => kernel.exports.initialise(1, 64),
  4: () => {
    throw new TypeError('thrown in turn');
  },
  5: () => spin(5),
  6: (_, attempt) => attempt === 0 && process.exit(3),
  7: (kernel, attempt) => attempt === 0 && kernel.exports.initialise(1, 64),
  8: () => spin(100),
  9: (_, attempt) => {
    const objects = [];
    while (attempt === 0) objects.push({ number: objects.length });
  },
};

const mirror = {
  name: 'mirror',
  run(kernel, address, count) {
    const { bytes } = kernel;
    const view = new DataView(bytes.buffer);
    let at = address;
    for (let i = 0; i < count; i++) {
      const length = view.getUint32(at, true);
      const attempt = view.getUint32(at + 8, true);
      const answer = at + 16 + align(length);
      bytes.copyWithin(answer, at + 16, at + 16 + length);
      // What a thread that dies half way leaves behind must be taken neither for an answer nor for its items.
      bytes.fill(0xee, at + 16, at + 16 + length);
      BEHAVIOURS[view.getUint32(at + 4, true)](kernel, attempt);
      bytes.subarray(answer, answer + length).reverse();
      at = answer + align(length);
    }
  },
};

export const batch = serveBatches([mirror]);
