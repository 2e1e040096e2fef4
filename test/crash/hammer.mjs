// Writes to a state environment on a disk that is full most of the time: `hammer.mjs PATH`. Says how it went.
import { openStateEnvironment, runKey, valuePages } from '../../dist/state/environment.js';

const ROUNDS = 3000;
const KEYS = 400;
const environment = openStateEnvironment(process.argv[2], 2 ** 30);
let seed = 1;
const below = (bound) => {
  seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
  return Math.floor((seed / 2 ** 31) * bound);
};
const done = { written: 0, refused: 0 };
for (let round = 0; round < ROUNDS; round++) {
  const values = Array.from({ length: 1 + below(40) }, () => Buffer.alloc(below(65_504)));
  const pages = values.reduce((sum, value) => sum + 2 + valuePages(value.length), 0);
  try {
    environment.write(pages, () => {
      for (const value of values) {
        const key = runKey(below(KEYS), 0, 0);
        if (below(3) === 0) environment.runs.removeSync(key);
        else environment.runs.putSync(key, value);
      }
    });
    done.written++;
  } catch (error) {
    if (error.name !== 'NoRoomError') throw error;
    done.refused++;
  }
}
await environment.root.close();
process.stdout.write(JSON.stringify(done));
