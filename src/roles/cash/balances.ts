// Balances of devices as the ledger has them at one moment.
import { type CashRefused, currencyNotOffered, deviceUnknown } from './check.ts';
import type { CashParts } from './interface.ts';
import type { GetBalanceAnswer, GetBalanceRequest } from './messages.ts';

/** One answer a request, in order. @throws RequestError, StoreError */
export async function balances(
  requests: readonly GetBalanceRequest[],
  { ledger, registry }: CashParts,
): Promise<(GetBalanceAnswer | CashRefused)[]> {
  const found = requests.map(({ device, currency }): bigint | CashRefused => {
    const known = registry.device(device);
    if (known === undefined) return deviceUnknown(device);
    return known.accounts.get(currency)?.account ?? currencyNotOffered([...known.accounts.keys()], currency);
  });
  // The lookup sees the state of this moment: it takes its place among the writes before it first waits.
  const { timestamp } = ledger.status();
  const accounts = new Map(
    (await ledger.lookupAccounts(found.filter((id) => typeof id === 'bigint'))).map((account) => [
      account.id,
      account,
    ]),
  );
  return found.map((id) => {
    if (typeof id !== 'bigint') return id;
    const account = accounts.get(id);
    if (account === undefined) throw new Error(`account ${id}: expected it in the ledger, got none`);
    const { creditsPosted, debitsPosted, debitsPending } = account;
    return { balance: creditsPosted - debitsPosted, reserved: debitsPending, timestamp };
  });
}
