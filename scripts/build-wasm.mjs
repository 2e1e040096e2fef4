// Compiles each WebAssembly module that the engine loads: build/<name>.wasm from its entry in assembly/.
// Options that all modules share stand in asconfig.json.
import { spawn } from 'node:child_process';
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

/** @returns the compiler's exit code */
const compile = ([name, { entry, options = [] }]) =>
  new Promise((resolve, reject) => {
    const compiler = [
      'node_modules/assemblyscript/bin/asc.js',
      entry,
      '--config',
      'asconfig.json',
      ...options,
      '--outFile',
      `build/${name}.wasm`,
    ];
    const child = spawn(process.execPath, compiler, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });

// Side by side: the compiler uses one core, and the cryptographic modules take it half a minute each.
const modules = Object.entries(MODULES).filter(([name]) => wanted.length === 0 || wanted.includes(name));
const codes = await Promise.all(modules.map(compile));
process.exitCode = codes.find((code) => code !== 0) ?? 0;
