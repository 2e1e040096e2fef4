// Signatures of payment orders that came as packed records: every verdict is given here, none is taken from outside.
//
//     verdict 0, the payer's key is known ─▶ verified ─▶ good, bad
//     verdict 0, no device has the account ────────────▶ not_checked
//     any other ───────────────────────────────────────▶ foreign
import type { SignedMessage } from '../../crypto/index.ts';
import { OrderVerdict, PAYMENT_ORDER_SIZE, PaymentOrderLayout } from '../../layout/generated.ts';
import { refuseVerdicts } from '../../ledger/order-verdicts.ts';
import { readU128 } from '../../shared/bytes.ts';
import { Refusal } from '../common/refusal.ts';
import { AccountCode, DEVICE_NUMBER_MAX } from './accounts.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { signatureOf, signedMessages, stamp } from './order-records.ts';
import type { Device } from './registry.ts';

/** Writes each order's verdict into it. @throws RequestError, CryptoError: none is written that is not right */
export async function verifyOrders(
  orders: Uint8Array,
  parts: Pick<CashParts, 'ledger' | 'registry' | 'verifyBatch' | 'log'>,
): Promise<void> {
  refuseVerdicts(orders);
  const view = new DataView(orders.buffer, orders.byteOffset, orders.byteLength);
  const accounts: bigint[] = [];
  const places: number[] = [];
  for (let i = 0, at = 0; at < orders.length; i++, at += PAYMENT_ORDER_SIZE) {
    if (view.getUint32(at + PaymentOrderLayout.verdict, true) !== OrderVerdict.not_checked) continue;
    accounts.push(readU128(view, at + PaymentOrderLayout.debitAccountId));
    places.push(i);
  }
  const further = await ownersOf(accounts, parts);
  const messages = signedMessages(orders);
  const items: SignedMessage[] = [];
  const verified: number[] = [];
  places.forEach((place, i) => {
    const account = accounts[i]!;
    const device = deviceOf(further.get(account) ?? account, parts);
    if (device === undefined) return;
    items.push({
      publicKey: device.preparedKey,
      message: messages[place]!,
      signature: signatureOf(orders, place),
    });
    verified.push(place);
  });
  if (items.length === 0) return;
  const verdicts = await parts.verifyBatch(items);
  verified.forEach((place, i) => {
    stamp(orders, place, verdicts[i] ? OrderVerdict.good : OrderVerdict.bad);
  });
}

function deviceOf(number: bigint, parts: Pick<CashParts, 'registry' | 'log'>): Device | undefined {
  const device = findDevice(number, parts);
  return device instanceof Refusal ? undefined : device;
}

/** The devices of accounts that do not have the device's number: those of further currencies. The ledger knows. */
async function ownersOf(
  accounts: readonly bigint[],
  { ledger }: Pick<CashParts, 'ledger'>,
): Promise<ReadonlyMap<bigint, bigint>> {
  const derived = new Set(accounts.filter((account) => account > DEVICE_NUMBER_MAX));
  if (derived.size === 0) return NO_OWNERS;
  const found = await ledger.lookupAccounts([...derived]);
  return new Map(
    found.filter(({ code }) => code === AccountCode.device).map(({ id, userData128 }) => [id, userData128]),
  );
}

const NO_OWNERS: ReadonlyMap<bigint, bigint> = new Map();
