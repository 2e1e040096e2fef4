// Management, settlement and cash as processes that end at any step and come back on what their disks have.
import { Registry } from 'prom-client';
import type { IdentitySource } from '../../src/identity/own-keys.ts';
import type { RoleName } from '../../src/identity/roles.ts';
import type { OfflineTerms } from '../../src/roles/cash/accounts.ts';
import { cashIdentity } from '../../src/roles/cash/identity.ts';
import { openCash } from '../../src/roles/cash/role.ts';
import type { MessageTransport } from '../../src/roles/common/role-client.ts';
import { MANAGEMENT_LIMITS } from '../../src/roles/management/limits.ts';
import { cashClient, settlementClient } from '../../src/roles/management/partners.ts';
import { type Management, openManagement } from '../../src/roles/management/role.ts';
import { identityKeys } from '../../src/roles/settlement/keys.ts';
import { openSettlement } from '../../src/roles/settlement/role.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Engine } from '../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { RequestStatus } from '../../src/wire/status.ts';
import { sourceOf } from '../identity/support.ts';
import { MemoryDisk, memoryRoleStore } from '../store/memory-backend.ts';
import type { Ground, Life } from './ground.ts';
import type { MemoryInstitution } from './institution.ts';
import { LedgerDisk, openMemoryLedger } from './memory-ledger.ts';

export const EUR = 978;
export const AMOUNT_MIN = 100n;
export const AMOUNT_MAX = 9_000n;
export const BALANCE_MAX = 15_000n;
const CALL_TIMEOUT_MS = 2_000;
export const OPERATOR: Peer = { kind: 'operator', name: 'operator', channelKey: new Uint8Array(32) };

export const ROLE_NAMES = ['management', 'settlement', 'cash'] as const satisfies readonly RoleName[];
type Simulated = (typeof ROLE_NAMES)[number];
const sources: { readonly [Role in Simulated]: IdentitySource } = {
  management: sourceOf('management'),
  settlement: sourceOf('settlement'),
  cash: sourceOf('cash'),
};

/** Hears what comes to management, and then what it answers, whether that arrives or not. */
export type Listener = (
  from: string,
  operation: number,
  messages: readonly Uint8Array[],
) => (answers: readonly Uint8Array[]) => void;

export interface Opened {
  readonly engine: Engine;
  readonly revoked?: Management['revoked'];
}

export class RoleProcess {
  readonly role: Simulated;
  readonly disk: MemoryDisk;
  readonly ledger = new LedgerDisk();
  readonly #system: Roles;
  #life = 0;
  opened: Opened | undefined;
  crashes = 0;

  constructor(role: Simulated, system: Roles) {
    this.role = role;
    this.#system = system;
    const { world } = system.ground;
    this.disk = new MemoryDisk({
      flush: (done) => void world.setTimer(done, 0.5 + 4 * world.random.float()),
    });
  }

  get life(): number {
    return this.#life;
  }

  async start(): Promise<void> {
    const number = ++this.#life;
    const isAlive = (): boolean => this.#life === number;
    this.#system.ground.note(this.role, 'starts');
    const opened = await this.#system.open(
      this,
      this.#system.ground.life(isAlive),
      () => isAlive() && this.#fate(),
    );
    if (isAlive()) this.opened = opened;
  }

  #fate(): void {
    const { ground, crashChance } = this.#system;
    if (ground.random.chance(crashChance)) this.crash();
  }

  crash(): void {
    const { ground } = this.#system;
    const isFlushed = ground.random.chance(0.5);
    ground.note(
      this.role,
      `crashes, ${isFlushed ? 'what was under way is on the disk' : 'what was under way is lost'}`,
    );
    this.crashes++;
    this.#life++;
    this.opened = undefined;
    this.disk.crash(isFlushed);
    if (this.role === 'cash') this.ledger.crash(isFlushed);
    ground.world.setTimer(() => void this.start(), 50 + 3_000 * ground.random.float());
  }
}

export class Roles {
  readonly ground: Ground;
  readonly institution: MemoryInstitution;
  /** Chance of an end at each trace point. */
  crashChance = 0;
  /** Undefined: no purse is opened. */
  offline: OfflineTerms | undefined;
  listener: Listener | undefined;
  readonly processes: { readonly [Role in Simulated]: RoleProcess };
  /** Errors in the roles' logs. */
  readonly errors: string[] = [];

  constructor(ground: Ground, institution: MemoryInstitution) {
    this.ground = ground;
    this.institution = institution;
    this.processes = {
      management: new RoleProcess('management', this),
      settlement: new RoleProcess('settlement', this),
      cash: new RoleProcess('cash', this),
    };
  }

  /** Requests that are not final; undefined: a role is not there. */
  get openCount(): number | undefined {
    const counts = [this.processes.management, this.processes.settlement].map(
      ({ opened }) => opened?.engine.health().detail.openRequests as number | undefined,
    );
    if (this.processes.cash.opened === undefined) return undefined;
    return counts.reduce(
      (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
      0,
    );
  }

  /** Messages of a party to a role. */
  transport(from: string, to: Simulated, peer: Peer, isAlive: () => boolean): MessageTransport {
    const listener: Listener | undefined =
      to === 'management' ? (...heard) => this.listener?.(...heard) ?? (() => {}) : undefined;
    return callOver(this.ground, from, to, this.processes[to], peer, isAlive, listener);
  }

  start(): void {
    for (const role of ROLE_NAMES) void this.processes[role].start();
  }

  async open(process: RoleProcess, life: Life, fate: () => void): Promise<Opened> {
    const { role, disk } = process;
    const { ground } = this;
    const { random } = ground;
    const clock = ground.clockOf(role);
    const store = memoryRoleStore(disk, { afterTurn: life.afterTurn });
    const log = {
      info: () => {},
      warn: () => {},
      error: (fields: object, message: string) => {
        if (!life.isAlive()) return;
        const text = `${role}: ${message} ${Object.values(fields).join(' ')}`;
        ground.note(role, `error: ${message} ${Object.values(fields).join(' ')}`);
        this.errors.push(text);
      },
    };
    const shared = {
      store,
      log,
      clock,
      setTimer: life.setTimer,
      afterTurn: life.afterTurn,
      random: () => random.float(),
    };
    const trace = (point: string, id: bigint, state: string): void => {
      if (!life.isAlive()) return;
      ground.note(role, `${point} ${id.toString(16)} ${state}`);
      fate();
    };
    switch (role) {
      case 'management': {
        const me: Peer = { kind: 'role', role: 'management', keyId: new Uint8Array(8) };
        return openManagement({
          ...shared,
          trace,
          identity: sources.management,
          settlement: settlementClient(this.transport('management', 'settlement', me, life.isAlive)),
          cash: cashClient(this.transport('management', 'cash', me, life.isAlive)),
          limits: {
            ...MANAGEMENT_LIMITS,
            // Here enrolments expire within seconds, so that they do so while they are under way.
            enrolAheadMinNs: 0n,
            loads: [{ currency: EUR, amountMin: AMOUNT_MIN, amountMax: AMOUNT_MAX }],
          },
          randomBytes: ground.bytes,
          registry: new Registry(),
        });
      }
      case 'settlement':
        return openSettlement({
          ...shared,
          trace,
          institution: this.institution.connect(life),
          keys: identityKeys(sources.settlement),
          limits: { amountMax: new Map([[EUR, AMOUNT_MAX]]) },
          run: random.bits(64),
          registry: new Registry(),
        });
      case 'cash': {
        const flushMs = (): number => {
          fate();
          return 0.5 + 4 * random.float();
        };
        const ledger = openMemoryLedger(process.ledger, clock, life, flushMs);
        return openCash({
          ...shared,
          trace,
          ledger,
          identity: cashIdentity(sources.cash, clock),
          currencies: [
            {
              currency: EUR,
              balanceMax: amountOf(BALANCE_MAX),
              ...(this.offline && { offline: this.offline }),
            },
          ],
        });
      }
    }
  }
}

/** Messages of a party to a process, over the network; a life that ends answers nothing. */
export function callOver(
  ground: Ground,
  from: string,
  to: string,
  process: { readonly opened: Opened | undefined },
  peer: Peer,
  isAlive: () => boolean,
  listener?: Listener,
): MessageTransport {
  return {
    call: (operation, messages) =>
      new Promise((resolve, reject) => {
        if (!isAlive()) return;
        const payload = encodeMessages(messages);
        const request = { operation, session: 0n, request: 0n, payload, count: messages.length, peer };
        ground.carry(from, to, () => {
          const { opened } = process;
          if (opened === undefined) return;
          ground.note(to, `operation ${operation} of ${from}`);
          const heard = listener?.(from, operation, messages);
          void opened.engine.submit(request).then(({ status, body, count }) => {
            if (process.opened !== opened || status !== RequestStatus.ok) return;
            const answers = parseMessages(body, count);
            heard?.(answers);
            ground.carry(to, from, () => isAlive() && resolve(answers));
          });
        });
        ground.world.setTimer(() => isAlive() && reject(new Error('no answer')), CALL_TIMEOUT_MS);
      }),
  };
}
