// Compiles each WebAssembly module that the engine loads: build/<name>.wasm from its entry in assembly/.
// Options that all modules share stand in asconfig.json.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const MODULES = {
  ledger: { entry: 'assembly/ledger/index.ts' },
  runs: { entry: 'assembly/index/worker.ts' },
  // One source, two builds: see docs/cryptography.md.
  'crypto-simd': { entry: 'assembly/crypto/index.ts', options: ['--enable', 'relaxed-simd'] },
  'crypto-scalar': { entry: 'assembly/crypto/index.ts', options: ['--disable', 'simd'] },
};

const root = fileURLToPath(new URL('..', import.meta.url));
mkdirSync(new URL('../build', import.meta.url), { recursive: true });
const wanted = process.argv.slice(2);
for (const [name, { entry, options = [] }] of Object.entries(MODULES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { status } = spawnSync(
    process.execPath,
    [
      'node_modules/assemblyscript/bin/asc.js',
      entry,
      '--config',
      'asconfig.json',
      ...options,
      '--outFile',
      `build/${name}.wasm`,
    ],
    { cwd: root, stdio: 'inherit' },
  );
  if (status !== 0) process.exit(status ?? 1);
}
