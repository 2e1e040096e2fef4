// Cash, issuer, receiver and two gateways, as processes; a counter that sells wide notes; and the channels to them.
//
//     counter ─ pay_quote ─▶ issuer ──╮
//     gateways ─ issue_notes ▶ ▲      ├─▶ cash
//        ╰──── take_notes ──▶ receiver╯
import { Registry } from 'prom-client';
import { ed25519, type NoteCrypto, sha256 } from '../../../src/crypto/index.ts';
import { Gateway } from '../../../src/gateway/gateway.ts';
import type { GatewayIdentity } from '../../../src/gateway/interface.ts';
import type { GatewayTerms } from '../../../src/gateway/terms.ts';
import type { KeyPair } from '../../../src/identity/key-set.ts';
import { generateKeyPair } from '../../../src/identity/new-key-set.ts';
import { MintKeysets } from '../../../src/mint/keysets.ts';
import { exchangeAccountId, systemAccountId, TransferCode } from '../../../src/roles/cash/accounts.ts';
import { CashClient } from '../../../src/roles/cash/client.ts';
import { cashIdentity } from '../../../src/roles/cash/identity.ts';
import { openCash } from '../../../src/roles/cash/role.ts';
import { WideUnits } from '../../../src/roles/common/wide-notes.ts';
import { NoteOrder } from '../../../src/roles/documents/note-order.ts';
import type { Side } from '../../../src/roles/gateway/messages.ts';
import { IssuerClient } from '../../../src/roles/issuer/client.ts';
import { identityKeys as issuerKeys } from '../../../src/roles/issuer/keys.ts';
import { openIssuer } from '../../../src/roles/issuer/role.ts';
import { ReceiverClient } from '../../../src/roles/receiver/client.ts';
import { identityKeys as receiverKeys } from '../../../src/roles/receiver/keys.ts';
import { openReceiver } from '../../../src/roles/receiver/role.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { seededBytes, sourceOf } from '../../identity/support.ts';
import { memoryRoleStore } from '../../store/memory-backend.ts';
import type { Ground } from '../ground.ts';
import { LedgerDisk, openMemoryLedger } from '../memory-ledger.ts';
import { callOver, type Opened } from '../roles.ts';
import { type Fates, type OpenLife, Process } from './process.ts';

export const EUR = 978;
export const UNIT = 'eur';
const CAPITAL = 100_000n;
const AMOUNTS = 12;
/** Of deposits to one device: more than there is. */
const BALANCE_MAX = 10_000_000n;
const HOUR_NS = 3_600_000_000_000n;

const sources = {
  cash: sourceOf('cash'),
  issuer: sourceOf('issuer'),
  receiver: sourceOf('receiver'),
};
const seedOf = (name: string): Uint8Array => Uint8Array.from(sha256(new TextEncoder().encode(name)));

/** A shop's enrolment: two gateways and a counter have one. */
export interface Merchant {
  readonly name: string;
  readonly shop: bigint;
  readonly signing: KeyPair;
  readonly peer: Peer;
  /** Put into its exchange account before anything else happens. */
  readonly float: bigint;
}

function merchant(name: string, place: number, float: bigint): Merchant {
  const signing = generateKeyPair('signing', seededBytes(900 + place));
  const shop = (5n << 64n) + BigInt(place);
  const peer: Peer = {
    ...{ kind: 'shop', shop, signingKey: signing.publicKey, channelKey: seedOf(`channel of ${name}`) },
    ...{ serial: 1n, notAfter: 2n ** 63n },
  };
  return { name, shop, signing, peer, float };
}

export interface GatewayPlan {
  readonly name: string;
  readonly terms: GatewayTerms;
  readonly float: bigint;
}

/** The two sides of a gateway as they are reached, and the gateway itself for those who run it. */
export interface OpenGateway {
  readonly gateway: Gateway;
  readonly lan: Opened;
  readonly wan: Opened;
}

export interface GatewayParty extends GatewayPlan {
  readonly merchant: Merchant;
  readonly process: Process<OpenGateway>;
  readonly sealing: KeyPair;
  /** Its channel key, pinned by terminals. */
  readonly key: Uint8Array;
}

export interface SystemOptions {
  readonly ground: Ground;
  readonly fates: Fates;
  readonly crypto: NoteCrypto;
  readonly gateways: readonly GatewayPlan[];
}

export class System {
  readonly ground: Ground;
  readonly crypto: NoteCrypto;
  readonly cash: Process<Opened>;
  readonly issuer: Process<Opened>;
  readonly receiver: Process<Opened>;
  readonly gateways: readonly GatewayParty[];
  readonly counter: Merchant;
  readonly wideKeysetIds: readonly string[];
  readonly ledger = new LedgerDisk();
  /** What roles and gateways have logged as errors. */
  readonly errors: string[] = [];
  /** What must never happen. */
  readonly faults: string[] = [];
  readonly #fates: Fates;

  constructor({ ground, fates, crypto, gateways }: SystemOptions) {
    this.ground = ground;
    this.crypto = crypto;
    this.#fates = fates;
    const keysets = MintKeysets.generate({
      seeds: [{ number: 1, seed: seedOf('wide notes') }],
      units: [{ unit: UNIT, organisation: '' }],
      amounts: AMOUNTS,
      crypto,
    });
    this.wideKeysetIds = keysets.all.map(({ id }) => id);
    const batch = {
      sign: async (items: Parameters<NoteCrypto['sign']>[0]) => crypto.sign(items),
      verify: async (items: Parameters<NoteCrypto['verify']>[0]) => crypto.verify(items),
      hashToCurve: crypto.hashToCurve,
    };
    const units = new WideUnits([EUR]);
    this.counter = merchant('counter', 1, 0n);
    this.cash = this.#process(
      'cash',
      (life, disk) => this.#openCash(life, disk),
      (isFlushed) => this.ledger.crash(isFlushed),
    );
    this.issuer = this.#process('issuer', (life, disk) => {
      const me: Peer = { kind: 'role', role: 'issuer', keyId: new Uint8Array(8) };
      const cash = new CashClient(this.#transport('issuer', 'cash', me, life.isAlive));
      const receiver = new ReceiverClient(this.#transport('issuer', 'receiver', me, life.isAlive));
      return openIssuer({
        ...this.#shared('issuer', life),
        store: memoryRoleStore(disk, { afterTurn: life.afterTurn }),
        ...{ cash, keysets, units, noteCrypto: batch },
        receiver: { mintCall: (call) => receiver.mintCall(call) },
        keys: issuerKeys(sources.issuer),
        randomBytes: ground.bytes,
        registry: new Registry(),
      });
    });
    this.receiver = this.#process('receiver', (life, disk) => {
      const me: Peer = { kind: 'role', role: 'receiver', keyId: new Uint8Array(8) };
      const cash = new CashClient(this.#transport('receiver', 'cash', me, life.isAlive));
      const issuer = new IssuerClient(this.#transport('receiver', 'issuer', me, life.isAlive));
      return openReceiver({
        ...this.#shared('receiver', life),
        store: memoryRoleStore(disk, { afterTurn: life.afterTurn }),
        ...{ cash, keysets, units, noteCrypto: batch },
        issuer: { mintCall: (call) => issuer.mintCall(call) },
        keys: receiverKeys(sources.receiver),
        randomBytes: ground.bytes,
        registry: new Registry(),
      });
    });
    this.gateways = gateways.map((plan, i) => {
      const party = merchant(plan.name, 2 + i, plan.float);
      const sealing = generateKeyPair('sealing', seededBytes(950 + i));
      const process = this.#process(plan.name, (life, disk) =>
        this.#openGateway(plan, party, sealing, keysets, life, disk),
      );
      return { ...plan, merchant: party, process, sealing, key: seedOf(`channel of ${plan.name}`) };
    });
  }

  #process<Of>(
    name: string,
    open: ConstructorParameters<typeof Process<Of>>[0]['open'],
    onCrash?: (isFlushed: boolean) => void,
  ): Process<Of> {
    return new Process<Of>({
      ...{ name, ground: this.ground, fates: this.#fates, open },
      ...(onCrash && { onCrash }),
      onFault: (fault) => this.faults.push(fault),
    });
  }

  get processes(): readonly Process<unknown>[] {
    return [this.cash, this.issuer, this.receiver, ...this.gateways.map(({ process }) => process)];
  }

  /** Requests that are not over; undefined: somebody is not up. */
  get underWay(): number | undefined {
    const counts = [this.issuer, this.receiver].map(
      ({ opened }) => opened?.engine.health().detail.openRequests as number | undefined,
    );
    if (this.cash.opened === undefined) return undefined;
    const gateways = this.gateways.map(({ process }) => process.opened?.gateway.status().underWay);
    return [...counts, ...gateways].reduce(
      (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
      0,
    );
  }

  /** Brings all up, opens the accounts and puts in what the gateways begin with. */
  async begin(
    devices: readonly { readonly device: bigint; readonly signingKey: Uint8Array }[],
  ): Promise<void> {
    for (const process of this.processes) process.start();
    const management: Peer = { kind: 'role', role: 'management', keyId: new Uint8Array(8) };
    const cash = new CashClient(this.#transport('management', 'cash', management, () => true));
    for (const { device, signingKey } of devices)
      await this.insist(() => cash.openAccount({ device, signingKey, currency: EUR }));
    for (const { shop, signing } of this.merchants)
      await this.insist(() => cash.openShop({ shop, signingKey: signing.publicKey, currency: EUR }));
    const capital = this.merchants.map(({ shop, float }, i) => ({
      ...{ id: BigInt(i + 1), debitAccountId: systemAccountId('float', EUR), creditAccountId: shop },
      ...{ amount: float === 0n ? CAPITAL : float, ledger: EUR, code: TransferCode.load },
    }));
    const life = this.ground.life(() => true);
    const books = openMemoryLedger(this.ledger, this.ground.clockOf('cash'), life, () => 1);
    const results = await books.createTransfers(capital);
    if (results.some(({ status }) => status !== 'created'))
      throw new Error('expected the capital to be paid in');
    for (const merchant of this.merchants) {
      if (merchant.float === 0n) continue;
      const document: NoteOrder = {
        ...{ request: this.newId(), shop: merchant.shop, action: 'fund', source: 'exchange' },
        ...{ amount: merchant.float, currency: EUR, reference: new Uint8Array(32) },
        applyBy: this.ground.clockOf('operator')() + HOUR_NS,
      };
      const order = { document, signature: signed(merchant, document) };
      const issuer = this.issuerAs(merchant.name, merchant.peer, () => true);
      for (let isFunded = false; !isFunded; ) {
        const answer = await this.insist(() => issuer.moveFunds({ order }));
        if (answer.kind === 'rejected') throw new Error(`expected ${merchant.name} to be funded`);
        isFunded = answer.kind !== 'pending';
      }
    }
  }

  get merchants(): readonly Merchant[] {
    return [this.counter, ...this.gateways.map(({ merchant: of }) => of)];
  }

  newId(): bigint {
    return BigInt(`0x${Buffer.from(this.ground.bytes(15)).toString('hex')}`) | 1n;
  }

  /** The same again until there is an answer. */
  async insist<Answer>(
    ask: () => Promise<
      | { readonly kind: 'ok'; readonly answer: Answer }
      | { readonly kind: 'refused'; readonly refusal: { readonly code: string; readonly message: string } }
      | { readonly kind: 'unknown' }
    >,
  ): Promise<Answer> {
    for (;;) {
      const result = await ask();
      if (result.kind === 'ok') return result.answer;
      if (result.kind === 'refused') throw new Error(`${result.refusal.code}: ${result.refusal.message}`);
      await this.ground.pause(500);
    }
  }

  // ---- Channels

  issuerAs(from: string, peer: Peer, isAlive: () => boolean): IssuerClient {
    return new IssuerClient(this.#transport(from, 'issuer', peer, isAlive));
  }

  receiverAs(from: string, peer: Peer, isAlive: () => boolean): ReceiverClient {
    return new ReceiverClient(this.#transport(from, 'receiver', peer, isAlive));
  }

  /** Over the codecs, as a transport: whoever calls brings its own client. */
  toReceiver(from: string, peer: Peer, isAlive: () => boolean) {
    return this.#transport(from, 'receiver', peer, isAlive);
  }

  toGateway(from: string, to: GatewayParty, side: Side, channelKey: Uint8Array, isAlive: () => boolean) {
    const { process } = to;
    const place = {
      get opened(): Opened | undefined {
        return process.opened?.[side];
      },
    };
    return callOver(this.ground, from, to.name, place, { kind: 'unenrolled', channelKey }, isAlive);
  }

  #transport(from: string, to: 'cash' | 'issuer' | 'receiver', peer: Peer, isAlive: () => boolean) {
    return callOver(this.ground, from, to, this[to], peer, isAlive);
  }

  // ---- The roles

  #shared(name: string, life: OpenLife) {
    const { ground } = this;
    const log = (level: string) => (fields: object, message: string) => {
      if (!life.isAlive()) return;
      const text = `${name}: ${message} ${Object.values(fields).join(' ')}`;
      ground.note(name, `${level}: ${message}`);
      if (level === 'error') this.errors.push(text);
    };
    return {
      log: { info: () => {}, warn: log('warn'), error: log('error') },
      clock: ground.clockOf(name),
      setTimer: life.setTimer,
      afterTurn: life.afterTurn,
      random: () => ground.random.float(),
      trace: (point: string, id: bigint, state: string): void =>
        life.point(`${point} ${id.toString(16).slice(0, 8)} ${state}`),
    };
  }

  #openCash(life: OpenLife, disk: Process<Opened>['disk']) {
    const { ground } = this;
    const clock = ground.clockOf('cash');
    const flushMs = (): number => {
      life.point('journal');
      return 0.5 + 4 * ground.random.float();
    };
    return openCash({
      ...this.#shared('cash', life),
      store: memoryRoleStore(disk, { afterTurn: life.afterTurn }),
      ledger: openMemoryLedger(this.ledger, clock, life, flushMs),
      identity: cashIdentity(sources.cash, clock),
      currencies: [{ currency: EUR, balanceMax: amountOf(BALANCE_MAX) }],
    });
  }

  #openGateway(
    { name, terms }: GatewayPlan,
    party: Merchant,
    sealing: KeyPair,
    wide: MintKeysets,
    life: OpenLife,
    disk: Process<Opened>['disk'],
  ): OpenGateway {
    const clock = this.ground.clockOf(name);
    const { directory } = sources.receiver.current();
    const identity: GatewayIdentity = {
      shop: party.shop,
      sign: (message) => ed25519.sign(party.signing.secretKey, message),
      verificationKey: (role, keyId) => directory.verificationKey(role, keyId, clock()),
      receiverSealingKey: () => directory.currentKeySet('receiver', clock()).keys.sealing,
      missed: () => {},
    };
    const gateway = new Gateway({
      ...this.#shared(name, life),
      ...{ terms, identity, crypto: this.crypto, amounts: AMOUNTS },
      store: memoryRoleStore(disk, { afterTurn: life.afterTurn }),
      seeds: [{ number: 1, seed: seedOf(`local notes of ${name}`) }],
      sealingKeys: [sealing],
      issuer: this.issuerAs(name, party.peer, life.isAlive),
      receiver: this.receiverAs(name, party.peer, life.isAlive),
      wideKeysets: { active: () => wide.active(UNIT), find: (id) => wide.get(id) },
      randomBytes: this.ground.bytes,
      lanRegistry: new Registry(),
      wanRegistry: new Registry(),
    });
    return { gateway, lan: { engine: gateway.lan }, wan: { engine: gateway.wan } };
  }
}

export const signed = ({ signing }: Merchant, document: NoteOrder): Uint8Array =>
  ed25519.sign(signing.secretKey, NoteOrder.signedBytes(document));

export const exchangeAccount = ({ shop }: Merchant): bigint => exchangeAccountId(shop, EUR);
export const NOTES_ACCOUNT = systemAccountId('notes', EUR);
