// Notes in the audit: what is under way excuses, everything else is found; faults are planted in a gateway's store.
import { expect, test } from 'vitest';
import { booksOf } from '../../../src/cli/audit/gateways.ts';
import {
  compareGateways,
  compareWide,
  type GatewayBooks,
  type NoteBooks,
  type NoteMove,
  type NotesAtCash,
  type WideInput,
} from '../../../src/cli/audit/notes.ts';
import { changeBacking } from '../../../src/gateway/backing.ts';
import { NoteBook, SPENT_TABLE, TOTALS_TABLE } from '../../../src/mint/note-book.ts';
import type { RoleStore } from '../../../src/store/store.ts';
import { memoryRoleStore } from '../../store/memory-backend.ts';

const BEGAN = 1_000_000_000_000_000n;
const KEYSET = '01'.repeat(33);

const move = (
  request: bigint,
  kind: NoteMove['kind'],
  amount: bigint,
  more: Partial<NoteMove> = {},
): NoteMove => ({
  ...{
    request,
    kind,
    amount,
    standing: 'done',
    word: kind === 'issue' ? 'issued' : 'done',
    since: BEGAN - 5n,
  },
  ...more,
});

const books = (moves: readonly NoteMove[], signed: bigint, spent: bigint): NoteBooks => ({
  moves,
  before: { signed, spent },
  after: { signed, spent },
});

const atCash = (
  ...moves: [request: bigint, kind: 'issue' | 'taking', amount: bigint, at?: bigint][]
): NotesAtCash => ({
  moves: moves.map(([request, kind, amount, at = BEGAN - 9n]) => ({ request, kind, amount, at })),
  balance: moves.reduce((sum, [, kind, amount]) => sum + (kind === 'issue' ? amount : -amount), 0n),
  movedMeanwhile: 0n,
  exchanges: new Map(),
});

/** Issued 100, a quote of 50 paid and 30 of it minted, 40 taken in, and 8 exchanged for others. */
const RIGHT: WideInput = {
  began: BEGAN,
  issuer: books([move(1n, 'issue', 100n), move(2n, 'quote_payment', 50n)], 130n, 0n),
  receiver: books([move(3n, 'taking', 40n)], 8n, 48n),
  cash: atCash([1n, 'issue', 100n], [2n, 'issue', 50n], [3n, 'taking', 40n]),
};

function findings(change: Partial<WideInput>): string[] {
  const { checks } = compareWide({ ...RIGHT, ...change });
  return checks.flatMap((check) => check.findings.map(({ text }) => text));
}

test('what agrees is counted: at cash, out, paid and not minted', () => {
  expect(findings({})).toEqual([]);
  expect(compareWide(RIGHT)).toMatchObject({
    figures: { atCash: 110n, out: 90n, unminted: 20n },
    open: [],
    checks: [{ compared: 3 }, { compared: 3 }],
  });
});

test('what is under way is no finding, for a day', () => {
  const asking = move(4n, 'issue', 7n, { standing: 'open', word: 'asking' });
  const issuer = (one: NoteMove): NoteBooks => books([...RIGHT.issuer.moves, one], 130n, 0n);
  expect(findings({ issuer: issuer(asking) })).toEqual([]);
  expect(compareWide({ ...RIGHT, issuer: issuer(asking) }).open).toEqual([4n]);
  // Cash has it already.
  const cash = {
    ...RIGHT.cash,
    moves: [...RIGHT.cash.moves, ...atCash([4n, 'issue', 7n]).moves],
    balance: 117n,
  };
  expect(findings({ issuer: issuer(asking), cash })).toEqual([]);
  expect(findings({ issuer: issuer({ ...asking, since: 0n }) })).toEqual([
    'issuer: asking 7, cash: not there',
  ]);
  // Cash has what came after the issuer was asked.
  const late = {
    ...RIGHT.cash,
    moves: [...RIGHT.cash.moves, ...atCash([5n, 'issue', 7n, BEGAN]).moves],
    balance: 117n,
  };
  expect(findings({ cash: late })).toEqual([]);
  // What was issued while it was asked.
  const meanwhile: NoteBooks = { ...issuer(move(4n, 'issue', 7n)), after: { signed: 137n, spent: 0n } };
  expect(findings({ issuer: meanwhile, cash })).toEqual([]);
});

test('what one has and another has not is found', () => {
  const [one, two, three] = RIGHT.cash.moves as [
    NotesAtCash['moves'][0],
    NotesAtCash['moves'][0],
    NotesAtCash['moves'][0],
  ];
  expect(findings({ cash: { ...RIGHT.cash, moves: [one, two], balance: 150n } })).toEqual([
    'receiver: done 40, cash: not there',
  ]);
  expect(
    findings({ cash: { ...RIGHT.cash, moves: [one, two, { ...three, amount: 41n }], balance: 109n } }),
  ).toEqual(['receiver: done 40, cash: received 41']);
  expect(findings({ receiver: books([], 8n, 8n) })).toEqual(['receiver: not there, cash: received 40']);
  expect(findings({ issuer: books(RIGHT.issuer.moves, 151n, 0n) })).toEqual([
    'issuer: signed 151, cash has moved 150 for it',
  ]);
  expect(findings({ receiver: books(RIGHT.receiver.moves, 9n, 48n) })).toEqual([
    'receiver: spent 48, of it 9 signed anew, cash has moved 40 for the rest',
  ]);
  expect(findings({ cash: { ...RIGHT.cash, balance: 109n } })).toEqual([
    'cash: notes 109, its transfers for them come to 110',
  ]);
});

const point = (number: number): Uint8Array =>
  Uint8Array.from({ length: 33 }, (_, i) => (i === 0 ? 2 : number));
const book = new NoteBook({ isWhole: true });

/** Notes of 8, 4 and 2 are generated, for which 14 were taken in; that of 4 is erased, and 4 issued for it. */
async function store(): Promise<RoleStore> {
  const made = memoryRoleStore();
  const dleq = { e: new Uint8Array(32), s: new Uint8Array(32) };
  const sign = (amount: bigint, n: number) => ({
    ...{ blinded: point(n), keysetId: KEYSET, amount, signature: point(n + 100), dleq },
  });
  await made.transaction((tx) => {
    book.sign(tx, [sign(8n, 1), sign(4n, 2), sign(2n, 3)], 1n, 1n);
    changeBacking(tx, book, [KEYSET], { taken: 14n });
  });
  await made.transaction((tx) => {
    book.spend(tx, [{ noteId: point(9), keysetId: KEYSET, amount: 4n }], 2n, 2n);
    changeBacking(tx, book, [KEYSET], { issued: 4n });
  });
  return made;
}

function said(made: RoleStore, exchange: bigint, more: Partial<GatewayBooks['counters']> = {}) {
  const of = booksOf(made);
  const gateway = {
    organisation: 'campus',
    shop: 7n,
    currency: 978,
    ...of,
    counters: { ...of.counters, ...more },
  };
  const { checks, figures } = compareGateways([gateway], { exchanges: new Map([[7n, exchange]]) });
  return { texts: checks.flatMap((check) => check.findings.map(({ text }) => text)), figures };
}

test("a gateway's notes are counted anew, and lie at cash", async () => {
  const made = await store();
  expect(said(made, 10n)).toEqual({
    texts: [],
    figures: [{ organisation: 'campus', outstanding: 10n, own: 0n, atCash: 10n, beyond: 0n }],
  });
  expect(said(made, 15n, { funded: 5n })).toMatchObject({ texts: [], figures: [{ own: 5n, beyond: 0n }] });
  // Put in, and not heard of.
  expect(said(made, 12n)).toMatchObject({ texts: [], figures: [{ beyond: 2n }] });
  expect(said(made, 9n).texts).toEqual([
    'gateway campus: 10 outstanding, 0 fees, 0 to be generated, 0 put in; cash: 9',
  ]);
  // Asked of the issuer, and not answered: it may have left.
  expect(said(made, 9n, { requested: 1n }).texts).toEqual([]);
  expect(said(made, 8n, { requested: 1n }).texts).toHaveLength(1);
});

test('a counter that somebody changed, and a spent note that somebody removed', async () => {
  const spent = await store();
  await spent.transaction((tx) => tx.remove(SPENT_TABLE, point(9)));
  const texts = said(spent, 10n).texts;
  expect(texts).toContain(`gateway campus: keyset ${KEYSET}: spent 4, its notes come to 0`);
  expect(texts).toContain('gateway campus: 14 taken in, 4 issued; 14 outstanding, 0 fees, 0 to be generated');
  expect(texts).toContain('gateway campus: 14 outstanding, 0 fees, 0 to be generated, 0 put in; cash: 10');

  const counter = await store();
  const key = Buffer.from(KEYSET, 'hex');
  await counter.transaction((tx) => {
    const stored = Uint8Array.from(tx.get(TOTALS_TABLE, key)!);
    stored[0]! ^= 1;
    tx.put(TOTALS_TABLE, key, stored);
  });
  expect(said(counter, 10n).texts).toEqual([
    expect.stringMatching(/^gateway campus: keyset (01){33}: signed 15, its notes come to 14$/),
  ]);
});
