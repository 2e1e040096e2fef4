// Opens devices' accounts: first in the ledger, then in the registry. A crash between the two leaves an account that nobody
// can credit; asked again, the ledger answers `exists`, and the registry gets what it lacks.
import type { Account } from '../../layout/generated.ts';
import { Refusal } from '../common/refusal.ts';
import { AccountCode, type CurrencyTerms, deviceAccount, furtherAccountId } from './accounts.ts';
import {
  type CashRefused,
  checkKeyOfDevice,
  checkOpenAccount,
  currencyNotOffered,
  deviceDiffers,
} from './check.ts';
import { findDevice } from './find-device.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumberOf } from './key-ids.ts';
import type { OpenAccountAnswer, OpenAccountRequest } from './messages.ts';
import type { OpenedAccount } from './registry.ts';

type Answer = OpenAccountAnswer | CashRefused;

interface Wanted {
  readonly index: number;
  readonly request: OpenAccountRequest;
  readonly account: Partial<Account>;
}

/**
 * One answer a request, in order.
 * @throws RequestError, StoreError: the same requests may come again
 */
export async function openAccounts(
  requests: readonly OpenAccountRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const { registry, terms } = parts;
  const answers: (Answer | undefined)[] = new Array(requests.length).fill(undefined);
  const wanted: Wanted[] = [];
  requests.forEach((request, index) => {
    const decided = decide(request, parts);
    if ('account' in decided) wanted.push({ index, request, account: decided.account });
    else answers[index] = decided;
  });

  const opened = new Map<number, OpenedAccount>();
  const further = await openInLedger(wanted, parts, answers, opened);
  // Their device number is that of an account in another currency, which the registry did not know of.
  await openInLedger(
    further.map(({ index, request }) => {
      return { index, request, account: accountOf(request, false, terms.get(request.currency)!) };
    }),
    parts,
    answers,
    opened,
  );
  if (opened.size === 0) return answers as Answer[];
  const registered = await registry.opened([...opened.values()]);
  [...opened.keys()].forEach((index, i) => {
    const openedAt = registered[i]!;
    const { device } = requests[index]!;
    answers[index] = openedAt === 'differs' ? deviceDiffers(device) : { timestamp: openedAt };
  });
  return answers as Answer[];
}

/** The answer, or the account to open. */
function decide(
  request: OpenAccountRequest,
  parts: CashParts,
): Answer | { readonly account: Partial<Account> } {
  const { device, signingKey, currency } = request;
  const known = checkOpenAccount(request) ?? findDevice(device, parts);
  if (known instanceof Refusal) return known;
  const differs = known && checkKeyOfDevice(known, signingKey);
  if (differs !== undefined) return differs;
  const there = known?.accounts.get(currency);
  if (there !== undefined) return { timestamp: there.openedAt };
  const terms = parts.terms.get(currency);
  if (terms === undefined) return currencyNotOffered([...parts.terms.keys()], currency);
  return { account: accountOf(request, known === undefined, terms) };
}

function accountOf(
  { device, signingKey, currency }: OpenAccountRequest,
  isFirst: boolean,
  terms: CurrencyTerms,
): Partial<Account> {
  const id = isFirst ? device : furtherAccountId(device, currency);
  return deviceAccount(id, device, keyIdNumberOf(signingKey), terms);
}

/** Fills in `opened` or `answers`; returns those whose id is that of the device's account in another currency. */
async function openInLedger(
  wanted: readonly Wanted[],
  { ledger, log }: CashParts,
  answers: (Answer | undefined)[],
  opened: Map<number, OpenedAccount>,
): Promise<Wanted[]> {
  if (wanted.length === 0) return [];
  const results = await ledger.createAccounts(wanted.map(({ account }) => account));
  const others: Wanted[] = [];
  wanted.forEach((one, i) => {
    const { status, timestamp } = results[i]!;
    if (status === 'created' || status === 'exists') opened.set(one.index, openedAs(one, timestamp));
    else others.push(one);
  });
  if (others.length === 0) return [];
  // Not the same account: with an older bound on the balance it is still this device's.
  const there = new Map(
    (await ledger.lookupAccounts(others.map(({ account }) => account.id!))).map((account) => [
      account.id,
      account,
    ]),
  );
  return others.filter((one) => {
    const { index, request, account } = one;
    const other = there.get(account.id!);
    const isOurs =
      other?.code === AccountCode.device &&
      other.userData128 === request.device &&
      other.userData64 === account.userData64;
    if (!isOurs) {
      log.error(
        { device: String(request.device), currency: request.currency },
        'account opened for another key',
      );
      answers[index] = deviceDiffers(request.device);
      return false;
    }
    if (other.ledger !== request.currency) return true;
    opened.set(index, openedAs(one, other.timestamp));
    return false;
  });
}

function openedAs({ request, account }: Wanted, openedAt: bigint): OpenedAccount {
  const { device, signingKey, currency } = request;
  return { device, signingKey, currency, account: account.id!, openedAt };
}
