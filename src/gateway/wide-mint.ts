// The wide mint as the gateway uses it: wide notes are requested of the issuer against the gateway's account at cash, and offered to
// the receiver for it. What they answer is believed when it is signed, is about what was asked, and adds up.
import { ed25519, type NoteCrypto, sha256 } from '../crypto/index.ts';
import { equalBytes } from '../identity/binary-text.ts';
import { feeOf, splitAmount } from '../notes/amounts.ts';
import { NotesError } from '../notes/errors.ts';
import type { PublicKeyset } from '../notes/keyset.ts';
import { type Note, sumOf, withoutDleq } from '../notes/note.ts';
import { makeOutputs, type Output, unblindAll } from '../notes/outputs.ts';
import { type DrawBytes, openNotes, sealNotes } from '../roles/common/sealed-notes.ts';
import {
  NoteOrder,
  NoteReceipt,
  NoteRejection,
  type SignedNoteReceipt,
  type SignedNoteRejection,
} from '../roles/documents/note-order.ts';
import { issueTermsMessage, PlainNotes, SignedOutputs } from '../roles/documents/notes.ts';
import { DIGEST_BYTES } from '../roles/documents/signed.ts';
import { digestOf } from '../roles/flow/flow.ts';
import type { IssuerRefusal } from '../roles/issuer/errors.ts';
import type { IssueNotesRequest } from '../roles/issuer/messages.ts';
import type { ReceiverRefusal } from '../roles/receiver/errors.ts';
import { Acknowledgement, TakeNotesRequest } from '../roles/receiver/messages.ts';
import { type DerivedOf, requestOf, secretsOf } from './derived.ts';
import { reasonOf } from './exchange.ts';
import type {
  GatewayIdentity,
  GatewayStep,
  IssuerClient,
  OnStep,
  ReceiverClient,
  SealingKey,
  WideKeysets,
} from './interface.ts';

export interface WideMintOptions {
  readonly identity: GatewayIdentity;
  readonly issuer: IssuerClient;
  readonly receiver: ReceiverClient;
  readonly keysets: WideKeysets;
  readonly currency: number;
  readonly crypto: NoteCrypto;
  readonly sealingKeys: readonly SealingKey[];
  /** 32 bytes: the secrets of the outputs and the ids of the requests come of it. */
  readonly seed: Uint8Array;
  readonly clock: () => bigint;
  readonly randomBytes: DrawBytes;
  readonly step: OnStep;
}

/** `unknown`: no answer that means anything; asked again with the same message it comes to one. */
type NoAnswer =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'rejected'; readonly reason: string }
  | { readonly kind: 'distrusted'; readonly reason: string };
export type IssueResult = NoAnswer | { readonly kind: 'issued'; readonly notes: readonly Note[] };
export type TakeResult = NoAnswer | { readonly kind: 'taken' };

export interface IssueOf {
  readonly of: DerivedOf;
  readonly amount: bigint;
  readonly keysetId: string;
  readonly replyKey: Uint8Array;
  readonly applyBy: bigint;
}

export interface FundsOrder {
  readonly request: bigint;
  readonly action: 'fund' | 'withdraw';
  readonly amount: bigint;
  readonly applyBy: bigint;
}

interface Request {
  readonly message: IssueNotesRequest;
  readonly outputs: readonly Output[];
}

const ISSUER_FINAL: readonly IssuerRefusal[] = [
  'order_invalid',
  'order_mismatch',
  'amounts_mismatch',
  'output_invalid',
  'output_known',
  'reply_key_invalid',
  'expired',
];
const RECEIVER_FINAL: readonly ReceiverRefusal[] = [
  'note_invalid',
  'amounts_mismatch',
  'payee_not_permitted',
  'expired',
];
/** Nanoseconds that a partner's clock may be behind. */
const CLOCKS_APART = 60_000_000_000n;

/** Requests kept made: blinding takes longer than all else of an attempt. */
const REQUESTS_MAX = 256;

const UNKNOWN = { kind: 'unknown' } as const;
const distrusted = (reason: string) => ({ kind: 'distrusted', reason: reasonOf(reason) }) as const;
const rejected = (reason: string) => ({ kind: 'rejected', reason: reasonOf(reason) }) as const;

export class WideMint {
  readonly #options: WideMintOptions;
  readonly #requests = new Map<bigint, Request>();

  constructor(options: WideMintOptions) {
    this.#options = options;
  }

  /** Between what the gateway's shop has sold and the account behind notes. */
  async moveFunds({
    request,
    action,
    amount,
    applyBy,
  }: FundsOrder): Promise<NoAnswer | { readonly kind: 'moved' }> {
    const { identity, issuer, currency } = this.#options;
    const document: NoteOrder = {
      ...{ request, shop: identity.shop, action, source: 'exchange', amount, currency },
      ...{ reference: new Uint8Array(DIGEST_BYTES), applyBy },
    };
    const order = { document, signature: identity.sign(NoteOrder.signedBytes(document)) };
    const result = await issuer.moveFunds({ order });
    if (result.kind === 'unknown') return UNKNOWN;
    if (result.kind === 'refused') return this.#refused(result.refusal.code, ISSUER_FINAL, applyBy);
    const { answer } = result;
    switch (answer.kind) {
      case 'pending':
        return UNKNOWN;
      case 'rejected':
        return this.#rejectedBy(answer.rejection, document);
      case 'moved': {
        const problem = this.#receiptProblem(answer.receipt, document);
        return problem === undefined ? { kind: 'moved' } : distrusted(problem);
      }
    }
  }

  /** What notes are worth to whoever takes them in (NUT-02). @throws NotesError unknown_keyset, too_large */
  worth(notes: readonly Note[]): bigint {
    const known = new Map<string, PublicKeyset>();
    for (const { keysetId } of notes) {
      const keyset = this.#options.keysets.find(keysetId);
      if (keyset !== undefined) known.set(keysetId, keyset);
    }
    return sumOf(notes) - feeOf(notes, known);
  }

  /** Asks for notes of that amount; the same `of` asks for the same ones. */
  async issue(asked: IssueOf): Promise<IssueResult> {
    const { issuer, keysets, sealingKeys } = this.#options;
    const { of, amount } = asked;
    const keyset = keysets.find(asked.keysetId);
    if (keyset === undefined) return UNKNOWN;
    const { message, outputs } = this.#request(asked, keyset);
    this.#step('request issuance', of);
    const result = await issuer.issueNotes(message);
    if (result.kind === 'unknown') return UNKNOWN;
    if (result.kind === 'refused') return this.#refused(result.refusal.code, ISSUER_FINAL, asked.applyBy);
    const { answer } = result;
    const { document: order } = message.order;
    switch (answer.kind) {
      case 'pending':
        return UNKNOWN;
      case 'rejected':
        return this.#rejectedBy(answer.rejection, order);
      case 'issued': {
        this.#step('receive wide', of);
        const problem = this.#receiptProblem(answer.receipt, order);
        if (problem !== undefined) return distrusted(problem);
        const use = { use: 'issue', request: order.request, amount } as const;
        const signed = openNotes(SignedOutputs, answer.notes, sealingKeys, use);
        if (signed === undefined) return distrusted('notes_seal_invalid');
        this.#step('decrypt wide', of);
        let notes: readonly Note[];
        try {
          notes = unblindAll(outputs, signed, keyset, this.#options.crypto);
        } catch (error) {
          if (error instanceof NotesError) return distrusted(`notes_${error.code}`);
          throw error;
        }
        if (sumOf(notes) !== amount) return distrusted('amounts_mismatch');
        this.#step('confirm wide amount', of);
        this.#requests.delete(order.request);
        return { kind: 'issued', notes };
      }
    }
  }

  /** Encrypted for the receiver: for the gateway's account. @param amount what they are worth */
  taking(of: DerivedOf, notes: readonly Note[], amount: bigint, applyBy: bigint): TakeNotesRequest {
    const { identity, currency, randomBytes, seed } = this.#options;
    const request = requestOf(seed, of);
    const plain = notes.map((note) => plainNote(withoutDleq(note)));
    const use = { use: 'receive', request, amount } as const;
    return {
      request,
      payee: { kind: 'shop', shop: identity.shop },
      amount,
      currency,
      notes: sealNotes(PlainNotes, plain, identity.receiverSealingKey(), use, randomBytes),
      applyBy,
    };
  }

  /** Offers them to the receiver. */
  async take(message: TakeNotesRequest, exchange: bigint): Promise<TakeResult> {
    const { receiver, step } = this.#options;
    step('transmit to receiver', exchange);
    const result = await receiver.takeNotes(message);
    if (result.kind === 'unknown') return UNKNOWN;
    if (result.kind === 'refused') return this.#refused(result.refusal.code, RECEIVER_FINAL, message.applyBy);
    const { answer } = result;
    switch (answer.kind) {
      case 'pending':
        return UNKNOWN;
      case 'rejected':
        return rejected(answer.reason);
      case 'taken': {
        const { document, signature } = answer.acknowledgement;
        if (document.request !== message.request) return distrusted('acknowledgement_of_other_request');
        if (document.amount !== message.amount || document.currency !== message.currency)
          return distrusted('acknowledgement_of_other_amount');
        if (!equalBytes(document.requestDigest, digestOf(TakeNotesRequest, message)))
          return distrusted('acknowledgement_of_other_notes');
        const signedBytes = Acknowledgement.signedBytes(document);
        const problem = this.#checkSigned('receiver', document.keyId, signedBytes, signature);
        if (problem !== undefined) return distrusted(problem);
        step('acknowledge', exchange);
        return { kind: 'taken' };
      }
    }
  }

  #request({ of, amount, keysetId, replyKey, applyBy }: IssueOf, keyset: PublicKeyset): Request {
    const { identity, currency, crypto, seed } = this.#options;
    const request = requestOf(seed, of);
    const known = this.#requests.get(request);
    if (known !== undefined) return known;
    const amounts = splitAmount(amount, keyset);
    const outputs = makeOutputs(amounts, keysetId, secretsOf(seed, of, amounts.length), crypto);
    const terms = { outputs: outputs.map(({ message }) => message), replyKey };
    const document: NoteOrder = {
      request,
      shop: identity.shop,
      action: 'issue',
      source: 'exchange',
      amount,
      currency,
      reference: sha256(issueTermsMessage(terms)),
      applyBy,
    };
    const order = { document, signature: identity.sign(NoteOrder.signedBytes(document)) };
    const made = { message: { order, ...terms }, outputs };
    if (this.#requests.size >= REQUESTS_MAX) this.#requests.clear();
    this.#requests.set(request, made);
    return made;
  }

  /**
   * What always comes to the same for this message, or is remembered there, is for good. Of the rest (a keyset, a currency, a
   * key, who asks) a copy that is still on its way might yet be taken: it is asked again until none can be.
   */
  #refused(code: string, final: readonly string[], applyBy: bigint): NoAnswer {
    const isOver = this.#options.clock() >= applyBy + CLOCKS_APART;
    return final.includes(code) || isOver ? rejected(code) : distrusted(`refused_${code}`);
  }

  /** Cash's word that it has done what the order says: undefined, or what is wrong with it. */
  #receiptProblem({ document, signature }: SignedNoteReceipt, order: NoteOrder): string | undefined {
    if (document.request !== order.request || document.action !== order.action)
      return 'receipt_of_other_request';
    if (document.amount !== order.amount || document.currency !== order.currency)
      return 'receipt_of_other_amount';
    if (!equalBytes(document.reference, order.reference)) return 'receipt_of_other_order';
    return this.#checkSigned('cash', document.keyId, NoteReceipt.signedBytes(document), signature);
  }

  /** Cash's word that it never will. */
  #rejectedBy({ document, signature }: SignedNoteRejection, order: NoteOrder): NoAnswer {
    if (document.request !== order.request) return distrusted('rejection_of_other_request');
    if (!equalBytes(document.orderDigest, sha256(NoteOrder.codec.encode(order))))
      return distrusted('rejection_of_other_order');
    const signedBytes = NoteRejection.signedBytes(document);
    const problem = this.#checkSigned('cash', document.keyId, signedBytes, signature);
    return problem === undefined ? rejected(document.reason) : distrusted(problem);
  }

  /** undefined: a key that counts as that role's has signed it. */
  #checkSigned(
    role: 'cash' | 'receiver',
    keyId: Uint8Array,
    message: Uint8Array,
    signature: Uint8Array,
  ): string | undefined {
    const { identity } = this.#options;
    const publicKey = identity.verificationKey(role, keyId);
    if (publicKey === undefined) {
      identity.missed();
      return 'signed_by_unknown_key';
    }
    return ed25519.verify(publicKey, message, signature) ? undefined : 'signature_invalid';
  }

  /** Of the first job; what is given back later is not part of the claim's two. */
  #step(step: GatewayStep, { purpose, exchange }: DerivedOf): void {
    if (purpose === 'out') this.#options.step(step, exchange);
  }
}

/** As messages have it. */
export function plainNote({ amount, keysetId, secret, signature, dleq }: Note): {
  amount: bigint;
  keysetId: string;
  secret: string;
  signature: Uint8Array;
  dleq: Note['dleq'];
} {
  return { amount, keysetId, secret, signature, dleq };
}
