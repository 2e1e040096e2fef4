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
  devicesExhausted,
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
  const room = { taken: 0 };
  try {
    return await openAll(requests, parts, room);
  } finally {
    parts.registry.leaveRoom(room.taken);
  }
}

/** For devices that are not registered, room is taken before the ledger opens anything. */
interface Room {
  taken: number;
}

async function openAll(
  requests: readonly OpenAccountRequest[],
  parts: CashParts,
  room: Room,
): Promise<Answer[]> {
  const { registry, terms } = parts;
  const answers: (Answer | undefined)[] = new Array(requests.length).fill(undefined);
  const wanted: Wanted[] = [];
  requests.forEach((request, index) => {
    const decided = decide(request, parts, room);
    if ('account' in decided) wanted.push({ index, request, account: decided.account });
    else answers[index] = decided;
  });

  const opened = new Map<number, OpenedAccount>();
  const first = await openInLedger(wanted, parts, answers, opened);
  const further = first.map(({ index, request }) => {
    return { index, request, account: accountOf(request, false, terms.get(request.currency)!) };
  });
  await openInLedger(further, parts, answers, opened);
  if (opened.size === 0) return answers as Answer[];
  const known = first.map(({ other, request }) => openedAs(request, other));
  const registered = (await registry.opened([...known, ...opened.values()])).slice(known.length);
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
  room: Room,
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
  if (known === undefined) {
    if (!parts.registry.takeRoom()) return devicesExhausted(parts.registry.devicesMax);
    room.taken++;
  }
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

/** One whose account's id is that of the device's account in another currency, which the registry did not know of. */
type Taken = Wanted & { readonly other: Account };

/** Fills in `opened` or `answers`; the rest is returned. */
async function openInLedger(
  wanted: readonly Wanted[],
  { ledger, log }: CashParts,
  answers: (Answer | undefined)[],
  opened: Map<number, OpenedAccount>,
): Promise<Taken[]> {
  if (wanted.length === 0) return [];
  const results = await ledger.createAccounts(wanted.map(({ account }) => account));
  const others: Wanted[] = [];
  wanted.forEach((one, i) => {
    const { status, timestamp } = results[i]!;
    if (status === 'created' || status === 'exists')
      opened.set(
        one.index,
        openedAs(one.request, { id: one.account.id!, ledger: one.request.currency, timestamp }),
      );
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
  return others.flatMap((one) => {
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
      return [];
    }
    if (other.ledger !== request.currency) return [{ ...one, other }];
    opened.set(index, openedAs(request, other));
    return [];
  });
}

function openedAs(
  { device, signingKey }: OpenAccountRequest,
  { id, ledger, timestamp }: Pick<Account, 'id' | 'ledger' | 'timestamp'>,
): OpenedAccount {
  return { device, signingKey, currency: ledger, account: id, openedAt: timestamp };
}
