// A shop with a management that follows a script, in simulated time. Management keeps what it has done by request, as the
// real ones do behind it; the shop can end at any step and comes back on what its disk has.
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { issueShopCertificate } from '../../src/identity/shop-certificate.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import type { Refusal } from '../../src/roles/common/refusal.ts';
import { type CallResult, RoleClient } from '../../src/roles/common/role-client.ts';
import {
  PaymentReceipt,
  PaymentRejection,
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
  type SignedShopOrder,
} from '../../src/roles/documents/payment-receipts.ts';
import {
  type ArticleLine,
  PAYMENT_ORDER_BYTES,
  type PurchaseTerms,
  SealedNumber,
} from '../../src/roles/documents/purchase.ts';
import type { DocumentKind, Signed } from '../../src/roles/documents/signed.ts';
import { MANAGEMENT_REFUSALS } from '../../src/roles/management/errors.ts';
import { FRAME_BYTES_MAX } from '../../src/roles/management/limits.ts';
import {
  ManagementOperation,
  PayAnswer,
  PayRequest,
  ShopOrderAnswer,
  ShopOrderRequest,
} from '../../src/roles/management/messages.ts';
import type { ShopRefusal } from '../../src/roles/shop/errors.ts';
import {
  type BuyAnswer,
  type BuyRequest,
  type ShopOperations,
  shopProtocol,
} from '../../src/roles/shop/messages.ts';
import { Currencies } from '../../src/shared/currency.ts';
import { Catalogue } from '../../src/shop/catalogue.ts';
import type { ShopTerms } from '../../src/shop/check.ts';
import { Shop, type ShopOptions } from '../../src/shop/shop.ts';
import { HEADER_SIZE } from '../../src/wire/limits.ts';
import { LENGTH_SIZE } from '../../src/wire/message-lengths.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { RequestStatus } from '../../src/wire/status.ts';
import { DAY, directory, keySets, START, seededBytes } from '../identity/support.ts';
import { World } from '../roles/flow/world.ts';
import { MemoryDisk, memoryRoleStore } from '../store/memory-backend.ts';

export const EUR = new Currencies().parse('EUR');
export const SECOND = 1_000_000_000n;
/** When a stage begins. */
export const NOW = START + DAY + 1_000_000_000_000n;
export const SHOP = 0x5309_0000_0000_0000_0000_0000_0000_0001n;

export const CATALOGUE = `{
  "kind": "specie catalogue", "version": 1, "currency": "EUR",
  "articles": [
    { "id": "coffee", "name": "Coffee", "price": "2.80" },
    { "id": "tea", "name": "Tea", "price": "2.20" },
    { "id": "fuel", "name": "Fuel, a litre", "price": "1.799" }
  ]
}`.replace('1.799', '1.79');

export const TERMS: ShopTerms = {
  shop: SHOP,
  currency: 978,
  selfService: true,
  expiresWithinSeconds: 3_600,
  authorisationSecondsMax: 86_400,
};

export const shopKeys = {
  signing: generateKeyPair('signing', seededBytes(900)),
  channel: generateKeyPair('channel', seededBytes(901)),
};

export const certificate = issueShopCertificate(
  {
    shop: SHOP,
    name: 'Kiosk',
    signingKey: shopKeys.signing.publicKey,
    channelKey: shopKeys.channel.publicKey,
    serial: 1n,
    notBefore: 0n,
    notAfter: START + 300n * DAY,
  },
  ed25519.signingKey(keySets.management[0].signing.secretKey),
  { sha256 },
);

export function sign<Document>(
  kind: DocumentKind<Document>,
  document: Document,
  key: KeyPair,
): Signed<Document> {
  return { document, signature: ed25519.sign(key.secretKey, kind.signedBytes(document)) };
}

const [cash] = keySets.cash;
const cashKeyId = keyIdOf(cash.signing.publicKey, sha256);

// ---- What cash signs

export function paymentReceipt(
  { request, kind, amount, currency, reference }: PayRequest,
  change: Partial<PaymentReceipt> = {},
  key: KeyPair = cash.signing,
): Signed<PaymentReceipt> {
  const document: PaymentReceipt = {
    keyId: keyIdOf(key.publicKey, sha256),
    request,
    kind: kind === 'sale' ? 'paid' : 'reserved',
    orderDigest: sha256(Uint8Array.of(1)),
    shop: SHOP,
    amount,
    currency,
    reference,
    timestamp: START,
    ...change,
  };
  return sign(PaymentReceipt, document, key);
}

export function paymentRejection(
  { request, amount, currency, reference }: PayRequest,
  change: Partial<PaymentRejection> = {},
  key: KeyPair = cash.signing,
): Signed<PaymentRejection> {
  const document: PaymentRejection = {
    keyId: keyIdOf(key.publicKey, sha256),
    request,
    orderDigest: sha256(Uint8Array.of(1)),
    ...{ shop: SHOP, amount, currency, reference },
    reason: 'exceeds_credits',
    rejectedAt: START,
    ...change,
  };
  return sign(PaymentRejection, document, key);
}

export function orderReceipt(
  { request, action, purchase, amount, currency }: ShopOrder,
  change: Partial<ShopOrderReceipt> = {},
  key: KeyPair = cash.signing,
): Signed<ShopOrderReceipt> {
  const keyId = keyIdOf(key.publicKey, sha256);
  const document = { keyId, request, action, purchase, amount, currency, timestamp: START, ...change };
  return sign(ShopOrderReceipt, document, key);
}

export function orderRejection(
  { document }: SignedShopOrder,
  change: Partial<ShopOrderRejection> = {},
): Signed<ShopOrderRejection> {
  const rejection: ShopOrderRejection = {
    keyId: cashKeyId,
    request: document.request,
    orderDigest: sha256(ShopOrder.codec.encode(document)),
    reason: 'exceeds_paid',
    rejectedAt: START,
    ...change,
  };
  return sign(ShopOrderRejection, rejection, cash.signing);
}

// ---- Management

export type Scripted<Answer> = Answer | Refusal<string> | 'silence' | 'lost' | undefined;
export interface Script {
  /** 'silence': no answer comes; 'lost': it is done, and no answer comes. undefined: what an honest one answers. */
  pay?: (request: PayRequest, count: number) => Scripted<PayAnswer>;
  order?: (request: ShopOrderRequest, count: number) => Scripted<ShopOrderAnswer>;
}

const payAnswers = answerCodec<PayAnswer, string>(PayAnswer, MANAGEMENT_REFUSALS);
const orderAnswers = answerCodec<ShopOrderAnswer, string>(ShopOrderAnswer, MANAGEMENT_REFUSALS);

export class Management {
  readonly paid = new Map<bigint, PayRequest>();
  readonly done = new Map<bigint, ShopOrder>();
  readonly orders: SignedShopOrder[] = [];
  /** Messages of each frame. */
  readonly frames: (readonly PayRequest[])[] = [];
  readonly counts = new Map<bigint, number>();
  script: Script = {};
  latencyMs = 5;
  readonly #setTimer: World['setTimer'];

  constructor(setTimer: World['setTimer']) {
    this.#setTimer = setTimer;
  }

  /** As a process that has a life of its own sees it; a dead one hears nothing more. */
  transport(isAlive: () => boolean) {
    return {
      call: (operation: number, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> =>
        new Promise((resolve, reject) => {
          if (!isAlive()) return;
          // As its server does: it hangs up.
          const frameBytes = messages.reduce((sum, { length }) => sum + LENGTH_SIZE + length, HEADER_SIZE);
          if (frameBytes > FRAME_BYTES_MAX) return reject(new Error('frame too long'));
          const answers = messages.map((message) => this.#answer(operation, message));
          if (operation === ManagementOperation.pay) {
            this.frames.push(messages.map((message) => PayRequest.decode(message)));
          }
          this.#setTimer(() => {
            if (!isAlive()) return;
            if (answers.includes(undefined)) reject(new Error('no answer'));
            else resolve(answers as Uint8Array[]);
          }, this.latencyMs);
        }),
    };
  }

  #answer(operation: number, message: Uint8Array): Uint8Array | undefined {
    if (operation === ManagementOperation.pay) {
      const request = PayRequest.decode(message);
      const scripted = this.script.pay?.(request, this.#count(request.request));
      if (scripted === 'silence') return undefined;
      if (scripted !== undefined && scripted !== 'lost') return payAnswers.encode(scripted);
      this.paid.set(request.request, request);
      const answer = payAnswers.encode({ kind: 'paid', receipt: paymentReceipt(request) });
      return scripted === 'lost' ? undefined : answer;
    }
    const request = ShopOrderRequest.decode(message);
    const { document } = request.order;
    this.orders.push(request.order);
    const scripted = this.script.order?.(request, this.#count(document.request));
    if (scripted === 'silence') return undefined;
    if (scripted !== undefined && scripted !== 'lost') return orderAnswers.encode(scripted);
    this.done.set(document.request, document);
    const answer = orderAnswers.encode({ kind: 'done', receipt: orderReceipt(document) });
    return scripted === 'lost' ? undefined : answer;
  }

  #count(request: bigint): number {
    const count = (this.counts.get(request) ?? 0) + 1;
    this.counts.set(request, count);
    return count;
  }
}

// ---- Customers

export const line = (
  article: string,
  quantity = 1,
  price = article === 'coffee' ? 280n : 220n,
): ArticleLine => ({
  article,
  quantity,
  price,
});

export function order(
  request: bigint,
  change: Partial<PurchaseTerms> = {},
  more: Partial<BuyRequest> = {},
  seed = 1,
): BuyRequest {
  const terms: PurchaseTerms = {
    request,
    shop: SHOP,
    kind: 'sale',
    timeoutSeconds: 0,
    amount: 780n,
    currency: 978,
    expiresAt: NOW + 600n * SECOND,
    salt: new Uint8Array(32).fill(seed),
    articles: [line('coffee', 2), line('tea')],
    ...change,
  };
  return { terms, number: sealedNumber(seed), payment: sealedPayment(seed), offer: undefined, ...more };
}

export const reservation = (request: bigint, change: Partial<PurchaseTerms> = {}): BuyRequest =>
  order(request, { kind: 'authorisation', timeoutSeconds: 3_600, ...change });

/** The shop could not open them if they were real ones. */
export function sealedNumber(seed: number): BuyRequest['number'] {
  const ciphertextBytes = SealedNumber.bytesMax - 8 - 32;
  return {
    keyId: new Uint8Array(8).fill(seed),
    encapsulatedKey: new Uint8Array(32).fill(seed),
    ciphertext: new Uint8Array(ciphertextBytes).fill(seed),
  };
}

export function sealedPayment(seed: number): BuyRequest['payment'] {
  return {
    keyId: new Uint8Array(8).fill(seed),
    encapsulatedKey: new Uint8Array(32).fill(seed),
    ciphertext: new Uint8Array(PAYMENT_ORDER_BYTES + 16).fill(seed),
  };
}

// ---- The shop

/** Asked at each step: does the process end here? 'flushed': what was being flushed is on the disk. */
export type Fate = (step: string, number: number) => 'lives' | 'lost' | 'flushed';

const LIMIT_MS = 2 * 3_600_000;
const RESTART_MS = 300;

export class Stage {
  readonly world = new World(11n);
  readonly management = new Management(this.world.setTimer);
  readonly disk: MemoryDisk;
  readonly log: { readonly level: string; readonly fields: object; readonly message: string }[] = [];
  terms: ShopTerms = TERMS;
  catalogue = Catalogue.parse(CATALOGUE, EUR);
  /** All come over one channel. */
  readonly customer: Peer = { kind: 'unnamed' };
  misses = 0;
  steps = 0;
  crashes = 0;
  shop!: Shop;
  readonly clock = (): bigint => START + DAY + this.world.clock();
  readonly #fate: Fate;
  readonly #change: Partial<ShopOptions>;
  readonly #broken: (() => void)[] = [];
  #life = 0;
  #isDown = false;
  #seed = 0;

  /** @param change also of the processes that follow */
  constructor(fate: Fate = () => 'lives', change: Partial<ShopOptions> = {}) {
    this.#fate = fate;
    this.#change = change;
    this.disk = new MemoryDisk({
      flush: (done) => void this.world.setTimer(done, 1 + this.world.random.float()),
    });
    this.start();
  }

  start(change: Partial<ShopOptions> = {}): void {
    const life = ++this.#life;
    this.#isDown = false;
    const isAlive = (): boolean => life === this.#life;
    const note = (level: string) => (fields: object, message: string) =>
      void this.log.push({ level, fields, message });
    const trace = (step: string): void => {
      if (!isAlive()) return;
      const fate = this.#fate(step, ++this.steps);
      if (fate !== 'lives') this.crash(fate === 'flushed');
    };
    this.shop = new Shop({
      store: memoryRoleStore(this.disk, { afterTurn: this.world.afterTurn }),
      identity: {
        certificate: () => certificate,
        directory: () => directory(),
        missed: () => void this.misses++,
        signer: {
          publicKey: shopKeys.signing.publicKey,
          sign: (message) => ed25519.sign(shopKeys.signing.secretKey, message),
        },
      },
      offering: { terms: () => this.terms, catalogue: () => this.catalogue },
      currency: EUR,
      management: this.management.transport(isAlive),
      address: () => 'ws://127.0.0.1:7190/v1',
      log: { info: note('info'), warn: note('warn'), error: note('error') },
      clock: this.clock,
      setTimer: (run, milliseconds) => this.world.setTimer(() => isAlive() && run(), milliseconds),
      random: () => this.world.random.float(),
      randomBytes: (size) => seededBytes(7_000 + this.#seed++)(size),
      afterTurn: this.world.afterTurn,
      trace,
      ...this.#change,
      ...change,
    });
  }

  /** The process ends; after a while another one starts. */
  crash(isFlushed = false): void {
    this.crashes++;
    this.#isDown = true;
    this.#life++;
    for (const broken of this.#broken.splice(0)) broken();
    this.disk.crash(isFlushed);
    this.world.setTimer(() => this.start(), RESTART_MS);
  }

  /** One customer's call; a process that ends in between answers nothing. */
  call<Name extends keyof ShopOperations>(
    name: Name,
    message: Parameters<RoleClient<ShopOperations, ShopRefusal>['call']>[1],
  ) {
    const client = new RoleClient<ShopOperations, ShopRefusal>({
      protocol: shopProtocol,
      transport: this.#wire(),
    });
    return this.settle(client.call(name, message as never));
  }

  /** Messages as they are on the wire. */
  raw(operation: number, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
    return this.settle(this.#wire().call(operation, messages));
  }

  async buy(...orders: BuyRequest[]): Promise<CallResult<BuyAnswer, ShopRefusal>[]> {
    const client = new RoleClient<ShopOperations, ShopRefusal>({
      protocol: shopProtocol,
      transport: this.#wire(),
    });
    return this.settle(Promise.all(orders.map((one) => client.call('buy', one))));
  }

  /** Asks until there is an end, as a wallet does. */
  async bought(one: BuyRequest): Promise<BuyAnswer | Refusal<string>> {
    for (;;) {
      const [result] = await this.buy(one);
      if (result!.kind === 'refused') return result!.refusal;
      if (result!.kind === 'ok' && result!.answer.kind !== 'pending') return result!.answer;
      await this.pause(250);
    }
  }

  pause(milliseconds: number): Promise<void> {
    return this.settle(new Promise((resolve) => void this.world.setTimer(() => resolve(), milliseconds)));
  }

  async settle<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const end = (): void => {
      isDone = true;
    };
    work.then(end, end);
    await this.world.runUntil(() => isDone, LIMIT_MS);
    return work;
  }

  pass(milliseconds: number): Promise<void> {
    return this.settle(new Promise((resolve) => void this.world.setTimer(resolve, milliseconds)));
  }

  #wire() {
    const life = this.#life;
    return {
      call: (operation: number, messages: readonly Uint8Array[]): Promise<readonly Uint8Array[]> =>
        new Promise((resolve, reject) => {
          // A connection breaks with its process.
          if (this.#isDown) {
            reject(new Error('connection refused'));
            return;
          }
          this.#broken.push(() => reject(new Error('connection lost')));
          this.shop.engine
            .submit({
              operation,
              peer: this.customer,
              session: 0n,
              request: 1n,
              payload: encodeMessages(messages),
              count: messages.length,
            })
            .then((reply) => {
              if (life !== this.#life) return;
              if (reply.status !== RequestStatus.ok) reject(new Error(reply.message));
              else resolve(parseMessages(reply.body, reply.count).map((bytes) => bytes.slice()));
            }, reject);
        }),
    };
  }
}
