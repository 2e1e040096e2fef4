// Balances of devices as the ledger has them at one moment.
import { Refusal } from '../common/refusal.ts';
import { type CashRefused, currencyNotOffered, deviceUnknown } from './check.ts';
import type { CashRefusal } from './errors.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import type { GetBalanceAnswer, GetBalanceRequest } from './messages.ts';

/** One answer a request, in order. @throws RequestError */
export async function balances(
  requests: readonly GetBalanceRequest[],
  parts: CashParts,
): Promise<(GetBalanceAnswer | CashRefused)[]> {
  const { ledger, log } = parts;
  const found = requests.map((request) => accountOf(request, parts));
  // The lookup sees the state of this moment: it takes its place among the writes before it first waits.
  const { timestamp } = ledger.status();
  const looked = await ledger.lookupAccounts(found.filter((id) => typeof id === 'bigint'));
  const accounts = new Map(looked.map((account) => [account.id, account]));
  return found.map((id) => {
    if (typeof id !== 'bigint') return id;
    const account = accounts.get(id);
    if (account === undefined) {
      log.error({ account: String(id) }, 'an account of the registry is not in the ledger');
      return new Refusal<CashRefusal>('internal_error', `account ${id}: expected it in the ledger, got none`);
    }
    const { creditsPosted, debitsPosted, debitsPending } = account;
    return { balance: creditsPosted - debitsPosted, reserved: debitsPending, timestamp };
  });
}

function accountOf({ device, currency }: GetBalanceRequest, parts: CashParts): bigint | CashRefused {
  const known = findDevice(device, parts);
  if (known === undefined) return deviceUnknown(device);
  if (known instanceof Refusal) return known;
  return known.accounts.get(currency)?.account ?? currencyNotOffered([...known.accounts.keys()], currency);
}
