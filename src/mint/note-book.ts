// What a mint remembers of its notes, for ever: which were taken in, what was signed, and the sums of both. Plain functions of
// a transaction, so that whoever moves money for notes writes both at once.
//
//     notes-spent    Y   ▶ held or spent, by which request, keyset, amount, witness
//     notes-signed   B'  ▶ amount, keyset, C', e, s, by which request
//     notes-totals   keyset id ▶ signed, held, spent: amounts and counts
//
//               hold                spend
//     unspent ────────▶ held ────────────────▶ spent: for ever
//        ▲  ╰──────────── │ ──── spend ──────────▲
//        ╰─── release ────╯
//
// Outstanding is what was signed and is not spent; what is held is still outstanding. The sums change with the notes, in the
// same transaction, so they are right whenever anybody looks.
//
// Repeating: nothing here does something twice. hold and spend take notes that are free (spend also those that the same
// request holds) and throw otherwise, release leaves alone what its request does not hold, sign takes up again what the same
// request has signed alike. A throw leaves the transaction unwritten: see `conflict` for the question before.

import { WITNESS_BYTES_MAX } from '../notes/limits.ts';
import { bytes, bytesUpTo, type Infer, oneOf, optional, struct, text, u64, u128 } from '../shared/codec.ts';
import { type Key, keyBytes, place } from '../store/key.ts';
import { RANGE_MAX, type StoreReads, type StoreTransaction } from '../store/store.ts';

export const SPENT_TABLE = 'notes-spent';
export const SIGNED_TABLE = 'notes-signed';
export const TOTALS_TABLE = 'notes-totals';

/** What the functions below ask for of a store, a transaction, or `recordPuts`. */
export type BookReads = Pick<StoreReads, 'get'>;
export type BookWrites = Pick<StoreTransaction, 'get' | 'put' | 'remove'>;

const POINT_BYTES = 33;
const SCALAR_BYTES = 32;
const KEYSET_ID_BYTES_MAX = 33;

/** A note that is taken in; that it is one is certain already. */
export interface IncomingNote {
  /** Y, 33 bytes. */
  readonly noteId: Uint8Array;
  /** Hex. */
  readonly keysetId: string;
  readonly amount: bigint;
  /** With what its spending condition was met; told to whoever asks for its state (NUT-07). */
  readonly witness?: string | undefined;
}

/** What has been signed and is given out when the transaction is flushed. */
export interface SignedMessage {
  /** B', 33 bytes. */
  readonly blinded: Uint8Array;
  readonly keysetId: string;
  readonly amount: bigint;
  /** C', 33 bytes. */
  readonly signature: Uint8Array;
  readonly dleq: { readonly e: Uint8Array; readonly s: Uint8Array };
}

const SpentRecord = struct({
  state: oneOf('held', 'spent'),
  request: u128,
  keyset: bytesUpTo(KEYSET_ID_BYTES_MAX),
  amount: u64,
  /** Nanoseconds. */
  at: u64,
  witness: optional(text(WITNESS_BYTES_MAX)),
});

const SignedRecord = struct({
  request: u128,
  keyset: bytesUpTo(KEYSET_ID_BYTES_MAX),
  amount: u64,
  signature: bytes(POINT_BYTES),
  e: bytes(SCALAR_BYTES),
  s: bytes(SCALAR_BYTES),
  /** Nanoseconds. */
  at: u64,
});

const TotalsRecord = struct({
  signed: u128,
  signedCount: u64,
  held: u128,
  heldCount: u64,
  spent: u128,
  spentCount: u64,
});
type Sums = Infer<typeof TotalsRecord>;

export interface TakenNote {
  readonly state: 'held' | 'spent';
  /** Who has taken it. */
  readonly request: bigint;
  readonly keysetId: string;
  readonly amount: bigint;
  /** Nanoseconds. */
  readonly at: bigint;
  readonly witness: string | undefined;
}

export interface SignedNote extends SignedMessage {
  readonly request: bigint;
  /** Nanoseconds. */
  readonly at: bigint;
}

/** Amounts in the keyset's unit; held ones are not yet spent. */
export interface KeysetTotals extends Sums {
  readonly keysetId: string;
}

const NO_SUMS: Sums = { signed: 0n, signedCount: 0n, held: 0n, heldCount: 0n, spent: 0n, spentCount: 0n };

/** Of one mint's book that has seen all its signing and all its taking in. */
export const outstanding = ({ signed, spent }: Pick<Sums, 'signed' | 'spent'>): bigint => signed - spent;

export type NoteBookFault =
  /** Held by another request, or spent by any. */
  | 'note_taken'
  /** Signed before, by another request or as something else. */
  | 'output_signed'
  /** Twice in one call. */
  | 'duplicate'
  /** More would be spent than there is. */
  | 'unbalanced';

/** What must not be written: the transaction must throw it on. */
export class NoteBookError extends Error {
  override readonly name = 'NoteBookError';
  readonly fault: NoteBookFault;

  constructor(fault: NoteBookFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

export interface NoteBookOptions {
  /**
   * Whether this book sees all that its mint signs and takes in. Then more can never be held and spent than was signed. Not
   * so where one role signs and another takes in.
   */
  readonly isWhole: boolean;
}

export class NoteBook {
  readonly #isWhole: boolean;

  constructor({ isWhole }: NoteBookOptions) {
    this.#isWhole = isWhole;
  }

  /** @param noteId Y; undefined: it is free */
  taken(reads: BookReads, noteId: Uint8Array): TakenNote | undefined {
    const stored = reads.get(SPENT_TABLE, noteId);
    return stored && takenOf(stored);
  }

  /** The first of the notes that cannot be taken: spent by whomever, or held by another request. */
  conflict(
    reads: BookReads,
    noteIds: readonly Uint8Array[],
    request?: bigint,
  ): { readonly place: number; readonly taken: TakenNote } | undefined {
    for (const [i, noteId] of noteIds.entries()) {
      const taken = this.taken(reads, noteId);
      if (taken !== undefined && (taken.state === 'spent' || taken.request !== request))
        return { place: i, taken };
    }
    return undefined;
  }

  /** Free notes are set aside for the request. @throws NoteBookError */
  hold(tx: BookWrites, notes: readonly IncomingNote[], request: bigint, at: bigint): void {
    const changes = new Changes(tx, this.#isWhole);
    for (const [i, note] of distinct(notes, ({ noteId }) => noteId).entries()) {
      const taken = this.taken(tx, note.noteId);
      if (taken !== undefined) throw takenError(i, taken, 'free');
      this.#take(tx, note, 'held', request, at);
      changes.add(note, 'held', 1n);
    }
    changes.write();
  }

  /** Free notes, or those that the request holds, are spent for ever. @throws NoteBookError */
  spend(tx: BookWrites, notes: readonly IncomingNote[], request: bigint, at: bigint): void {
    const changes = new Changes(tx, this.#isWhole);
    for (const [i, note] of distinct(notes, ({ noteId }) => noteId).entries()) {
      const taken = this.taken(tx, note.noteId);
      if (taken !== undefined) {
        const isOwn =
          taken.state === 'held' &&
          taken.request === request &&
          taken.amount === note.amount &&
          taken.keysetId === note.keysetId;
        if (!isOwn) throw takenError(i, taken, 'free, or held by the same request');
        changes.add(taken, 'held', -1n);
      }
      this.#take(tx, { ...note, witness: note.witness ?? taken?.witness }, 'spent', request, at);
      changes.add(note, 'spent', 1n);
    }
    changes.write();
  }

  /** What the request holds of them is free again; the rest is left as it is. */
  release(tx: BookWrites, noteIds: readonly Uint8Array[], request: bigint): void {
    const changes = new Changes(tx, this.#isWhole);
    for (const noteId of distinct(noteIds, (id) => id)) {
      const taken = this.taken(tx, noteId);
      if (taken?.state !== 'held' || taken.request !== request) continue;
      tx.remove(SPENT_TABLE, noteId);
      changes.add(taken, 'held', -1n);
    }
    changes.write();
  }

  #take(
    tx: BookWrites,
    { noteId, keysetId, amount, witness }: IncomingNote,
    state: 'held' | 'spent',
    request: bigint,
    at: bigint,
  ): void {
    if (noteId.length !== POINT_BYTES)
      throw new RangeError(`note id: expected ${POINT_BYTES} bytes, got ${noteId.length}`);
    const record = { state, request, keyset: keysetBytes(keysetId), amount, at, witness };
    tx.put(SPENT_TABLE, noteId, SpentRecord.encode(record));
  }

  /** @param blinded B'; undefined: it was not signed */
  signed(reads: BookReads, blinded: Uint8Array): SignedNote | undefined {
    const stored = reads.get(SIGNED_TABLE, blinded);
    return stored && signedOf(blinded, stored);
  }

  /** Each is counted once: what the same request has signed alike is passed over. @throws NoteBookError */
  sign(tx: BookWrites, messages: readonly SignedMessage[], request: bigint, at: bigint): void {
    const changes = new Changes(tx, this.#isWhole);
    for (const [i, message] of distinct(messages, ({ blinded }) => blinded).entries()) {
      const { blinded, keysetId, amount, signature, dleq } = message;
      if (blinded.length !== POINT_BYTES)
        throw new RangeError(`blinded message: expected ${POINT_BYTES} bytes, got ${blinded.length}`);
      const before = this.signed(tx, blinded);
      if (before !== undefined) {
        const isSame = before.request === request && before.amount === amount && before.keysetId === keysetId;
        if (isSame) continue;
        throw new NoteBookError('output_signed', `messages[${i}]: expected one not signed before`);
      }
      const record = { request, keyset: keysetBytes(keysetId), amount, signature, ...dleq, at };
      tx.put(SIGNED_TABLE, blinded, SignedRecord.encode(record));
      changes.add(message, 'signed', 1n);
    }
    changes.write();
  }

  totals(reads: BookReads, keysetId: string): KeysetTotals {
    return { keysetId, ...sumsOf(reads, keysetId) };
  }

  /** Of all keysets of which there is anything. */
  allTotals(reads: StoreReads): KeysetTotals[] {
    return reads
      .range(TOTALS_TABLE, { limit: RANGE_MAX })
      .map(({ key, value }) => ({ keysetId: keysetName(key), ...TotalsRecord.decode(value) }));
  }
}

function takenError(i: number, { state, request }: TakenNote, expected: string): NoteBookError {
  return new NoteBookError(
    'note_taken',
    `notes[${i}]: expected one that is ${expected}, got one ${state} by request ${request}`,
  );
}

function sumsOf(reads: BookReads, keysetId: string): Sums {
  const stored = reads.get(TOTALS_TABLE, keysetBytes(keysetId));
  return stored === undefined ? NO_SUMS : TotalsRecord.decode(stored);
}

/** Sums as one call changes them: read once a keyset, written once. */
class Changes {
  readonly #tx: BookWrites;
  readonly #isWhole: boolean;
  readonly #sums = new Map<string, { -readonly [Name in keyof Sums]: bigint }>();

  constructor(tx: BookWrites, isWhole: boolean) {
    this.#tx = tx;
    this.#isWhole = isWhole;
  }

  add(
    { keysetId, amount }: { readonly keysetId: string; readonly amount: bigint },
    what: 'signed' | 'held' | 'spent',
    sign: 1n | -1n,
  ): void {
    let sums = this.#sums.get(keysetId);
    if (sums === undefined) {
      sums = { ...sumsOf(this.#tx, keysetId) };
      this.#sums.set(keysetId, sums);
    }
    sums[what] += sign * amount;
    sums[`${what}Count`] += sign;
  }

  write(): void {
    for (const [keysetId, sums] of this.#sums) {
      const { signed, signedCount, held, heldCount, spent, spentCount } = sums;
      const isRight =
        held >= 0n &&
        heldCount >= 0n &&
        (!this.#isWhole || (spent + held <= signed && spentCount + heldCount <= signedCount));
      if (!isRight) {
        throw new NoteBookError(
          'unbalanced',
          `keyset ${keysetId}: expected at most ${signed} (${signedCount} notes) to be held and spent, ` +
            `got ${held} (${heldCount}) and ${spent} (${spentCount})`,
        );
      }
      this.#tx.put(TOTALS_TABLE, keysetBytes(keysetId), TotalsRecord.encode(sums));
    }
  }
}

const keysetBytes = (keysetId: string): Uint8Array => {
  const encoded = Buffer.from(keysetId, 'hex');
  if (encoded.length === 0 || encoded.length > KEYSET_ID_BYTES_MAX || 2 * encoded.length !== keysetId.length)
    throw new RangeError(`keyset id: expected up to ${KEYSET_ID_BYTES_MAX} bytes in hex, got others`);
  return new Uint8Array(encoded);
};

const keysetName = (keyset: Uint8Array): string => Buffer.from(keyset).toString('hex');

function takenOf(stored: Uint8Array): TakenNote {
  const { keyset, ...rest } = SpentRecord.decode(stored);
  return { ...rest, keysetId: keysetName(keyset) };
}

function signedOf(blinded: Uint8Array, stored: Uint8Array): SignedNote {
  const { keyset, e, s, ...rest } = SignedRecord.decode(stored);
  return { ...rest, blinded, keysetId: keysetName(keyset), dleq: { e, s } };
}

/** @throws NoteBookError when two have the same key: their sum would be more than they are worth */
function distinct<Of>(items: readonly Of[], keyOfItem: (item: Of) => Uint8Array): readonly Of[] {
  const seen = new Set<string>();
  for (const [i, item] of items.entries()) {
    const key = Buffer.from(keyOfItem(item)).toString('latin1');
    if (seen.has(key))
      throw new NoteBookError(
        'duplicate',
        `items[${i}]: expected another than those before, got one of them`,
      );
    seen.add(key);
  }
  return items;
}

/** As flows write it (src/roles/flow). */
export interface BookPut {
  readonly table: string;
  readonly key: Key;
  readonly value: Uint8Array | undefined;
}

/**
 * What `run` would write, as a list: for a flow's `writes`. It sees its own writes over `reads`; of two to one record the last
 * is in the list.
 */
export function recordPuts(reads: BookReads, run: (tx: BookWrites) => void): BookPut[] {
  const puts = new Map<string, BookPut>();
  const write = (table: string, key: Key, value: Uint8Array | undefined): void => {
    puts.set(place(table, key), { table, key: Uint8Array.from(keyBytes(key)), value });
  };
  run({
    get(table, key) {
      const at = place(table, key);
      return puts.has(at) ? puts.get(at)!.value : reads.get(table, key);
    },
    put: (table, key, value) => write(table, key, Uint8Array.from(value)),
    remove: (table, key) => write(table, key, undefined),
  });
  return [...puts.values()];
}

/** One page of what an audit reads, in the order of the keys. */
export interface Page<Of> {
  readonly items: readonly Of[];
  /** Where the next page begins; undefined: this was the last. */
  readonly next: Uint8Array | undefined;
}

const after = (key: Uint8Array): Uint8Array => Uint8Array.from([...key, 0]);

function pageOf<Of>(
  reads: StoreReads,
  table: string,
  from: Uint8Array | undefined,
  limit: number,
  read: (key: Uint8Array, value: Uint8Array) => Of,
): Page<Of> {
  const records = reads.range(table, { ...(from === undefined ? {} : { from }), limit });
  return {
    items: records.map(({ key, value }) => read(key, value)),
    next: records.length < limit ? undefined : after(records.at(-1)!.key),
  };
}

export const takenPage = (
  reads: StoreReads,
  from: Uint8Array | undefined,
  limit = RANGE_MAX,
): Page<TakenNote & { readonly noteId: Uint8Array }> =>
  pageOf(reads, SPENT_TABLE, from, limit, (noteId, stored) => ({ noteId, ...takenOf(stored) }));

export const signedPage = (
  reads: StoreReads,
  from: Uint8Array | undefined,
  limit = RANGE_MAX,
): Page<SignedNote> => pageOf(reads, SIGNED_TABLE, from, limit, signedOf);

/**
 * The sums, counted anew from the notes themselves, a page a step: exact while nothing is written between the steps.
 * The last value is the result, by keyset id ascending, as `allTotals` has it.
 */
export function* recount(reads: StoreReads, pageItems = RANGE_MAX): Generator<undefined, KeysetTotals[]> {
  const counted = new Map<string, { -readonly [Name in keyof Sums]: bigint }>();
  const add = (keysetId: string, what: 'signed' | 'held' | 'spent', amount: bigint): void => {
    const sums = counted.get(keysetId) ?? { ...NO_SUMS };
    counted.set(keysetId, sums);
    sums[what] += amount;
    sums[`${what}Count`] += 1n;
  };
  let from: Uint8Array | undefined;
  do {
    const page = signedPage(reads, from, pageItems);
    for (const { keysetId, amount } of page.items) add(keysetId, 'signed', amount);
    from = page.next;
    yield;
  } while (from !== undefined);
  do {
    const page = takenPage(reads, from, pageItems);
    for (const { keysetId, state, amount } of page.items) add(keysetId, state, amount);
    from = page.next;
    yield;
  } while (from !== undefined);
  return [...counted]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([keysetId, sums]) => ({ keysetId, ...sums }));
}
