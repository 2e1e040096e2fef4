// Somebody with a terminal, on a LAN or on the WAN: the real terminal, on a disk that outlives it, and what is done with it.
//
//     withdraw ─ quote ─▶ counter          token ─▶ the other's inbox
//     send ─▶ address of the other side    receive, resume, deposit, restore from the phrase
import { feeFor } from '../../../src/gateway/terms.ts';
import { generateKeyPair } from '../../../src/identity/new-key-set.ts';
import { MintClient } from '../../../src/mint/client.ts';
import type { Note } from '../../../src/notes/note.ts';
import { DeterministicSecrets } from '../../../src/notes/secrets.ts';
import { encodeToken } from '../../../src/notes/token.ts';
import { RoleClient } from '../../../src/roles/common/role-client.ts';
import type { GatewayRefusal } from '../../../src/roles/gateway/errors.ts';
import {
  type GatewayOperations,
  gatewayProtocol,
  type Side,
  type TerminalAddress,
} from '../../../src/roles/gateway/messages.ts';
import { receiverProtocol } from '../../../src/roles/receiver/messages.ts';
import { TerminalError } from '../../../src/terminal/errors.ts';
import { channelSend } from '../../../src/terminal/node/mint-transport.ts';
import type { KnownGateway } from '../../../src/terminal/ports.ts';
import type { HistoryRecord } from '../../../src/terminal/records.ts';
import { Terminal } from '../../../src/terminal/terminal.ts';
import { memoryRoleStore } from '../../store/memory-backend.ts';
import type { Counter } from './counter.ts';
import { type Fates, type OpenLife, Process } from './process.ts';
import { EUR, type GatewayParty, type System } from './system.ts';

const DAY_MS = 86_400_000;
const TRIES_MAX = 100;

export interface Habits {
  readonly pauseMaxMs: number;
  /** Chance of being away for long before the next thing. */
  readonly sleeps: number;
  readonly sleepMaxMs: number;
  readonly restores: number;
}

export interface PersonOptions {
  readonly name: string;
  readonly side: Side;
  /** On the LAN the one; on the WAN all. */
  readonly gateways: readonly GatewayParty[];
  readonly system: System;
  readonly counter: Counter;
  readonly fates: Fates;
  readonly habits: Habits;
  readonly device: bigint;
  /** Where its notes can be paid to at cash. */
  readonly payee: string;
}

/** Of what a terminal has told. */
export interface Told {
  readonly event: string;
  readonly amount: bigint;
  readonly reference: bigint;
}

export class Person {
  readonly name: string;
  readonly side: Side;
  readonly device: bigint;
  readonly options: PersonOptions;
  readonly process: Process<Terminal>;
  readonly keys;
  readonly #seed: Uint8Array;
  others: () => readonly Person[] = () => [];
  /** Tokens on paper. */
  readonly inbox: string[] = [];
  isHonest = true;
  isOver = false;
  isOpen = false;
  /** What the twelve words have to bring back. */
  #toRestore: bigint | undefined;
  /** Of disks that are gone. */
  readonly #before: HistoryRecord[] = [];
  /** What has gone wrong, by kind. */
  readonly ends = new Map<string, number>();
  readonly faults: string[] = [];

  constructor(options: PersonOptions) {
    this.options = options;
    const { name, side, system, device, fates } = options;
    const { ground } = system;
    this.name = name;
    this.side = side;
    this.device = device;
    this.keys = {
      channel: generateKeyPair('channel', ground.bytes),
      sealing: generateKeyPair('sealing', ground.bytes),
    };
    this.#seed = ground.bytes(64);
    this.process = new Process<Terminal>({
      ...{ name, ground, fates },
      open: (life, disk) => this.#open(life, memoryRoleStore(disk, { afterTurn: life.afterTurn })),
      onFault: (fault) => this.faults.push(fault),
    });
  }

  get address(): TerminalAddress {
    return {
      side: this.side,
      channelKey: this.keys.channel.publicKey,
      sealingKey: this.keys.sealing.publicKey,
    };
  }

  get ground() {
    return this.options.system.ground;
  }

  /** Of all its disks. */
  get told(): readonly Told[] {
    return [...this.#before, ...(this.process.opened?.history() ?? [])];
  }

  /** Goes on with all that is open. */
  async resume(terminal: Terminal): Promise<void> {
    const resumed = await this.attempt('resume', () => terminal.resume());
    for (const { operation, error } of resumed?.unfinished ?? [])
      this.#end(`go on ${operation.toString(16)}`, error);
    for (const { error } of resumed?.received.failed ?? []) this.#end('delivery', error);
  }

  get terminal(): Terminal | undefined {
    return this.process.opened;
  }

  #open(life: OpenLife, store: ReturnType<typeof memoryRoleStore>): Terminal {
    const { system, gateways } = this.options;
    const { ground } = system;
    const calls = gateways.map((to): KnownGateway => {
      const transport = system.toGateway(this.name, to, this.side, this.keys.channel.publicKey, life.isAlive);
      const client = new RoleClient<GatewayOperations, GatewayRefusal>({
        protocol: gatewayProtocol,
        transport,
      });
      return { name: to.name, key: to.key, calls: client };
    });
    const unnamed = system.toReceiver(this.name, { kind: 'unnamed' }, life.isAlive);
    const mint =
      this.side === 'lan'
        ? calls[0]!.calls
        : new RoleClient({ protocol: receiverProtocol, transport: unnamed });
    const terminal = new Terminal({
      ...{ side: this.side, store, keys: this.keys, gateways: calls, crypto: system.crypto },
      currency: { ledger: EUR, code: 'EUR' },
      secrets: new DeterministicSecrets(this.#seed),
      mint: new MintClient(channelSend(mint as never, 'mint')),
      mintAddress: 'https://mint.example',
      clock: ground.clockOf(this.name),
      setTimer: life.setTimer,
      randomBytes: ground.bytes,
      times: { patienceMs: 20_000, pauseFirstMs: 500, pauseLastMs: 5_000 },
    });
    void this.#live(terminal, life).catch((error: unknown) => {
      if (life.isAlive()) this.faults.push(`${this.name}: ${(error as Error).stack}`);
    });
    return terminal;
  }

  /** Until it is known at its gateways. */
  async register(): Promise<void> {
    this.process.start();
    for (const { name, process } of this.options.gateways) {
      for (let isOpen = false; !isOpen; ) {
        await this.ground.pause(300);
        isOpen = await this.terminal!.register(this.name, name)
          .then(({ state }) => state === 'open' || state === 'waiting')
          .catch(() => false);
      }
      if (this.side === 'lan') await process.opened!.gateway.admit(this.keys.channel.publicKey);
    }
  }

  open(): void {
    this.isOpen = true;
    this.process.stop();
    this.process.start();
  }

  /** One life's doings. */
  async #live(terminal: Terminal, life: OpenLife): Promise<void> {
    const { habits } = this.options;
    const { random } = this.ground;
    const pause = (): Promise<void> => {
      const isAsleep = random.chance(habits.sleeps);
      const pauseMs = (isAsleep ? habits.sleepMaxMs : habits.pauseMaxMs) * random.float();
      return new Promise((resolve) => void life.setTimer(resolve, pauseMs));
    };
    if (this.#toRestore !== undefined) await this.#restore(terminal);
    if (!this.isOpen) return;
    await this.resume(terminal);
    for (;;) {
      await pause();
      if (this.isOver) return;
      await this.#act(terminal);
    }
  }

  /** What it comes to is counted; anything else than a terminal's error is a fault. */
  async attempt<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.#count(`${what}: done`);
      return result;
    } catch (error) {
      if (!(error instanceof TerminalError)) throw error;
      this.#end(what, error);
      return undefined;
    }
  }

  #end(what: string, { code, reason, message }: TerminalError): void {
    this.#count(`${what.replace(/ [0-9a-f]{8,}/, '')}: ${code}${reason === undefined ? '' : ` (${reason})`}`);
    this.ground.note(this.name, `${what}: ${message}`);
  }

  #count(end: string): void {
    this.ends.set(end, (this.ends.get(end) ?? 0) + 1);
  }

  async #act(terminal: Terminal): Promise<void> {
    const { random } = this.ground;
    const choice = random.float();
    if (this.inbox.length > 0 && choice < 0.4) return this.takeTokens(terminal);
    if (choice < 0.5) return this.resume(terminal);
    if (choice < 0.75) return this.#send(terminal);
    if (choice < 0.85) return this.#hand(terminal);
    if (choice < 0.85 + this.options.habits.restores) return this.#lose(terminal);
    if (this.side === 'wan' && choice < 0.95) return this.withdraw(terminal, BigInt(20 + random.below(400)));
    if (this.side === 'wan') {
      const amount = this.#some(terminal);
      if (amount > 0n)
        await this.attempt('deposit', () => terminal.deposit({ payee: this.options.payee, amount }));
      return;
    }
    await this.attempt('receive', () => terminal.receive());
  }

  #some(terminal: Terminal): bigint {
    const { free } = terminal.balance();
    return free === 0n ? 0n : 1n + BigInt(this.ground.random.below(Number(free)));
  }

  async withdraw(terminal: Terminal, amount: bigint): Promise<void> {
    const { random } = this.ground;
    const withdrawal = await this.attempt('withdraw', () => terminal.withdraw(amount));
    if (withdrawal === undefined) return;
    const { request, operation } = withdrawal;
    // Some never go to the counter.
    if (random.chance(0.05)) return;
    void this.options.counter.pay(this.name, request, amount);
    await this.attempt('finish withdrawal', () => terminal.finishWithdrawal(operation));
  }

  async #send(terminal: Terminal): Promise<void> {
    const { random } = this.ground;
    const isNobody = random.chance(0.04);
    const side = this.side === 'lan' ? 'wan' : 'lan';
    const others = this.others().filter((other) => other.side === side);
    if (others.length === 0) return;
    const to = random.pick(others);
    const through = this.side === 'lan' ? this.options.gateways[0]! : to.options.gateways[0]!;
    const destination = isNobody ? { ...to.address, sealingKey: this.ground.bytes(32) } : to.address;
    // At times more than there is.
    const amount = this.#some(terminal) * (random.chance(0.05) ? 3n : 1n);
    if (amount === 0n) return;
    const until = random.pick(['waiting', 'end'] as const);
    await this.attempt('send', () => terminal.send({ destination, amount, gateway: through.name, until }));
  }

  /** A token to somebody of the same money. */
  async #hand(terminal: Terminal): Promise<void> {
    const { random } = this.ground;
    const [own] = this.options.gateways;
    const others = this.others().filter(
      (other) =>
        other !== this &&
        other.side === this.side &&
        (this.side === 'wan' || other.options.gateways[0] === own),
    );
    const amount = this.#some(terminal);
    if (others.length === 0 || amount === 0n) return;
    const token = await this.attempt('token', () => terminal.makeToken(amount));
    if (token === undefined) return;
    if (random.chance(0.8)) random.pick(others).inbox.push(token.text);
    if (random.chance(0.1)) await this.attempt('reclaim', () => terminal.reclaimToken(token.operation));
  }

  async takeTokens(terminal: Terminal): Promise<void> {
    for (const text of [...this.inbox]) {
      const end = await this.attempt('take token', () =>
        terminal.takeToken(text).catch((error: unknown) => {
          // Written down: it goes on by itself, and the paper is worth nothing any more.
          if (error instanceof TerminalError && ['unreachable', 'unfinished'].includes(error.code))
            return undefined;
          this.#drop(text);
          throw error;
        }),
      );
      if (end !== undefined) this.#drop(text);
    }
  }

  #drop(text: string): void {
    const place = this.inbox.indexOf(text);
    if (place >= 0) this.inbox.splice(place, 1);
  }

  /** The device is lost, and nothing was under way: the twelve words bring all of it back. */
  async #lose(terminal: Terminal): Promise<void> {
    await this.resume(terminal);
    const { free, open } = terminal.balance();
    if (open.length > 0) return;
    this.ground.note(this.name, 'loses the device');
    this.#before.push(...terminal.history());
    this.process.stop();
    this.process.disk = this.process.newDisk();
    this.#toRestore = free;
    this.process.start();
  }

  async #restore(terminal: Terminal): Promise<void> {
    while ((await this.attempt('restore', () => terminal.restore())) === undefined)
      await this.ground.pause(5_000);
    for (const { name } of this.options.gateways)
      while ((await this.attempt('register', () => terminal.register(this.name, name))) === undefined)
        await this.ground.pause(5_000);
    const { free } = terminal.balance();
    if (free !== this.#toRestore)
      this.faults.push(`${this.name}: expected ${this.#toRestore} restored, got ${free}`);
    this.#toRestore = undefined;
  }

  // ---- In the end

  /** Does nothing by itself any more. */
  rest(): void {
    this.isOpen = false;
    this.process.stop();
    this.process.start();
  }

  /** Sends all that it has to somebody on the WAN: as much at a time, and a day, as the gateway takes. */
  async empty(to: Person): Promise<void> {
    const { terms, name } = this.options.gateways[0]!;
    const terminal = this.terminal!;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const { free } = terminal.balance();
      const most = [free, terms.amountMax, terms.dayMax].reduce((least, one) => (one < least ? one : least));
      let amount = most;
      while (amount > 0n && amount + feeFor(amount, terms) > (free < terms.dayMax ? free : terms.dayMax))
        amount--;
      if (amount < terms.amountMin || amount === 0n) return;
      const destination = to.address;
      const sent = await this.attempt('empty', () =>
        terminal.send({ destination, amount, gateway: name, until: 'waiting' }),
      );
      if (sent?.state !== 'waiting') await this.ground.pause(DAY_MS / 4);
      await to.attempt('receive', () => to.terminal!.receive());
      await this.resume(terminal);
    }
    this.faults.push(`${this.name}: could not send what it has within ${TRIES_MAX} tries`);
  }

  async depositAll(): Promise<void> {
    const terminal = this.terminal!;
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const { free } = terminal.balance();
      if (free === 0n) return;
      const { payee } = this.options;
      await this.attempt('the last deposit', () => terminal.deposit({ payee, amount: free }));
    }
    this.faults.push(`${this.name}: could not deposit what it has within ${TRIES_MAX} tries`);
  }

  /** Of notes that somebody else has. */
  tokenOf(notes: readonly Note[]): string | undefined {
    const unit = this.terminal?.knownUnit;
    return unit === undefined ? undefined : encodeToken({ mint: 'https://mint.example', unit, notes });
  }
}
