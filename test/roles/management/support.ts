// Management with a settlement and a cash that follow a script, in simulated time. Both keep what they have done by
// request, as the real ones do; management can end at any trace point and comes back on what its disk has.
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import { type KeyPair, keyIdOf } from '../../../src/identity/key-set.ts';
import { generateKeyPair } from '../../../src/identity/new-key-set.ts';
import type { IdentitySource } from '../../../src/identity/own-keys.ts';
import type {
  CreditAnswer,
  CreditRequest,
  GetBalanceAnswer,
  GetStatementRequest,
  OpenAccountAnswer,
  OpenAccountRequest,
  OpenShopRequest,
  PayAnswer,
  PayRequest,
  ShopOrderRequest,
} from '../../../src/roles/cash/messages.ts';
import type {
  DeviceExposureAnswer,
  OpenPurseRequest,
  SettleTransferRequest,
} from '../../../src/roles/cash/purse-messages.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { SealedAccount } from '../../../src/roles/documents/account-seal.ts';
import { DeviceOrder, type SignedDeviceOrder } from '../../../src/roles/documents/device-order.ts';
import { AccountFiling, Enrolment } from '../../../src/roles/documents/enrolment.ts';
import { LoadOrder, type SignedLoadOrder } from '../../../src/roles/documents/load-order.ts';
import {
  ChargeReceipt,
  CreditReceipt,
  CreditRejection,
  type SignedChargeReceipt,
  type SignedCreditReceipt,
  type SignedCreditRejection,
} from '../../../src/roles/documents/receipts.ts';
import type { DocumentKind, Signed } from '../../../src/roles/documents/signed.ts';
import { type ManagementClient, managementClient } from '../../../src/roles/management/client.ts';
import type { CashClient, SettlementClient } from '../../../src/roles/management/interface.ts';
import { MANAGEMENT_LIMITS, type ManagementLimits } from '../../../src/roles/management/limits.ts';
import type { DevicePeer, ManagementPeer } from '../../../src/roles/management/peers.ts';
import {
  type Management,
  type ManagementOptions,
  openManagement,
} from '../../../src/roles/management/role.ts';
import type {
  ChargeAnswer,
  ChargeRequest,
  ReverseAnswer,
  ReverseRequest,
} from '../../../src/roles/settlement/messages.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import { RequestStatus } from '../../../src/wire/status.ts';
import { keySets, operatorKeys, START, seededBytes, sourceOf } from '../../identity/support.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { World } from '../flow/world.ts';
import { allowance, handoverReceipt, paymentReceipt, shopOrderReceipt, statement } from './cash-documents.ts';
import type { Shop } from './shop.ts';

export const EUR = 978;
export const USD = 840;
export const SECOND = 1_000_000_000n;
export const HOUR = 3_600n * SECOND;

export const LIMITS: ManagementLimits = {
  ...MANAGEMENT_LIMITS,
  loads: [
    { currency: EUR, amountMin: 100n, amountMax: 50_000n },
    { currency: USD, amountMin: 1n, amountMax: 1_000n },
  ],
  // Tests ask much in little time, and with one device.
  deviceLoadsOpenMax: 64,
  deviceRequestsPerMinute: 100_000,
  deviceDeclinesPerDay: 100_000,
  devicePursesPerDay: 1_000,
  deviceReportsPerMinute: 100_000,
};

export function sign<Document>(
  kind: DocumentKind<Document>,
  document: Document,
  key: KeyPair,
): Signed<Document> {
  return { document, signature: ed25519.sign(key.secretKey, kind.signedBytes(document)) };
}

/** To settlement's first key. Management could not open it if it were a real one. */
export function sealedAccount(fill = 1): SealedAccount {
  return {
    keyId: keyIdOf(keySets.settlement[0].sealing.publicKey, sha256),
    encapsulatedKey: new Uint8Array(32).fill(fill),
    ciphertext: new Uint8Array(112).fill(fill),
  };
}

// ---- Devices

export class Device {
  readonly signing: KeyPair;
  readonly channel: KeyPair;
  readonly seed: number;

  constructor(seed: number) {
    this.seed = seed;
    this.signing = generateKeyPair('signing', seededBytes(1_000 + 2 * seed));
    this.channel = generateKeyPair('channel', seededBytes(1_001 + 2 * seed));
  }

  get unenrolled(): ManagementPeer {
    return { kind: 'unenrolled', channelKey: this.channel.publicKey };
  }

  peer(device: bigint): DevicePeer {
    return { kind: 'device', device, signingKey: this.signing.publicKey, channelKey: this.channel.publicKey };
  }

  enrolment(change: Partial<Enrolment> = {}): { enrolment: Signed<Enrolment> } {
    const document: Enrolment = {
      request: BigInt(100 + this.seed),
      signingKey: this.signing.publicKey,
      channelKey: this.channel.publicKey,
      userData: `Ada Lovelace ${this.seed}`,
      account: undefined,
      applyBy: START + HOUR,
      ...change,
    };
    return { enrolment: sign(Enrolment, document, this.signing) };
  }

  filing(request: bigint, change: Partial<AccountFiling> = {}): { filing: Signed<AccountFiling> } {
    const document: AccountFiling = {
      request,
      signingKey: this.signing.publicKey,
      account: sealedAccount(),
      applyBy: START + HOUR,
      ...change,
    };
    return { filing: sign(AccountFiling, document, this.signing) };
  }

  order(request: bigint, change: Partial<LoadOrder> = {}): SignedLoadOrder {
    const document: LoadOrder = {
      request,
      signingKey: this.signing.publicKey,
      account: request,
      amount: 2_500n,
      currency: EUR,
      applyBy: START + HOUR,
      ...change,
    };
    return sign(LoadOrder, document, this.signing);
  }
}

// ---- Partners

export function chargeReceipt(
  order: SignedLoadOrder,
  change: Partial<ChargeReceipt> = {},
  key: KeyPair = keySets.settlement[0].signing,
): SignedChargeReceipt {
  const { request, amount, currency } = order.document;
  const document: ChargeReceipt = {
    keyId: keyIdOf(key.publicKey, sha256),
    request,
    orderDigest: sha256(LoadOrder.codec.encode(order.document)),
    amount,
    currency,
    institutionReference: `charge ${request}`,
    chargedAt: START,
    ...change,
  };
  return sign(ChargeReceipt, document, key);
}

export function creditReceipt(
  device: bigint,
  order: SignedLoadOrder,
  change: Partial<CreditReceipt> = {},
  key: KeyPair = keySets.cash[0].signing,
): SignedCreditReceipt {
  const { request, amount, currency } = order.document;
  const keyId = keyIdOf(key.publicKey, sha256);
  const document: CreditReceipt = { keyId, request, device, amount, currency, timestamp: START, ...change };
  return sign(CreditReceipt, document, key);
}

export function creditRejection(
  device: bigint,
  order: SignedLoadOrder,
  change: Partial<CreditRejection> = {},
  key: KeyPair = keySets.cash[0].signing,
): SignedCreditRejection {
  const { request, amount, currency } = order.document;
  const document: CreditRejection = {
    keyId: keyIdOf(key.publicKey, sha256),
    request,
    device,
    amount,
    currency,
    orderDigest: sha256(LoadOrder.codec.encode(order.document)),
    reason: 'closed',
    rejectedAt: START,
    ...change,
  };
  return sign(CreditRejection, document, key);
}

/** What cash answers to a credit that it rejects. */
export function rejected(asked: unknown, change: Partial<CreditRejection> = {}, key?: KeyPair) {
  const { device, order } = asked as CreditRequest;
  const rejection = creditRejection(device, order, change, key);
  return ok({ kind: 'rejected', reason: rejection.document.reason, rejection });
}

export const ok = <Answer>(answer: Answer): { kind: 'ok'; answer: Answer } => ({ kind: 'ok', answer });
export const refused = (code: string): { kind: 'refused'; refusal: Refusal<never> } => ({
  kind: 'refused',
  refusal: new Refusal(code as never, `expected something else than ${code}`),
});
export const NO_ANSWER = { kind: 'unknown', reason: 'no answer' } as const;

export type Call =
  | 'charge'
  | 'reverse'
  | 'openAccount'
  | 'credit'
  | 'getBalance'
  | 'getStatement'
  | 'openShop'
  | 'closeShop'
  | 'deviceOrder'
  | 'pay'
  | 'openPurse'
  | 'settleTransfers'
  | 'closePurse'
  | 'deviceExposure'
  | 'shopOrder';
export type Answer = CallResult<unknown, never>;
/** To a batch's request: no answer before nobody waits for it any more. */
export const SILENCE = { kind: 'unknown', reason: 'silence' } as const;

/**
 * Settlement and cash: honest unless told otherwise. `script` may answer in place of them; what it leaves undefined, they
 * do and answer.
 */
export class Partners {
  readonly charged = new Map<bigint, bigint>();
  readonly reversed = new Set<bigint>();
  readonly opened = new Map<string, Uint8Array>();
  readonly credited = new Map<bigint, { readonly device: bigint; readonly amount: bigint }>();
  readonly paid = new Map<bigint, PayRequest>();
  readonly calls: { readonly call: Call; readonly request: unknown }[] = [];
  script: (call: Call, request: unknown, count: number) => Answer | undefined = () => undefined;
  /** Answers that are on their way take so long. */
  latencyMs = 5;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** As a process that has a life of its own sees them; a dead one is told nothing more. */
  clients(isAlive: () => boolean): { settlement: SettlementClient; cash: CashClient } {
    const { latencyMs } = this;
    const call =
      <Request, Reply>(name: Call, run: (request: Request) => Reply) =>
      (request: Request): Promise<CallResult<Reply, never>> =>
        new Promise((resolve) => {
          if (!isAlive()) return;
          this.calls.push({ call: name, request });
          const count = this.calls.filter((other) => other.call === name).length;
          const scripted = this.script(name, request, count) as CallResult<Reply, never> | undefined;
          const result = scripted ?? ok(run(request));
          this.#world.setTimer(() => isAlive() && resolve(result), latencyMs);
        });
    const batch =
      <Request, Reply>(name: Call, run: (request: Request) => Reply) =>
      (requests: readonly Request[], signal: AbortSignal): Promise<CallResult<Reply, never>[]> =>
        new Promise((resolve) => {
          if (!isAlive()) return;
          const results = requests.map((request) => {
            this.calls.push({ call: name, request });
            const count = this.calls.filter((other) => other.call === name).length;
            return (this.script(name, request, count) ?? ok(run(request))) as CallResult<Reply, never>;
          });
          const answer = (): void => void (isAlive() && resolve(results));
          if (results.some((result) => (result as unknown) === SILENCE))
            signal.addEventListener('abort', answer);
          else this.#world.setTimer(answer, latencyMs);
        });
    return {
      settlement: {
        charge: call('charge', (request: ChargeRequest) => this.charge(request)),
        reverse: call('reverse', (request: ReverseRequest) => this.reverse(request)),
      },
      cash: {
        openAccount: call('openAccount', (request: OpenAccountRequest) => this.open(request)),
        credit: call('credit', (request: CreditRequest) => this.credit(request)),
        getBalance: call('getBalance', () => this.balance()),
        getStatement: call('getStatement', (request: GetStatementRequest) => ({
          statement: statement(request),
        })),
        openShop: call('openShop', (request: OpenShopRequest) => this.openShop(request)),
        closeShop: call('closeShop', () => ({ timestamp: START })),
        deviceOrder: call('deviceOrder', () => ({ timestamp: START, moved: [] })),
        pay: batch('pay', (request: PayRequest) => this.pay(request)),
        shopOrder: batch('shopOrder', ({ order }: ShopOrderRequest) => ({
          kind: 'done' as const,
          receipt: shopOrderReceipt(order.document),
        })),
        openPurse: call('openPurse', (request: OpenPurseRequest) => ({
          kind: 'opened' as const,
          allowance: allowance(request),
        })),
        settleTransfers: batch('settleTransfers', (request: SettleTransferRequest) => ({
          outcome: { kind: 'settled' as const, receipt: handoverReceipt(request), from: 'purse' as const },
          fraud: undefined,
        })),
        closePurse: call('closePurse', () => ({ kind: 'closed' as const, released: 75n, timestamp: START })),
        deviceExposure: call('deviceExposure', (): DeviceExposureAnswer => ({ purses: [] })),
      },
    };
  }

  charge({ order }: ChargeRequest): ChargeAnswer {
    const { request, amount } = order.document;
    if (this.reversed.has(request)) return { kind: 'reversed', reason: 'asked_for' };
    this.charged.set(request, amount);
    return { kind: 'charged', receipt: chargeReceipt(order) };
  }

  reverse({ request, reason }: ReverseRequest): ReverseAnswer {
    this.charged.delete(request);
    this.reversed.add(request);
    return { kind: 'reversed', reason };
  }

  open({ device, signingKey, currency }: OpenAccountRequest): OpenAccountAnswer {
    this.opened.set(`${device} ${currency}`, signingKey);
    return { timestamp: START };
  }

  openShop({ shop, signingKey, currency }: OpenShopRequest): OpenAccountAnswer {
    this.opened.set(`${shop} ${currency}`, signingKey);
    return { timestamp: START };
  }

  pay(request: PayRequest): PayAnswer {
    this.paid.set(request.request, request);
    return { kind: 'paid', receipt: paymentReceipt(request) };
  }

  credit({ device, order }: CreditRequest): CreditAnswer {
    const { request, amount } = order.document;
    this.credited.set(request, { device, amount });
    return { kind: 'credited', receipt: creditReceipt(device, order) };
  }

  balance(): GetBalanceAnswer {
    return { balance: 2_500n, reserved: 0n, timestamp: START };
  }
}

// ---- The role

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly fields: object;
  readonly message: string;
}

/** Asked at each trace point: does the process end here? 'flushed': what was being flushed is on the disk. */
export type Fate = (number: number) => 'lives' | 'lost' | 'flushed';

const RESTART_MS = 400;
const LIMIT_MS = 1_000 * 24 * 3_600_000;

export class Stage {
  readonly world = new World(7n);
  readonly partners = new Partners(this.world);
  readonly disk: MemoryDisk;
  readonly log: LogLine[] = [];
  readonly identity: IdentitySource & { readonly misses: number } = sourceOf('management');
  readonly limits: ManagementLimits;
  readonly #fate: Fate;
  readonly #options: Partial<ManagementOptions>;
  #life = 0;
  #nextOrder = 1n << 100n;
  tracePoints = 0;
  crashes = 0;
  role: Management | undefined;

  constructor(
    limits: Partial<ManagementLimits> = {},
    fate: Fate = () => 'lives',
    options: Partial<ManagementOptions> = {},
  ) {
    this.limits = { ...LIMITS, ...limits };
    this.#fate = fate;
    this.#options = options;
    this.disk = new MemoryDisk({
      flush: (done) => void this.world.setTimer(done, 1 + this.world.random.float()),
    });
  }

  static async open(...args: ConstructorParameters<typeof Stage>): Promise<Stage> {
    const stage = new Stage(...args);
    await stage.start();
    return stage;
  }

  readonly clock = (): bigint => START + this.world.clock() - 1_000_000_000_000n;

  /** An operator's order to revoke it. */
  revocation(device: bigint, reason = 'lost'): { readonly order: SignedDeviceOrder } {
    const document: DeviceOrder = {
      ...{ request: this.#nextOrder++, operator: 'operator', device, action: { kind: 'revoke' } as const },
      ...{ reason, applyBy: this.clock() + HOUR },
    };
    return { order: sign(DeviceOrder, document, operatorKeys.signing) };
  }

  async revoke(device: bigint): Promise<void> {
    await this.settle(this.operator.deviceOrder(this.revocation(device)));
  }

  async start(): Promise<void> {
    const life = ++this.#life;
    const isAlive = (): boolean => this.#life === life;
    const { setTimer, afterTurn, random } = this.world;
    const crash = (isFlushed: boolean): void => {
      this.crash(isFlushed);
      setTimer(() => void this.start(), RESTART_MS);
    };
    const write =
      (level: LogLine['level']) =>
      (fields: object, message: string): void =>
        void this.log.push({ level, fields, message });
    const role = await openManagement({
      store: memoryRoleStore(this.disk, { afterTurn }),
      identity: this.identity,
      ...this.partners.clients(isAlive),
      limits: this.limits,
      log: { info: write('info'), warn: write('warn'), error: write('error') },
      clock: this.clock,
      setTimer: (run, milliseconds) => setTimer(() => isAlive() && run(), milliseconds),
      afterTurn: (run) => afterTurn(() => isAlive() && run()),
      randomBytes: (length) => Uint8Array.from({ length }, () => random.below(256)),
      random: () => random.float(),
      trace: () => {
        if (!isAlive()) return;
        const fate = this.#fate(++this.tracePoints);
        if (fate !== 'lives') crash(fate === 'flushed');
      },
      ...this.#options,
    });
    if (isAlive()) this.role = role;
  }

  crash(isFlushed = false): void {
    this.crashes++;
    this.#life++;
    this.role = undefined;
    this.disk.crash(isFlushed);
  }

  as(peer: ManagementPeer): ManagementClient {
    return managementClient({
      call: (operation, messages) =>
        new Promise((resolve, reject) => {
          const { role } = this;
          this.world.setTimer(() => reject(new Error('no answer')), 1_000);
          const payload = encodeMessages(messages);
          const request = { operation, peer, session: 0n, request: 0n, payload, count: messages.length };
          void role?.engine.submit(request as never).then(({ status, body, count }) => {
            if (this.role !== role) return;
            if (status !== RequestStatus.ok) reject(new Error(`status ${status}`));
            else resolve(parseMessages(body, count));
          });
        }),
    });
  }

  /** What a promise comes to, in simulated time. */
  async settle<Value>(promise: Promise<Value>): Promise<Value> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    promise.then(done, done);
    await this.world.runUntil(() => isDone, LIMIT_MS);
    return promise;
  }

  /** Asks again until there is an answer that is not `pending`. */
  async ask<Reply extends { readonly kind: string }>(
    call: () => Promise<CallResult<Reply>>,
  ): Promise<Exclude<Reply, { kind: 'pending' }> | string> {
    for (;;) {
      const result = await this.settle(call());
      if (result.kind === 'refused') return result.refusal.code;
      if (result.kind === 'ok' && result.answer.kind !== 'pending')
        return result.answer as Exclude<Reply, { kind: 'pending' }>;
      await this.pass(100);
    }
  }

  /** Lets time pass. */
  async pass(milliseconds: number): Promise<void> {
    await this.settle(new Promise<void>((resolve) => void this.world.setTimer(resolve, milliseconds)));
  }

  /** Enrols it, and returns its number. */
  async enrolled(device: Device, change: Partial<Enrolment> = {}): Promise<bigint> {
    const answer = await this.ask(() => this.as(device.unenrolled).enrol(device.enrolment(change)));
    if (typeof answer === 'string' || answer.kind !== 'enrolled')
      throw new Error(`expected it to be enrolled, got ${JSON.stringify(answer)}`);
    return answer.device;
  }

  /** Enrols and approves it, and returns its number. */
  async openShop(shop: Shop): Promise<bigint> {
    const enrol = () => this.as(shop.unenrolled).enrolShop(shop.enrolment());
    const applied = await this.settle(enrol());
    if (applied.kind !== 'ok' || applied.answer.kind !== 'pending') throw new Error(`got ${applied.kind}`);
    await this.settle(this.operator.approveShop({ shop: applied.answer.shop }));
    const answer = await this.ask(enrol);
    if (typeof answer === 'string' || answer.kind !== 'enrolled')
      throw new Error(`expected it to be enrolled, got ${JSON.stringify(answer)}`);
    shop.number = answer.shop;
    return answer.shop;
  }

  get operator(): ManagementClient {
    return this.as({ kind: 'operator' });
  }

  /** What an operator is told of a request's state: its name and its detail. */
  async stateOf(request: bigint): Promise<string> {
    const result = await this.settle(this.operator.lookupRequest({ request }));
    if (result.kind !== 'ok') throw new Error(`expected an answer, got ${result.kind}`);
    const { report } = result.answer;
    return report === undefined ? 'unknown' : `${report.state} ${report.detail}`.trim();
  }

  /** Everything that it has written, to disk and log, as Latin-1 text. */
  everythingWritten(): string {
    const records = [...this.disk.records].map(([at, value]) => at + Buffer.from(value).toString('latin1'));
    const lines = this.log.map(({ fields, message }) => `${message} ${Object.values(fields).join(' ')}`);
    return [...records, ...lines].join('\n');
  }
}
