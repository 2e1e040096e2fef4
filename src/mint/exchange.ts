// Notes in, notes out: what swapping, minting and melting have in common. Everything that can be refused is refused before
// anything is written; what two requests race for is looked at again in the transaction that writes.
//
//     swap   checks ─▶ Y ─▶ repeated? ─▶ verify ─▶ conditions ─▶ sign ─▶ transaction: spend, sign
//     mint   checks ───────▶ repeated? ─────────────────────────▶ sign ─▶ transaction: quote issued, sign
//     melt   checks ─▶ Y ───────────────▶ verify ─▶ conditions ─────────▶ the backend's: hold
//
// Conditions come after the notes' own signatures: they cost more, and only who has valid notes can ask for them.
import { createHash } from 'node:crypto';
import type { BlindSigned, SignItem, VerifyItem } from '../crypto/secp256k1/note-crypto.ts';
import { checkConditions, SignatureTries } from '../notes/conditions/check.ts';
import { conditionOf } from '../notes/conditions/condition.ts';
import type { SignaturesAnswer, SwapRequest } from '../notes/json/swap.ts';
import { type BlindedMessage, type BlindSignature, type Note, noteIds, secretBytes } from '../notes/note.ts';
import { checkSwap } from './checks.ts';
import { badRequest, type MintRefused, refused } from './errors.ts';
import { FailedTries } from './failed-tries.ts';
import type { MintKeysets } from './keysets.ts';
import type { BookReads, IncomingNote, NoteBook, SignedMessage, SignedNote } from './note-book.ts';
import type { MintOptions } from './service.ts';
import { TurnBatch, type TurnBatchOptions } from './turn-batch.ts';

export const NANOSECONDS = 1_000_000_000n;

export type ExchangeOptions = Pick<MintOptions, 'store' | 'keysets' | 'book' | 'crypto' | 'hash' | 'clock'> &
  Pick<TurnBatchOptions<unknown, unknown>, 'afterTurn' | 'waitingMax'>;

export class Exchange {
  /** Of conditions, and of quotes' keys. */
  readonly failedTries = new FailedTries();
  readonly #options: ExchangeOptions;
  readonly #keysets: MintKeysets;
  readonly #book: NoteBook;
  readonly #verify: TurnBatch<VerifyItem, boolean>;
  readonly #sign: TurnBatch<SignItem, BlindSigned | undefined>;

  constructor(options: ExchangeOptions) {
    const { keysets, book, crypto, afterTurn, waitingMax } = options;
    const limits = {
      ...(afterTurn === undefined ? {} : { afterTurn }),
      ...(waitingMax === undefined ? {} : { waitingMax }),
    };
    this.#options = options;
    this.#keysets = keysets;
    this.#book = book;
    this.#verify = new TurnBatch({ compute: (items) => crypto.verify(items), ...limits });
    this.#sign = new TurnBatch({ compute: (items) => crypto.sign(items), ...limits });
  }

  /** NUT-03. All or nothing; the same again gets the same signatures. @throws MintRefused */
  async swap({ inputs, outputs }: SwapRequest): Promise<SignaturesAnswer> {
    const { store, hash, clock } = this.#options;
    const refusal = checkSwap(inputs, outputs, this.#keysets, clock() / NANOSECONDS);
    // Signed before its keyset was retired, the answer may be asked for after.
    if (refusal !== undefined && !isOfAge(refusal)) throw refusal;
    const ids = noteIds(inputs, hash);
    const request = swapNumber(ids, inputs, outputs);
    const before = this.#repeated(store, request, ids, outputs);
    if (before !== undefined) return { signatures: before };
    if (refusal !== undefined) throw refusal;
    // Spared the arithmetic, and asked again below.
    const early = this.#conflict(store, ids) ?? this.#signedBefore(store, outputs);
    if (early !== undefined) throw early;

    await this.#expectValid(inputs);
    this.#expectConditions(inputs, outputs);
    const signed = await this.sign(outputs);
    const notes = incoming(inputs, ids);
    const signatures = await store.transaction((tx) => {
      const repeated = this.#repeated(tx, request, ids, outputs);
      if (repeated !== undefined) return repeated;
      const late = this.#conflict(tx, ids) ?? this.#signedBefore(tx, outputs);
      if (late !== undefined) throw late;
      const at = clock();
      this.#book.spend(tx, notes, request, at);
      this.#book.sign(tx, signed, request, at);
      return signed.map(blindSignature);
    });
    return { signatures };
  }

  /** Verified notes, for a melt; conditions are met. @throws MintRefused */
  async verified(
    inputs: readonly Note[],
    outputs: readonly BlindedMessage[],
    quote: string,
  ): Promise<IncomingNote[]> {
    await this.#expectValid(inputs);
    this.#expectConditions(inputs, outputs, quote);
    return incoming(inputs, noteIds(inputs, this.#options.hash));
  }

  /** Not given out before the transaction that writes them is flushed. @throws MintRefused naming the output that is no point */
  async sign(outputs: readonly BlindedMessage[]): Promise<SignedMessage[]> {
    const results = await this.#sign.run(
      outputs.map(({ blinded, keysetId, amount }) => ({
        blinded,
        secretKey: this.#keysets.secretKey(keysetId, amount)!,
      })),
    );
    return results.map((result, i) => {
      if (result === undefined) throw badRequest(`outputs[${i}]: expected a point, got other bytes`);
      const { amount, keysetId, blinded } = outputs[i]!;
      return { amount, keysetId, blinded, ...result };
    });
  }

  /** What one request has signed of these, when it is all of them; undefined: it was not this one. */
  signedBy(
    reads: BookReads,
    request: bigint,
    outputs: readonly BlindedMessage[],
  ): BlindSignature[] | undefined {
    const found: BlindSignature[] = [];
    for (const { blinded, amount, keysetId } of outputs) {
      const signed = this.#book.signed(reads, blinded);
      if (signed?.request !== request || signed.amount !== amount || signed.keysetId !== keysetId)
        return undefined;
      found.push(blindSignature(signed));
    }
    return found;
  }

  /** The refusal of outputs of which any was signed before. */
  signedBefore(reads: BookReads, outputs: readonly BlindedMessage[]): MintRefused | undefined {
    return this.#signedBefore(reads, outputs);
  }

  #signedBefore(reads: BookReads, outputs: readonly BlindedMessage[]): MintRefused | undefined {
    const place = outputs.findIndex(({ blinded }) => this.#book.signed(reads, blinded) !== undefined);
    return place < 0 ? undefined : refused('outputs_signed', `outputs[${place}]: already signed`);
  }

  #conflict(reads: BookReads, ids: readonly Uint8Array[]): MintRefused | undefined {
    const conflict = this.#book.conflict(reads, ids);
    if (conflict === undefined) return undefined;
    return conflict.taken.state === 'spent'
      ? refused('notes_spent', `inputs[${conflict.place}]: already spent`)
      : refused('notes_pending', `inputs[${conflict.place}]: pending`);
  }

  #repeated(
    reads: BookReads,
    request: bigint,
    ids: readonly Uint8Array[],
    outputs: readonly BlindedMessage[],
  ): BlindSignature[] | undefined {
    const isOwn = ids.every((id) => {
      const taken = this.#book.taken(reads, id);
      return taken?.state === 'spent' && taken.request === request;
    });
    return isOwn ? this.signedBy(reads, request, outputs) : undefined;
  }

  async #expectValid(inputs: readonly Note[]): Promise<void> {
    const results = await this.#verify.run(
      inputs.map(({ secret, signature, keysetId, amount }) => ({
        message: secretBytes(secret),
        signature,
        secretKey: this.#keysets.secretKey(keysetId, amount)!,
      })),
    );
    const place = results.indexOf(false);
    if (place >= 0)
      throw refused('note_not_valid', `inputs[${place}]: expected the mint's signature, got another`);
  }

  #expectConditions(inputs: readonly Note[], outputs: readonly BlindedMessage[], quote?: string): void {
    const request = { inputs, outputs, ...(quote === undefined ? {} : { quote }) };
    const now = this.#options.clock();
    // Without a witness no signature is tried.
    if (inputs.some(({ witness }) => witness !== undefined)) this.failedTries.expectRoom(now);
    const tries = new SignatureTries();
    try {
      checkConditions(request, now / NANOSECONDS, tries);
    } catch (error) {
      this.failedTries.add(tries.count, now);
      throw error;
    }
  }
}

const isOfAge = ({ error }: MintRefused): boolean =>
  error === 'keyset_inactive' || error === 'keyset_expired';

/** A witness where none is asked for is not kept: it may be anything, and would be kept for ever. */
const incoming = (inputs: readonly Note[], ids: readonly Uint8Array[]): IncomingNote[] =>
  inputs.map(({ keysetId, amount, secret, witness }, i) => ({
    noteId: ids[i]!,
    keysetId,
    amount,
    witness: witness === undefined || conditionOf(secret) === undefined ? undefined : witness,
  }));

export const blindSignature = ({
  amount,
  keysetId,
  signature,
  dleq,
}: SignedMessage | SignedNote): BlindSignature => ({
  amount,
  keysetId,
  signature,
  dleq: { e: dleq.e, s: dleq.s },
});

/** Names a swap by what goes in and what comes out. */
function swapNumber(
  ids: readonly Uint8Array[],
  inputs: readonly Note[],
  outputs: readonly BlindedMessage[],
): bigint {
  const digest = createHash('sha256').update('specie/mint/swap/1');
  // Points have one size, amounts and ids one form: no two requests have the same text.
  digest.update(`|${inputs.length}|${outputs.length}`);
  inputs.forEach(({ amount, keysetId }, i) => {
    digest.update(`|${amount}|${keysetId}|`).update(ids[i]!);
  });
  for (const { amount, keysetId, blinded } of outputs)
    digest.update(`|${amount}|${keysetId}|`).update(blinded);
  return BigInt(`0x${digest.digest('hex').slice(0, 32)}`);
}
