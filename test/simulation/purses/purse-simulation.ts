// One seed, some devices with purses, no server most of the time: they pay each other, are copied, lost, asleep, and come back.
//
//     seed ─▶ plan ─▶ enrolled ─▶ days of payments ────────▶ calm ─▶ all is reported ─▶ all purses end ─▶ late ones ─▶ audit
//                                 crashes, cuts, clones,             and closed
//                                 losses, wrong clocks

import { ed25519 } from '../../../src/crypto/index.ts';
import { DeviceOrder } from '../../../src/roles/documents/device-order.ts';
import { managementClient } from '../../../src/roles/management/client.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import { DAY, operatorKeys, START } from '../../identity/support.ts';
import { CALM, Ground, link } from '../ground.ts';
import { MemoryInstitution } from '../institution.ts';
import { AMOUNT_MAX, AMOUNT_MIN, BALANCE_MAX, OPERATOR, ROLE_NAMES, Roles } from '../roles.ts';
import { auditPurses, type Shown } from './auditor.ts';
import { Device } from './device.ts';
import { Evidence } from './evidence.ts';
import type { Habits, Party } from './party.ts';
import { Pocket, type PocketParts } from './pocket.ts';
import { WalletParty, type WalletPartyOptions } from './wallet-party.ts';

const CARD = '4000001000000000';
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const SECOND = 1_000_000_000n;
const MINUTE_NS = 60n * SECOND;
/** Reports of each pocket at the end: what others have brought meanwhile settles what waits. */
const ROUNDS = 4;

export interface PurseEnding {
  readonly seed: bigint;
  readonly problems: readonly string[];
  readonly digest: string;
  readonly events: number;
  readonly crashes: number;
  readonly virtualMs: number;
  readonly ends: ReadonlyMap<string, number>;
  readonly errors: readonly string[];
}

export async function simulatePurses(seed: bigint, print?: (line: string) => void): Promise<PurseEnding> {
  const simulation = new PurseSimulation(seed, print);
  return simulation.run();
}

class PurseSimulation {
  readonly #seed: bigint;
  readonly #ground: Ground;
  readonly #roles: Roles;
  readonly #evidence: Evidence;
  readonly #institution: MemoryInstitution;
  /** One of each device, and then the copies. */
  readonly #originals: Party[] = [];
  readonly #parties: Party[] = [];
  /** By an operator, by number. */
  readonly #stopped = new Set<bigint>();
  readonly #late = new Set<Party>();
  #isOver = false;

  constructor(seed: bigint, print: ((line: string) => void) | undefined) {
    this.#seed = seed;
    this.#ground = new Ground(seed, print, START + DAY);
    this.#evidence = new Evidence(this.#ground);
    this.#institution = new MemoryInstitution(this.#ground);
    this.#roles = new Roles(this.#ground, this.#institution);
    this.#roles.listener = this.#evidence.listen;
  }

  async run(): Promise<PurseEnding> {
    const { random, world } = this.#ground;
    const allowanceMax = random.pick([500n, 3_000n, 9_000n]);
    const validDays = random.pick([1, 2]);
    const reportDays = validDays + 2;
    const coverPercent = random.pick([0, 50, 100, 100, 200]);
    this.#roles.offline = { allowanceMax: amountOf(allowanceMax), validDays, reportDays, coverPercent };
    this.#roles.start();
    await this.#through(this.#enrol(allowanceMax));
    const daysMs = (0.5 + random.float()) * validDays * DAY_MS;
    this.#open();
    this.#faults();
    await this.#through(this.#ground.pause(daysMs));
    this.#calm();
    await this.#through(this.#bringAll(this.#parties.filter((one) => !one.isGone && !this.#late.has(one))));
    // All purses end, and once more when what was left has been tried again.
    await this.#through(this.#ground.pause(reportDays * DAY_MS + 2 * HOUR_MS));
    await this.#through(this.#bringAll([...this.#late].filter((one) => !one.isGone)));
    await this.#through(this.#ground.pause(2 * HOUR_MS));
    const books = this.#roles.processes.cash.ledger.books;
    const shown = await this.#through(this.#shown());
    const proofs = await this.#through(this.#proofs());
    const disks = this.#parties.flatMap((party) => party.disks());
    const problems = auditPurses({
      transfers: [...books.events()].map(({ transfer }) => transfer),
      balanceOf: (account) => {
        const [found] = books.lookupAccounts([account]);
        return (found?.creditsPosted ?? 0n) - (found?.debitsPosted ?? 0n);
      },
      evidence: this.#evidence,
      disks,
      devices: shown,
      coverPercent: BigInt(coverPercent),
      balanceMax: BALANCE_MAX,
    });
    problems.push(...proofs, ...this.#institution.faults);
    const state = ROLE_NAMES.flatMap((role) =>
      [...this.#roles.processes[role].disk.records].sort(([a], [b]) => (a < b ? -1 : 1)).flat(),
    );
    const crashes = [...ROLE_NAMES.map((role) => this.#roles.processes[role]), ...this.#parties];
    return {
      seed: this.#seed,
      problems,
      digest: this.#ground.digest([...state, books.stateBytes()]),
      events: this.#ground.events,
      crashes: crashes.reduce((sum, { crashes: count }) => sum + count, 0),
      virtualMs: world.nowMs,
      ends: this.#evidence.ends,
      errors: this.#roles.errors,
    };
  }

  async #enrol(allowanceMax: bigint): Promise<void> {
    const { random } = this.#ground;
    this.#institution.cards.set(CARD, { first: 1_000_000n, available: 1_000_000n });
    const pauseMaxMs = random.pick([0.7, 1.5, 3]) * HOUR_MS;
    // Of whole wallets; the others are pockets with the test's ledger.
    const share = random.pick([0, 0.5, 1]);
    const crashChance = random.pick([0, 0, 0.01, 0.03]);
    for (let i = 0; i < 3 + random.below(3); i++) {
      const habits: Habits = {
        ...{ pauseMaxMs, pays: 0.6, reports: random.pick([0, 0.05, 0.3]), closes: 0.04 },
        sleeps: random.pick([0, 0.02, 0.1]),
      };
      const load = random.chance(0.1)
        ? 0n
        : AMOUNT_MIN + BigInt(random.below(Number(AMOUNT_MAX - AMOUNT_MIN)));
      const parts = {
        ground: this.#ground,
        roles: this.#roles,
        evidence: this.#evidence,
        habits,
        allowanceMax,
      };
      const party = random.chance(share)
        ? await this.#wallet(`wallet ${i}`, { ...parts, card: CARD, load })
        : await this.#pocket(`pocket ${i}`, parts, load);
      party.others = () => this.#parties;
      this.#originals.push(party);
      if (random.chance(0.15)) this.#late.add(party);
    }
    this.#parties.push(...this.#originals);
    for (const party of this.#parties) party.crashChance = crashChance;
  }

  async #wallet(name: string, options: WalletPartyOptions): Promise<Party> {
    const wallet = new WalletParty(name, options);
    wallet.start();
    while (!wallet.isDone) await this.#ground.pause(1_000);
    return wallet;
  }

  async #pocket(name: string, parts: PocketParts, load: bigint): Promise<Party> {
    const device = new Device(name, parts.allowanceMax, this.#ground, this.#roles);
    await device.enrol(CARD, load);
    const pocket = new Pocket(name, device, [], parts);
    device.owner = pocket;
    return pocket;
  }

  #open(): void {
    const { random } = this.#ground;
    const isStorm = random.chance(0.75);
    this.#ground.weather = isStorm
      ? { drop: 0.25 * random.float(), repeat: 0.25 * random.float(), delayMaxMs: random.pick([5, 50, 600]) }
      : CALM;
    this.#roles.crashChance = random.pick([0, 0.003, 0.01, 0.02]);
    for (const party of this.#parties) if (party instanceof Pocket) party.start();
  }

  /** From time to time something goes wrong, until the calm. */
  #faults(): void {
    const { random, world } = this.#ground;
    const meanMs = random.pick([2, 6, 12]) * HOUR_MS;
    const mayCheat = random.chance(0.7);
    const again = (): void => void world.setTimer(next, 2 * meanMs * random.float());
    const next = (): void => {
      if (this.#isOver) return;
      again();
      const choice = random.float();
      if (choice < 0.2) this.#crashRole();
      else if (choice < 0.35) this.#cut();
      else if (choice < 0.45) this.#setClock();
      else if (choice < 0.55) void this.#lose();
      else if (choice < 0.85 && mayCheat) this.#clone();
      else this.#put();
    };
    again();
  }

  #crashRole(): void {
    const process = this.#roles.processes[this.#ground.random.pick(ROLE_NAMES)];
    if (process.opened !== undefined) process.crash();
  }

  #cut(): void {
    const { random, cuts, world } = this.#ground;
    const parties = [...ROLE_NAMES, ...this.#parties.map(({ name }) => name)];
    const cut = link(random.pick(parties), random.pick(parties));
    this.#ground.note('world', `cut: ${cut}`);
    cuts.add(cut);
    world.setTimer(() => void cuts.delete(cut), 12 * HOUR_MS * random.float());
  }

  #setClock(): void {
    const { random, offsets } = this.#ground;
    const party = random.pick([...ROLE_NAMES, ...this.#parties.map(({ name }) => name)]);
    const seconds = random.below(1_200) - 600;
    this.#ground.note('world', `the clock of ${party} is set to ${seconds} s off`);
    this.#ground.hadWrongClocks = true;
    offsets.set(party, BigInt(seconds) * SECOND);
  }

  /** Its owner misses it; whoever has it may go on paying. */
  async #lose(): Promise<void> {
    const { random } = this.#ground;
    const party = random.pick(this.#originals);
    const { number: device } = party.device;
    if (this.#stopped.has(device) || this.#stopped.size * 2 >= this.#originals.length) return;
    const kind = random.pick(['block', 'block', 'revoke'] as const);
    this.#ground.note('world', `${party.name} is lost: ${kind}`);
    this.#evidence.told(`lost, ${kind}`);
    this.#stopped.add(device);
    if (random.chance(0.5)) this.#drop(party);
    const request = BigInt(`0x${Buffer.from(this.#ground.bytes(15)).toString('hex')}`) | 1n;
    const applyBy = this.#ground.clockOf('operator')() + 40n * MINUTE_NS;
    const document: DeviceOrder = {
      ...{ request, operator: 'operator', device, action: { kind }, reason: 'lost', applyBy },
    };
    const signature = ed25519.sign(operatorKeys.signing.secretKey, DeviceOrder.signedBytes(document));
    const client = managementClient(this.#roles.transport('operator', 'management', OPERATOR, () => true));
    for (let attempt = 0; attempt < 100; attempt++) {
      const result = await client.deviceOrder({ order: { document, signature } });
      if (result.kind === 'ok' && result.answer.kind === 'done') return;
      if (result.kind === 'refused') {
        this.#evidence.told(`order refused ${result.refusal.code}`);
        this.#stopped.delete(device);
        return;
      }
      await this.#ground.pause(5_000);
    }
  }

  #drop(party: Party): void {
    this.#ground.note('world', `${party.name} is gone`);
    party.isGone = true;
    party.stop();
  }

  #clone(): void {
    const { random } = this.#ground;
    const candidates = this.#parties.filter(
      ({ isGone, purseNumber }) => !isGone && purseNumber !== undefined,
    );
    if (candidates.length === 0 || this.#parties.length >= 2 * this.#originals.length) return;
    const pocket = random.pick(candidates);
    const isSly = random.chance(0.4);
    const copy = pocket.clone(`${pocket.name}'`, isSly);
    this.#parties.push(copy);
    this.#ground.note('world', `${pocket.name} is copied${isSly ? ', and they agree on numbers' : ''}`);
    this.#evidence.told(isSly ? 'copied, sly' : 'copied');
    // A backup that the owner goes on with: the other copy is no more.
    if (random.chance(0.15)) this.#drop(pocket);
    if (random.chance(0.15)) this.#late.add(copy);
    copy.start();
  }

  /** A wallet that is put away without a word; it may turn up at the end. */
  #put(): void {
    const { random } = this.#ground;
    const pocket = random.pick(this.#parties);
    if (pocket.isGone || !random.chance(0.3)) return;
    if (random.chance(0.5)) this.#drop(pocket);
    else {
      pocket.stop();
      this.#late.add(pocket);
      this.#ground.note('world', `${pocket.name} sleeps till the end`);
    }
  }

  #calm(): void {
    this.#isOver = true;
    this.#ground.note('world', 'the faults are over');
    this.#ground.weather = CALM;
    this.#ground.cuts.clear();
    this.#ground.offsets.clear();
    this.#roles.crashChance = 0;
    for (const party of this.#parties) {
      party.isOver = true;
      party.crashChance = 0;
      if (!party.isGone) party.stop();
    }
  }

  async #bringAll(parties: readonly Party[]): Promise<void> {
    // Roles that have just crashed come back first.
    await this.#ground.pause(10 * MINUTE_MS);
    const { random } = this.#ground;
    // Who comes once only has what waits settled by what others bring.
    await Promise.all(parties.map((party) => party.bringAll(random.chance(0.4) ? 1 : ROUNDS)));
    await Promise.all(parties.filter(() => random.chance(0.7)).map((party) => party.closeAll()));
  }

  async #proofs(): Promise<string[]> {
    const wallets = this.#parties.filter((party) => party instanceof WalletParty && !party.isGone);
    const proofs = await Promise.all(wallets.map((wallet) => (wallet as WalletParty).proof()));
    const faults = this.#parties.flatMap((party) => (party instanceof WalletParty ? party.faults : []));
    return [...proofs.flat(), ...faults];
  }

  async #shown(): Promise<Shown[]> {
    const client = managementClient(this.#roles.transport('operator', 'management', OPERATOR, () => true));
    const listed = await client.listDevices({ after: undefined, limit: 100 });
    if (listed.kind !== 'ok') throw new Error('expected the devices, got no answer');
    return Promise.all(
      this.#originals.map(async ({ device }) => {
        const result = await client.deviceExposure({ device: device.number });
        if (result.kind !== 'ok') throw new Error(`expected what ${device.name} has, got ${result.kind}`);
        const { purses, frauds } = result.answer;
        const { blocked } = listed.answer.devices.find((one) => one.device === device.number)!;
        const { number, name, loaded } = device;
        return {
          device: number,
          name,
          loaded,
          isStopped: this.#stopped.has(number),
          isBlocked: blocked,
          frauds,
          purses,
        };
      }),
    );
  }

  /** Runs the world until it is done. */
  async #through<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    work.then(done, done);
    await this.#ground.world.runUntil(() => isDone, Number.POSITIVE_INFINITY);
    return work;
  }
}
