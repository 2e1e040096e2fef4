// Notes that are passed on by hand, as a text (NUT-00). Whoever takes one exchanges it at the mint; until then it is as good
// as its copies, so a token that was made stays here until the mint calls it spent.
import { toHex } from '../identity/binary-text.ts';
import { checkNotes } from '../notes/dleq.ts';
import { NotesError } from '../notes/errors.ts';
import { decodeToken, encodeToken, type Token } from '../notes/token.ts';
import { SECRET_BYTES_MAX } from '../roles/documents/notes.ts';
import { type Desk, sumOfNotes, type WaitOptions } from './desk.ts';
import { TerminalError } from './errors.ts';
import type { Exchanges } from './exchanges.ts';
import { OPERATION_NOTES_MAX, TEXT_BYTES_MAX } from './limits.ts';
import { granted } from './mint-calls.ts';
import { noteKey } from './note-store.ts';
import { noteOf, type OperationOf, storedNote } from './records.ts';
import { unknownOperation } from './sends.ts';

export interface MadeToken {
  readonly operation: bigint;
  readonly amount: bigint;
  readonly memo: string;
  /** Nanoseconds. */
  readonly at: bigint;
  /** Money: whoever reads it can take it. */
  readonly text: string;
}

const invalid = (what: string, cause?: unknown): TerminalError =>
  new TerminalError('token_invalid', what, { cause });

export class Tokens {
  readonly #desk: Desk;
  readonly #exchanges: Exchanges;
  #address: string | undefined;

  constructor(desk: Desk, exchanges: Exchanges) {
    this.#desk = desk;
    this.#exchanges = exchanges;
    this.#address = desk.options.mintAddress;
  }

  make(amount: bigint, memo = ''): Promise<MadeToken> {
    if (amount <= 0n) throw new TerminalError('invalid_argument', 'amount: expected at least 1, got less');
    if (new TextEncoder().encode(memo).length > TEXT_BYTES_MAX)
      throw new TerminalError('invalid_argument', `memo: expected at most ${TEXT_BYTES_MAX} bytes, got more`);
    return this.#desk.exclusive(async () => {
      const unit = await this.#desk.unit();
      const mint = await this.#mintAddress();
      if (this.#desk.keysets.known.size === 0) await this.#desk.keysets.refresh(unit);
      const notes = await this.#exchanges.exact(amount, {
        countMax: OPERATION_NOTES_MAX,
        isFeePaid: false,
      });
      const operation = this.#desk.newId();
      const token = { kind: 'token', at: this.#desk.now(), memo, notes } as const;
      const made = { operation, amount, memo, at: token.at, text: textOf(token, mint, unit) };
      await this.#desk.store.change((changes) => {
        changes.take(notes);
        changes.open(operation, token);
        changes.note('token_made', amount, { at: token.at, reference: operation, detail: memo });
      });
      this.#desk.event({ type: 'prepared', operation, what: 'token' });
      return made;
    });
  }

  /** Those that nobody has taken, as far as is known. */
  async open(): Promise<MadeToken[]> {
    const tokens = this.#desk.store
      .operations()
      .flatMap(([operation, token]) => (token.kind === 'token' ? [{ operation, token }] : []));
    if (tokens.length === 0) return [];
    const unit = await this.#desk.unit();
    const mint = await this.#mintAddress();
    return tokens.map(({ operation, token }) => ({
      operation,
      amount: sumOfNotes(token.notes),
      memo: token.memo,
      at: token.at,
      text: textOf(token, mint, unit),
    }));
  }

  /** Asks the mint which were taken. @returns what is over */
  async check(): Promise<bigint[]> {
    const ended: bigint[] = [];
    for (const [operation] of this.#desk.store.operations()) {
      const isOver = await this.#desk.exclusive(() => this.#check(operation));
      if (isOver) ended.push(operation);
    }
    return ended;
  }

  async #check(operation: bigint): Promise<boolean> {
    const token = this.#desk.store.operation(operation);
    if (token?.kind !== 'token') return false;
    const states = await this.#desk.swaps.states(token.notes);
    const left = token.notes.filter((_, i) => states[i] !== 'SPENT');
    if (left.length === token.notes.length) return false;
    await this.#desk.store.change((changes) => {
      if (left.length === 0) changes.end(operation);
      else changes.put(operation, { ...token, notes: left });
      const taken = sumOfNotes(token.notes) - sumOfNotes(left);
      changes.note('token_spent', taken, { at: this.#desk.now(), reference: operation, detail: token.memo });
    });
    return left.length === 0;
  }

  /** @returns the amount, in own notes. @throws TerminalError token_invalid, keyset_unknown, notes_spent … */
  async take(text: string, options: WaitOptions = {}): Promise<bigint> {
    const operation = this.#desk.newId();
    const own = await this.#desk.exclusive(() => this.#writeDown(text, operation));
    return this.#desk.until(own ?? operation, options, () => this.#exchanges.advance(own ?? operation));
  }

  /** Back, unless somebody has taken it. @throws TerminalError notes_spent */
  async reclaim(operation: bigint, options: WaitOptions = {}): Promise<bigint> {
    await this.#desk.exclusive(() => this.#reclaim(operation));
    return this.#desk.until(operation, options, () => this.#exchanges.advance(operation));
  }

  async #reclaim(operation: bigint): Promise<void> {
    const token = this.#desk.store.operation(operation);
    if (token?.kind === 'swap' && token.origin === 'reclaim') return;
    if (token?.kind !== 'token') throw unknownOperation(operation);
    const { keysetId, amounts } = await this.#exchanges.amountsFor(token.notes);
    await this.#desk.store.change((changes) => {
      changes.put(operation, {
        kind: 'swap',
        at: this.#desk.now(),
        origin: 'reclaim',
        reference: operation,
        gateway: undefined,
        notes: token.notes,
        plan: changes.plan(keysetId, amounts),
      });
    });
  }

  /** @returns the operation, if the token was made here: then it is taken back */
  async #writeDown(text: string, operation: bigint): Promise<bigint | undefined> {
    const { notes } = await this.#decoded(text);
    for (const [i, { secret, witness }] of notes.entries()) {
      if (secret.startsWith('[') || witness !== undefined)
        throw invalid(`notes[${i}]: expected no spending conditions, got some`);
      if (new TextEncoder().encode(secret).length > SECRET_BYTES_MAX)
        throw invalid(
          `notes[${i}]: expected a secret of at most ${SECRET_BYTES_MAX} bytes, got a longer one`,
        );
    }
    if (new Set(notes.map(({ secret }) => secret)).size !== notes.length)
      throw invalid('token: expected each note once, got one twice');
    const stored = notes.map(storedNote);
    const own = this.#ownOf(stored);
    if (own !== undefined) {
      await this.#reclaim(own);
      return own;
    }
    const { keysetId, amounts } = await this.#exchanges.amountsFor(stored);
    try {
      const { crypto } = this.#desk.options;
      checkNotes(stored.map(noteOf), this.#desk.keysets.known, crypto, { isProofRequired: false });
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      throw invalid(`token: ${error.message}`, error);
    }
    await this.#desk.store.change((changes) => {
      changes.open(operation, {
        kind: 'swap',
        at: this.#desk.now(),
        origin: 'token',
        reference: 0n,
        gateway: undefined,
        notes: stored,
        plan: changes.plan(keysetId, amounts),
      });
    });
    this.#desk.event({ type: 'prepared', operation, what: 'token' });
    return undefined;
  }

  async #decoded(text: string): Promise<Token> {
    const unit = await this.#desk.unit();
    const decode = (): Token => decodeToken(text.trim(), { keysetIds: [...this.#desk.keysets.known.keys()] });
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      if (error.code !== 'unknown_keyset') throw invalid(error.message, error);
    }
    // Its keyset ids are short, and the mint may have new ones.
    await this.#desk.keysets.refresh(unit);
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      const code = error.code === 'unknown_keyset' ? 'keyset_unknown' : 'token_invalid';
      throw new TerminalError(code, error.message, { cause: error });
    }
  }

  /** One that shares a note with it: what it says more is for others to find out. */
  #ownOf(notes: Parameters<typeof noteKey>[0][]): bigint | undefined {
    const text = (note: Parameters<typeof noteKey>[0]): string => toHex(noteKey(note));
    const given = new Set(notes.map(text));
    for (const [operation, token] of this.#desk.store.operations()) {
      const isOwn = token.kind === 'token' || (token.kind === 'swap' && token.origin === 'reclaim');
      if (isOwn && token.notes.length === given.size && token.notes.every((note) => given.has(text(note))))
        return operation;
    }
    return undefined;
  }

  /** What other wallets are told to exchange it at. */
  async #mintAddress(): Promise<string> {
    if (this.#address === undefined) {
      const { urls } = await granted(this.#desk.mint.info(), 'info');
      this.#address = urls?.[0] ?? `specie:${await this.#desk.unit()}`;
    }
    return this.#address;
  }
}

function textOf({ memo, notes }: OperationOf<'token'>, mint: string, unit: string): string {
  return encodeToken({ mint, unit, ...(memo === '' ? {} : { memo }), notes: notes.map(noteOf) });
}
