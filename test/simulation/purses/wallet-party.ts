// A whole wallet of the real core that takes part: its own purse book writes everything, its own code opens, reports and closes.
// Its owner is a script.
import { BlockList } from '../../../src/roles/documents/block-list.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import { TransportError, type Wallet, WalletError } from '../../../src/wallet/core/index.ts';
import { StoredDevice } from '../../../src/wallet/core/records.ts';
import { PeerError } from '../../../src/wallet/peer/errors.ts';
import type { PeerEvent } from '../../../src/wallet/peer/ledger.ts';
import { handoverOf } from '../../../src/wallet/peer/records.ts';
import { StoredPurse, StoredSent } from '../../../src/wallet/purse/records.ts';
import type { Pair } from '../../wallet/peer/memory-link.ts';
import { type Ground, type Life, link } from '../ground.ts';
import type { Roles } from '../roles.ts';
import { WalletProcess } from '../wallets.ts';
import type { PurseDisk } from './auditor.ts';
import type { Evidence } from './evidence.ts';
import { meeting } from './meeting.ts';
import type { Habits, Owner, Party } from './party.ts';

const HOUR_MS = 3_600_000;
const VALIDITY_MS = 600_000;
const PROOF_ATTEMPTS = 5;
const AWAKE_SECONDS_MAX = 600;

export interface WalletPartyOptions {
  readonly ground: Ground;
  readonly roles: Roles;
  readonly evidence: Evidence;
  readonly habits: Habits;
  readonly allowanceMax: bigint;
  readonly card: string;
  /** Loaded when it is enrolled; undefined: it is a copy. */
  readonly load: bigint | undefined;
}

export class WalletParty extends WalletProcess implements Party {
  readonly #with: WalletPartyOptions;
  #life = 0;
  #lifeNow: Life | undefined;
  #session: Pair | undefined;
  #isBusy = false;
  #isAsleep = false;
  #isOpen = false;
  /** Whether another copy of it was ever made: then what it knows may be less than all. */
  isCopied = false;
  isGone = false;
  isOver = false;
  others: () => readonly Party[] = () => [];

  constructor(name: string, options: WalletPartyOptions) {
    const { card, load, ground, roles } = options;
    const wishes = load === undefined || load === 0n ? [] : [{ kind: 'load' as const, amount: load, card }];
    super({ name, card: undefined, wishes, validityMs: VALIDITY_MS }, ground, roles, []);
    this.#with = options;
  }

  get name(): string {
    return this.plan.name;
  }

  get device(): Owner {
    const stored = this.disk.records.get('device');
    const number = stored === undefined ? 0n : StoredDevice.decode(stored).device;
    return { name: this.plan.name.replace(/'+$/, ''), number, loaded: this.#with.load ?? 0n };
  }

  get purseNumber(): bigint | undefined {
    return this.#purses().findLast(({ state }) => state.kind === 'open')?.issued?.allowance.document.purse;
  }

  get isFree(): boolean {
    return !this.isGone && !this.#isAsleep && !this.#isBusy && this.#isOpen && this.purseNumber !== undefined;
  }

  #purses(): StoredPurse[] {
    return [...this.disk.records]
      .filter(([key]) => key.startsWith('purse/'))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, value]) => StoredPurse.decode(value));
  }

  // ── its owner ────────────────────────────────────────────────────────────────────────────────────────────────────────

  override start(): void {
    if (this.isGone || this.#isAsleep) return;
    super.start();
    const number = ++this.#life;
    const life = this.#with.ground.life(() => this.#life === number);
    this.#lifeNow = life;
    if (!this.isOver)
      void this.#act(life).catch((error: unknown) => {
        if (life.isAlive()) this.#with.evidence.fault(`${this.name}: ${(error as Error).stack}`);
      });
  }

  override crash(): void {
    this.#life++;
    this.#lifeNow = undefined;
    this.#isOpen = false;
    this.#isBusy = false;
    this.#session?.cut();
    this.#session = undefined;
    super.crash();
  }

  stop(): void {
    this.#isAsleep = true;
    this.crash();
  }

  clone(name: string, _isSly: boolean): WalletParty {
    const copy = new WalletParty(name, { ...this.#with, load: undefined });
    for (const [key, value] of this.disk.records) copy.disk.records.set(key, value);
    this.isCopied = true;
    copy.isCopied = true;
    copy.crashChance = this.crashChance;
    copy.others = this.others;
    return copy;
  }

  async #act(life: Life): Promise<void> {
    const { random } = this.#with.ground;
    const { pauseMaxMs, pays, reports, closes, sleeps } = this.#with.habits;
    while (life.isAlive() && !this.isOver) {
      await this.#pause(life, pauseMaxMs * random.float());
      const { wallet } = this;
      if (wallet === undefined || !this.isDone || this.isOver) continue;
      this.#isOpen = true;
      const purse = this.#purses().at(-1);
      const now = this.#with.ground.clockOf(this.name)();
      const isOver = purse?.issued === undefined || now >= purse.issued.allowance.document.expiresAt;
      const isClosed = purse?.state.kind !== 'open' && purse?.state.kind !== 'closing';
      const choice = random.float();
      const isRefused = purse?.state.kind === 'refused' && random.chance(0.8);
      if (isRefused) continue;
      if (isClosed || (isOver && random.chance(0.5))) await this.#told(() => this.#reserve(wallet));
      else if (choice < pays) await this.#pay(wallet, life);
      else if (choice < pays + reports)
        await this.#told(() => wallet.reportTransfers({ patienceMs: this.#patienceMs() }));
      else if (choice < pays + reports + closes)
        await this.#told(() => wallet.closePurse({ patienceMs: this.#patienceMs() }));
      else if (choice < pays + reports + closes + sleeps)
        await this.#pause(life, (8 + 40 * random.float()) * HOUR_MS);
      else await this.#told(() => wallet.sync({ patienceMs: this.#patienceMs() }));
    }
  }

  async #reserve(wallet: Wallet): Promise<void> {
    const { ground, allowanceMax, evidence } = this.#with;
    const { available } = await wallet.balance({ online: false });
    const most = available < allowanceMax ? available : allowanceMax;
    const amount = ground.random.chance(0.25) ? 0n : BigInt(ground.random.below(Number(most) + 1));
    const { state } = await wallet.reserve({ amount: amountOf(amount), patienceMs: this.#patienceMs() });
    evidence.told(`wallet: opening ${state.kind}`);
  }

  async #pay(wallet: Wallet, life: Life): Promise<void> {
    const { ground } = this.#with;
    const { random, cuts } = ground;
    const free = this.others().filter((one) => one.device.number !== this.device.number && one.isFree);
    const purse = await wallet.purse();
    if (purse === undefined || this.#isBusy || free.length === 0) return;
    if (purse.left === 0n && random.chance(0.9)) return;
    const other = random.pick(free);
    if (cuts.has(link(this.name, other.name))) return;
    const most = Number(purse.left / random.pick([1n, 2n, 5n])) + random.pick([1, 1, 1, 40]);
    const amount = amountOf(1n + BigInt(random.below(most)));
    const pair = meeting(ground);
    const isNamed = random.chance(0.5);
    ground.note(this.name, `meets ${other.name}`);
    void other.ask(pair, isNamed ? amount : undefined);
    const confirm = (): boolean => !random.chance(0.05);
    await this.#hold(pair, life, (onEvent) =>
      wallet.send(pair.payer, { amount: isNamed ? undefined : amount, confirm, onEvent }),
    );
  }

  async ask(pair: Pair, amount: bigint | undefined): Promise<void> {
    const { wallet } = this;
    const life = this.#lifeNow;
    if (wallet === undefined || life === undefined) return pair.cut();
    await this.#hold(pair, life, (onEvent) =>
      wallet.receive(pair.payee, { onEvent, ...(amount !== undefined && { amount: amountOf(amount) }) }),
    );
  }

  async #hold(
    pair: Pair,
    life: Life,
    work: (onEvent: (event: PeerEvent) => void) => Promise<unknown>,
  ): Promise<void> {
    const { ground, evidence } = this.#with;
    this.#isBusy = true;
    this.#session = pair;
    const blocked = this.#blocked();
    await this.#told(() =>
      work((event) => {
        if (!life.isAlive()) return;
        const isBig = (value: unknown) => (typeof value === 'bigint' ? value.toString(16) : value);
        ground.note(
          this.name,
          JSON.stringify(event, (_, value) => isBig(value)),
        );
        if (event.type === 'received') {
          evidence.told(event.again ? 'wallet: received again' : 'wallet: received');
          const at = ground.clockOf(this.name)();
          if (!event.again) evidence.taken.push({ pocket: this.name, request: event.request, at, blocked });
        }
        if (event.type === 'refused') evidence.told(`wallet: refusal ${event.refusal.code}`);
      }),
    );
    if (!life.isAlive()) return;
    this.#isBusy = false;
    this.#session = undefined;
  }

  #blocked(): ReadonlySet<bigint> {
    const lists = [...this.disk.records].filter(([key]) => key.startsWith('blocked/'));
    return new Set(lists.flatMap(([, value]) => BlockList.signed.decode(value).document.purses));
  }

  /** What an owner is told is for him to understand; anything else is a fault. */
  async #told(call: () => Promise<unknown>): Promise<void> {
    const { ground, evidence } = this.#with;
    try {
      await call();
    } catch (error) {
      const isTold =
        error instanceof WalletError || error instanceof PeerError || error instanceof TransportError;
      if (!isTold) throw error;
      ground.note(this.name, `is told ${error.code}: ${error.message}`);
      evidence.told(`wallet: ${error.code}`);
      if (error.code === 'answer_invalid' && error instanceof WalletError && !ground.hadWrongClocks)
        evidence.fault(`${this.name}: ${error.message}`);
    }
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  async bringAll(rounds: number): Promise<void> {
    const wallet = await this.#awake();
    for (let round = 0; round < rounds; round++) {
      await this.#told(() => wallet.reportTransfers({ patienceMs: 60_000 }));
      if ((await wallet.transfers()).every(({ state }) => state === 'settled')) break;
      await this.#with.ground.pause(60_000 * this.#with.ground.random.float());
    }
  }

  async closeAll(): Promise<void> {
    const { wallet } = this;
    if (wallet === undefined) throw new Error(`${this.name}: expected a wallet, got none`);
    await this.#told(() => wallet.closePurse({ patienceMs: 60_000 }));
  }

  async #awake(): Promise<Wallet> {
    if (this.#isAsleep) {
      this.#isAsleep = false;
      this.start();
    }
    for (let seconds = 0; ; seconds++) {
      const { wallet } = this;
      // What it has begun may have to wait for others, or for the purse's end.
      if (wallet !== undefined && (this.isDone || seconds > AWAKE_SECONDS_MAX)) return wallet;
      await this.#with.ground.pause(1_000);
    }
  }

  /** What is wrong with its own books when all is over, and beside what cash has. */
  async proof(): Promise<string[]> {
    const wallet = await this.#awake();
    const { problems } = await wallet.verify();
    const found = problems.map((problem) => `${this.name}: ${problem}`);
    if (this.isCopied) return found;
    let said = '';
    for (let attempt = 0; attempt < PROOF_ATTEMPTS; attempt++) {
      await this.#told(() => wallet.sync({ patienceMs: 60_000 }));
      try {
        const { online } = await wallet.balance({ online: true });
        said = online?.verdict ?? 'nothing';
      } catch (error) {
        if (!(error instanceof WalletError)) throw error;
        // Of a device that is revoked.
        if (error.code === 'channel_refused' || error.code === 'refused') return found;
        said = error.code;
      }
      if (said === 'agrees') return found;
      await this.#with.ground.pause(60_000);
    }
    return [...found, `${this.name}: expected to agree with cash, got ${said}`];
  }

  disks(): PurseDisk[] {
    return this.#purses().flatMap(({ number, issued }) => {
      if (issued === undefined) return [];
      const own = number.toString(16).padStart(4, '0');
      const records = new Map<string, Uint8Array>();
      for (const [key, value] of this.disk.records) {
        const [kind, purse, rest] = key.split('/');
        if (kind === 'seen') records.set(key, value);
        if (purse !== own) continue;
        if (kind === 'got') records.set(`received/${rest}`, value);
        if (kind !== 'sent') continue;
        records.set(`sent/${rest}`, value);
        const { payment, receipt } = StoredSent.decode(value);
        if (receipt !== undefined)
          records.set(`receipt/${handoverOf(payment.message).request.toString(16)}`, value);
      }
      return [{ pocket: this.name, purse: issued.allowance.document.purse, records }];
    });
  }

  #patienceMs(): number {
    return 3_000 + 30_000 * this.#with.ground.random.float();
  }

  #pause(life: Life, milliseconds: number): Promise<void> {
    return new Promise((resolve) => void life.setTimer(resolve, milliseconds));
  }
}
