// Opens accounts of devices and of shops: first in the ledger, then in the registry. A crash between the two leaves an
// account that nobody can use; asked again, the ledger answers `exists`, and the registry gets what it lacks.
import type { Account } from '../../layout/generated.ts';
import { Refusal } from '../common/refusal.ts';
import { checkUsableKey } from '../common/usable-key.ts';
import { AccountCode, type CurrencyTerms, deviceAccount, furtherAccountId, shopAccount } from './accounts.ts';
import {
  type CashRefused,
  checkNumber,
  currencyNotOffered,
  deviceDiffers,
  devicesExhausted,
  shopDiffers,
  shopsExhausted,
} from './check.ts';
import { setTerms } from './device-order-effects.ts';
import { hasDeviceTerms } from './device-terms.ts';
import { findDevice, findShop } from './find-holder.ts';
import type { Holder, Holders, OpenedAccount } from './holders.ts';
import type { CashParts } from './interface.ts';
import { keyIdNumberOf } from './key-ids.ts';
import type { OpenAccountAnswer, OpenAccountRequest, OpenShopAnswer, OpenShopRequest } from './messages.ts';

type Answer = (OpenAccountAnswer & OpenShopAnswer) | CashRefused;

interface Opening {
  /** Of the device or the shop. */
  readonly number: bigint;
  readonly signingKey: Uint8Array;
  readonly currency: number;
}

/** What differs between devices and shops. */
interface Kind {
  readonly name: 'device' | 'shop';
  readonly holders: Holders<Holder>;
  readonly code: number;
  find(number: bigint): Holder | CashRefused | undefined;
  account(id: bigint, number: bigint, signingKeyId: bigint, terms: CurrencyTerms): Partial<Account>;
  differs(number: bigint): CashRefused;
  exhausted(max: number): CashRefused;
  /** What the ledger has to know of accounts that it has opened, before anyone hears of them. */
  settle?(opened: readonly OpenedAccount[]): Promise<void>;
}

/**
 * One answer a request, in order.
 * @throws RequestError, StoreError: the same requests may come again
 */
export function openAccounts(requests: readonly OpenAccountRequest[], parts: CashParts): Promise<Answer[]> {
  const kind: Kind = {
    name: 'device',
    holders: parts.registry,
    code: AccountCode.device,
    find: (number) => findDevice(number, parts),
    account: deviceAccount,
    differs: deviceDiffers,
    exhausted: devicesExhausted,
    settle: (opened) => settleTerms(opened, parts),
  };
  return open(
    kind,
    requests.map(({ device, ...rest }) => ({ number: device, ...rest })),
    parts,
  );
}

/** A device that is blocked, or has limits, is so in currencies that come later. */
async function settleTerms(opened: readonly OpenedAccount[], parts: CashParts): Promise<void> {
  for (const one of opened) {
    if (hasDeviceTerms(parts.store, one.number)) await setTerms(one.number, [one], parts);
  }
}

/** As openAccounts. */
export function openShops(requests: readonly OpenShopRequest[], parts: CashParts): Promise<Answer[]> {
  const kind: Kind = {
    name: 'shop',
    holders: parts.shops,
    code: AccountCode.shop,
    find: (number) => findShop(number, parts),
    account: shopAccount,
    differs: shopDiffers,
    exhausted: shopsExhausted,
  };
  return open(
    kind,
    requests.map(({ shop, ...rest }) => ({ number: shop, ...rest })),
    parts,
  );
}

interface Wanted {
  readonly index: number;
  readonly request: Opening;
  readonly account: Partial<Account>;
}

async function open(kind: Kind, requests: readonly Opening[], parts: CashParts): Promise<Answer[]> {
  const room = { taken: 0 };
  try {
    return await openAll(kind, requests, parts, room);
  } finally {
    kind.holders.leaveRoom(room.taken);
  }
}

/** For those that are not registered, room is taken before the ledger opens anything. */
interface Room {
  taken: number;
}

async function openAll(
  kind: Kind,
  requests: readonly Opening[],
  parts: CashParts,
  room: Room,
): Promise<Answer[]> {
  const { terms } = parts;
  const answers: (Answer | undefined)[] = new Array(requests.length).fill(undefined);
  const wanted: Wanted[] = [];
  requests.forEach((request, index) => {
    const decided = decide(kind, request, parts, room);
    if ('account' in decided) wanted.push({ index, request, account: decided.account });
    else answers[index] = decided;
  });

  const opened = new Map<number, OpenedAccount>();
  const first = await openInLedger(kind, wanted, parts, answers, opened);
  const further = first.map(({ index, request }) => {
    return { index, request, account: accountOf(kind, request, false, terms.get(request.currency)!) };
  });
  await openInLedger(kind, further, parts, answers, opened);
  if (opened.size === 0) return answers as Answer[];
  await kind.settle?.([...opened.values()]);
  const known = first.map(({ other, request }) => openedAs(request, other));
  const registered = (await kind.holders.opened([...known, ...opened.values()])).slice(known.length);
  [...opened.keys()].forEach((index, i) => {
    const openedAt = registered[i]!;
    const { number } = requests[index]!;
    answers[index] = openedAt === 'differs' ? kind.differs(number) : { timestamp: openedAt };
  });
  return answers as Answer[];
}

/** The answer, or the account to open. */
function decide(
  kind: Kind,
  request: Opening,
  parts: CashParts,
  room: Room,
): Answer | { readonly account: Partial<Account> } {
  const { number, signingKey, currency } = request;
  const known = checkNumber(kind.name, number) ?? checkUsableKey(signingKey) ?? kind.find(number);
  if (known instanceof Refusal) return known;
  if (known !== undefined && Buffer.compare(known.signingKey, signingKey) !== 0) return kind.differs(number);
  const there = known?.accounts.get(currency);
  if (there !== undefined) return { timestamp: there.openedAt };
  const terms = parts.terms.get(currency);
  if (terms === undefined) return currencyNotOffered([...parts.terms.keys()], currency);
  if (known === undefined) {
    if (!kind.holders.takeRoom()) return kind.exhausted(kind.holders.holdersMax);
    room.taken++;
  }
  return { account: accountOf(kind, request, known === undefined, terms) };
}

function accountOf(
  kind: Kind,
  { number, signingKey, currency }: Opening,
  isFirst: boolean,
  terms: CurrencyTerms,
): Partial<Account> {
  const id = isFirst ? number : furtherAccountId(number, currency);
  return kind.account(id, number, keyIdNumberOf(signingKey), terms);
}

/** One whose account's id is that of the holder's account in another currency, which the registry did not know of. */
type Taken = Wanted & { readonly other: Account };

/** Fills in `opened` or `answers`; the rest is returned. */
async function openInLedger(
  kind: Kind,
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
  // Not the same account: with an older bound on the balance it is still this holder's.
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
      other?.code === kind.code &&
      other.userData128 === request.number &&
      other.userData64 === account.userData64;
    if (!isOurs) {
      const about = { [kind.name]: String(request.number), currency: request.currency };
      log.error(about, 'account opened for another key');
      answers[index] = kind.differs(request.number);
      return [];
    }
    if (other.ledger !== request.currency) return [{ ...one, other }];
    opened.set(index, openedAs(request, other));
    return [];
  });
}

function openedAs(
  { number, signingKey }: Opening,
  { id, ledger, timestamp }: Pick<Account, 'id' | 'ledger' | 'timestamp'>,
): OpenedAccount {
  return { number, signingKey, currency: ledger, account: id, openedAt: timestamp };
}
