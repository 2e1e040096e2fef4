// One copy of a wallet: its disk, its sessions with others, what it brings to management. A clone is another copy of the same
// device, whose disk was the first one's at some moment. The owner is a script; what is written and signed is the wallet's own code.
//
//     disks, one a purse ─┬─ sessions: payPeer, askPeer ◀─ link that is cut, repeats, loses ─▶ another pocket
//                         └─ reports, proofs, closings, block list ─▶ management
import { ed25519, hpke } from '../../../src/crypto/index.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import { FraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import type { SignedPaymentReceipt } from '../../../src/roles/documents/payment-receipts.ts';
import { PurseClosing, type SignedPurseOpening } from '../../../src/roles/documents/purse.ts';
import type { ReportedTransfer } from '../../../src/roles/documents/transfer.ts';
import { type ManagementClient, managementClient } from '../../../src/roles/management/client.ts';
import { idGenerator } from '../../../src/shared/id.ts';
import type { Put, WalletCrypto, WalletStorage } from '../../../src/wallet/core/ports.ts';
import type { Keys } from '../../../src/wallet/core/secrets.ts';
import { Trust } from '../../../src/wallet/core/trust.ts';
import { nodeCrypto } from '../../../src/wallet/node/crypto.ts';
import { PeerError } from '../../../src/wallet/peer/errors.ts';
import type { OwnPurse, PeerEvent, PeerParty } from '../../../src/wallet/peer/ledger.ts';
import { askPeer } from '../../../src/wallet/peer/payee.ts';
import { payPeer } from '../../../src/wallet/peer/payer.ts';
import { handoverOf, type SentPayment } from '../../../src/wallet/peer/records.ts';
import { directory } from '../../identity/support.ts';
import { memoryPair, type Pair, type Piece } from '../../wallet/peer/memory-link.ts';
import { StoredLedger } from '../../wallet/peer/stored-ledger.ts';
import { ROOT_FINGERPRINT } from '../../wallet/support.ts';
import { type Ground, type Life, link } from '../ground.ts';
import { EUR, type Roles } from '../roles.ts';
import { WalletDisk } from '../wallets.ts';
import type { Device } from './device.ts';
import type { Evidence } from './evidence.ts';

const trust = Trust.of(directory().bytes(), ROOT_FINGERPRINT, nodeCrypto);
const HOUR_MS = 3_600_000;
const MINUTE_NS = 60_000_000_000n;
const ATTEMPTS = 12;
/** Calls of one frame. */
const REPORTS_AT_ONCE = 8;
/** Share of what has a final answer that is reported again. */
const AGAIN = 0.1;

/** Numbers that clones have agreed on, so that none is used twice: their totals still contradict each other. */
export interface SharedNumbers {
  last: bigint;
}

class SlyLedger extends StoredLedger {
  readonly #numbers: SharedNumbers;

  constructor(storage: WalletStorage, numbers: SharedNumbers) {
    super(storage);
    this.#numbers = numbers;
  }

  override async spent() {
    const { sequence, total } = await super.spent();
    return { sequence: sequence > this.#numbers.last ? sequence : this.#numbers.last, total };
  }

  override async prepare(payment: SentPayment): Promise<void> {
    await super.prepare(payment);
    this.#numbers.last = handoverOf(payment.message).sequence;
  }
}

/** A purse in one pocket. */
export interface OwnedPurse {
  readonly own: OwnPurse;
  readonly disk: WalletDisk;
  readonly numbers: SharedNumbers | undefined;
  /** Of cash: payments lean on them instead of on orders. */
  readonly receipts: Map<bigint, SignedPaymentReceipt>;
  /** No payment leaves or comes from then on. */
  isClosing: boolean;
  isClosed: boolean;
}

export interface Habits {
  /** Between two things that it does, at most. */
  readonly pauseMaxMs: number;
  /** Shares of what it does. */
  readonly pays: number;
  readonly reports: number;
  readonly closes: number;
  readonly sleeps: number;
}

export class Pocket {
  readonly name: string;
  readonly device: Device;
  readonly purses: OwnedPurse[];
  readonly habits: Habits;
  readonly blocked = new Set<bigint>();
  readonly #ground: Ground;
  readonly #roles: Roles;
  readonly #evidence: Evidence;
  readonly #newId: () => bigint;
  readonly #crypto: WalletCrypto;
  /** Payments with a final answer. */
  readonly #finals = new Set<string>();
  #serial = 0n;
  #life = 0;
  #lifeNow: Life | undefined;
  #session: Pair | undefined;
  #isBusy = false;
  #opening: { readonly opening: SignedPurseOpening; readonly keys: Keys } | undefined;
  crashChance = 0;
  crashes = 0;
  /** Stolen, thrown away, asleep for good: it does nothing any more. */
  isGone = false;
  isOver = false;
  /** Whom it may meet. */
  others: () => readonly Pocket[] = () => [];

  constructor(
    name: string,
    device: Device,
    purses: readonly OwnedPurse[],
    habits: Habits,
    { ground, roles, evidence }: { ground: Ground; roles: Roles; evidence: Evidence },
  ) {
    this.name = name;
    this.device = device;
    this.purses = [...purses];
    this.habits = habits;
    this.#ground = ground;
    this.#roles = roles;
    this.#evidence = evidence;
    this.#newId = idGenerator({
      now: () => Number(this.#now() / 1_000_000n),
      random: (bytes) => bytes.set(ground.bytes(bytes.length)),
    });
    this.#crypto = {
      ...nodeCrypto,
      randomBytes: ground.bytes,
      seal: ({ publicKey, info, aad, plaintext }) => {
        const { enc, ciphertext } = hpke.seal({
          ...{ recipientPublicKey: publicKey, info, aad, plaintext, randomBytes: ground.bytes },
        });
        return { encapsulatedKey: enc, ciphertext };
      },
    };
  }

  /** The same device with a copy of all that is on the disk. */
  clone(name: string, isSly: boolean): Pocket {
    for (const [i, purse] of this.purses.entries()) {
      if (isSly && purse.numbers === undefined && purse === this.current)
        this.purses[i] = { ...purse, numbers: { last: 0n } };
    }
    const copies = this.purses.map((purse) => {
      const disk = new WalletDisk();
      for (const [key, value] of purse.disk.records) disk.records.set(key, value);
      return { ...purse, disk, receipts: new Map(purse.receipts) };
    });
    const parts = { ground: this.#ground, roles: this.#roles, evidence: this.#evidence };
    const copy = new Pocket(name, this.device, copies, this.habits, parts);
    for (const purse of this.blocked) copy.blocked.add(purse);
    copy.crashChance = this.crashChance;
    copy.others = this.others;
    this.#evidence.pockets.push(copy);
    return copy;
  }

  /** That others may pay, and that it pays with. */
  get current(): OwnedPurse | undefined {
    const last = this.purses.at(-1);
    return last === undefined || last.isClosing || last.isClosed ? undefined : last;
  }

  get isFree(): boolean {
    return !this.isGone && !this.#isBusy && this.#lifeNow !== undefined && this.current !== undefined;
  }

  #now(): bigint {
    return this.#ground.clockOf(this.name)();
  }

  start(): void {
    const number = ++this.#life;
    const life = this.#ground.life(() => this.#life === number);
    this.#lifeNow = life;
    void this.#live(life).catch((error: unknown) => {
      if (life.isAlive()) this.#evidence.fault(`${this.name}: ${(error as Error).stack}`);
    });
  }

  crash(): void {
    this.stop();
    this.crashes++;
    this.#ground.note(this.name, 'crashes');
    const isFlushed = this.#ground.random.chance(0.5);
    for (const { disk } of this.purses) {
      if (isFlushed) disk.pending?.();
      disk.pending = undefined;
    }
    this.#ground.world.setTimer(() => this.isGone || this.start(), 50 + 60_000 * this.#ground.random.float());
  }

  stop(): void {
    this.#life++;
    this.#lifeNow = undefined;
    this.#session?.cut();
    this.#session = undefined;
    this.#isBusy = false;
  }

  async #live(life: Life): Promise<void> {
    const { random } = this.#ground;
    while (life.isAlive() && !this.isOver) {
      await this.#pause(life, this.habits.pauseMaxMs * random.float());
      if (this.isOver || this.#isBusy) continue;
      await this.#act(life);
    }
  }

  async #act(life: Life): Promise<void> {
    const { random } = this.#ground;
    const { pays, reports, closes, sleeps } = this.habits;
    if (this.#opening !== undefined || this.#needsPurse()) return this.#open(life);
    if (this.#isExpired() && random.chance(0.3)) return this.#close(life);
    let choice = random.float();
    const chosen = (share: number): boolean => {
      choice -= share;
      return choice < 0;
    };
    if (chosen(pays)) return this.#pay(life);
    if (chosen(reports)) return this.#reportSome(life);
    if (chosen(closes)) return this.#close(life);
    if (chosen(sleeps)) return this.#pause(life, (8 + 40 * random.float()) * HOUR_MS);
    await this.#bringProofs(life);
    return this.#fetchBlockList(life);
  }

  // ── from pocket to pocket ────────────────────────────────────────────────────────────────────────────────────────────

  async #pay(life: Life): Promise<void> {
    const { random, weather, cuts } = this.#ground;
    const purse = this.current;
    const free = this.others().filter((one) => one.device !== this.device && one.isFree);
    if (purse === undefined || free.length === 0) return;
    // Rather one that it has a payment in doubt with.
    const doubts = free.filter(({ current }) => isInDoubt(purse, current!));
    const other = random.pick(doubts.length > 0 && random.chance(0.6) ? doubts : free);
    if (cuts.has(link(this.name, other.name))) return;
    const has = await this.#has(purse);
    // Whoever has nothing seldom tries, and now and then somebody tries to give more than there is.
    if (has <= 0n && random.chance(0.9)) return;
    const most = Number(has > 0n ? has / random.pick([1n, 2n, 5n]) : 0n) + random.pick([1, 1, 1, 40]);
    const amount = 1n + BigInt(random.below(most));
    const isBad = weather.delayMaxMs > 3;
    const pieceBytesMax = random.pick([250, 2_000, 32_768]);
    const pair = memoryPair({
      pieceBytesMax,
      clock: { now: () => 0n, setTimer: this.#ground.world.setTimer },
      delayMs: 5 + 50 * random.float(),
      ...(isBad && random.chance(0.3) && { cutAfter: random.below(pieceBytesMax === 250 ? 24 : 9) }),
      ...(isBad && random.chance(0.15) && { meddle: (piece: Piece) => this.#meddled(piece) }),
    });
    const isNamed = random.chance(0.5);
    void other.#ask(pair, isNamed ? amount : undefined);
    await this.#hold(life, purse, pair, async (party) => {
      this.#ground.note(this.name, `meets ${other.name}`);
      await payPeer(pair.payer, party, {
        payee: {},
        decide: ({ amount: asked, resumed }) => {
          // What was in doubt may be what is asked for.
          if (resumed.length > 0 && random.chance(0.5)) return undefined;
          if (random.chance(0.05)) return undefined;
          return { amount: asked ?? amount };
        },
      });
    });
  }

  async #ask(pair: Pair, amount: bigint | undefined): Promise<void> {
    const life = this.#lifeNow;
    const purse = this.current;
    if (life === undefined || purse === undefined) return pair.cut();
    await this.#hold(life, purse, pair, async (party) => {
      await askPeer(pair.payee, party, { amount });
    });
  }

  async #hold(
    life: Life,
    purse: OwnedPurse,
    pair: Pair,
    hold: (party: PeerParty) => Promise<void>,
  ): Promise<void> {
    this.#isBusy = true;
    this.#session = pair;
    try {
      await hold(this.#party(life, purse));
    } catch (error) {
      // Clones that agree on numbers may be in each other's way.
      if (!(error instanceof PeerError) && purse.numbers !== undefined) return;
      if (!(error instanceof PeerError)) throw error;
      if (life.isAlive()) this.#ground.note(this.name, `is told ${error.code} ${error.refusal?.code ?? ''}`);
      this.#evidence.told(`${error.code} ${error.refusal?.code ?? ''}`);
    } finally {
      if (life.isAlive()) {
        this.#isBusy = false;
        this.#session = undefined;
      }
    }
  }

  #meddled({ bytes }: Piece): Uint8Array[] {
    const { random } = this.#ground;
    const choice = random.float();
    if (choice < 0.03) return [];
    if (choice < 0.06) return [bytes, bytes];
    if (choice < 0.09) {
      const changed = Uint8Array.from(bytes);
      changed[random.below(changed.length)]! ^= 1 << random.below(8);
      return [changed];
    }
    return [bytes];
  }

  /** By its own books. */
  async #has({ own, disk, receipts }: OwnedPurse): Promise<bigint> {
    const ledger = new StoredLedger(disk);
    for (const [request, receipt] of receipts) ledger.settled.set(request, receipt);
    const { total } = await ledger.spent();
    return own.allowance.document.amount + (await ledger.added()) - total;
  }

  #ledger({ disk, receipts, numbers }: OwnedPurse, life: Life): StoredLedger {
    const storage: WalletStorage = {
      read: (key) => disk.read(key),
      list: (prefix) => disk.list(prefix),
      write: (batch) => this.#write(disk, batch, life),
    };
    const ledger = numbers === undefined ? new StoredLedger(storage) : new SlyLedger(storage, numbers);
    for (const [request, receipt] of receipts) ledger.settled.set(request, receipt);
    return ledger;
  }

  #write(disk: WalletDisk, batch: readonly Put[], life: Life): Promise<void> {
    return new Promise((resolve) => {
      if (!life.isAlive()) return;
      disk.pending = () => disk.apply(batch);
      life.setTimer(
        () => {
          disk.apply(batch);
          disk.pending = undefined;
          resolve();
          this.#fate(life);
        },
        0.2 + 20 * this.#ground.random.float(),
      );
    });
  }

  #fate(life: Life): void {
    if (life.isAlive() && this.#ground.random.chance(this.crashChance)) this.crash();
  }

  #party(life: Life, purse: OwnedPurse): PeerParty {
    const now = this.#ground.clockOf(this.name);
    return {
      purse: purse.own,
      ledger: this.#ledger(purse, life),
      trust,
      isBlocked: (number) => this.blocked.has(number),
      crypto: this.#crypto,
      clock: { now, setTimer: life.setTimer },
      newId: this.#newId,
      onEvent: (event: PeerEvent) => {
        if (!life.isAlive()) return;
        this.#ground.note(
          this.name,
          JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? value.toString(16) : value)),
        );
        if (event.type === 'received' && !event.again)
          this.#evidence.taken.push({
            pocket: this.name,
            request: event.request,
            at: now(),
            blocked: new Set(this.blocked),
          });
        if (event.type === 'received') this.#evidence.told(event.again ? 'received again' : 'received');
        if (event.type === 'refused') this.#evidence.told(`refusal ${event.refusal.code}`);
        this.#fate(life);
      },
    };
  }

  // ── with management ──────────────────────────────────────────────────────────────────────────────────────────────────

  #client(life: Life): ManagementClient {
    const { transport } = this.#roles;
    return managementClient(
      transport.call(this.#roles, this.name, 'management', this.device.peer, life.isAlive),
    );
  }

  /** Until there is a definite answer, or patience ends. */
  async #asked<Answer>(
    life: Life,
    call: () => Promise<CallResult<Answer, string>>,
    isOpen: (answer: Answer) => boolean = () => false,
  ): Promise<CallResult<Answer, string> | undefined> {
    for (let attempt = 0; attempt < ATTEMPTS && life.isAlive(); attempt++) {
      const result = await call();
      if (result.kind === 'refused') return result;
      if (result.kind === 'ok' && !isOpen(result.answer)) return result;
      await this.#pause(life, 500 + 3_000 * this.#ground.random.float());
    }
    return undefined;
  }

  #needsPurse(): boolean {
    const last = this.purses.at(-1);
    if (this.device.owner !== this) return false;
    return last === undefined || last.isClosed || this.#now() >= last.own.allowance.document.reportBy;
  }

  #isExpired(): boolean {
    const last = this.purses.at(-1);
    return last !== undefined && !last.isClosed && this.#now() >= last.own.allowance.document.expiresAt;
  }

  async #open(life: Life): Promise<void> {
    const client = this.#client(life);
    if (this.#opening === undefined) {
      const balance = await this.#asked(life, () => client.getBalance({ currency: EUR }));
      if (balance?.kind !== 'ok') return;
      const most =
        balance.answer.balance < this.device.allowanceMax ? balance.answer.balance : this.device.allowanceMax;
      const amount = this.#ground.random.chance(0.25)
        ? 0n
        : BigInt(this.#ground.random.below(Number(most) + 1));
      const keys = this.device.newKeys();
      this.#opening = {
        keys,
        opening: this.device.opening(this.#newId(), keys, amount, this.#now() + 10n * MINUTE_NS),
      };
    }
    const { opening, keys } = this.#opening;
    const result = await this.#asked(
      life,
      () => client.openPurse({ opening }),
      ({ kind }) => kind === 'pending',
    );
    if (result === undefined) return;
    this.#opening = undefined;
    const text =
      result.kind === 'ok' ? result.answer.kind : result.kind === 'refused' ? result.refusal.code : '';
    this.#ground.note(this.name, `opening: ${text}`);
    this.#evidence.told(
      `opening ${text} ${result.kind === 'ok' && result.answer.kind === 'rejected' ? result.answer.reason : ''}`,
    );
    if (result.kind !== 'ok' || result.answer.kind !== 'opened') return;
    const { certificate, allowance } = result.answer;
    const own: OwnPurse = { device: this.device.number, keys, certificate, allowance };
    this.#evidence.purses.push({
      ...allowance.document,
      device: this.device.number,
      opening: opening.document.request,
    });
    this.purses.push({
      own,
      disk: new WalletDisk(),
      numbers: undefined,
      receipts: new Map(),
      isClosing: false,
      isClosed: false,
    });
  }

  async #fetchBlockList(life: Life): Promise<void> {
    const client = this.#client(life);
    const purses = new Set<bigint>();
    let serial: bigint | undefined;
    for (let part = 0, parts = 1; part < parts; part++) {
      const result = await this.#asked(life, () => client.getBlockList({ serial: this.#serial, part }));
      if (result?.kind !== 'ok' || result.answer.list === undefined) return;
      const { document } = result.answer.list;
      if (serial !== undefined && document.serial !== serial) return;
      serial = document.serial;
      parts = document.parts;
      for (const purse of document.purses) purses.add(purse);
    }
    this.#serial = serial!;
    this.blocked.clear();
    for (const purse of purses) this.blocked.add(purse);
  }

  async #bringProofs(life: Life): Promise<void> {
    const client = this.#client(life);
    for (const { disk } of this.purses) {
      for (const { value } of await disk.list('proof/')) {
        const proof = FraudProof.decode(value);
        const result = await this.#asked(life, () => client.reportFraud({ proof }));
        if (result?.kind === 'refused' && result.refusal.code === 'fraud_unproven')
          this.#evidence.fault(`${this.name}: a proof that a wallet has found proves nothing`);
      }
    }
  }

  /** All that it could report. */
  async #transfers(): Promise<ReportedTransfer[]> {
    const found = new Map<string, ReportedTransfer>();
    const add = (transfer: ReportedTransfer): void => void found.set(nameOf(transfer.order), transfer);
    for (const { disk } of this.purses) {
      const ledger = new StoredLedger(disk);
      for (const { message } of [...(await ledger.sent()), ...(await ledger.allReceived())]) {
        add({ order: message.order, payer: message.payer });
        for (const element of message.funding) if (element.kind === 'transfer') add(element.transfer);
      }
    }
    return [...found.values()];
  }

  async #reportSome(life: Life): Promise<void> {
    const { random } = this.#ground;
    const all = await this.#transfers();
    const share = random.pick([0.2, 0.5, 1]);
    const some = shuffled(
      all.filter(() => random.chance(share)),
      random,
    );
    // Some come twice.
    const again = some.filter(() => random.chance(0.1));
    await this.#report(life, shuffled([...some, ...again], random));
  }

  /** What has a final answer is reported now and then only. @returns how many have none */
  async #report(life: Life, all: readonly ReportedTransfer[]): Promise<number> {
    const client = this.#client(life);
    const transfers = all.filter(
      ({ order }) => !this.#finals.has(nameOf(order)) || this.#ground.random.chance(AGAIN),
    );
    let open = 0;
    for (let at = 0; at < transfers.length; at += REPORTS_AT_ONCE) {
      const results = await Promise.all(
        transfers.slice(at, at + REPORTS_AT_ONCE).map(async (transfer) => {
          let result: Awaited<ReturnType<ManagementClient['reportTransfer']>> | undefined;
          await this.#asked(
            life,
            async () => {
              const report = this.#evidence.reporting(this.name, transfer.order);
              result = await client.reportTransfer({ transfer });
              if (result.kind === 'ok' && result.answer.kind === 'reported') report(result.answer.outcome);
              else if (result.kind === 'refused') this.#evidence.told(`report ${result.refusal.code}`);
              return result;
            },
            ({ kind }) => kind === 'pending',
          );
          return result;
        }),
      );
      for (const [i, result] of results.entries()) {
        const told =
          result?.kind === 'ok' && result.answer.kind === 'reported' ? result.answer.outcome : undefined;
        if (told?.outcome.kind === 'settled') this.#keep(told.outcome.receipt);
        if (told?.outcome.kind !== 'settled' && told?.outcome.kind !== 'rejected') open++;
        else this.#finals.add(nameOf(transfers[at + i]!.order));
      }
    }
    return open;
  }

  #keep(receipt: SignedPaymentReceipt): void {
    const { shop, request } = receipt.document;
    for (const { own, receipts } of this.purses)
      if (own.allowance.document.purse === shop) receipts.set(request, receipt);
  }

  async #close(life: Life): Promise<void> {
    const purse = this.purses.findLast(({ isClosed }) => !isClosed);
    if (purse === undefined || this.#isBusy) return;
    await this.closePurse(life, purse);
  }

  async closePurse(life: Life, purse: OwnedPurse): Promise<void> {
    const client = this.#client(life);
    await this.#report(life, await this.#transfers());
    if (!life.isAlive() || this.#isBusy) return;
    // From here on it pays nothing: what the closing says is all.
    purse.isClosing = true;
    const { sequence: lastSequence, total } = await new StoredLedger(purse.disk).spent();
    const document = { purse: purse.own.allowance.document.purse, lastSequence, total };
    const signature = ed25519.sign(purse.own.keys.signingSecret, PurseClosing.signedBytes(document));
    const note = this.#evidence.closing(document);
    const result = await this.#asked(
      life,
      () => client.closePurse({ closing: { document, signature } }),
      ({ kind }) => kind === 'pending',
    );
    const answer =
      result?.kind === 'ok' && result.answer.kind === 'answered' ? result.answer.answer : undefined;
    const text = answer?.kind ?? (result?.kind === 'refused' ? result.refusal.code : 'nothing');
    this.#ground.note(this.name, `closing: ${text}`);
    this.#evidence.told(`closing ${text}`);
    if (answer?.kind === 'closed') note(answer.released);
    if (answer?.kind === 'closed' || result?.kind === 'refused') purse.isClosed = true;
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Brings everything to management, again and again. */
  async bringAll(rounds: number): Promise<void> {
    const number = ++this.#life;
    const life = this.#ground.life(() => this.#life === number);
    this.#lifeNow = life;
    const { random } = this.#ground;
    for (let round = 0; round < rounds; round++) {
      if ((await this.#report(life, shuffled(await this.#transfers(), random))) === 0) break;
      await this.#pause(life, 60_000 * random.float());
    }
    await this.#bringProofs(life);
  }

  async closeAll(): Promise<void> {
    const life = this.#lifeNow!;
    for (const purse of this.purses) if (!purse.isClosed) await this.closePurse(life, purse);
  }

  #pause(life: Life, milliseconds: number): Promise<void> {
    return new Promise((resolve) => void life.setTimer(resolve, milliseconds));
  }
}

const nameOf = (order: Uint8Array): string => Buffer.from(order).toString('base64');

/** By the names that the test's ledger gives to what is in doubt. */
function isInDoubt({ disk }: OwnedPurse, { own }: OwnedPurse): boolean {
  const payee = own.allowance.document.purse.toString(16).padStart(32, '0').slice(8);
  return [...disk.records.keys()].some((key) => key.startsWith(`doubt/${payee}/`));
}

export function shuffled<T>(items: readonly T[], random: Ground['random']): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
