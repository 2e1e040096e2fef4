// The operation `device_exposure`: what a lost or cloned device can still have spent without a server, and what its purses
// have cost so far.
import { U128_MAX } from '../../shared/bytes.ts';
import { Refusal } from '../common/refusal.ts';
import { readHandover } from '../documents/transfer.ts';
import { type CashRefused, deviceUnknown } from './check.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import { findOpened, ordersOf, pursesOf } from './purse-book.ts';
import { isUnsettled } from './purse-draft.ts';
import {
  type DeviceExposureAnswer,
  type DeviceExposureRequest,
  EXPOSURE_PURSES_MAX,
  type PurseExposure,
} from './purse-messages.ts';

type Answer = DeviceExposureAnswer | CashRefused;

/** Devices whose purses are looked up at a time. */
const CHUNK = 64;

/** One answer a request, in order. @throws RequestError, StoreError */
export async function deviceExposures(
  requests: readonly DeviceExposureRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let at = 0; at < requests.length; at += CHUNK) {
    answers.push(...(await chunk(requests.slice(at, at + CHUNK), parts)));
  }
  return answers;
}

async function chunk(requests: readonly DeviceExposureRequest[], parts: CashParts): Promise<Answer[]> {
  const { store, ledger } = parts;
  const found = requests.map(({ device }) => {
    const known = findDevice(device, parts) ?? deviceUnknown(device);
    return known instanceof Refusal ? known : pursesOf(store, device, EXPOSURE_PURSES_MAX);
  });
  const numbers = new Set(found.flatMap((purses) => (purses instanceof Refusal ? [] : purses)));
  const accounts = new Map(
    (await ledger.lookupAccounts([...numbers])).map((account) => [account.id, account]),
  );
  return found.map((purses): Answer => {
    if (purses instanceof Refusal) return purses;
    return {
      purses: purses.map((purse) => {
        const account = accounts.get(purse);
        if (account === undefined) throw new Error(`purse ${purse}: expected its account, got none`);
        return exposureOf(purse, account, parts);
      }),
    };
  });
}

function exposureOf(
  purse: bigint,
  { creditsPosted, debitsPosted }: { readonly creditsPosted: bigint; readonly debitsPosted: bigint },
  { store }: CashParts,
): PurseExposure {
  const record = findOpened(store, purse);
  if (record === undefined) throw new Error(`purse ${purse}: expected its record, got none`);
  const { currency, isCheated, state, epoch, amount: allowance, covered, coverMax, orders } = record;
  const sums = { settled: 0n, waiting: 0n, disputed: 0n };
  for (const { order, outcome, ...rest } of ordersOf(store, purse)) {
    const { amount } = readHandover(order)!;
    if (outcome.kind === 'settled') sums.settled += outcome.from === 'purse' ? amount : 0n;
    else if (isUnsettled({ order, outcome, ...rest })) sums[outcome.kind as 'waiting' | 'disputed'] += amount;
  }
  return {
    ...{ purse, currency, epoch, allowance, settled: sums.settled, covered, coverMax },
    // A purse that has cheated may have signed any amounts.
    ...{ waiting: atMost(sums.waiting), disputed: atMost(sums.disputed) },
    state: state === 'ended' ? 'ended' : isCheated ? 'cheated' : (state as 'open' | 'closed'),
    received: creditsPosted - allowance,
    left: creditsPosted - debitsPosted,
    payments: orders,
    expiresAt: record.expiresAt,
    reportBy: record.reportBy,
  };
}

const atMost = (sum: bigint): bigint => (sum < U128_MAX ? sum : U128_MAX);
