// What operators do with shops: approve one that has applied, close one; and the certificate of one that is open.
import { sha256 } from '../../crypto/index.ts';
import { ShopCertificate } from '../../identity/shop-certificate.ts';
import { isoTime } from '../../identity/time.ts';
import { struct, text, u128 } from '../../shared/codec.ts';
import type { StoreReads } from '../../store/store.ts';
import { derivedId } from '../cash/derived-ids.ts';
import { Refusal } from '../common/refusal.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import type { IssueShopCertificate } from './certificates.ts';
import { type Refused, refuse } from './check.ts';
import { type DevicesOptions, write } from './devices.ts';
import type { CloseShopAnswer, ShopReport } from './messages.ts';
import { ANSWER_WAIT_MS } from './requests.ts';
import { type ShopClosingState, shopClosingFlow } from './shop-closing-flow.ts';
import {
  countShops,
  findShop,
  listShops,
  putShop,
  putShopCounts,
  type ShopRecord,
  stateOfShop,
} from './shop-registry.ts';

export interface ShopsOptions extends Omit<DevicesOptions, 'issueCertificate'> {
  readonly issueShopCertificate: IssueShopCertificate;
  readonly runner: Pick<FlowRunner, 'submit' | 'wake'>;
}

const Closing = struct({ of: text(8), shop: u128 });

/** Whether a shop's certificates are worth nothing: it was closed, or is not of this registry. */
export function isShopRevoked(reads: StoreReads, shop: bigint): boolean {
  const record = findShop(reads, shop);
  return record === undefined || stateOfShop(record) !== 'open';
}

const shopUnknown = (shop: bigint): Refused =>
  refuse('shop_unknown', `shop: expected one of the registry, got ${shop}`);
const shopClosed = (shop: bigint): Refused =>
  refuse('shop_closed', `shop ${shop}: expected one that is open, got one that was closed`);

/** From then on its accounts are opened at cash. Approved before: the time of then. */
export async function approveShop(
  shop: bigint,
  { store, clock, limits, runner, log }: ShopsOptions,
): Promise<{ readonly approvedAt: bigint } | Refused> {
  const approved = await store.transaction((tx) => {
    const record = findShop(tx, shop);
    if (record === undefined) return shopUnknown(shop);
    if (record.closed !== undefined) return shopClosed(shop);
    const { request, approvedAt, applyBy } = record;
    if (approvedAt !== undefined) return { request, approvedAt };
    const now = clock();
    if (now >= applyBy) {
      return refuse('expired', `shop ${shop}: expected approval before ${isoTime(applyBy)}, got it later`);
    }
    const { approved: count } = countShops(tx, now);
    if (count >= BigInt(limits.shopsMax)) {
      return refuse('shops_exhausted', `shops: expected room for one more than ${limits.shopsMax}, got none`);
    }
    write(tx, putShop(shop, { ...record, approvedAt: now }));
    write(tx, putShopCounts(tx, now, { awaiting: -1n, approved: 1n }));
    return { request, approvedAt: now };
  });
  if (approved instanceof Refusal) return approved;
  const { request, approvedAt } = approved;
  log.info({ shop: String(shop) }, 'shop approved');
  runner.wake(request);
  return { approvedAt };
}

/** For good. One that waits for approval is turned down, and leaves nothing but its request. */
export async function closeShop(
  shop: bigint,
  reason: string,
  { store, runner, log }: ShopsOptions,
): Promise<CloseShopAnswer | Refused> {
  const seen = findShop(store, shop);
  if (seen === undefined) return shopUnknown(shop);
  const [closing] = runner.submit(
    shopClosingFlow,
    [
      {
        ...closingOf(shop),
        admit(tx): ShopClosingState | Refused {
          const record = findShop(tx, shop);
          // Turned down between the two looks.
          if (record === undefined)
            return refuse('busy', `shop ${shop}: expected its record, got none: ask again`);
          return record.approvedAt === undefined
            ? { kind: 'closed', shop, reason }
            : { kind: 'closing', shop, reason, distrusted: undefined };
        },
      },
    ],
    ANSWER_WAIT_MS,
  );
  const standing = await closing!;
  if (standing instanceof Refusal) return standing;
  const { state, stateName, createdAt } = standing;
  log.info({ shop: String(shop), state: stateName }, 'shop closed');
  runner.wake(seen.request);
  return state.kind === 'closed'
    ? { kind: 'closed', closedAt: createdAt }
    : { kind: 'pending', state: stateName };
}

/** A shop is closed once: the request has an id made of its number, which nobody else can choose. */
function closingOf(shop: bigint): { readonly id: bigint; readonly digest: Uint8Array } {
  const digest = sha256(Closing.encode({ of: 'closing', shop }));
  return { id: derivedId(digest), digest };
}

/** As certificateOf (devices.ts): the newest, or a new one when that one nears its end or its issuer counts no more. */
export async function certificateOfShop(
  shop: bigint,
  { store, clock, limits, directory, issueShopCertificate, log }: ShopsOptions,
): Promise<Uint8Array | Refused> {
  const look = (record: ShopRecord | undefined): NonNullable<ShopRecord['certified']> | Refused => {
    if (record?.certified === undefined) return shopUnknown(shop);
    return record.closed === undefined ? record.certified : shopClosed(shop);
  };
  const isDue = ({ notAfter, certificate }: NonNullable<ShopRecord['certified']>): boolean => {
    const now = clock();
    if (notAfter - now <= limits.certificateRenewalNs) return true;
    const { issuer } = ShopCertificate.signed.decode(certificate).document;
    return directory.current().verificationKey('management', issuer, now) === undefined;
  };
  const seen = look(findShop(store, shop));
  if (seen instanceof Refusal) return seen;
  if (!isDue(seen)) return seen.certificate;
  const renewed = await store.transaction((tx) => {
    // It may have been closed or renewed since it was seen.
    const record = findShop(tx, shop);
    const certified = look(record);
    if (certified instanceof Refusal || !isDue(certified)) return certified;
    const serial = certified.serial + 1n;
    const { name, signingKey, channelKey } = record!;
    const issued = issueShopCertificate({ shop, name, signingKey, channelKey, serial }, clock());
    const after = { serial, ...issued };
    write(tx, putShop(shop, { ...record!, certified: after }));
    return after;
  });
  if (renewed instanceof Refusal) return renewed;
  log.info({ shop: String(shop), serial: String(renewed.serial) }, 'certificate renewed');
  return renewed.certificate;
}

export function reportShops(reads: StoreReads, after: bigint | undefined, limit: number): ShopReport[] {
  return listShops(reads, after, limit).map(({ shop, record }) => ({
    shop,
    name: record.name,
    signingKey: record.signingKey,
    enrolledAt: record.enrolledAt,
    state: stateOfShop(record),
  }));
}
