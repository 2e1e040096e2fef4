// Devices, their orders and seals, and settlement around a scripted institution.
import { Registry } from 'prom-client';
import { ed25519, hpke, sha256 } from '../../../src/crypto/index.ts';
import type { MessageTransport } from '../../../src/roles/common/role-client.ts';
import {
  type AccountBinding,
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../../src/roles/documents/account-seal.ts';
import { LoadOrder } from '../../../src/roles/documents/load-order.ts';
import {
  ChargeReceipt,
  CreditRejection,
  type SignedChargeReceipt,
  type SignedCreditRejection,
} from '../../../src/roles/documents/receipts.ts';
import type { Trace } from '../../../src/roles/flow/flow.ts';
import { SettlementClient } from '../../../src/roles/settlement/client.ts';
import type { KeyPair, SettlementKeys } from '../../../src/roles/settlement/interface.ts';
import type { SettlementLimits } from '../../../src/roles/settlement/limits.ts';
import type { ChargeRequest, ReverseRequest } from '../../../src/roles/settlement/messages.ts';
import { openSettlement, type PaymentOptions, type Settlement } from '../../../src/roles/settlement/role.ts';
import type { Engine } from '../../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { type Script, ScriptedInstitution } from './scripted-institution.ts';
import { World } from './world.ts';

export const EUR = 978;
export const ACCOUNT_NUMBER = '9999001234567893';
export const MANAGEMENT: Peer = { kind: 'role', role: 'management', keyId: new Uint8Array(8) };
export const OPERATOR: Peer = { kind: 'operator', name: 'anna', channelKey: new Uint8Array(32) };
export const HOUR_NS = 3_600_000_000_000n;

/** Keys that are the same in every run. */
const seedOf = (name: string): Uint8Array => sha256(new TextEncoder().encode(name));

export function signingPair(name: string): KeyPair {
  const secretKey = seedOf(`signing ${name}`);
  return { secretKey, publicKey: ed25519.publicKey(secretKey) };
}

export function sealingPair(name: string): KeyPair {
  const { privateKey, publicKey } = hpke.deriveKeyPair(seedOf(`sealing ${name}`));
  return { secretKey: privateKey, publicKey };
}

export const keyIdOf = (publicKey: Uint8Array): Uint8Array => sha256(publicKey).slice(0, 8);

export const SIGNING = signingPair('settlement');
export const SEALING = sealingPair('settlement');
export const RETIRED_SEALING = sealingPair('settlement, last year');
export const CASH = signingPair('cash');
export const DEVICE = signingPair('device');

const sealingOf = (keyId: Uint8Array): KeyPair | undefined =>
  [SEALING, RETIRED_SEALING].find(({ publicKey }) => Buffer.compare(keyIdOf(publicKey), keyId) === 0);

export const KEYS: SettlementKeys = {
  signing: () => SIGNING,
  sealing: sealingOf,
  storedSealing: sealingOf,
  signatureCounts: (keyId) => Buffer.compare(keyIdOf(SIGNING.publicKey), keyId) === 0,
  cash: (keyId) => (Buffer.compare(keyIdOf(CASH.publicKey), keyId) === 0 ? CASH.publicKey : undefined),
};

export interface OrderOptions {
  readonly request: bigint;
  readonly device?: KeyPair;
  readonly amount?: bigint;
  readonly currency?: number;
  /** Its own request, unless told otherwise. */
  readonly account?: bigint;
  readonly applyBy: bigint;
}

export function signedOrder({
  request,
  device = DEVICE,
  amount = 2500n,
  currency = EUR,
  account = request,
  applyBy,
}: OrderOptions) {
  const { publicKey: signingKey } = device;
  const document: LoadOrder = { request, signingKey, account, amount, currency, applyBy };
  return { document, signature: ed25519.sign(device.secretKey, LoadOrder.signedBytes(document)) };
}

export interface SealOptions {
  readonly binding: AccountBinding;
  readonly device?: KeyPair;
  readonly accountNumber?: string;
  readonly to?: KeyPair;
}

export function sealedAccount(options: SealOptions): SealedAccount {
  const { binding, device = DEVICE, accountNumber = ACCOUNT_NUMBER, to = SEALING } = options;
  return sealedContent(encodeAccountContent({ signingKey: device.publicKey, accountNumber }), binding, to);
}

export function sealedContent(plaintext: Uint8Array, binding: AccountBinding, to = SEALING): SealedAccount {
  const keyId = keyIdOf(to.publicKey);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: to.publicKey,
    info: accountSealInfo(keyId),
    aad: accountSealAad(binding),
    plaintext,
  });
  return { keyId, encapsulatedKey: enc, ciphertext };
}

/** A good charge with the account number given; sealed anew each time. */
export function chargeRequest(options: OrderOptions & Partial<SealOptions>): ChargeRequest {
  const binding = options.binding ?? { purpose: 'load', request: options.request };
  return {
    order: signedOrder({ account: binding.request, ...options }),
    account: sealedAccount({ ...options, binding }),
    binding,
  };
}

export function isReceiptOf(receipt: SignedChargeReceipt, { order }: ChargeRequest): boolean {
  const { document, signature } = receipt;
  const { request, amount, currency } = order.document;
  return (
    ed25519.verify(SIGNING.publicKey, ChargeReceipt.signedBytes(document), signature) &&
    Buffer.compare(document.keyId, keyIdOf(SIGNING.publicKey)) === 0 &&
    Buffer.compare(document.orderDigest, sha256(LoadOrder.codec.encode(order.document))) === 0 &&
    document.request === request &&
    document.amount === amount &&
    document.currency === currency
  );
}

/** What cash signs when it will never credit the order of that charge. `changes`: what a rejection should not say. */
export function rejectionOf(
  { order }: Pick<ChargeRequest, 'order'>,
  changes: Partial<CreditRejection> = {},
  key: KeyPair = CASH,
): SignedCreditRejection {
  const { request, amount, currency } = order.document;
  const document: CreditRejection = {
    keyId: keyIdOf(key.publicKey),
    request,
    device: 1n << 90n,
    amount,
    currency,
    orderDigest: sha256(LoadOrder.codec.encode(order.document)),
    reason: 'exceeds_credit_limit',
    rejectedAt: 5n,
    ...changes,
  };
  return { document, signature: ed25519.sign(key.secretKey, CreditRejection.signedBytes(document)) };
}

/** Of a charge that has no receipt. */
export function reversalOf(request: bigint, reason = 'gave up'): ReverseRequest {
  return { request, reason, rejection: undefined };
}

/** Of a charge that cash has rejected. */
export function rejectedReversal(charge: ChargeRequest, reason = 'not credited'): ReverseRequest {
  return { request: charge.order.document.request, reason, rejection: rejectionOf(charge) };
}

/** Straight to the engine, as frames. */
export function transportTo(
  engine: Engine,
  peer: Peer,
  hear: (body: Uint8Array) => void = () => {},
): MessageTransport {
  return {
    async call(operation, messages) {
      const reply = await engine.submit({
        operation,
        peer,
        session: 0n,
        request: 0n,
        payload: encodeMessages(messages),
        count: messages.length,
      });
      hear(reply.body);
      if (reply.status !== 0) throw new Error(`refused with ${reply.status}: ${reply.message}`);
      return parseMessages(reply.body, reply.count);
    },
  };
}

/** What is told outside: logs and answers. Kept, so that it can be searched. */
export interface Told {
  readonly logs: { readonly level: string; readonly fields: object; readonly message: string }[];
  readonly bytes: Uint8Array[];
}

export interface SimulationOptions {
  readonly script?: Script;
  readonly limits?: Partial<SettlementLimits>;
  readonly keys?: SettlementKeys;
  readonly trace?: Trace;
  /** Made anew for each life. */
  readonly payments?: (isAlive: () => boolean, world: World) => PaymentOptions;
}

/** Settlement that can crash and start again, on one disk, with one institution. */
export class Simulation {
  readonly world = new World();
  readonly disk = new MemoryDisk();
  readonly institution: ScriptedInstitution;
  readonly told: Told = { logs: [], bytes: [] };
  readonly applyBy = this.world.now + HOUR_NS;
  trace: Trace;
  keys: SettlementKeys;
  readonly #limits: Partial<SettlementLimits>;
  readonly #payments: SimulationOptions['payments'];
  #life = 0;
  #settlement: Settlement | undefined;
  #crashed: () => void = () => {};
  #untilCrash: Promise<void> = new Promise(() => {});

  constructor({ script, limits = {}, keys = KEYS, trace = () => {}, payments }: SimulationOptions = {}) {
    this.#payments = payments;
    this.institution = new ScriptedInstitution(this.world, script);
    this.#limits = limits;
    this.keys = keys;
    this.trace = trace;
  }

  get life(): number {
    return this.#life;
  }

  async start(): Promise<void> {
    const life = ++this.#life;
    const isAlive = (): boolean => life === this.#life;
    this.#untilCrash = new Promise((resolve) => {
      this.#crashed = resolve;
    });
    const log =
      (level: string) =>
      (fields: object, message: string): void =>
        void this.told.logs.push({ level, fields, message });
    this.#settlement = await openSettlement({
      store: memoryRoleStore(this.disk),
      institution: this.institution.connect(isAlive),
      payments: this.#payments?.(isAlive, this.world),
      keys: {
        signing: (now) => this.keys.signing(now),
        sealing: (keyId, now) => this.keys.sealing(keyId, now),
        storedSealing: (keyId) => this.keys.storedSealing(keyId),
        signatureCounts: (keyId, now) => this.keys.signatureCounts(keyId, now),
        cash: (keyId, now) => this.keys.cash(keyId, now),
      },
      limits: { amountMax: new Map([[EUR, 100_000n]]), ...this.#limits },
      clock: this.world.clock,
      setTimer: (run, ms) => this.world.setTimer(() => isAlive() && run(), ms),
      random: () => 0.5,
      run: BigInt(life),
      trace: (...point) => {
        if (isAlive()) this.trace(...point);
      },
      log: { warn: log('warn'), error: log('error') },
      registry: new Registry(),
    });
  }

  /** What was not flushed is gone, and nothing of this run does anything any more. @param isFlushed as of MemoryDisk */
  crash(isFlushed = false): void {
    this.#life++;
    this.disk.crash(isFlushed);
    this.#settlement = undefined;
    this.#crashed();
  }

  get settlement(): Settlement {
    return this.#settlement!;
  }

  get isDown(): boolean {
    return this.#settlement === undefined;
  }

  async close(): Promise<void> {
    await this.world.until(this.settlement.close());
    this.#settlement = undefined;
  }

  transport(peer: Peer): MessageTransport {
    return {
      call: (operation, messages) =>
        Promise.race([
          transportTo(this.settlement.engine, peer, (body) => this.told.bytes.push(body)).call(
            operation,
            messages,
          ),
          this.#untilCrash.then(() => Promise.reject(new Error('connection lost'))),
        ]),
    };
  }

  client(peer: Peer = MANAGEMENT): SettlementClient {
    return new SettlementClient(this.transport(peer));
  }

  /** Asks, and starts settlement again where it has crashed, until it is final. */
  async insist<Answer extends { readonly kind: string }>(
    ask: (
      client: SettlementClient,
    ) => Promise<
      | { kind: 'ok'; answer: Answer }
      | { kind: 'refused'; refusal: { code: string; message: string } }
      | { kind: 'unknown' }
    >,
  ): Promise<Answer> {
    for (let pauseMs = 500; ; pauseMs = Math.min(60_000, 2 * pauseMs)) {
      if (this.isDown) await this.start();
      const result = await this.world.until(ask(this.client()));
      if (result.kind === 'refused') throw new Error(`${result.refusal.code}: ${result.refusal.message}`);
      if (result.kind === 'ok' && result.answer.kind !== 'pending') return result.answer;
      await this.world.pass(pauseMs);
    }
  }

  /** Until no request is under way, whatever crashes meanwhile. */
  async finish(): Promise<void> {
    for (let i = 0; i < 1000; i++) {
      if (this.isDown) await this.start();
      await this.world.pass(5000);
      if (!this.isDown && this.settlement.engine.health().detail.openRequests === 0) {
        await this.world.pass(10_000);
        if (!this.isDown) return;
      }
    }
    throw new Error('requests are still under way');
  }

  /** All that has left settlement, or that is on its disk, as one text. */
  everything(): string {
    const stored = [...this.disk.records].flatMap(([at, value]) => [
      at,
      Buffer.from(value).toString('latin1'),
    ]);
    return [
      ...stored,
      ...this.told.bytes.map((bytes) => Buffer.from(bytes).toString('latin1')),
      JSON.stringify(this.told.logs, (_, value) => (typeof value === 'bigint' ? String(value) : value)),
    ].join('\n');
  }
}
