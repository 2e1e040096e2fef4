// A shop that is enrolled and approved like any other, and the messages of customers who buy there, made beforehand.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../../src/channel/client.ts';
import { hpke, sha256 } from '../../src/crypto/index.ts';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { keyIdOf } from '../../src/identity/key-set.ts';
import { loadOperator } from '../../src/identity/load-home.ts';
import type { SignedShopCertificate } from '../../src/identity/shop-certificate.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { systemClock } from '../../src/identity/time.ts';
import { PaymentOrderLayout } from '../../src/layout/generated.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import { mayRepeat, Refusal } from '../../src/roles/common/refusal.ts';
import { encodePaymentOrder, orderKeyId, orderSignedBytes } from '../../src/roles/documents/payment-order.ts';
import {
  NumberContent,
  numberSealInfo,
  PurchaseBinding,
  type PurchaseTerms,
  paymentSealInfo,
  purchaseReference,
} from '../../src/roles/documents/purchase.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { SHOP_REFUSALS } from '../../src/roles/shop/errors.ts';
import { BuyAnswer, BuyRequest } from '../../src/roles/shop/messages.ts';
import { id } from '../../src/shared/id.ts';
import { type AskOptions, askForCertificate, makeShop } from '../../src/shop/index.ts';
import type { Device, Target } from '../loads/devices.ts';
import type { System } from '../loads/system.ts';

const ARTICLES = [
  { article: 'coffee', name: 'Coffee', price: 280n, quantity: 1 },
  { article: 'cake', name: 'Cake', price: 360n, quantity: 2 },
] as const;
/** What every purchase costs. */
export const PRICE = ARTICLES.reduce((sum, { price, quantity }) => sum + price * BigInt(quantity), 0n);

const VALID_NS = 3_600_000_000_000n;
const PAYMENT_CODE = 20;
const POLL_MS = 50;

export interface Trader {
  readonly home: string;
  readonly number: bigint;
  readonly channelKey: Uint8Array;
}

/** Over the real path: keys, enrolment, an operator's approval, certificate, catalogue. */
export async function enrolShop(system: System, folder: string): Promise<Trader> {
  const operator = await loadOperator({ home: system.home, passphrase: async () => undefined });
  const { directory } = operator;
  const home = await makeShop({
    home: join(folder, 'shop'),
    name: 'Kiosk',
    account: 'DE89370400440532013000',
    directory: directoryFileText(directory.signed),
    root: system.root,
    port: 0,
  });
  operator.close();
  const { document } = await approved(system, (options) => askForCertificate(home, options));
  const catalogue = JSON.parse(readFileSync(home.cataloguePath, 'utf8'));
  catalogue.articles = ARTICLES.map(({ article, name, price }) => ({
    id: article,
    name,
    price: `${price / 100n}.${String(price % 100n).padStart(2, '0')}`,
  }));
  writeFileSync(home.cataloguePath, JSON.stringify(catalogue));
  return { home: home.path, number: document.shop, channelKey: document.channelKey };
}

/** An operator approves what waits, as it asks. */
export async function approved(
  system: System,
  ask: (options: AskOptions) => Promise<SignedShopCertificate>,
): Promise<SignedShopCertificate> {
  const operator = await loadOperator({ home: system.home, passphrase: async () => undefined });
  let waiting: bigint | undefined;
  const asking = ask({
    patienceMs: 30_000,
    onWaiting: (state, shop) => {
      if (state === 'awaiting_approval') waiting = shop;
    },
  });
  const client = new Client({
    url: operator.directory.address('management'),
    identity: () => operator.clientIdentity('management'),
  });
  try {
    while (waiting === undefined) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    await managementClient(client).approveShop({ shop: waiting });
    return await asking;
  } finally {
    await client.close(1000);
    operator.close();
  }
}

const buyAnswers = answerCodec(BuyAnswer, SHOP_REFUSALS);

/** Of a shop's answer. @returns false: it says to come again @throws when it is anything else */
export function isPaid(bytes: Uint8Array): boolean {
  const answer = buyAnswers.decode(bytes);
  if (answer instanceof Refusal) {
    if (mayRepeat(answer)) return false;
    throw answer;
  }
  if (answer.kind !== 'paid' && answer.kind !== 'pending') {
    throw new Error(`purchase: expected a receipt, got ${answer.kind}`);
  }
  return answer.kind === 'paid';
}

/** Makes purchases of devices at one shop: terms, the number sealed to management, the signed order sealed to cash. */
export class Purchases {
  readonly #shop: bigint;
  readonly #currency: number;
  readonly #management: Sealing;
  readonly #cash: Sealing;
  readonly #sequences = new Map<Device, bigint>();

  constructor(shop: bigint, { directory, currency }: Target) {
    const sealing = (role: 'management' | 'cash'): Sealing => {
      const publicKey = directory.currentKeySet(role, systemClock()).keys.sealing;
      return { publicKey, keyId: keyIdOf(publicKey, systemCrypto.sha256) };
    };
    this.#shop = shop;
    this.#currency = currency;
    this.#management = sealing('management');
    this.#cash = sealing('cash');
  }

  /** The next purchase of a device, as it goes to the shop. */
  prepare(device: Device): Uint8Array {
    const shop = this.#shop;
    const currency = this.#currency;
    const request = id();
    const expiresAt = systemClock() + VALID_NS;
    const terms: PurchaseTerms = {
      ...{ request, shop, kind: 'sale', timeoutSeconds: 0, amount: PRICE, currency, expiresAt },
      salt: Uint8Array.from(randomBytes(32)),
      articles: ARTICLES,
    };
    const reference = purchaseReference(terms, sha256);
    const sequence = (this.#sequences.get(device) ?? 0n) + 1n;
    this.#sequences.set(device, sequence);
    const order = encodePaymentOrder({
      id: request,
      debitAccountId: device.number,
      creditAccountId: shop,
      amount: PRICE,
      ledger: currency,
      code: PAYMENT_CODE,
      ...{ reference, sequence, expiresAt },
      keyId: orderKeyId(keyIdOf(device.signing.publicKey, systemCrypto.sha256)),
    });
    order.set(device.signing.sign(orderSignedBytes(order)), PaymentOrderLayout.signature);
    const aad = PurchaseBinding.encode({ request, shop });
    const { number: payer } = device;
    const content = { device: payer, amount: PRICE, currency, expiresAt, reference, kind: 'sale' } as const;
    return BuyRequest.encode({
      terms,
      number: sealed(this.#management, numberSealInfo, aad, NumberContent.encode(content)),
      payment: sealed(this.#cash, paymentSealInfo, aad, order),
      offer: undefined,
    });
  }
}

interface Sealing {
  readonly publicKey: Uint8Array;
  readonly keyId: Uint8Array;
}

function sealed(
  { publicKey, keyId }: Sealing,
  info: (keyId: Uint8Array) => Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): { readonly keyId: Uint8Array; readonly encapsulatedKey: Uint8Array; readonly ciphertext: Uint8Array } {
  const { enc, ciphertext } = hpke.seal({ recipientPublicKey: publicKey, info: info(keyId), aad, plaintext });
  return { keyId, encapsulatedKey: enc, ciphertext };
}
