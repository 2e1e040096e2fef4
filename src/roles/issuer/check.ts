// What an issue or the payment of a quote must be before anything is stored or asked: one function a rule, in the order of
// their precedence. The refusals are definite and leave no trace; a request that is known already is not checked again.
import { CryptoError, hpke, sha256 } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import type { MintKeysets } from '../../mint/keysets.ts';
import { checkNoteOrder } from '../cash/check-notes.ts';
import { Refusal } from '../common/refusal.ts';
import type { NoteAction, NoteOrder } from '../documents/note-order.ts';
import { type BlindedOutput, issueTermsMessage } from '../documents/notes.ts';
import type { IssuerRefusal } from './errors.ts';
import { type IssuerLimits, NANOSECONDS_A_MILLISECOND } from './limits.ts';
import type { IssueNotesRequest } from './messages.ts';
import type { ShopPeer } from './peers.ts';

export type Refused = Refusal<IssuerRefusal>;

const refuse = (code: IssuerRefusal | 'not_permitted', message: string): Refused =>
  new Refusal(code, message);

/** Whose order it is, and for what. */
export function checkOrder(
  order: NoteOrder,
  peer: ShopPeer,
  actions: readonly NoteAction[],
): Refused | undefined {
  if (order.shop !== peer.shop) {
    return refuse('not_permitted', `order: expected one of shop ${peer.shop}, got one of another`);
  }
  if (actions.includes(order.action)) return undefined;
  return refuse('order_invalid', `order.action: expected ${actions.join(' or ')}, got ${order.action}`);
}

/** What cash would refuse for ever: outputs would be reserved for nothing. */
export function checkForCash(order: NoteOrder): Refused | undefined {
  const refused = checkNoteOrder(order);
  return refused && refuse('order_invalid', refused.message);
}

/** @param unit of the order's currency; undefined: it is not offered */
export function checkOffered({ currency }: NoteOrder, unit: string | undefined): Refused | undefined {
  if (unit !== undefined) return undefined;
  return refuse('currency_not_offered', `order.currency: expected one that is offered, got ${currency}`);
}

/** Of the keysets that sign now, in the unit of the order's currency. */
export function checkOutputs(
  outputs: readonly BlindedOutput[],
  keysets: MintKeysets,
  unit: string,
): Refused | undefined {
  if (outputs.length === 0) return refuse('output_invalid', 'outputs: expected at least one, got none');
  const seen = new Set<string>();
  for (const [i, { amount, keysetId, blinded }] of outputs.entries()) {
    const keyset = keysets.get(keysetId);
    if (keyset === undefined || keyset.unit !== unit) {
      return refuse('keyset_unknown', `outputs[${i}]: expected a keyset of ${unit}, got another`);
    }
    if (!keyset.isActive) {
      return refuse('keyset_inactive', `outputs[${i}]: expected the keyset that signs now, got an older one`);
    }
    if (!keyset.keys.has(amount)) {
      return refuse('output_invalid', `outputs[${i}]: expected an amount of the keyset, got ${amount}`);
    }
    const name = Buffer.from(blinded).toString('latin1');
    if (seen.has(name)) {
      return refuse('output_invalid', `outputs[${i}]: expected one that was not there before, got it twice`);
    }
    seen.add(name);
  }
  return undefined;
}

export function checkSum({ order: { document }, outputs }: IssueNotesRequest): Refused | undefined {
  let sum = 0n;
  for (const { amount } of outputs) sum += amount;
  if (sum === document.amount) return undefined;
  return refuse('amounts_mismatch', `outputs: expected a sum of ${document.amount}, got ${sum}`);
}

export function checkTerms({ order, outputs, replyKey }: IssueNotesRequest): Refused | undefined {
  const expected = sha256(issueTermsMessage({ outputs, replyKey }));
  if (equalBytes(order.document.reference, expected)) return undefined;
  return refuse('order_mismatch', 'order.reference: expected the digest of these terms, got another');
}

/** A key to which nothing can be sealed would take the money and give nothing that can be read. */
export function checkReplyKey({ replyKey }: IssueNotesRequest): Refused | undefined {
  try {
    hpke.seal({ recipientPublicKey: replyKey, info: NOTHING, plaintext: NOTHING });
    return undefined;
  } catch (error) {
    if (!(error instanceof CryptoError)) throw error;
    return refuse(
      'reply_key_invalid',
      'replyKey: expected a key of X25519 to which can be sealed, got another',
    );
  }
}

export function checkQuoteNamed({ reference }: NoteOrder, quote: string): Refused | undefined {
  if (equalBytes(reference, sha256(utf8.encode(quote)))) return undefined;
  return refuse('order_mismatch', "order.reference: expected the digest of the quote's id, got another");
}

export function orderNotSigned(): Refused {
  return refuse('order_invalid', "order: expected a signature by the shop's key, got another");
}

export function outputNoPoint(place: number): Refused {
  return refuse('output_invalid', `outputs[${place}]: expected a point of the curve, got other bytes`);
}

export function outputKnown(place: number): Refused {
  return refuse('output_known', `outputs[${place}]: expected one that nobody has had signed, got another`);
}

/** In the transaction that admits it: from then on nothing is done. */
export function checkTime(
  { applyBy }: NoteOrder,
  now: bigint,
  { applyByAheadMaxMs }: Pick<IssuerLimits, 'applyByAheadMaxMs'>,
): Refused | undefined {
  if (now >= applyBy)
    return refuse('expired', `order.applyBy: expected a time to come, got ${applyBy} at ${now}`);
  const latest = now + BigInt(applyByAheadMaxMs) * NANOSECONDS_A_MILLISECOND;
  if (applyBy <= latest) return undefined;
  return refuse('order_invalid', `order.applyBy: expected at most ${latest}, got ${applyBy}`);
}

export function quoteUnknown(): Refused {
  return refuse('quote_unknown', 'quote: expected one that is open here, got another');
}

export function quoteExpired(): Refused {
  return refuse('expired', 'quote: expected one that waits to be paid, got one whose time is over');
}

export function checkQuote(
  { amount, unit }: { readonly amount: bigint; readonly unit: string },
  order: NoteOrder,
  offered: string | undefined,
): Refused | undefined {
  if (unit !== offered)
    return refuse('order_mismatch', `order.currency: expected that of ${unit}, got another`);
  if (amount === order.amount) return undefined;
  return refuse(
    'amounts_mismatch',
    `order.amount: expected ${amount} as the quote says, got ${order.amount}`,
  );
}

export function quotePaid(): Refused {
  return refuse('quote_paid', 'quote: expected one that nobody has paid or is paying, got another');
}

const NOTHING = new Uint8Array(0);
const utf8 = new TextEncoder();
