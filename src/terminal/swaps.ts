// Notes for secrets of our own (NUT-03, NUT-04, NUT-09): what every way of getting notes ends with.
//
//     plan, written down ─▶ asked ─┬─ signed ──────────────────────────────▶ own notes
//                                  ├─ no answer ─▶ asked again, the same ──▶ …
//                                  └─ a no ─▶ what has it signed of these? ┬─ all, for these inputs ─▶ own notes
//                                                                          ├─ the secrets are used up, or the keys
//                                                                          │  have changed ─▶ another plan
//                                                                          └─ nothing ─▶ spent, pending, or refused
//
// Nothing here writes: whoever has the plan moves the notes.
import type { NoteCrypto } from '../crypto/secp256k1/note-crypto.ts';
import { equalBytes } from '../identity/binary-text.ts';
import type { MintService } from '../mint/service.ts';
import { type MintErrorName, mintErrorName, NotesError } from '../notes/errors.ts';
import type { NoteStateName } from '../notes/json/states.ts';
import { type BlindSignature, noteIds } from '../notes/note.ts';
import { makeOutputs, type Output, unblindAll, unblindRestored } from '../notes/outputs.ts';
import { signQuote } from '../notes/quote-signature.ts';
import type { PlainNote } from '../roles/documents/notes.ts';
import { TerminalError } from './errors.ts';
import type { KnownKeysets } from './keysets.ts';
import { asked, granted, type MintRefusal } from './mint-calls.ts';
import type { SecretsByNumber, TerminalOptions } from './ports.ts';
import { noteOf, type Plan, storedNote } from './records.ts';

export type SwapResult =
  | { readonly kind: 'notes'; readonly notes: PlainNote[] }
  /** The plan cannot be carried out any more. `keys`: the mint has other ones. */
  | { readonly kind: 'replan'; readonly why: 'keys' | 'secrets'; readonly detail: string }
  /** Some or all of the inputs were spent, and not for this. */
  | {
      readonly kind: 'spent';
      readonly states: readonly NoteStateName[];
      /** The mint has signed nothing of the plan. */
      readonly isUnused: boolean;
    }
  | { readonly kind: 'pending'; readonly detail: string }
  | { readonly kind: 'refused'; readonly code: number; readonly detail: string };

const NEW_KEYS: ReadonlySet<MintErrorName | undefined> = new Set([
  'keyset_unknown',
  'keyset_inactive',
  'keyset_expired',
]);
const PENDING: ReadonlySet<MintErrorName | undefined> = new Set([
  'notes_pending',
  'outputs_pending',
  'quote_pending',
]);

export interface PaidQuote {
  readonly method: string;
  readonly quote: string;
  /** Secret, of the quote (NUT-20). */
  readonly key: Uint8Array;
}

export class Swaps {
  readonly #mint: MintService;
  readonly #keysets: KnownKeysets;
  readonly #secrets: SecretsByNumber;
  readonly #crypto: NoteCrypto;
  readonly #randomBytes: (size: number) => Uint8Array;

  constructor(
    keysets: KnownKeysets,
    {
      mint,
      secrets,
      crypto,
      randomBytes,
    }: Pick<TerminalOptions, 'mint' | 'secrets' | 'crypto' | 'randomBytes'>,
  ) {
    this.#mint = mint;
    this.#keysets = keysets;
    this.#secrets = secrets;
    this.#crypto = crypto;
    this.#randomBytes = randomBytes;
  }

  outputs({ keysetId, from, amounts }: Plan): Output[] {
    const secrets = this.#secrets.derive(keysetId, from, amounts.length);
    return makeOutputs(amounts, keysetId, secrets, this.#crypto);
  }

  /** NUT-03. @throws TerminalError unreachable, mint_invalid */
  async swap(inputs: readonly PlainNote[], plan: Plan): Promise<SwapResult> {
    const outputs = this.outputs(plan);
    const result = await asked(
      this.#mint.swap({ inputs: inputs.map(noteOf), outputs: outputs.map(({ message }) => message) }),
    );
    if (result.kind === 'ok') return this.#signed(outputs, plan, result.answer.signatures);
    return this.#afterNo(result, outputs, plan, () => this.states(inputs));
  }

  /** NUT-04, NUT-20, of a quote that was paid. @throws TerminalError unreachable, mint_invalid */
  async mint({ method, quote, key }: PaidQuote, plan: Plan): Promise<SwapResult> {
    const outputs = this.outputs(plan);
    const messages = outputs.map(({ message }) => message);
    const signature = signQuote(quote, messages, key, { randomBytes: this.#randomBytes });
    const result = await asked(this.#mint.mint(method, { quote, outputs: messages, signature }));
    if (result.kind === 'ok') return this.#signed(outputs, plan, result.answer.signatures);
    return this.#afterNo(result, outputs, plan, async () => {
      const seen = await asked(this.#mint.mintQuote(method, quote));
      // What it has forgotten it may have issued.
      const isOpen = seen.kind === 'ok' && seen.answer.state !== 'ISSUED';
      return isOpen ? ['UNSPENT'] : ['SPENT'];
    });
  }

  /** Of each note, what the mint says (NUT-07). @throws TerminalError */
  async states(notes: readonly PlainNote[]): Promise<NoteStateName[]> {
    const ids = noteIds(notes.map(noteOf), this.#crypto);
    const { states } = await granted(this.#mint.states({ noteIds: ids }), 'states of notes');
    if (states.length !== ids.length || !states.every(({ noteId }, i) => equalBytes(noteId, ids[i]!))) {
      throw new TerminalError(
        'mint_invalid',
        `states: expected those of the ${ids.length} notes that were asked for, got others`,
      );
    }
    return states.map(({ state }) => state);
  }

  /** Change of a payment (NUT-08): the mint says the amounts, and signs only as many as it needs. */
  change(plan: Plan, signatures: readonly BlindSignature[]): PlainNote[] {
    return this.#checked(() =>
      unblindAll(this.outputs(plan), signatures, this.#keysets.keyset(plan.keysetId), this.#crypto, {
        amounts: 'given',
      }),
    );
  }

  /** NUT-09: which of these it has signed, by their places. @throws TerminalError */
  async restored(outputs: readonly Output[], keysetId: string) {
    const answer = await granted(
      this.#mint.restore({ outputs: outputs.map(({ message }) => message) }),
      'restore',
    );
    const keyset = this.#keysets.keyset(keysetId);
    try {
      return unblindRestored(outputs, answer, keyset, this.#crypto);
    } catch (error) {
      throw invalidAnswer(error);
    }
  }

  #signed(outputs: readonly Output[], plan: Plan, signatures: readonly BlindSignature[]): SwapResult {
    const keyset = this.#keysets.keyset(plan.keysetId);
    const notes = this.#checked(() => unblindAll(outputs, signatures, keyset, this.#crypto));
    return { kind: 'notes', notes };
  }

  #checked(work: () => ReturnType<typeof unblindAll>): PlainNote[] {
    try {
      return work().map(storedNote);
    } catch (error) {
      throw invalidAnswer(error);
    }
  }

  /** A no may be the answer to the second asking, after the first was heard. */
  async #afterNo(
    no: MintRefusal,
    outputs: readonly Output[],
    plan: Plan,
    inputStates: () => Promise<NoteStateName[]>,
  ): Promise<SwapResult> {
    const name = mintErrorName(no.code);
    if (PENDING.has(name)) return { kind: 'pending', detail: no.detail };
    const states = await inputStates();
    if (states.includes('PENDING')) return { kind: 'pending', detail: no.detail };
    if (states.includes('SPENT')) {
      const restored = await this.restored(outputs, plan.keysetId);
      const isWhole =
        restored.length === outputs.length &&
        restored.every(({ place, note }) => note.amount === plan.amounts[place]);
      if (states.every((state) => state === 'SPENT') && isWhole)
        return { kind: 'notes', notes: restored.map(({ note }) => storedNote(note)) };
      return { kind: 'spent', states, isUnused: restored.length === 0 };
    }
    if (name === 'outputs_signed') return { kind: 'replan', why: 'secrets', detail: no.detail };
    if (NEW_KEYS.has(name)) return { kind: 'replan', why: 'keys', detail: no.detail };
    return { kind: 'refused', code: no.code, detail: no.detail };
  }
}

function invalidAnswer(error: unknown): unknown {
  if (!(error instanceof NotesError)) return error;
  return new TerminalError('mint_invalid', `answer of the mint: ${error.message}`, { cause: error });
}
