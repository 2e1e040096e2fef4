// The terminal's tables, and how notes move between them.
//
//     notes        SHA-256 of the secret ─▶ note             free to spend
//     operations   id ─▶ what is open, with its notes        on their way, or not known to have arrived
//     counters     keyset ─▶ number of the next secret       written before anything that uses it is asked for
//     deliveries   gateway, request, isReturn ─▶ what was taken in
//     keysets, terms, settings, history
import { sha256 } from '../crypto/index.ts';
import type { PublicKeyset } from '../notes/keyset.ts';
import { SECRET_COUNTER_MAX } from '../notes/limits.ts';
import type { PlainNote } from '../roles/documents/notes.ts';
import { PlainNote as PlainNoteCodec } from '../roles/documents/notes.ts';
import { type Codec, text } from '../shared/codec.ts';
import { StoreError, type StoreErrorCode } from '../store/errors.ts';
import { idOfKey, type Key, keyOf } from '../store/key.ts';
import { RANGE_MAX, type RoleStore, type StoreReads, type StoreTransaction } from '../store/store.ts';
import { TerminalError, type TerminalErrorCode } from './errors.ts';
import { OPERATIONS_MAX, TEXT_BYTES_MAX } from './limits.ts';
import {
  AcceptedTerms,
  Counter,
  type HistoryEvent,
  HistoryRecord,
  Operation,
  type Plan,
  StoredKeyset,
  TakenDelivery,
} from './records.ts';

const NOTES = 'notes';
const OPERATIONS = 'operations';
const COUNTERS = 'counters';
const DELIVERIES = 'deliveries';
const KEYSETS = 'keysets';
const TERMS = 'terms';
const SETTINGS = 'settings';
const HISTORY = 'history';

const CODES: { readonly [code in StoreErrorCode]: TerminalErrorCode } = {
  store_full: 'storage_full',
  store_busy: 'storage_full',
  store_io: 'storage_failed',
  store_unknown: 'storage_failed',
  store_corrupt: 'terminal_damaged',
  store_locked: 'terminal_locked',
  store_closed: 'storage_failed',
  store_misuse: 'storage_failed',
};

export function asTerminalError(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  return new TerminalError(CODES[error.code], error.what, { cause: error });
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();
const UNIT = utf8.encode('unit');
const unitText = text(64);

/** By which a note is known here: the same for the same secret, and says nothing of it. */
export const noteKey = ({ secret }: Pick<PlainNote, 'secret'>): Uint8Array => sha256(utf8.encode(secret));

export interface DeliveryName {
  readonly gateway: Uint8Array;
  readonly request: bigint;
  readonly isReturn: boolean;
}

const deliveryKey = ({ gateway, request, isReturn }: DeliveryName): Uint8Array =>
  keyOf(gateway, request, Uint8Array.of(isReturn ? 1 : 0));

function deliveryName(key: Uint8Array): DeliveryName {
  return { gateway: key.slice(0, 32), request: idOfKey(key, 32), isReturn: key[48] === 1 };
}

const read = <Value>(reads: StoreReads, table: string, key: Key, codec: Codec<Value>): Value | undefined => {
  const stored = reads.get(table, key);
  return stored === undefined ? undefined : codec.decode(stored);
};

function* all<Value>(
  reads: StoreReads,
  table: string,
  codec: Codec<Value>,
): Generator<readonly [Uint8Array, Value]> {
  for (let from: Uint8Array | undefined; ; ) {
    const page = reads.range(table, { ...(from !== undefined && { from }), limit: RANGE_MAX });
    for (const { key, value } of page) yield [key, codec.decode(value)];
    if (page.length < RANGE_MAX) return;
    from = keyOf(page.at(-1)!.key, Uint8Array.of(0));
  }
}

const sum = (notes: Iterable<{ readonly amount: bigint }>): bigint => {
  let total = 0n;
  for (const { amount } of notes) total += amount;
  return total;
};

/** Questions, asked of what is on the disk or of a transaction. */
export class NoteReads {
  readonly #reads: StoreReads;

  constructor(reads: StoreReads) {
    this.#reads = reads;
  }

  held(): PlainNote[] {
    return [...all(this.#reads, NOTES, PlainNoteCodec)].map(([, note]) => note);
  }

  balance(): bigint {
    return sum(this.held());
  }

  isHeld(note: Pick<PlainNote, 'secret'>): boolean {
    return this.#reads.get(NOTES, noteKey(note)) !== undefined;
  }

  operation(id: bigint): Operation | undefined {
    return read(this.#reads, OPERATIONS, id, Operation);
  }

  operations(): (readonly [bigint, Operation])[] {
    return [...all(this.#reads, OPERATIONS, Operation)].map(([key, value]) => [idOfKey(key), value]);
  }

  delivery(name: DeliveryName): TakenDelivery | undefined {
    return read(this.#reads, DELIVERIES, deliveryKey(name), TakenDelivery);
  }

  deliveries(): (readonly [DeliveryName, TakenDelivery])[] {
    return [...all(this.#reads, DELIVERIES, TakenDelivery)].map(([key, value]) => [deliveryName(key), value]);
  }

  counter(keysetId: string): number {
    return read(this.#reads, COUNTERS, utf8.encode(keysetId), Counter)?.next ?? 0;
  }

  keysets(): PublicKeyset[] {
    return [...all(this.#reads, KEYSETS, StoredKeyset)].map(([key, { keys, finalExpiry, ...rest }]) => ({
      id: fromUtf8.decode(key),
      ...rest,
      ...(finalExpiry === undefined ? {} : { finalExpiry }),
      keys: new Map(keys.map(({ amount, key: publicKey }) => [amount, publicKey])),
    }));
  }

  terms(gateway: Uint8Array): AcceptedTerms | undefined {
    return read(this.#reads, TERMS, gateway, AcceptedTerms);
  }

  unit(): string | undefined {
    return read(this.#reads, SETTINGS, UNIT, unitText);
  }

  history(): HistoryRecord[] {
    return [...all(this.#reads, HISTORY, HistoryRecord)].map(([, record]) => record);
  }
}

export class NoteChanges extends NoteReads {
  readonly #tx: StoreTransaction;
  readonly #newId: () => bigint;

  constructor(tx: StoreTransaction, newId: () => bigint) {
    super(tx);
    this.#tx = tx;
    this.#newId = newId;
  }

  /** Out of the free ones: into an operation, in the same transaction. */
  take(notes: readonly PlainNote[]): void {
    for (const note of notes) {
      if (!this.isHeld(note)) throw new Error('note: expected one that is free, got one that is not');
      this.#tx.remove(NOTES, noteKey(note));
    }
  }

  free(notes: readonly PlainNote[]): void {
    for (const note of notes) {
      if (this.isHeld(note)) throw new Error('note: expected one that is not here yet, got one that is');
      this.#tx.put(NOTES, noteKey(note), PlainNoteCodec.encode(note));
    }
  }

  open(id: bigint, operation: Operation): void {
    if (this.#tx.range(OPERATIONS, { limit: OPERATIONS_MAX }).length >= OPERATIONS_MAX) {
      throw new TerminalError(
        'invalid_argument',
        `operations: expected at most ${OPERATIONS_MAX} that are open, got one more: finish some`,
      );
    }
    this.put(id, operation);
  }

  put(id: bigint, operation: Operation): void {
    this.#tx.put(OPERATIONS, id, Operation.encode(operation));
  }

  end(id: bigint): void {
    this.#tx.remove(OPERATIONS, id);
  }

  putDelivery(name: DeliveryName, delivery: TakenDelivery): void {
    this.#tx.put(DELIVERIES, deliveryKey(name), TakenDelivery.encode(delivery));
  }

  forgetDelivery(name: DeliveryName): void {
    this.#tx.remove(DELIVERIES, deliveryKey(name));
  }

  /** Numbers for secrets, which are never given out again once a mint has signed them. @param skip numbers to pass over first */
  plan(keysetId: string, amounts: readonly bigint[], skip = 0): Plan {
    const from = this.counter(keysetId) + skip;
    const next = from + amounts.length;
    if (next > SECRET_COUNTER_MAX) {
      throw new TerminalError('mint_refused', `keyset ${keysetId}: expected numbers to be left for secrets`);
    }
    this.setCounter(keysetId, next);
    return { keysetId, from, amounts: [...amounts] };
  }

  /**
   * The mint has signed nothing of it. Numbers that are given back leave no gap, beyond which a restore would not look: whoever
   * sends notes that are worth nothing must not be able to make one.
   */
  release({ keysetId, from, amounts }: Plan): void {
    if (this.counter(keysetId) === from + amounts.length) this.#putCounter(keysetId, from);
  }

  setCounter(keysetId: string, next: number): void {
    if (next < this.counter(keysetId))
      throw new Error('counter: expected it to go up, got one that goes down');
    this.#putCounter(keysetId, next);
  }

  #putCounter(keysetId: string, next: number): void {
    this.#tx.put(COUNTERS, utf8.encode(keysetId), Counter.encode({ next }));
  }

  putKeyset({ id, unit, isActive, inputFeePpk, finalExpiry, keys }: PublicKeyset): void {
    const listed = [...keys].map(([amount, key]) => ({ amount, key }));
    this.#tx.put(
      KEYSETS,
      utf8.encode(id),
      StoredKeyset.encode({ unit, isActive, inputFeePpk, finalExpiry, keys: listed }),
    );
  }

  putTerms(gateway: Uint8Array, terms: AcceptedTerms): void {
    this.#tx.put(TERMS, gateway, AcceptedTerms.encode(terms));
  }

  setUnit(unit: string): void {
    this.#tx.put(SETTINGS, UNIT, unitText.encode(unit));
  }

  /** After the notes have moved: it says what is free now. */
  note(
    event: HistoryEvent,
    amount: bigint,
    {
      at,
      reference,
      detail = '',
    }: { readonly at: bigint; readonly reference: bigint; readonly detail?: string },
  ): void {
    const record = { at, event, amount, balance: this.balance(), reference, detail: shortened(detail) };
    this.#tx.put(HISTORY, this.#newId(), HistoryRecord.encode(record));
  }
}

/** What others have said fits, whatever they say. */
export function shortened(detail: string): string {
  const wellFormed = detail.replace(/\p{Surrogate}/gu, '?');
  if (utf8.encode(wellFormed).length <= TEXT_BYTES_MAX) return wellFormed;
  return [...wellFormed].slice(0, Math.floor(TEXT_BYTES_MAX / 4)).join('');
}

export class NoteStore extends NoteReads {
  readonly #store: RoleStore;
  readonly #newId: () => bigint;

  constructor(store: RoleStore, newId: () => bigint) {
    super(store);
    this.#store = store;
    this.#newId = newId;
  }

  /** All of it or nothing, on the disk when it resolves. @throws TerminalError; what `run` throws */
  async change<T>(run: (changes: NoteChanges) => T): Promise<T> {
    try {
      return await this.#store.transaction((tx) => run(new NoteChanges(tx, this.#newId)));
    } catch (error) {
      throw asTerminalError(error);
    }
  }
}
