// What all that a terminal does is done with: its store, its mint, one step at a time, and waiting that can end early.
import { equalBytes } from '../identity/binary-text.ts';
import type { MintService } from '../mint/service.ts';
import { feeOf, selectNotes, splitAmount } from '../notes/amounts.ts';
import { NotesError } from '../notes/errors.ts';
import type { PublicKeyset } from '../notes/keyset.ts';
import type { PlainNote } from '../roles/documents/notes.ts';
import { idGenerator } from '../shared/id.ts';
import { type SetTimer, systemTimer } from '../shared/timer.ts';
import { TerminalError } from './errors.ts';
import { KnownKeysets } from './keysets.ts';
import { COUNTER_SKIP, OPERATION_NOTES_MAX, PLANS_MAX } from './limits.ts';
import { type NoteChanges, NoteStore } from './note-store.ts';
import type { KnownGateway, TerminalEvent, TerminalOptions, TerminalTimes } from './ports.ts';
import { noteOf, type Plan } from './records.ts';
import { type SwapResult, Swaps } from './swaps.ts';

const TIMES: TerminalTimes = { patienceMs: 60_000, pauseFirstMs: 100, pauseLastMs: 2_000 };

export interface WaitOptions {
  /** Instead of TerminalTimes.patienceMs; 0: for ever. */
  readonly patienceMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What one look at something has come to. */
export type Look<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'wait'; readonly reason: string };

export const done = <T>(value: T): Look<T> => ({ kind: 'done', value });
export const waiting = (reason: string): Look<never> => ({ kind: 'wait', reason });

/** Errors after which the same is tried again, as long as there is patience. */
const MAY_PASS: ReadonlySet<string> = new Set(['unreachable', 'unfinished']);

export interface Exactly {
  readonly countMax: number;
  /** Whether the mint takes what spending them costs out of them too. */
  readonly isFeePaid: boolean;
}

/** Beyond so much, notes that bring just their own fee are not looked for. */
const FEE_TRIES = 64n;

export const sumOfNotes = (notes: readonly { readonly amount: bigint }[]): bigint =>
  notes.reduce((sum, { amount }) => sum + amount, 0n);

export class Desk {
  readonly options: TerminalOptions;
  readonly store: NoteStore;
  readonly mint: MintService;
  readonly keysets: KnownKeysets;
  readonly swaps: Swaps;
  readonly newId: () => bigint;
  readonly #times: TerminalTimes;
  readonly #setTimer: SetTimer;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: TerminalOptions) {
    this.options = options;
    const { clock, randomBytes, mint, times, setTimer = systemTimer } = options;
    this.newId = idGenerator({
      now: () => Number(clock() / 1_000_000n),
      random: (bytes) => bytes.set(randomBytes(bytes.length)),
    });
    this.store = new NoteStore(options.store, this.newId);
    this.mint = mint;
    this.keysets = new KnownKeysets(this.store, this.mint);
    this.swaps = new Swaps(this.keysets, options);
    this.#times = { ...TIMES, ...times };
    this.#setTimer = setTimer;
  }

  now(): bigint {
    return this.options.clock();
  }

  event(event: TerminalEvent): void {
    this.options.onEvent?.(event);
  }

  gateway(key: Uint8Array): KnownGateway {
    const found = this.options.gateways.find((gateway) => equalBytes(gateway.key, key));
    if (found === undefined)
      throw new TerminalError(
        'gateway_unknown',
        'gateway: expected one that this terminal knows, got another',
      );
    return found;
  }

  /** The unit of the notes: of the WAN the currency, of the LAN also the organisation, which its gateway says. */
  async unit(): Promise<string> {
    const code = this.options.currency.code.toLowerCase();
    if (this.options.side === 'wan') return code;
    const known = this.store.unit();
    if (known !== undefined) return known;
    const [gateway] = this.options.gateways;
    if (gateway === undefined)
      throw new TerminalError('gateway_unknown', 'gateway: expected the one of this LAN, got none');
    const { organisation } = await this.terms(gateway);
    const unit = `${code}@${organisation}`;
    await this.store.change((changes) => changes.setUnit(unit));
    return unit;
  }

  /** As the gateway says now. @throws TerminalError unreachable, gateway_refused, gateway_invalid, currency_differs */
  async terms(gateway: KnownGateway) {
    const result = await gateway.calls.call('get_terms', {});
    if (result.kind === 'unknown')
      throw new TerminalError('unreachable', `gateway ${gateway.name}: ${result.reason}`);
    if (result.kind === 'refused') throw gatewayRefused(gateway, result.refusal);
    const terms = result.answer;
    const { currency, side } = this.options;
    if (terms.side !== side) {
      throw new TerminalError(
        'gateway_invalid',
        `gateway ${gateway.name}: expected its ${side} side, got its ${terms.side} side`,
      );
    }
    if (terms.currency !== currency.ledger) {
      throw new TerminalError(
        'currency_differs',
        `gateway ${gateway.name}: expected the currency ${currency.ledger}, got ${terms.currency}`,
      );
    }
    if (!/^[a-z0-9-]{1,32}$/.test(terms.organisation)) {
      throw new TerminalError(
        'gateway_invalid',
        `gateway ${gateway.name}: expected an organisation of a-z, 0-9 and -, got another`,
      );
    }
    const unit = this.store.unit();
    if (side === 'lan' && unit !== undefined && !unit.endsWith(`@${terms.organisation}`)) {
      throw new TerminalError(
        'gateway_invalid',
        `gateway ${gateway.name}: expected the organisation of ${unit}, got ${terms.organisation}`,
      );
    }
    return terms;
  }

  /** One step at a time: what a step has read stays so until it has written. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work, work);
    this.#last = result.catch(() => {});
    return result;
  }

  /**
   * Looks, each time as a step of its own, until there is an end or no patience left.
   * @throws TerminalError unreachable, unfinished, interrupted: it can be resumed; others as they come
   */
  async until<T>(operation: bigint, options: WaitOptions, look: () => Promise<Look<T>>): Promise<T> {
    const { patienceMs = this.#times.patienceMs, signal } = options;
    let pauseMs = this.#times.pauseFirstMs;
    let isOver = false;
    const cancel = patienceMs > 0 ? this.#setTimer(() => (isOver = true), patienceMs) : () => {};
    try {
      for (;;) {
        let reason: string;
        let last: TerminalError | undefined;
        try {
          const seen = await this.exclusive(look);
          if (seen.kind === 'done') return seen.value;
          reason = seen.reason;
        } catch (error) {
          if (!(error instanceof TerminalError && MAY_PASS.has(error.code))) throw error;
          last = error;
          reason = error.what;
        }
        if (signal?.aborted === true)
          throw new TerminalError('interrupted', 'the caller stopped waiting', { operation });
        if (isOver) throw new TerminalError(last?.code ?? 'unfinished', reason, { operation });
        this.event({ type: 'waiting', operation, reason, pauseMs });
        await this.#pause(pauseMs, signal);
        pauseMs = Math.min(2 * pauseMs, this.#times.pauseLastMs);
      }
    } finally {
      cancel();
    }
  }

  #pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#setTimer(end, milliseconds);
      signal?.addEventListener('abort', end, { once: true });
    });
  }

  /** What spending these costs. */
  feeOf(notes: readonly PlainNote[]): bigint {
    return feeOf(notes, this.keysets.known);
  }

  /** @throws TerminalError: not an amount that the keyset's notes make up */
  split(amount: bigint, keyset: PublicKeyset): bigint[] {
    try {
      return splitAmount(amount, keyset);
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      throw new TerminalError('invalid_argument', error.message, { cause: error });
    }
  }

  /**
   * Asks the mint for what is planned, and plans anew where its keys have changed or it knows the secrets already.
   * @param replan writes the new plan where the old one is
   */
  async carryOut(
    plan: Plan,
    ask: (plan: Plan) => Promise<SwapResult>,
    replan: (changes: NoteChanges, plan: Plan) => void,
  ): Promise<Exclude<SwapResult, { kind: 'replan' }>> {
    let current = plan;
    for (let tries = 1; ; tries++) {
      const result = await ask(current);
      if (result.kind !== 'replan') return result;
      if (tries === PLANS_MAX) return { kind: 'refused', code: 0, detail: result.detail };
      const unit = await this.unit();
      if (result.why === 'keys') await this.keysets.refresh(unit);
      const keyset = await this.keysets.active(unit);
      const amounts = this.split(sumOfNotes(current.amounts.map((amount) => ({ amount }))), keyset);
      current = await this.store.change((changes) => {
        const next = changes.plan(keyset.id, amounts, result.why === 'secrets' ? COUNTER_SKIP : 0);
        replan(changes, next);
        return next;
      });
    }
  }

  /**
   * Free notes that make up exactly this, and what spending them costs where that is to be paid with them; at most so many.
   * undefined: some have to be exchanged first.
   */
  exactly(amount: bigint, { countMax, isFeePaid }: Exactly): PlainNote[] | undefined {
    const held = this.store.held();
    const free = new Map(held.map(({ keysetId }) => [keysetId, { inputFeePpk: 0 }]));
    const { selected, change } = this.#select(held, amount, isFeePaid ? this.keysets.known : free);
    return change === 0n && selected.length <= countMax ? selected : undefined;
  }

  /** Amounts of notes of this keyset that `exactly` would find. */
  partsOf(amount: bigint, { countMax, isFeePaid }: Exactly, keyset: PublicKeyset): bigint[] {
    if (!isFeePaid || keyset.inputFeePpk === 0) return this.split(amount, keyset);
    const feeOfParts = (): bigint => BigInt(Math.ceil((parts.length * keyset.inputFeePpk) / 1000));
    let parts: bigint[] = [];
    for (let fee = 0n; fee <= FEE_TRIES; fee++) {
      parts = this.split(amount + fee, keyset);
      // More notes cost more to spend, until that is the fee which they are to have.
      while (feeOfParts() < fee && parts.length < countMax) {
        const large = parts.findIndex((part) => part > 1n && keyset.keys.has(part / 2n));
        if (large < 0) break;
        const half = parts[large]! / 2n;
        parts.splice(large, 1, half, half);
      }
      if (feeOfParts() === fee) return parts;
    }
    throw new TerminalError(
      'invalid_argument',
      `amount: expected one that notes and their fee make up, got ${amount}`,
    );
  }

  /** Free notes that are worth these and what spending them costs, and for which amounts they are to be exchanged. */
  exchangeFor(parts: readonly bigint[], keyset: PublicKeyset): { inputs: PlainNote[]; amounts: bigint[] } {
    const amount = parts.reduce((sum, part) => sum + part, 0n);
    const { selected, change } = this.#select(this.store.held(), amount, this.keysets.known);
    if (selected.length > OPERATION_NOTES_MAX) {
      throw new TerminalError(
        'invalid_argument',
        `notes: expected at most ${OPERATION_NOTES_MAX} to be exchanged, got ${selected.length}: send less at a time`,
      );
    }
    return { inputs: selected, amounts: [...parts, ...this.split(change, keyset)] };
  }

  #select(held: PlainNote[], amount: bigint, keysets: Parameters<typeof selectNotes>[2]) {
    try {
      const byKey = new Map(held.map((note) => [note.secret, note]));
      const { selected, change } = selectNotes(held.map(noteOf), amount, keysets);
      return { selected: selected.map(({ secret }) => byKey.get(secret)!), change };
    } catch (error) {
      if (!(error instanceof NotesError)) throw error;
      const code = error.code === 'insufficient' ? 'insufficient_notes' : 'invalid_argument';
      throw new TerminalError(code, error.message, { cause: error });
    }
  }
}

export function gatewayRefused(
  { name }: Pick<KnownGateway, 'name'>,
  { code, message }: { readonly code: string; readonly message: string },
  operation?: bigint,
): TerminalError {
  return new TerminalError('gateway_refused', `gateway ${name}: ${code}: ${message}`, {
    reason: code,
    operation,
  });
}
