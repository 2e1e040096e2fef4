// What the effects of both jobs do. Each may come again, after a crash with no trace of the first time: issuer and receiver know
// a request by its id, what is generated comes of the exchange's id, and nothing counts before the flow's write.

import type { NoteBook } from '../mint/note-book.ts';
import type { Note } from '../notes/note.ts';
import { type DrawBytes, openNotes, sealNotes } from '../roles/common/sealed-notes.ts';
import { PlainNotes, type SealedNotes } from '../roles/documents/notes.ts';
import { type Again, again, type EffectItem, type Perform } from '../roles/flow/flow.ts';
import type { RoleStore } from '../store/store.ts';
import { confirmedOf, copyOf, digestOfNotes } from './deliveries.ts';
import type { DerivedOf, Purpose } from './derived.ts';
import type { Exchange } from './exchange.ts';
import type { FundsEffect, FundsOutcome } from './funds-flow.ts';
import type { InEffect, InOutcome, ReturnTerms } from './in-flow.ts';
import type { GatewayLog, SealingKey, WideKeysets } from './interface.ts';
import {
  DELIVERY_LOOK_MS,
  DISTRUSTED_PAUSE_MS,
  RETURN_AGAIN_SECONDS,
  RETURN_APPLY_SECONDS,
  RETURN_DOUBLINGS_MAX,
} from './limits.ts';
import type { LocalMint } from './local-mint.ts';
import type { OutEffect, OutOutcome } from './out-flow.ts';
import { plainNote, type WideMint } from './wide-mint.ts';

export interface EffectsOptions {
  readonly store: RoleStore;
  readonly shop: bigint;
  readonly book: NoteBook;
  readonly local: LocalMint;
  readonly wide: WideMint;
  readonly wideKeysets: WideKeysets;
  /** The first seals, all of them open. */
  readonly sealingKeys: readonly SealingKey[];
  readonly clock: () => bigint;
  readonly randomBytes: DrawBytes;
  readonly log: GatewayLog;
}

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const seconds = (count: number): bigint => BigInt(count) * NANOSECONDS_PER_SECOND;

/** Each rejection is kept for ever by who rejects: of a closed account there would be 288 a day and exchange. */
const pauseAfter = (attempt: number): bigint =>
  seconds(RETURN_AGAIN_SECONDS * 2 ** Math.min(attempt, RETURN_DOUBLINGS_MAX));

const later = (left: bigint, right: bigint): bigint => (left > right ? left : right);

interface Distrusted {
  readonly kind: 'distrusted';
  readonly reason: string;
}

/** A problem that is written already is not written anew at each attempt: it would be asked again without a pause. */
function doubted(outcome: Distrusted, known: string | undefined): Distrusted | Again {
  return outcome.reason === known ? again(DISTRUSTED_PAUSE_MS) : outcome;
}

class Effects {
  readonly #options: EffectsOptions;

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  async out({ id, effect }: EffectItem<OutEffect>): Promise<OutOutcome | Again> {
    const { state } = effect;
    switch (state.kind) {
      case 'requesting': {
        const { exchange, keysetId, replyKey, distrusted } = state;
        const { amount, applyBy, destination } = exchange;
        const of = this.#of('out', id, 0);
        const result = await this.#options.wide.issue({ of, amount, keysetId, replyKey, applyBy });
        if (result.kind === 'unknown') return again();
        if (result.kind === 'distrusted') return doubted(result, distrusted);
        if (result.kind === 'rejected') return result;
        const delivery = this.#delivery(result.notes, destination.sealingKey, id, amount);
        const [own] = this.#options.sealingKeys;
        const copy = this.#sealed(result.notes, 'return', own!.publicKey, id, amount);
        return {
          kind: 'issued',
          delivery,
          notesDigest: digestOfNotes(delivery),
          copy: { amount, notes: copy },
        };
      }
      case 'erased':
        return this.#untilFetched(id, state.exchange, state.until) ?? this.#takeBack(id, 0, 0n);
      case 'returning': {
        const { take, attempt, distrusted } = state;
        const result = await this.#options.wide.take(take, id);
        if (result.kind === 'unknown') return again();
        if (result.kind === 'distrusted') return doubted(result, distrusted);
        if (result.kind === 'taken') return { kind: 'taken_back', amount: take.amount };
        if (result.reason === 'note_spent') return { kind: 'spent' };
        this.#warn(id, result.reason, 'what nobody has fetched was not taken back: asked for anew');
        return this.#takeBack(id, attempt + 1, this.#options.clock() + pauseAfter(attempt));
      }
      case 'taken_back': {
        const { exchange, amount } = state;
        const { notes, signed } = await this.#options.local.generate(this.#of('out_return', id, 0), amount);
        return {
          kind: 'generated',
          delivery: this.#delivery(notes, exchange.sender.sealingKey, id, amount),
          signed,
        };
      }
    }
  }

  async in({ id, effect }: EffectItem<InEffect>): Promise<InOutcome | Again> {
    const { state } = effect;
    switch (state.kind) {
      case 'transmitting': {
        const result = await this.#options.wide.take(state.take, id);
        if (result.kind === 'unknown') return again();
        if (result.kind === 'distrusted') return doubted(result, state.distrusted);
        return result.kind === 'taken' ? { kind: 'acknowledged' } : result;
      }
      case 'acknowledged': {
        const { amount, destination } = state.exchange;
        const { notes, signed, booked } = await this.#options.local.generate(this.#of('in', id, 0), amount);
        const delivery = this.#delivery(notes, destination.sealingKey, id, amount);
        return { kind: 'generated', notes: booked, signed, delivery, notesDigest: digestOfNotes(delivery) };
      }
      case 'generated': {
        const { store, book } = this.#options;
        // Whoever spends them has fetched them.
        const noteIds = state.notes.map(({ noteId }) => noteId);
        const waiting = this.#untilFetched(id, state.exchange, state.until);
        if (waiting !== undefined) return waiting;
        if (book.conflict(store, noteIds) !== undefined) return { kind: 'confirmed' };
        return this.#giveBack(0, 0n);
      }
      case 'returning': {
        const { exchange, attempt, keysetId, replyKey, applyBy, distrusted } = state;
        const { amount, sender } = exchange;
        const of = this.#of('in_return', id, attempt);
        const result = await this.#options.wide.issue({ of, amount, keysetId, replyKey, applyBy });
        if (result.kind === 'unknown') return again();
        if (result.kind === 'distrusted') return doubted(result, distrusted);
        if (result.kind === 'issued')
          return { kind: 'issued', delivery: this.#delivery(result.notes, sender.sealingKey, id, amount) };
        this.#warn(id, result.reason, 'wide notes to give back were not issued: asked for anew');
        return this.#giveBack(attempt + 1, this.#options.clock() + pauseAfter(attempt));
      }
    }
  }

  async funds({ id, effect }: EffectItem<FundsEffect>): Promise<FundsOutcome | Again> {
    const { action, amount, applyBy, distrusted } = effect.state;
    const result = await this.#options.wide.moveFunds({ request: id, action, amount, applyBy });
    if (result.kind === 'unknown') return again();
    return result.kind === 'distrusted' ? doubted(result, distrusted) : result;
  }

  #of(purpose: Purpose, exchange: bigint, attempt: number): DerivedOf {
    return { shop: this.#options.shop, purpose, exchange, attempt };
  }

  /** undefined: the time is over, and nobody has come. */
  #untilFetched(
    id: bigint,
    { destination }: Exchange,
    until: bigint,
  ): { kind: 'confirmed' } | Again | undefined {
    const { store, clock } = this.#options;
    if (confirmedOf(store, destination.channelKey, id) !== undefined) return { kind: 'confirmed' };
    const left = until - clock();
    return left > 0n ? again(Math.min(DELIVERY_LOOK_MS, Math.ceil(Number(left) / 1e6))) : undefined;
  }

  /** Of the first job: the wide notes go to the receiver, for the gateway's account. */
  #takeBack(id: bigint, attempt: number, notBefore: bigint): OutOutcome | Again {
    const { store, sealingKeys, wide, clock } = this.#options;
    const copy = copyOf(store, id);
    const use = { use: 'return', request: id, amount: copy?.amount ?? 0n } as const;
    const notes = copy && openNotes(PlainNotes, copy.notes, sealingKeys, use);
    if (notes === undefined) throw new Error(`exchange ${id}: expected a copy that opens, got none`);
    const own = notes.map(({ dleq: _, ...note }): Note => note);
    const applyBy = later(clock(), notBefore) + seconds(RETURN_APPLY_SECONDS);
    const take = wide.taking(this.#of('out_return', id, attempt), own, wide.worth(own), applyBy);
    return { kind: 'return', take, attempt, notBefore };
  }

  /** Of the second job: wide notes are requested against the account. */
  #giveBack(attempt: number, notBefore: bigint): InOutcome | Again {
    const { sealingKeys, wideKeysets, clock } = this.#options;
    const keyset = wideKeysets.active();
    if (keyset === undefined) return again();
    const terms: ReturnTerms = {
      ...{ attempt, notBefore, keysetId: keyset.id, replyKey: sealingKeys[0]!.publicKey },
      applyBy: later(clock(), notBefore) + seconds(RETURN_APPLY_SECONDS),
    };
    return { kind: 'return', terms };
  }

  #delivery(notes: readonly Note[], to: Uint8Array, request: bigint, amount: bigint): SealedNotes {
    return this.#sealed(notes, 'deliver', to, request, amount);
  }

  #sealed(
    notes: readonly Note[],
    use: 'deliver' | 'return',
    to: Uint8Array,
    request: bigint,
    amount: bigint,
  ): SealedNotes {
    return sealNotes(
      PlainNotes,
      notes.map(plainNote),
      to,
      { use, request, amount },
      this.#options.randomBytes,
    );
  }

  #warn(id: bigint, reason: string, what: string): void {
    this.#options.log.warn({ exchange: String(id), reason }, what);
  }
}

export function effects(options: EffectsOptions): {
  readonly out: Perform<OutEffect, OutOutcome>;
  readonly in: Perform<InEffect, InOutcome>;
  readonly funds: Perform<FundsEffect, FundsOutcome>;
} {
  const made = new Effects(options);
  return {
    out: (items) => items.map((item) => made.out(item)),
    in: (items) => items.map((item) => made.in(item)),
    funds: (items) => items.map((item) => made.funds(item)),
  };
}
