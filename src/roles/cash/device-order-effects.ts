// Carries out what operators have ordered about devices.
//
//     set     the device's terms, as a whole, for each of its accounts ─▶ ledger.setOrderTerms
//
//     move    each account of the old device that is not closed yet:
//               something reserved ─▶ what is free moves; the account stays open for captures, voids and expiries
//               nothing reserved ───▶ what is free moves, and the account is closed: both or neither (a linked chain)
//             then what has moved, and what is left, is read off the ledger
//
// Terms are read when they are set, not when they were ordered, and the ledger takes calls in their order: so the ledger
// ends with the newest, whichever order comes last or is repeated after a crash. Transfers have ids that are made of the
// order's, so that what is done again is there already. What moves is decided by the ledger (balancing_debit), so that
// nothing that arrives in between is left behind in an account that is closed.
import { sha256 } from '../../crypto/index.ts';
import {
  type Account,
  AccountFlags,
  OrderTermsFlags,
  type Transfer,
  TransferFlags,
} from '../../layout/generated.ts';
import { U128_MAX } from '../../shared/bytes.ts';
import { Refusal } from '../common/refusal.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import { systemAccountId, TransferCode } from './accounts.ts';
import { deviceUnknown } from './check.ts';
import { derivedId } from './derived-ids.ts';
import {
  type DeviceOrderEffect,
  type DeviceOrderOutcome,
  type Moved,
  MoveName,
} from './device-order-flow.ts';
import { type DeviceTerms, deviceTerms } from './device-terms.ts';
import { refusalOf } from './failures.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import type { Device } from './registry.ts';

type Parts = Pick<CashParts, 'ledger' | 'store' | 'registry' | 'log'>;
type Item = EffectItem<DeviceOrderEffect>;

export function performDeviceOrders(parts: Parts): Perform<DeviceOrderEffect, DeviceOrderOutcome> {
  // Orders about devices are rare: one by one is quick enough.
  return (items) =>
    items.map(async (item): Promise<DeviceOrderOutcome | Again> => {
      try {
        return item.effect.kind === 'set' ? await set(item.effect.device, parts) : await move(item, parts);
      } catch (error) {
        refusalOf(error, parts.log);
        return again();
      }
    });
}

// ---- Terms

async function set(device: bigint, parts: Parts): Promise<DeviceOrderOutcome> {
  const { accounts } = knownDevice(device, parts);
  await setTerms(
    device,
    [...accounts].map(([currency, { account }]) => ({ currency, account })),
    parts,
  );
  return { kind: 'set' };
}

/** Gives accounts of a device the terms that it has now. @throws RequestError; Error when the ledger does not take them */
export async function setTerms(
  device: bigint,
  accounts: readonly { readonly currency: number; readonly account: bigint }[],
  { ledger, store }: Pick<CashParts, 'ledger' | 'store'>,
): Promise<void> {
  const terms = deviceTerms(store, device);
  const results = await ledger.setOrderTerms(
    accounts.map(({ currency, account }) => orderTermsOf(terms, currency, account)),
  );
  const refused = results.find(({ status }) => status !== 'set');
  if (refused !== undefined)
    throw new Error(`terms of device ${device}: expected set, got ${refused.status}`);
}

function orderTermsOf(
  { isBlocked, isRevoked, replacedBy, limits }: DeviceTerms,
  currency: number,
  accountId: bigint,
) {
  const limit = limits.find((one) => one.currency === currency);
  const flags = isBlocked || isRevoked || replacedBy !== 0n ? OrderTermsFlags.orders_closed : 0;
  return { accountId, paymentMax: limit?.paymentMax ?? 0n, dayMax: limit?.dayMax ?? 0n, flags };
}

// ---- Replacement

/** An account of the old device, and where its money goes. */
interface Pair {
  readonly currency: number;
  readonly from: bigint;
  readonly to: bigint;
}

async function move({ id, effect }: Item, parts: Parts): Promise<DeviceOrderOutcome> {
  if (effect.kind !== 'move') throw new Error(`expected a replacement, got ${effect.kind}`);
  const { ledger } = parts;
  const { device, by, round } = effect;
  const pairs = pairsOf(knownDevice(device, parts), knownDevice(by, parts));
  const before = await accountsOf(pairs, parts);
  const transfers = pairs.flatMap((pair) => transfersOf(id, round, pair, before.get(pair.from)!));
  if (transfers.length > 0) await ledger.createTransfers(transfers);
  // Whatever became of each: what stands in the ledger counts.
  const after = await accountsOf(pairs, parts);
  const made = await ledger.lookupTransfers(pairs.flatMap((pair) => moveIds(id, pair, round)));
  const amounts = new Map<bigint, bigint>();
  for (const { debitAccountId, amount } of made) {
    amounts.set(debitAccountId, (amounts.get(debitAccountId) ?? 0n) + amount);
  }
  const moved = pairs.map(({ currency, from }): Moved[number] => {
    const account = after.get(from)!;
    return {
      currency,
      amount: amounts.get(from) ?? 0n,
      left: free(account),
      stillReserved: account.debitsPending,
    };
  });
  const isOpen = pairs.some(({ from }) => {
    const account = after.get(from)!;
    return !isClosed(account) && account.debitsPending === 0n && free(account) === 0n;
  });
  return { kind: 'moved', moved, isOpen };
}

function transfersOf(id: bigint, round: number, pair: Pair, account: Account): Partial<Transfer>[] {
  if (isClosed(account)) return [];
  const isLast = account.debitsPending === 0n;
  if (!isLast && free(account) === 0n) return [];
  const { currency, from, to } = pair;
  const linked = isLast ? TransferFlags.linked : 0;
  const moving = {
    id: transferId(id, pair, round, MOVE),
    debitAccountId: from,
    creditAccountId: to,
    amount: U128_MAX,
    userData128: id,
    ledger: currency,
    code: TransferCode.transfer,
    flags: TransferFlags.balancing_debit | linked,
  };
  if (!isLast) return [moving];
  const closing = {
    id: transferId(id, pair, round, CLOSE),
    debitAccountId: from,
    creditAccountId: systemAccountId('float', currency),
    amount: 0n,
    userData128: id,
    ledger: currency,
    code: TransferCode.block,
    flags: TransferFlags.pending | TransferFlags.closing_debit,
  };
  return [moving, closing];
}

const MOVE = 0;
const CLOSE = 1;

/** The order's own id for the first transfer of the device's first account, others are made of it. */
function transferId(request: bigint, { currency, from }: Pair, round: number, part: number): bigint {
  // A device number is the id of its first account.
  if (round === 0 && part === MOVE && from < FURTHER_ACCOUNTS) return request;
  return derivedId(sha256(MoveName.encode({ request, currency, round, part })));
}

/** Ids of accounts from here on are derived (accounts.ts). */
const FURTHER_ACCOUNTS = 1n << 127n;

function moveIds(request: bigint, pair: Pair, round: number): bigint[] {
  return Array.from({ length: round + 1 }, (_, n) => transferId(request, pair, n, MOVE));
}

/** Admission has seen that the new device has an account in each currency of the old one. */
function pairsOf(old: Device, by: Device): Pair[] {
  return [...old.accounts].map(([currency, { account }]) => {
    const other = by.accounts.get(currency);
    if (other === undefined)
      throw new Error(`device ${by.device}: expected an account in ${currency}, got none`);
    return { currency, from: account, to: other.account };
  });
}

/** Of the old device. */
async function accountsOf(pairs: readonly Pair[], { ledger }: Parts): Promise<Map<bigint, Account>> {
  const accounts = await ledger.lookupAccounts(pairs.map(({ from }) => from));
  if (accounts.length !== pairs.length)
    throw new Error(`expected ${pairs.length} accounts in the ledger, got ${accounts.length}`);
  return new Map(accounts.map((account) => [account.id, account]));
}

const isClosed = ({ flags }: Account): boolean => (flags & AccountFlags.closed) !== 0;

/** What may leave the account. */
function free({ creditsPosted, debitsPosted, debitsPending }: Account): bigint {
  return creditsPosted - debitsPosted - debitsPending;
}

/** @throws Error: a device that was admitted is in the registry for ever */
function knownDevice(device: bigint, parts: Parts): Device {
  const known = findDevice(device, parts) ?? deviceUnknown(device);
  if (known instanceof Refusal) throw new Error(known.message);
  return known;
}
