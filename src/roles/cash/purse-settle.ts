// The operation `settle_transfer`: payments from purse to purse, as management passes them on.
//
//     check ─▶ all signatures at once ─▶ queue: rules (purse-rules.ts) ─▶ booked ─▶ answers
//     └── one batch while the one before is booked ──┘
//
// What is settled is told with a receipt that is made anew each time, the same to the byte; so is the rejection of what came
// too late, which moves nothing for ever, as the purse's time is over for ever.
import { sha256 } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import { orderSignature, orderSignedBytes } from '../documents/payment-order.ts';
import { PaymentReceipt, PaymentRejection } from '../documents/payment-receipts.ts';
import type { Handover } from '../documents/transfer.ts';
import type { CashRefused } from './check.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumberOf } from './key-ids.ts';
import { MicroBatches } from './micro-batches.ts';
import { findOpened, type PurseRecord } from './purse-book.ts';
import {
  checkHandover,
  checkOrder,
  type KnownPurse,
  purseUnknown,
  readable,
  signatureOfPurseInvalid,
} from './purse-check.ts';
import type { Job } from './purse-desk.ts';
import type { DraftOrder, DraftPurse } from './purse-draft.ts';
import type { SettleTransferAnswer, SettleTransferRequest } from './purse-messages.ts';
import { isOver, report } from './purse-rules.ts';

type Answer = SettleTransferAnswer | CashRefused;
type Outcome = SettleTransferAnswer['outcome'];

/** 20 ms of signatures on one core. */
const TRANSFERS_AT_A_TIME_MAX = 1_024;

/**
 * Settles what it is given: one answer a request, in order. A Refusal means that nothing was settled now.
 * Rejects with RequestError, StoreError, CryptoError: the same requests may come again.
 */
export function settler(
  parts: CashParts,
): (requests: readonly SettleTransferRequest[]) => Promise<readonly Answer[]> {
  const batches = new MicroBatches<SettleTransferRequest, Answer>(
    (requests, release) => settle(requests, parts, release),
    TRANSFERS_AT_A_TIME_MAX,
  );
  return (requests) => batches.add(requests);
}

interface Known {
  readonly request: SettleTransferRequest;
  readonly handover: Handover;
  readonly payer: PurseRecord;
}

async function settle(
  requests: readonly SettleTransferRequest[],
  parts: CashParts,
  release: () => void,
): Promise<Answer[]> {
  const answers: (Answer | undefined)[] = new Array(requests.length).fill(undefined);
  const known = new Map<number, Known>();
  const find = finder(parts);
  requests.forEach((request, i) => {
    const checked = check(request, find);
    if (checked instanceof Refusal) answers[i] = checked;
    else known.set(i, checked);
  });
  const messages = [...known.values()].map(({ request }) => orderSignedBytes(request.order));
  const verdicts = await parts.verifyBatch(
    [...known.values()].map(({ payer, request }, i) => ({
      publicKey: payer.signingKey,
      message: messages[i]!,
      signature: orderSignature(request.order),
    })),
  );
  const digests = sha256.batch(messages);
  const jobs: Job<SettleTransferAnswer>[] = [];
  const places: number[] = [];
  [...known].forEach(([place, one], i) => {
    if (!verdicts[i]) {
      answers[place] = signatureOfPurseInvalid();
      return;
    }
    jobs.push(jobOf(one, digests[i]!, parts));
    places.push(place);
  });
  const done = parts.purses.add(jobs);
  release();
  (await done).forEach((answer, i) => {
    answers[places[i]!] = answer;
  });
  return answers as Answer[];
}

type Find = (purse: bigint) => KnownPurse | CashRefused;

/** A report has many payments of few purses: each is read once for all of them. */
function finder({ store, log }: CashParts): Find {
  const found = new Map<bigint, KnownPurse | CashRefused>();
  const read = (purse: bigint): KnownPurse | CashRefused => {
    const record = readable(() => findOpened(store, purse), purse, log) ?? purseUnknown(purse);
    return record instanceof Refusal ? record : { record, keyId: keyIdNumberOf(record.signingKey) };
  };
  return (purse) => {
    const known = found.get(purse) ?? read(purse);
    found.set(purse, known);
    return known;
  };
}

function check(request: SettleTransferRequest, find: Find): Known | CashRefused {
  const handover = checkHandover(request);
  if (handover instanceof Refusal) return handover;
  const payer = find(handover.payer);
  if (payer instanceof Refusal) return payer;
  const payee = find(handover.payee);
  if (payee instanceof Refusal) return payee;
  return checkOrder(handover, request, payer, payee) ?? { request, handover, payer: payer.record };
}

function jobOf(
  { request: { order }, handover }: Known,
  orderDigest: Uint8Array,
  parts: CashParts,
): Job<SettleTransferAnswer> {
  return {
    purses: [handover.payer, handover.payee],
    run(rules) {
      const purse = rules.draft.findOpened(handover.payer)!;
      const kept = report(rules, purse, order, handover);
      return () => ({
        outcome: outcomeOf(purse, kept && purse.orders[kept.index], handover, orderDigest, rules.now, parts),
        fraud: purse.fraud?.proof,
      });
    },
  };
}

function outcomeOf(
  { record }: DraftPurse,
  kept: DraftOrder | undefined,
  handover: Handover,
  orderDigest: Uint8Array,
  now: bigint,
  { signers }: CashParts,
): Outcome {
  const outcome = kept?.order.outcome;
  const { reportBy } = record;
  const { request, payee: shop, amount, currency, reference } = handover;
  const what = { request, orderDigest, shop, amount, currency, reference };
  if (outcome?.kind === 'settled') {
    const { timestamp, from } = outcome;
    const content = { ...what, kind: 'paid', timestamp } as const;
    return { kind: 'settled', receipt: signers.sign(PaymentReceipt, content, timestamp), from };
  }
  if (outcome?.kind === 'disputed') return { kind: 'disputed', reason: outcome.reason };
  if (isOver(record, now)) {
    const content = { ...what, reason: 'order_expired', rejectedAt: reportBy };
    return { kind: 'rejected', rejection: signers.sign(PaymentRejection, content, reportBy) };
  }
  return kept === undefined ? { kind: 'disputed', reason: 'too_many_orders' } : { kind: 'waiting', reportBy };
}
