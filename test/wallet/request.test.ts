// Every state with every verdict, and what the core is made of.
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import {
  isHeld,
  isOpen,
  mayAskAgain,
  nextState,
  type RequestState,
  type Verdict,
} from '../../src/wallet/core/request.ts';

const STATES: readonly RequestState[] = [
  { kind: 'prepared' },
  { kind: 'pending', state: 'charging' },
  { kind: 'in_doubt', reason: 'why' },
  { kind: 'enrolled' },
  { kind: 'filed', filedAt: 1n },
  { kind: 'loaded' },
  { kind: 'declined', reason: 'why' },
  { kind: 'expired' },
  { kind: 'reversed', reason: 'why' },
  { kind: 'refused', code: 'malformed', reason: 'why' },
  { kind: 'shop_refused', code: 'price_differs', reason: 'why' },
  { kind: 'paid' },
  { kind: 'reserved' },
  { kind: 'captured', amount: 1n },
  { kind: 'released', by: 'void' },
  { kind: 'rejected', reason: 'why' },
  { kind: 'lapsed' },
];

// Row: state. Column: verdict. `=`: nothing changes.
const TABLE = `
               pending      in_doubt     enrolled     filed        loaded       declined     expired      reversed     refused      shop_refused paid         reserved     captured     released     rejected     lapsed
  prepared     pending      in_doubt     enrolled     filed        loaded       declined     expired      reversed     refused      shop_refused paid         reserved     captured     released     rejected     lapsed
  pending      =            in_doubt     enrolled     filed        loaded       declined     expired      reversed     refused      shop_refused paid         reserved     captured     released     rejected     lapsed
  in_doubt     =            in_doubt     enrolled     filed        loaded       declined     expired      reversed     refused      shop_refused paid         reserved     captured     released     rejected     lapsed
  enrolled     =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
  filed        =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
  loaded       =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
  declined     =            =            enrolled     filed        loaded       =            =            =            =            =            paid         =            captured     released     rejected     lapsed
  expired      =            =            enrolled     filed        loaded       =            =            =            =            =            paid         =            captured     released     rejected     lapsed
  reversed     =            =            enrolled     filed        loaded       =            =            =            =            =            paid         =            captured     released     rejected     lapsed
  refused      =            =            enrolled     filed        loaded       =            =            =            =            =            paid         =            captured     released     rejected     lapsed
  shop_refused =            in_doubt     enrolled     filed        loaded       declined     expired      reversed     refused      shop_refused paid         reserved     captured     released     rejected     lapsed
  paid         =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
  reserved     =            =            =            =            =            =            =            =            =            =            =            =            captured     released     =            =
  captured     =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
  released     =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
  rejected     =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
  lapsed       =            =            =            =            =            =            =            =            =            =            =            =            =            =            =            =
`;

test('every state with every verdict', () => {
  const [head, ...rows] = TABLE.trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  expect(rows.map(([name]) => name)).toEqual(STATES.map(({ kind }) => kind));
  for (const [name, ...cells] of rows) {
    const state = STATES.find(({ kind }) => kind === name)!;
    for (const [i, cell] of cells.entries()) {
      const verdict = STATES.find(({ kind }) => kind === head![i])! as Verdict;
      const after = nextState(state, verdict);
      if (cell === '=') expect(after).toBe(state);
      else expect(after).toBe(verdict);
    }
  }
});

test('how far management is becomes visible', () => {
  const crediting: Verdict = { kind: 'pending', state: 'crediting' };
  expect(nextState({ kind: 'pending', state: 'charging' }, crediting)).toBe(crediting);
});

test('what is asked again', () => {
  const names = (predicate: (state: RequestState) => boolean) =>
    STATES.filter(predicate).map(({ kind }) => kind);
  expect(names(isOpen)).toEqual(['prepared', 'pending', 'in_doubt', 'shop_refused']);
  expect(names(isHeld)).toEqual(['reserved']);
  expect(names((state) => mayAskAgain({ kind: 'purchase', state }))).toEqual(names(isOpen));
  expect(names((state) => mayAskAgain({ kind: 'load', state }))).toEqual([
    ...['prepared', 'pending', 'in_doubt', 'declined', 'expired', 'reversed', 'refused', 'shop_refused'],
  ]);
  expect(names((state) => mayAskAgain({ kind: 'enrolment', state }))).toHaveLength(8);
  expect(names((state) => mayAskAgain({ kind: 'filing', state }))).toEqual(names(isOpen));
});

// A browser is to run the same code.
const root = resolve(import.meta.dirname, '../..');

function imports(file: string, seen = new Map<string, string[]>()): Map<string, string[]> {
  if (seen.has(file)) return seen;
  const text = readFileSync(resolve(root, file), 'utf8');
  const names = [...text.matchAll(/(?:from|import\(|import)\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!);
  seen.set(file, names);
  for (const name of names) {
    if (name.startsWith('.')) imports(relative(root, resolve(root, dirname(file), name)), seen);
  }
  return seen;
}

test('the core imports nothing of Node and no package', () => {
  const graph = imports('src/wallet/core/index.ts');
  const outside = [...graph].flatMap(([file, names]) =>
    names.filter((name) => !name.startsWith('.')).map((name) => `${file} imports ${name}`),
  );
  expect(outside).toEqual([]);
  expect([...graph.keys()]).toContain('src/wallet/core/wallet.ts');
  const node = imports('src/wallet/index.ts');
  expect([...node.values()].flat()).toContain('node:crypto');
});

test("no file of the core uses Node's own globals", () => {
  const core = [...imports('src/wallet/core/index.ts').keys()].filter((file) =>
    file.startsWith('src/wallet/'),
  );
  expect(core.length).toBeGreaterThan(10);
  for (const file of core) {
    const text = readFileSync(resolve(root, file), 'utf8');
    const used = text.match(
      /\b(?:Buffer|process|performance|Date)\.|\b(?:setImmediate|setTimeout|require)\(/,
    );
    expect(used?.[0], file).toBeUndefined();
  }
});
