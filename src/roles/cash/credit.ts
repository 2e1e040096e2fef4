// Adds what was charged to devices' balances: many orders at a time, one verification, one batch of the ledger.
//
//     check ─▶ digests of the orders ─▶ all signatures at once ─▶ book (book-credits.ts)
//
// What cash learns: device numbers, their signing keys, amounts, times, and the institution's name for each charge. The
// receipt does not hold the account number, nor anything it was opened from; a load has no articles.
import { type PreparedKey, type SignedMessage, sha256 } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import { tagged } from '../documents/domain-tags.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { ChargeReceipt } from '../documents/receipts.ts';
import {
  bookCredits,
  type Candidate,
  type CreditResult,
  lookForCredits,
  rejectedBefore,
  type Unproven,
} from './book-credits.ts';
import {
  checkCredit,
  checkDevice,
  checkDigest,
  deviceUnknown,
  receiptInvalid,
  signatureInvalid,
} from './check.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import type { CreditRequest } from './messages.ts';

/** By the places of their requests. */
type Answers = (CreditResult | undefined)[];

/**
 * One answer a request, in order. A Refusal means that nothing was credited now.
 * @throws RequestError, CryptoError: nothing is known of any of them; the same requests may come again
 */
export async function credit(requests: readonly CreditRequest[], parts: CashParts): Promise<CreditResult[]> {
  const answers: Answers = new Array(requests.length).fill(undefined);
  const candidates = checkAll(requests, parts, answers);
  const { proven, unproven } = await verifyAll(candidates, parts, answers);
  await bookCredits(proven, parts, answers);
  await lookForCredits(unproven, parts, answers);
  return answers as CreditResult[];
}

function checkAll(requests: readonly CreditRequest[], parts: CashParts, answers: Answers): Candidate[] {
  const candidates: Candidate[] = [];
  for (let index = 0; index < requests.length; index++) {
    const request = requests[index]!;
    const device = checkCredit(request) ?? findDevice(request.device, parts) ?? deviceUnknown(request.device);
    const refused = device instanceof Refusal ? device : checkDevice(device, request);
    if (device instanceof Refusal || refused !== undefined) {
      answers[index] = refused;
      continue;
    }
    const { document } = request.order;
    candidates.push({
      index,
      request,
      device,
      account: device.accounts.get(document.currency)?.account,
      orderBytes: LoadOrder.codec.encode(document),
    });
  }
  const digests = sha256.batch(candidates.map(({ orderBytes }) => orderBytes));
  return candidates.filter(({ index, request }, i) => {
    answers[index] = checkDigest(digests[i]!, request.receipt.document);
    return answers[index] === undefined;
  });
}

interface Verified {
  readonly proven: Candidate[];
  readonly unproven: Unproven[];
}

async function verifyAll(
  candidates: readonly Candidate[],
  parts: CashParts,
  answers: Answers,
): Promise<Verified> {
  const { settlementKeys, verifyBatch } = parts;
  const keys = candidates.map(({ request }) => settlementKeys.find(request.receipt.document.keyId));
  const items: SignedMessage[] = candidates.map(({ request, device, orderBytes }) => ({
    publicKey: device.preparedKey,
    message: tagged('loadOrder', orderBytes),
    signature: request.order.signature,
  }));
  // Receipts of keys that are not listed have no place in `items`.
  const receiptAt = keys.map((key: PreparedKey | undefined, i) => {
    if (key === undefined) return undefined;
    const { document, signature } = candidates[i]!.request.receipt;
    return items.push({ publicKey: key, message: ChargeReceipt.signedBytes(document), signature }) - 1;
  });
  const verdicts = await verifyBatch(items);
  const verified: Verified = { proven: [], unproven: [] };
  candidates.forEach((candidate, i) => {
    const at = receiptAt[i];
    if (!verdicts[i]) answers[candidate.index] = signatureInvalid();
    else if (at !== undefined && verdicts[at]) verified.proven.push(candidate);
    else {
      const otherwise = () => rejectedBefore(candidate, parts) ?? receiptInvalid(at !== undefined);
      verified.unproven.push({ candidate, otherwise });
    }
  });
  return verified;
}
