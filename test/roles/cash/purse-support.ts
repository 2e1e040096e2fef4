// Purses at a test's cash: devices that open them, orders from purse to purse, closings.
import { ed25519 } from '../../../src/crypto/index.ts';
import type { KeyPair } from '../../../src/identity/key-set.ts';
import { PaymentOrderLayout } from '../../../src/layout/generated.ts';
import { systemAccountId } from '../../../src/roles/cash/accounts.ts';
import type {
  ClosePurseAnswer,
  OpenPurseRequest,
  SettleTransferAnswer,
} from '../../../src/roles/cash/purse-messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import { orderSignedBytes } from '../../../src/roles/documents/payment-order.ts';
import { PaymentReceipt, PaymentRejection } from '../../../src/roles/documents/payment-receipts.ts';
import {
  type Allowance,
  PurseClosing,
  PurseOpening,
  type SignedPurseClosing,
} from '../../../src/roles/documents/purse.ts';
import { encodeHandover, type HandoverContent } from '../../../src/roles/documents/transfer.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import { FOREVER } from './pay-support.ts';
import {
  answerOf,
  BALANCE_MAX,
  CASH_KEY,
  creditOf,
  EUR,
  keyIdOf,
  keyPair,
  newDevice,
  nextRequest,
  type TestCash,
  type TestDevice,
  USD,
} from './support.ts';

export const OFFLINE = { allowanceMax: amountOf(5_000n), validDays: 7, reportDays: 37, coverPercent: 100 };
export const PURSE_TERMS = [
  { currency: EUR, balanceMax: amountOf(BALANCE_MAX), offline: OFFLINE },
  { currency: USD },
];
export const DAY_NS = 86_400_000_000_000n;

/** A clock that tests set; it goes on by a microsecond a look, so that nothing stands still. */
export class TestClock {
  now = 1_000n * DAY_NS;
  readonly read = (): bigint => {
    this.now += 1_000n;
    return this.now;
  };
}

export interface TestPurse {
  readonly purse: bigint;
  readonly key: KeyPair;
  readonly device: TestDevice;
  readonly allowance: Allowance;
  /** What it has signed so far, if it is honest. */
  sequence: bigint;
  total: bigint;
}

let purses = 0;
export const nextPurse = (): bigint => (1n << 92n) + BigInt(++purses);

export interface OpeningFields {
  readonly purse?: bigint;
  readonly request?: bigint;
  readonly amount?: bigint;
  readonly currency?: number;
  readonly applyBy?: bigint;
  readonly key?: KeyPair;
  readonly signer?: KeyPair;
}

export function openingOf(device: TestDevice, fields: OpeningFields = {}): OpenPurseRequest {
  const purse = fields.purse ?? nextPurse();
  const key = fields.key ?? keyPair(900_000 + Number(purse & 0xffffn));
  const document = {
    request: fields.request ?? nextRequest(),
    device: device.device,
    signingKey: key.publicKey,
    channelKey: new Uint8Array(32).fill(5),
    currency: fields.currency ?? EUR,
    amount: fields.amount ?? 1_000n,
    applyBy: fields.applyBy ?? FOREVER,
  };
  const signer = fields.signer ?? device.key;
  return {
    purse,
    opening: { document, signature: ed25519.sign(signer.secretKey, PurseOpening.signedBytes(document)) },
  };
}

/** A device with money, and a purse that it has opened with some of it. */
export async function openedPurse(
  cash: TestCash,
  amount = 1_000n,
  device?: TestDevice,
  { purse = nextPurse(), request = nextRequest() }: OpeningFields = {},
): Promise<TestPurse> {
  const owner = device ?? newDevice();
  if (device === undefined) {
    await cash.opened(owner);
    if (amount > 0n) answerOf((await cash.credit(creditOf(owner, { amount })))[0]!);
  }
  const key = keyPair(900_000 + Number(purse & 0xffffn));
  const answer = answerOf(await cash.client().openPurse(openingOf(owner, { purse, request, amount, key })));
  if (answer.kind !== 'opened') throw new Error(`expected an allowance, got ${answer.reason}`);
  const { document: allowance } = answer.allowance;
  return { purse, key, device: owner, allowance, sequence: 0n, total: 0n };
}

/** Signed, whatever it says. */
export function handover(
  payer: TestPurse,
  payee: Pick<TestPurse, 'purse'>,
  fields: Partial<HandoverContent> & { readonly amount: bigint },
): Uint8Array {
  const order = encodeHandover({
    request: nextRequest(),
    payer: payer.purse,
    payee: payee.purse,
    currency: payer.allowance.currency,
    sequence: payer.sequence + 1n,
    total: payer.total + fields.amount,
    reference: new Uint8Array(32).fill(9),
    reportBy: payer.allowance.reportBy,
    keyId: keyIdOf(payer.key.publicKey),
    ...fields,
  });
  order.set(ed25519.sign(payer.key.secretKey, orderSignedBytes(order)), PaymentOrderLayout.signature);
  return order;
}

/** The purse's next payment, as an honest wallet makes it. */
export function pays(payer: TestPurse, payee: Pick<TestPurse, 'purse'>, amount: bigint): Uint8Array {
  const order = handover(payer, payee, { amount });
  payer.sequence++;
  payer.total += amount;
  return order;
}

export async function reports(
  cash: TestCash,
  ...orders: readonly (readonly [TestPurse, Uint8Array])[]
): Promise<string[]> {
  const client = cash.client();
  const results = await Promise.all(
    orders.map(([{ device }, order]) => client.settleTransfer({ device: device.device, order })),
  );
  return results.map(settledAs);
}

/** `settled`, `covered`, `waiting`, `disputed: …`, `rejected: …`, `refused: …`; `!` behind it: with a proof of fraud. */
export function settledAs(result: CallResult<SettleTransferAnswer>): string {
  if (result.kind === 'refused') return `refused: ${result.refusal.code}`;
  if (result.kind === 'unknown') return 'unknown';
  const { outcome, fraud } = result.answer;
  const mark = fraud === undefined ? '' : '!';
  switch (outcome.kind) {
    case 'settled': {
      const { document, signature } = outcome.receipt;
      expectSigned(PaymentReceipt.signedBytes(document), signature);
      return (outcome.from === 'loss' ? 'covered' : 'settled') + mark;
    }
    case 'waiting':
      return `waiting${mark}`;
    case 'disputed':
      return `disputed: ${outcome.reason}${mark}`;
    case 'rejected': {
      const { document, signature } = outcome.rejection;
      expectSigned(PaymentRejection.signedBytes(document), signature);
      return `rejected: ${document.reason}${mark}`;
    }
  }
}

function expectSigned(message: Uint8Array, signature: Uint8Array): void {
  if (!ed25519.verify(CASH_KEY.publicKey, message, signature))
    throw new Error('expected a signature of cash, got another');
}

export function closingOf(purse: TestPurse, fields: Partial<PurseClosing> = {}): SignedPurseClosing {
  const document = { purse: purse.purse, lastSequence: purse.sequence, total: purse.total, ...fields };
  return { document, signature: ed25519.sign(purse.key.secretKey, PurseClosing.signedBytes(document)) };
}

/** `closed: …`, `unreported: …`, `refused: …`. */
export async function closes(
  cash: TestCash,
  purse: TestPurse,
  fields: Partial<PurseClosing> = {},
): Promise<string> {
  return closedAs(await cash.client().closePurse({ closing: closingOf(purse, fields) }));
}

export function closedAs(result: CallResult<ClosePurseAnswer>): string {
  if (result.kind === 'refused') return `refused: ${result.refusal.code}`;
  if (result.kind === 'unknown') return 'unknown';
  const { answer } = result;
  return answer.kind === 'closed'
    ? `closed: ${answer.released}`
    : `unreported: ${answer.sequences.join(', ')}`;
}

export async function owned(cash: TestCash, account: bigint): Promise<bigint> {
  const [found] = await cash.ledger.lookupAccounts([account]);
  return found!.creditsPosted - found!.debitsPosted;
}

/** What the operator has paid for purses that have cheated, less what came back. */
export async function offlineLoss(cash: TestCash, currency = EUR): Promise<bigint> {
  return -(await owned(cash, systemAccountId('offline_loss', currency)));
}
