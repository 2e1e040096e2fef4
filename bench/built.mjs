// Benchmarks measure what users run: what they import of src/ comes from dist/, as `npm run build:ts` has built it.
//
//     node --import ./bench/built.mjs bench/purchases.ts
//
// From sources, tsx keeps each function's name by a call at run time, which every closure of a purchase pays for: management
// took 186 µs of CPU a purchase from sources, and 131 to 161 compiled.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';
import { register as registerTsx } from 'tsx/esm/api';

const SOURCES = new URL('../src/', import.meta.url).href;
const BUILT = new URL('../dist/', import.meta.url).href;

// The hook below runs in a thread of its own, which loads this file again.
if (isMainThread) {
  registerTsx();
  register(import.meta.url);
}

export async function resolve(specifier, context, nextResolve) {
  const resolved = await nextResolve(specifier, context);
  const [url] = resolved.url.split('?');
  if (!url.startsWith(SOURCES) || !url.endsWith('.ts')) return resolved;
  return { ...resolved, url: `${BUILT}${url.slice(SOURCES.length, -3)}.js`, format: 'module' };
}
