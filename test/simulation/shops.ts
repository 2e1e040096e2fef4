// Shops of the real role, and their tills: they enrol, sell, give back, take and release what is reserved, and crash.

import { ed25519, hpke, sha256 } from '../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { ShopCertificate, type SignedShopCertificate } from '../../src/identity/shop-certificate.ts';
import {
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
} from '../../src/roles/documents/account-seal.ts';
import { encodeShopCard } from '../../src/roles/documents/shop-card.ts';
import { ShopEnrolment, type SignedShopEnrolment } from '../../src/roles/documents/shop-enrolment.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { Currencies } from '../../src/shared/currency.ts';
import { Catalogue } from '../../src/shop/catalogue.ts';
import { ShopError } from '../../src/shop/errors.ts';
import { managementCalls } from '../../src/shop/management-calls.ts';
import { Shop } from '../../src/shop/shop.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { directory } from '../identity/support.ts';
import { MemoryDisk, memoryRoleStore } from '../store/memory-backend.ts';
import type { Ground, Life } from './ground.ts';
import { callOver, EUR, OPERATOR, type Opened, type Roles } from './roles.ts';

const EURO = new Currencies().parse('EUR');
const DAY = 86_400_000_000_000n;
const CATALOGUE = Catalogue.parse(
  `{
    "kind": "specie catalogue", "version": 1, "currency": "EUR",
    "articles": [
      { "id": "coffee", "name": "Coffee", "price": "2.80" },
      { "id": "tea", "name": "Tea", "price": "0.01" },
      { "id": "fuel", "name": "A tank of fuel", "price": "43.99" }
    ]
  }`,
  EURO,
);
export const ARTICLES = ['coffee', 'tea', 'fuel'] as const;
const listed = directory();

export interface ShopPlan {
  readonly name: string;
  /** How many milliseconds lie between two things that its tills do, at most. */
  readonly pauseMaxMs: number;
}

export class ShopProcess {
  readonly plan: ShopPlan;
  readonly disk: MemoryDisk;
  readonly signing: KeyPair;
  readonly channel: KeyPair;
  readonly #ground: Ground;
  readonly #roles: Roles;
  readonly #enrolment: SignedShopEnrolment;
  #life = 0;
  certificate: SignedShopCertificate | undefined;
  shop: Shop | undefined;
  opened: Opened | undefined;
  crashChance = 0;
  crashes = 0;
  /** No till asks for anything more. */
  isEvening = false;
  readonly faults: string[] = [];

  constructor(plan: ShopPlan, ground: Ground, roles: Roles) {
    this.plan = plan;
    this.#ground = ground;
    this.#roles = roles;
    const { world, bytes } = ground;
    this.disk = new MemoryDisk({
      flush: (done) => void world.setTimer(done, 0.5 + 4 * world.random.float()),
    });
    this.signing = generateKeyPair('signing', bytes);
    this.channel = generateKeyPair('channel', bytes);
    this.#enrolment = this.#enrols();
  }

  get life(): number {
    return this.#life;
  }

  get number(): bigint {
    return this.certificate!.document.shop;
  }

  get address(): string {
    return `ws://${this.plan.name.replace(' ', '-')}/v1`;
  }

  /** What wallets are shown; undefined: the shop is not there yet. */
  get card(): string | undefined {
    return this.certificate && encodeShopCard({ address: this.address, certificate: this.certificate });
  }

  /** Purchases and orders whose outcome it does not know; undefined: it is not there. */
  get openCount(): number | undefined {
    return this.shop && this.shop.open.purchases + this.shop.open.orders;
  }

  /** A till's offer to a customer who stands there; undefined: it is closed. */
  offers(article: string, reserveSeconds: number | undefined): string | undefined {
    if (this.shop === undefined) return undefined;
    const { code, paid } = this.shop
      .till('desk')
      .charge([{ article }], { seconds: 60, ...(reserveSeconds !== undefined && { reserveSeconds }) });
    // It may end, or not be paid: the wallet is told.
    paid.catch(() => {});
    return code;
  }

  start(): void {
    const number = ++this.#life;
    const life = this.#ground.life(() => this.#life === number);
    void this.#live(life).catch((error: unknown) => {
      if (life.isAlive()) this.faults.push(`${this.plan.name}: ${(error as Error).stack}`);
    });
  }

  crash(): void {
    const isFlushed = this.#ground.random.chance(0.5);
    this.#ground.note(this.plan.name, 'crashes');
    this.crashes++;
    this.#life++;
    this.shop = undefined;
    this.opened = undefined;
    this.disk.crash(isFlushed);
    this.#ground.world.setTimer(() => this.start(), 50 + 3_000 * this.#ground.random.float());
  }

  async #live(life: Life): Promise<void> {
    const ground = this.#ground;
    const { name } = this.plan;
    ground.note(name, 'starts');
    const transport = (peer: Peer) => this.#roles.transport(name, 'management', peer, life.isAlive);
    const unenrolled: Peer = { kind: 'unenrolled', channelKey: this.channel.publicKey };
    const operator = this.#roles.transport('operator', 'management', OPERATOR, life.isAlive);
    while (this.certificate === undefined) {
      const asked = await managementCalls(transport(unenrolled)).enrolShop({ enrolment: this.#enrolment });
      if (!life.isAlive()) return;
      if (asked.kind === 'refused') throw new Error(`expected a certificate, got ${asked.refusal.message}`);
      if (asked.kind === 'ok' && asked.answer.kind === 'enrolled')
        this.certificate = ShopCertificate.signed.decode(asked.answer.certificate);
      else if (asked.kind === 'ok' && asked.answer.kind === 'pending')
        await managementClient(operator).approveShop({ shop: asked.answer.shop });
      else if (asked.kind === 'ok') throw new Error(`expected a certificate, got ${asked.answer.kind}`);
      await this.#pause(life, 50 + 500 * ground.random.float());
    }
    const { document } = this.certificate;
    const note = (level: string) => (fields: object, message: string) => {
      if (life.isAlive())
        ground.note(name, `${level}: ${message}${'code' in fields ? ` ${fields.code}` : ''}`);
    };
    const clock = ground.clockOf(name);
    const shop = new Shop({
      store: memoryRoleStore(this.disk, { afterTurn: life.afterTurn }),
      identity: {
        certificate: () => this.certificate!,
        directory: () => listed,
        missed: () => {},
        signer: {
          publicKey: this.signing.publicKey,
          sign: (message) => ed25519.sign(this.signing.secretKey, message),
        },
      },
      offering: {
        catalogue: () => CATALOGUE,
        terms: () => ({
          shop: document.shop,
          currency: EUR,
          selfService: true,
          expiresWithinSeconds: 3_600,
          authorisationSecondsMax: 86_400,
        }),
      },
      currency: EURO,
      management: transport({
        kind: 'shop',
        shop: document.shop,
        signingKey: this.signing.publicKey,
        channelKey: this.channel.publicKey,
        serial: document.serial,
        notAfter: document.notAfter,
      }),
      address: () => this.address,
      log: { info: note('info'), warn: note('warn'), error: note('error') },
      clock,
      setTimer: life.setTimer,
      random: () => ground.random.float(),
      randomBytes: ground.bytes,
      afterTurn: life.afterTurn,
      trace: (step, count) => {
        if (!life.isAlive()) return;
        ground.note(name, `${step} ${count}`);
        if (ground.random.chance(this.crashChance)) this.crash();
      },
    });
    if (!life.isAlive()) return;
    this.shop = shop;
    this.opened = { engine: shop.engine };
    void this.#tend(shop, life).catch((error: unknown) => {
      if (life.isAlive()) this.faults.push(`${name}: ${(error as Error).stack}`);
    });
  }

  /** What its tills do all day: some of what was sold comes back, what is reserved is taken or released, or runs out. */
  async #tend(shop: Shop, life: Life): Promise<void> {
    const { random } = this.#ground;
    const till = shop.till('1');
    for (;;) {
      await this.#pause(life, this.plan.pauseMaxMs * random.float());
      if (this.isEvening) return;
      const sales = shop.sales();
      if (sales.length === 0) continue;
      const { purchase, state, amount, captured } = random.pick(sales);
      const part = (most: bigint): bigint => 1n + BigInt(random.below(Number(most)));
      const order = (): Promise<unknown> => {
        if (state === 'reserved')
          return random.chance(0.6) ? till.capture(purchase, part(amount)) : till.void(purchase);
        const most = state === 'captured' ? captured : amount;
        return random.chance(0.3) ? till.refund(purchase) : till.refund(purchase, part(most));
      };
      // Not waited for: several are under way at once, also of one purchase.
      order().catch((error: unknown) => {
        if (!(error instanceof ShopError)) this.faults.push(`${this.plan.name}: ${(error as Error).stack}`);
        else if (life.isAlive()) this.#ground.note(this.plan.name, `a till is told ${error.code}`);
      });
    }
  }

  #enrols(): SignedShopEnrolment {
    const { bytes } = this.#ground;
    const now = this.#ground.clockOf(this.plan.name)();
    // The highest ids are cash's own.
    const request = bytes(15).reduce((id, byte) => (id << 8n) | BigInt(byte), 0n);
    const { sealing } = listed.currentKeySet('settlement', now).keys;
    const keyId = keyIdOf(sealing, sha256);
    const { enc: encapsulatedKey, ciphertext } = hpke.seal({
      recipientPublicKey: sealing,
      info: accountSealInfo(keyId),
      aad: accountSealAad({ purpose: 'payout', request }),
      plaintext: encodeAccountContent({
        signingKey: this.signing.publicKey,
        accountNumber: 'DE75512108001245126199',
      }),
      randomBytes: bytes,
    });
    const document: ShopEnrolment = {
      request,
      signingKey: this.signing.publicKey,
      channelKey: this.channel.publicKey,
      name: this.plan.name,
      account: { keyId, encapsulatedKey, ciphertext },
      applyBy: now + 30n * DAY,
    };
    return { document, signature: ed25519.sign(this.signing.secretKey, ShopEnrolment.signedBytes(document)) };
  }

  /** Customers', who are not named. */
  transport(from: string, isAlive: () => boolean) {
    return callOver(this.#ground, from, this.plan.name, this, { kind: 'unnamed' }, isAlive);
  }

  #pause(life: Life, milliseconds: number): Promise<void> {
    return new Promise((resolve) => void life.setTimer(resolve, milliseconds));
  }
}
