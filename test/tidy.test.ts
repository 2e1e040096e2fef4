// Guards the repository itself: ranks, orphans, scripts, banned calls, one source of layout.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { LONGEST } from './longest-first.ts';

const root = resolve(import.meta.dirname, '..');

/** A folder of src imports only folders of lower rank, or itself. See docs/architecture.md. */
const RANKS: Record<string, number> = {
  shared: 0,
  layout: 0.5,
  iso20022: 1,
  kernel: 1,
  pool: 1,
  reference: 1,
  crypto: 2,
  wire: 2,
  journal: 2,
  state: 2,
  store: 2,
  identity: 2.5,
  notes: 2.5,
  channel: 3,
  ledger: 3,
  mint: 3.5,
  roles: 4,
  gateway: 5.5,
  shop: 5,
  terminal: 5,
  wallet: 5,
  institution: 5,
  main: 6,
  cli: 7,
};

/** Calls that have a better replacement here. */
const BANNED: { pattern: RegExp; instead: string; except?: RegExp }[] = [
  { pattern: /\bMath\.random\b/, instead: 'a generator that comes in from outside (src/shared/random.ts)' },
  {
    pattern: /\bconsole\.(log|error|warn|info)\b/,
    instead: 'the logger, or process.stdout in src/cli',
    except: /^src\/cli\//,
  },
  { pattern: /\bparseFloat\b/, instead: 'Amount.parse (src/shared/amount.ts)' },
  { pattern: /from ['"](fs|path|crypto|os|net|http|worker_threads)['"]/, instead: "the 'node:' name" },
];

function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file).replaceAll('\\', '/'))
    .filter((file) => ending.test(file))
    .sort();
}

function imports(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const found = [...text.matchAll(/(?:from|import\(|import)\s*['"](\.[^'"]+)['"]/g)].map(
    (match) => match[1]!,
  );
  // Worker files are named by URL.
  for (const [, name] of text.matchAll(/new URL\(\s*[`'"](\.[^`'"$]+)/g)) found.push(name!);
  return found.map((name) => relative(root, resolve(root, dirname(file), name)).replaceAll('\\', '/'));
}

const sources = filesBelow('src', /\.ts$/);
const code = [...sources, ...filesBelow('test', /\.ts$/), ...filesBelow('bench', /\.ts$/)];

test('every folder of src has a rank and imports only lower ranks or itself', () => {
  const wrong: string[] = [];
  for (const file of sources) {
    const folder = file.split('/')[1]!;
    expect(RANKS, `rank of src/${folder}`).toHaveProperty(folder);
    for (const target of imports(file)) {
      if (!target.startsWith('src/')) continue;
      const other = target.split('/')[1]!;
      if (other !== folder && RANKS[other]! >= RANKS[folder]!) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('every import names a file that exists', () => {
  const missing = code.flatMap((file) =>
    imports(file)
      .filter((target) => /\.(ts|wasm|json)$/.test(target) && !target.startsWith('build/'))
      .filter((target) => !existsSync(join(root, target)))
      .map((target) => `${file} imports ${target}`),
  );
  expect(missing).toEqual([]);
});

test('no orphans: every source file is imported, or is an entry', () => {
  const entries = new Set([
    'src/main/index.ts',
    'src/ledger/index.ts',
    'src/crypto/index.ts',
    'src/shop/index.ts',
    'src/gateway/index.ts',
    'src/terminal/index.ts',
    'src/wallet/index.ts',
    'src/cli/main.ts',
  ]);
  const used = new Set(code.flatMap(imports));
  const workers = new Set(
    code.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/['"`/]([\w-]+-worker)\b/g)].map(
        (match) => match[1]!,
      ),
    ),
  );
  const orphans = sources.filter(
    (file) =>
      !entries.has(file) && !used.has(file) && !workers.has(file.split('/').at(-1)!.replace(/\.ts$/, '')),
  );
  expect(orphans).toEqual([]);
});

test('no banned call', () => {
  const found: string[] = [];
  for (const file of sources) {
    const lines = readFileSync(join(root, file), 'utf8').split('\n');
    for (const { pattern, instead, except } of BANNED) {
      if (except?.test(file)) continue;
      lines.forEach((line, i) => {
        if (pattern.test(line)) found.push(`${file}:${i + 1}: ${pattern} is banned; use ${instead}`);
      });
    }
  }
  expect(found).toEqual([]);
});

test('npm scripts name files that exist, and README names scripts that exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  for (const [name, command] of Object.entries(scripts)) {
    for (const [file] of command.matchAll(/\b(?:scripts|bench|test)\/[\w./-]+\.(?:mjs|ts)\b/g)) {
      expect(existsSync(join(root, file)), `npm run ${name} names ${file}`).toBe(true);
    }
    for (const [, other] of command.matchAll(/npm run ([\w:-]+)/g)) {
      expect(scripts, `npm run ${name} calls npm run ${other}`).toHaveProperty(other!);
    }
  }
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  for (const [, script] of readme.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty(script!);
});

test('the list of the longest tests names files that exist', () => {
  for (const name of LONGEST) expect(existsSync(join(root, 'test', name)), `test/${name}`).toBe(true);
});

test('links in the documentation lead somewhere', () => {
  const broken: string[] = [];
  for (const file of ['README.md', 'CHANGELOG.md', ...filesBelow('docs', /\.md$/)]) {
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, target] of text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)/g)) {
      if (!existsSync(join(root, dirname(file), target!))) broken.push(`${file} links to ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test('the generated layout is up to date', () => {
  execFileSync(process.execPath, ['scripts/generate-layout.mjs', '--check'], { cwd: root });
});

test('the lock file carries no download addresses', () => {
  expect(readFileSync(join(root, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
});
