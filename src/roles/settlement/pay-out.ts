// The operations `pay_out` and `list_outcomes`.
//
//     page ─┬─ known here ──────────────────────────────────────────────┐
//           └─ new ─▶ cash's signature on every order, ┬─▶ no payout of ┴─▶ runner
//                     the shop's on every account      │   another page
//                                                      └─▶ refusal
import { type CryptoPool, ed25519, sha256 } from '../../crypto/index.ts';
import { struct, u32, u128 } from '../../shared/codec.ts';
import { Refusal } from '../common/refusal.ts';
import { PayoutOrder } from '../documents/payout.ts';
import { ShopEnrolment } from '../documents/shop-enrolment.ts';
import type { Submission } from '../flow/flow.ts';
import { isKnown } from '../flow/request-ids.ts';
import type { SettlementRefusal } from './errors.ts';
import type { SettlementParts } from './parts.ts';
import { findPayout } from './payout-book.ts';
import { type PageState, pageFlow } from './payout-flow.ts';
import {
  type ListOutcomesAnswer,
  type ListOutcomesRequest,
  OUTCOMES_PAGE_MAX,
  type PayOutAnswer,
  type PayOutRequest,
  type Payout,
  type PayoutInstruction,
} from './payout-messages.ts';
import { RESERVED_IDS_FROM } from './reversal-id.ts';

type Refused = Refusal<SettlementRefusal>;

export function payOut(
  requests: readonly PayOutRequest[],
  parts: SettlementParts,
): Promise<PayOutAnswer | Refused>[] {
  return requests.map((request) => payOutOne(request, parts));
}

async function payOutOne(request: PayOutRequest, parts: SettlementParts): Promise<PayOutAnswer | Refused> {
  const { store, runner, limits, payouts } = parts;
  if (payouts === undefined) {
    return refuse('payouts_not_offered', 'expected an institution that makes payments, got none');
  }
  const id = pageRequestId(request.page);
  if (!isKnown(store, id)) {
    const refused = await checkPage(request, parts);
    if (refused !== undefined) return refused;
  }
  const submission: Submission<PageState, SettlementRefusal> = {
    id,
    digest: digestOfPage(request),
    admit(tx) {
      for (const { order } of request.payouts) {
        const { payout } = order.document;
        const known = findPayout(tx, payout);
        // Paid out by another message it would be paid twice.
        if (known !== undefined)
          return refuse(
            'payout_known',
            `payout ${payout}: expected a new one, got one of page ${known.page}`,
          );
      }
      return {
        kind: 'checking',
        page: request.page,
        payouts: request.payouts.map(stored),
        receivedAt: parts.clock(),
      };
    },
  };
  const [answer] = runner.submit(pageFlow, [submission], limits.answerWithinMs);
  const standing = await answer!;
  if (standing instanceof Refusal) return standing;
  payouts.begun();
  return { state: standing.stateName };
}

function stored({ order, enrolment: { document } }: PayoutInstruction): Payout {
  const { account, request } = document;
  return { order, account, binding: { purpose: 'payout', request } };
}

async function checkPage(
  { page, payouts }: PayOutRequest,
  { cashKey, limits, pool }: SettlementParts,
): Promise<Refused | undefined> {
  if (payouts.length === 0) return refuse('page_invalid', 'payouts: expected at least one, got none');
  const ids = new Set(payouts.map(({ order }) => order.document.payout));
  if (ids.size !== payouts.length)
    return refuse('page_invalid', `page ${page}: expected each payout once, got one twice`);
  const items: { publicKey: Uint8Array; message: Uint8Array; signature: Uint8Array }[] = [];
  for (const { order, enrolment } of payouts) {
    const { document, signature } = order;
    const { payout, currency, amount } = document;
    if (Buffer.compare(enrolment.document.signingKey, document.signingKey) !== 0)
      return refuse('key_mismatch', `payout ${payout}: expected the account of its shop, got another's`);
    if (!limits.amountMax.has(currency))
      return refuse('currency_not_offered', `payout ${payout}: expected another currency, got ${currency}`);
    if (amount === 0n) return refuse('amount_too_small', `payout ${payout}: expected at least 1, got 0`);
    const publicKey = cashKey(document.keyId);
    if (publicKey === undefined) return signatureInvalid(payout);
    items.push({ publicKey, message: PayoutOrder.signedBytes(document), signature });
    items.push({
      publicKey: document.signingKey,
      message: ShopEnrolment.signedBytes(enrolment.document),
      signature: enrolment.signature,
    });
  }
  const verifier: Pick<CryptoPool, 'verifyBatch'> | typeof ed25519 = pool ?? ed25519;
  const good = await verifier.verifyBatch(items);
  const bad = good.findIndex((isGood) => !isGood);
  if (bad < 0) return undefined;
  const { payout } = payouts[bad >> 1]!.order.document;
  return bad % 2 === 0
    ? signatureInvalid(payout)
    : refuse(
        'signature_invalid',
        `payout ${payout}: expected an account that its shop has signed, got another`,
      );
}

export function listOutcomes(
  { after, limit }: ListOutcomesRequest,
  { payouts }: SettlementParts,
): ListOutcomesAnswer | Refused {
  if (limit < 1 || limit > OUTCOMES_PAGE_MAX)
    return refuse('malformed', `limit: expected 1 to ${OUTCOMES_PAGE_MAX}, got ${limit}`);
  if (payouts === undefined) return { receipts: [] };
  return { receipts: payouts.book.outcomes(after, limit).map(payouts.receiptNow) };
}

const PAGE_TAG = new TextEncoder().encode('specie payout page v1\0');
const DERIVED_BYTES = 15;

/** Where the runner keeps a page: beyond the ids of charges, as reversals are (reversal-id.ts). */
export function pageRequestId(page: bigint): bigint {
  const digest = sha256(Buffer.concat([PAGE_TAG, u128.encode(page)]));
  return RESERVED_IDS_FROM | BigInt(`0x${Buffer.from(digest.subarray(0, DERIVED_BYTES)).toString('hex')}`);
}

const Named = struct({ payout: u128, amount: u128, currency: u32 });

/** Of what is to be paid. Not of its signatures: after a rotation of cash's keys the same order has another. */
function digestOfPage({ page, payouts }: PayOutRequest): Uint8Array {
  return sha256(
    Buffer.concat([
      u128.encode(page),
      ...payouts.map(({ order: { document } }) => {
        const { payout, amount, currency } = document;
        return Named.encode({ payout, amount, currency });
      }),
    ]),
  );
}

function signatureInvalid(payout: bigint): Refused {
  return refuse('signature_invalid', `payout ${payout}: expected an order signed by cash, got another`);
}

function refuse(code: Refused['code'], message: string): Refused {
  return new Refusal(code, message);
}
