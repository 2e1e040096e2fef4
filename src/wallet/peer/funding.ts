// Where a purse has its money from: its allowance, and what other purses have paid it. Whoever is paid checks that by himself,
// without a server.
//
//     funding   C ─▶ B 40    B ─▶ A 30              payment   A ─▶ me, total 50
//               C: allowance ≥ total of C's order     A: allowance 20 + 30 ≥ 50
//                             B: allowance + 40 ≥ total of B's order
//
// Each order says by its total what its purse has spent so far; it is covered if allowance and credits **before it** come up
// to that. So money that goes round in a circle covers nothing, and what comes after covers nothing either.
import { equalBytes } from '../../identity/binary-text.ts';
import { keyIdOf } from '../../identity/key-set.ts';
import { isSound } from '../../roles/documents/fraud-proof.ts';
import { orderKeyId, orderSignature, orderSignedBytes } from '../../roles/documents/payment-order.ts';
import { PaymentReceipt } from '../../roles/documents/payment-receipts.ts';
import { Allowance } from '../../roles/documents/purse.ts';
import { FUNDING_MAX, type Funding, type Handover, readHandover } from '../../roles/documents/transfer.ts';
import type { WalletCrypto } from '../core/ports.ts';
import type { PeerRefusal } from './errors.ts';
import { FUNDING_LEAD_NS } from './limits.ts';

export type FundingElement = Funding[number];

export interface FundingChecks {
  /** Cash's signing key of that id, as long as its signatures count. */
  cashKey(keyId: Uint8Array): Uint8Array | undefined;
  isBlocked(purse: bigint): boolean;
  readonly currency: number;
  readonly now: bigint;
  readonly crypto: Pick<WalletCrypto, 'verify' | 'sha256'>;
}

/** An order whose signature was checked, and the key of its purse. */
export interface ProvenOrder {
  readonly order: Uint8Array;
  readonly handover: Handover;
  readonly signingKey: Uint8Array;
}

export interface FundingFinding {
  /** The first thing that is wrong. */
  readonly wrong: PeerRefusal | undefined;
  /** Of the elements before it that are orders. */
  readonly orders: readonly ProvenOrder[];
  /** What those credit to each purse. */
  readonly credits: ReadonlyMap<bigint, bigint>;
}

/** Signature and allowance of an order: is it of the purse of that allowance, which cash has signed? */
export function isSignedBy(
  order: Uint8Array,
  signingKey: Uint8Array,
  { verify }: Pick<WalletCrypto, 'verify'>,
): boolean {
  return verify(signingKey, orderSignedBytes(order), orderSignature(order));
}

/** As an order names its key. */
export const keyIdIn = (signingKey: Uint8Array, { sha256 }: Pick<WalletCrypto, 'sha256'>): bigint =>
  orderKeyId(keyIdOf(signingKey, sha256));

export function checkFunding(funding: Funding, checks: FundingChecks): FundingFinding {
  const requests = new Set<bigint>();
  const credits = new Map<bigint, bigint>();
  const orders: ProvenOrder[] = [];
  const stop = ({ code, message }: PeerRefusal, place: number): FundingFinding => ({
    wrong: { code, message: `funding ${place + 1}: ${message}` },
    ...{ orders, credits },
  });
  for (const [place, element] of funding.entries()) {
    const found =
      element.kind === 'settled' ? checkSettled(element, checks) : checkOrder(element, credits, checks);
    if ('wrong' in found) return stop(found.wrong, place);
    const { request, payee, amount, proven } = found;
    if (requests.has(request)) {
      const message = 'transfer: expected it once, got it twice';
      return stop({ code: 'funding_repeated', message }, place);
    }
    requests.add(request);
    if (proven !== undefined) orders.push(proven);
    credits.set(payee, (credits.get(payee) ?? 0n) + amount);
  }
  return { wrong: undefined, orders, credits };
}

interface Credit {
  readonly request: bigint;
  readonly payee: bigint;
  readonly amount: bigint;
  readonly proven?: ProvenOrder;
}

type Wrong = { readonly wrong: PeerRefusal };

function checkSettled(
  { receipt }: Extract<FundingElement, { kind: 'settled' }>,
  { cashKey, currency, crypto }: FundingChecks,
): Credit | Wrong {
  const { document, signature } = receipt;
  const key = cashKey(document.keyId);
  if (key === undefined) {
    return wrong('funding_unknown_issuer', 'receipt: expected one of a signing key of cash, got another');
  }
  if (!crypto.verify(key, PaymentReceipt.signedBytes(document), signature)) {
    return wrong('funding_bad_signature', 'receipt: expected what cash has signed, got something else');
  }
  if (document.kind !== 'paid' || document.currency !== currency) {
    return wrong('funding_differs', 'receipt: expected one of a payment in this currency, got another');
  }
  return { request: document.request, payee: document.shop, amount: document.amount };
}

function checkOrder(
  { transfer: { order }, allowance }: Extract<FundingElement, { kind: 'transfer' }>,
  credits: ReadonlyMap<bigint, bigint>,
  { cashKey, isBlocked, currency, now, crypto }: FundingChecks,
): Credit | Wrong {
  const handover = readHandover(order);
  if (handover === undefined || !isSound(handover) || handover.payee === handover.payer) {
    return wrong('funding_malformed', 'order: expected one from purse to purse, got another');
  }
  const { document, signature } = allowance;
  const key = cashKey(document.keyId);
  if (key === undefined) {
    return wrong('funding_unknown_issuer', 'allowance: expected one of a signing key of cash, got another');
  }
  if (!crypto.verify(key, Allowance.signedBytes(document), signature)) {
    return wrong('funding_bad_signature', 'allowance: expected what cash has signed, got something else');
  }
  const { request, payer, payee, amount, total, reportBy } = handover;
  if (
    document.purse !== payer ||
    document.currency !== currency ||
    handover.currency !== currency ||
    document.reportBy !== reportBy ||
    handover.keyId !== keyIdIn(document.signingKey, crypto)
  ) {
    return wrong('funding_differs', 'order: expected one of the purse of its allowance, got another');
  }
  if (!isSignedBy(order, document.signingKey, crypto)) {
    return wrong('funding_bad_signature', 'order: expected what its purse has signed, got something else');
  }
  if (isBlocked(payer)) {
    return wrong(
      'funding_blocked',
      'order: expected one of a purse that is not blocked, got one of one that is',
    );
  }
  if (reportBy < now + FUNDING_LEAD_NS) {
    return wrong('funding_late', 'order: expected one that can be reported for a day yet, got an older one');
  }
  const has = document.amount + (credits.get(payer) ?? 0n);
  if (total > has) {
    return wrong('funding_uncovered', `order: expected a total of at most ${has} minor units, got ${total}`);
  }
  return { request, payee, amount, proven: { order, handover, signingKey: document.signingKey } };
}

const wrong = (code: PeerRefusal['code'], message: string): Wrong => ({ wrong: { code, message } });

/** A payment that came in, as funding of others: the last element pays the purse, those before it fund that. */
export interface FundingSource {
  /** Minor units. */
  readonly amount: bigint;
  /** One element where cash has settled it, otherwise records.ts' fundedBy. */
  readonly elements: Funding;
}

/**
 * Chooses what to show for `needed`: always what brings most for each element that it adds.
 * @returns undefined: there is not as much, or not in FUNDING_MAX elements
 */
export function fundingFor(needed: bigint, sources: readonly FundingSource[]): Funding | undefined {
  const chosen = new Map<bigint, FundingElement>();
  const left = new Set(sources);
  let sum = 0n;
  while (sum < needed) {
    let best: { readonly source: FundingSource; readonly adds: number } | undefined;
    for (const source of left) {
      const adds = source.elements.filter((element) => !chosen.has(requestOf(element))).length;
      if (chosen.size + adds > FUNDING_MAX) continue;
      // What others have brought along already comes first: it costs nothing.
      if (best === undefined || source.amount * BigInt(best.adds) > best.source.amount * BigInt(adds)) {
        best = { source, adds };
      }
    }
    if (best === undefined) return undefined;
    left.delete(best.source);
    for (const element of best.source.elements) {
      const request = requestOf(element);
      const other = chosen.get(request);
      // A receipt of cash leans on nothing; it may stand where the order stood.
      if (other === undefined || element.kind === 'settled') chosen.set(request, element);
    }
    sum += best.source.amount;
  }
  return [...chosen.values()];
}

function requestOf(element: FundingElement): bigint {
  if (element.kind === 'settled') return element.receipt.document.request;
  const handover = readHandover(element.transfer.order);
  if (handover === undefined)
    throw new RangeError('funding: expected an order from purse to purse, got another');
  return handover.request;
}

/** Whether two orders say the same, so that only the signature may differ. */
export const isSameOrder = (one: Uint8Array, other: Uint8Array): boolean =>
  equalBytes(orderSignedBytes(one), orderSignedBytes(other));
