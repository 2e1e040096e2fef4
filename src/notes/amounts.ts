// Which amounts a sum is made of (NUT-00), what spending costs (NUT-02), and which notes to spend.
//
// Denominations are powers of two, each dividing the next. Of such, taking the largest that fits, again and again, finds an
// exact sum whenever there is one, and with the fewest notes: smaller notes that reach a larger one's amount hold some
// that make it exactly, and could be exchanged for it.
import { NotesError } from './errors.ts';
import type { KeysetInfo, PublicKeyset } from './keyset.ts';
import { AMOUNT_MAX, OUTPUTS_MAX } from './limits.ts';
import { type Note, sumOf } from './note.ts';

/** The fewest amounts of the keyset that make up the sum, ascending, which tells nobody what is payment and what change. */
export function splitAmount(amount: bigint, keyset: Pick<PublicKeyset, 'keys'>): bigint[] {
  if (amount < 0n || amount > AMOUNT_MAX) {
    throw new NotesError('amount', `amount: expected 0 to 2^64-1, got ${amount < 0n ? 'less' : 'more'}`);
  }
  const parts: bigint[] = [];
  let rest = amount;
  for (const denomination of [...keyset.keys.keys()].sort((left, right) => (left < right ? 1 : -1))) {
    const count = rest / denomination;
    if (count > BigInt(OUTPUTS_MAX - parts.length)) {
      throw new NotesError(
        'amount',
        `amount ${amount}: expected at most ${OUTPUTS_MAX} notes for it, the keyset's largest is too small`,
      );
    }
    for (let i = 0n; i < count; i++) parts.push(denomination);
    rest -= count * denomination;
  }
  if (rest > 0n) {
    throw new NotesError(
      'amount',
      `amount ${amount}: expected one that the keyset's keys make up, ${rest} is left`,
    );
  }
  return parts.reverse();
}

/** How a keyset is found by its id. */
export type Keysets = ReadonlyMap<string, Pick<KeysetInfo, 'inputFeePpk'>>;

function ppkOf({ keysetId }: Pick<Note, 'keysetId'>, keysets: Keysets): number {
  const keyset = keysets.get(keysetId);
  if (keyset === undefined)
    throw new NotesError('unknown_keyset', `keyset ${keysetId}: expected one that is known`);
  return keyset.inputFeePpk;
}

/** What spending these notes costs: thousandths a note, rounded up once. @throws NotesError for an unknown keyset */
export function feeOf(notes: readonly Pick<Note, 'keysetId'>[], keysets: Keysets): bigint {
  let sum = 0;
  for (const note of notes) sum += ppkOf(note, keysets);
  return BigInt(Math.ceil(sum / 1000));
}

export interface Selection<Of extends Note = Note> {
  /** To be spent, largest first. */
  readonly selected: Of[];
  readonly rest: Of[];
  /** What spending them costs. */
  readonly fee: bigint;
  /** What they are worth beyond the amount and the fee; 0: nothing has to be exchanged. */
  readonly change: bigint;
}

const compare = <Value>(left: Value, right: Value): number => (left < right ? -1 : left > right ? 1 : 0);

/** The largest first; among equals the cheapest to spend, and then always the same order. */
function inOrder<Of extends Note>(notes: readonly Of[], keysets: Keysets): Of[] {
  return [...notes].sort(
    (left, right) =>
      compare(right.amount, left.amount) ||
      ppkOf(left, keysets) - ppkOf(right, keysets) ||
      compare(left.keysetId, right.keysetId) ||
      compare(left.secret, right.secret),
  );
}

/** Exactly the sum, by as few of the ordered notes as possible; undefined: there is no such choice. */
function exactly<Of extends Note>(ordered: readonly Of[], sum: bigint): Of[] | undefined {
  const selected: Of[] = [];
  let rest = sum;
  for (const note of ordered) {
    if (note.amount > rest || note.amount === 0n) continue;
    selected.push(note);
    rest -= note.amount;
    if (rest === 0n) return selected;
  }
  return rest === 0n ? selected : undefined;
}

/** Beyond so many notes' fees an exact choice is not looked for: each step walks over all notes. */
const FEE_STEPS_MAX = 64n;

/**
 * Notes that are worth the amount and the fee for spending them: exactly where that can be, and as few as possible. A note
 * that costs more to spend than it is worth is not taken. @throws NotesError when they do not reach
 */
export function selectNotes<Of extends Note>(
  notes: readonly Of[],
  amount: bigint,
  keysets: Keysets,
): Selection<Of> {
  if (amount < 0n || amount > AMOUNT_MAX) {
    throw new NotesError('amount', `amount: expected 0 to 2^64-1, got ${amount < 0n ? 'less' : 'more'}`);
  }
  const ordered = inOrder(notes, keysets);
  const result = (selected: Of[]): Selection<Of> => {
    const chosen = new Set(selected);
    const fee = feeOf(selected, keysets);
    const change = sumOf(selected) - amount - fee;
    return { selected, rest: ordered.filter((note) => !chosen.has(note)), fee, change };
  };
  const highest = feeOf(notes, keysets);
  for (let fee = 0n; fee <= highest && fee <= FEE_STEPS_MAX; fee++) {
    const found = exactly(ordered, amount + fee);
    if (found !== undefined && feeOf(found, keysets) === fee) return result(found);
  }
  return result(atLeast(ordered, amount, keysets));
}

/** A choice that grows and shrinks; its worth and its fee are known at any time. */
class Choice {
  readonly #amount: bigint;
  #sum = 0n;
  #ppk = 0;

  constructor(amount: bigint) {
    this.#amount = amount;
  }

  add(note: Note, keysets: Keysets, sign: 1 | -1 = 1): void {
    this.#sum += BigInt(sign) * note.amount;
    this.#ppk += sign * ppkOf(note, keysets);
  }

  get reaches(): boolean {
    return this.#sum >= this.#amount + BigInt(Math.ceil(this.#ppk / 1000));
  }
}

/** The fewest of the ordered notes that reach, and of those with so many nearly the smallest. */
function atLeast<Of extends Note>(ordered: readonly Of[], amount: bigint, keysets: Keysets): Of[] {
  const choice = new Choice(amount);
  const selected: Of[] = [];
  let at = 0;
  for (; at < ordered.length && !choice.reaches; at++) {
    const note = ordered[at]!;
    // Worth no more than its own fee, it brings nothing nearer.
    if (note.amount * 1000n <= BigInt(ppkOf(note, keysets))) continue;
    selected.push(note);
    choice.add(note, keysets);
  }
  if (!choice.reaches) {
    throw new NotesError(
      'insufficient',
      `notes: expected ${amount} and the fee for spending them, got ${sumOf(ordered)}`,
    );
  }
  // Each, from the smallest on, gives way to the smallest of those behind it that still reaches.
  const unused = ordered.slice(at).reverse();
  for (let i = selected.length - 1; i >= 0; i--) {
    const larger = selected[i]!;
    choice.add(larger, keysets, -1);
    const place = unused.findIndex((note) => {
      if (note.amount >= larger.amount) return false;
      choice.add(note, keysets);
      if (choice.reaches) return true;
      choice.add(note, keysets, -1);
      return false;
    });
    if (place < 0) break;
    selected[i] = unused.splice(place, 1)[0]!;
  }
  return selected.sort((left, right) => compare(right.amount, left.amount));
}
