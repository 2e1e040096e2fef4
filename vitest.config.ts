import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';
import { TEST_TIMEOUT_MS } from './test/property/seed.ts';

const dist = fileURLToPath(new URL('./dist/', import.meta.url));

export default defineConfig({
  // Tests import sources and get the built package: what is tested is what ships, and worker threads start in a tenth of
  // the time that they take through a TypeScript loader. `npm run build:ts` first; `npm test` does.
  resolve: { alias: [{ find: /^(?:\.\.\/)+src\/(.+)\.ts$/, replacement: `${dist}$1.js` }] },
  test: {
    include: ['test/**/*.test.ts'],
    // uWebSockets.js and LMDB are native addons that must not be loaded into more than one thread of a test process.
    pool: 'forks',
    // Many tests wait for disks, timers and processes of their own: the longest use a core for a third to a half of their
    // time, so that two cores are busy with three at a time. More would compete for memory and for time limits.
    maxWorkers: 3,
    sequence: { sequencer: LongestFirst },
    // The built package is loaded as its users load it: vitest's own loader takes seconds for the files of a role, in each
    // process anew, and makes each call of an imported function slower.
    server: { deps: { external: [/\/dist\//] } },
    setupFiles: ['test/setup.ts'],
    testTimeout: TEST_TIMEOUT_MS,
    hookTimeout: 60_000,
    // A difference of more lines takes minutes to find, and nobody reads it.
    diff: { truncateThreshold: 2_000 },
  },
});
