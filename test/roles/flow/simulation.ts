// The toy's two roles, its driver and the somebody outside, in a simulated world: the network drops, delays, repeats and
// reorders; a role can die at any trace point and comes back on what its disk has.
import type { MessageTransport } from '../../../src/roles/common/role-client.ts';
import { RoleClient } from '../../../src/roles/common/role-client.ts';
import type { FlowRunner } from '../../../src/roles/flow/flow-runner.ts';
import type { Engine } from '../../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import { RequestStatus } from '../../../src/wire/status.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import {
  BALANCE_FIRST,
  type Became,
  DRIVER,
  GIVER,
  type Ground,
  giverProtocol,
  isDeclined,
  type Move,
  type Outside,
  openGiver,
  openTaker,
  total,
} from './toy.ts';
import { World } from './world.ts';

export interface Faults {
  /** Chance of each frame and each answer. */
  readonly drop: number;
  readonly repeat: number;
  readonly delayMaxMs: number;
}

/** Asked at each trace point of a role: does its process end here? 'flushed': what was being flushed is on the disk. */
export type Fate = (number: number) => 'lives' | 'lost' | 'flushed';

export interface Ending {
  readonly tracePoints: number;
  readonly crashes: number;
  readonly became: ReadonlyMap<bigint, Became | 'too_little'>;
  readonly balance: bigint;
  readonly taken: bigint;
  /** How often each request had an effect outside. */
  readonly outside: ReadonlyMap<bigint, number>;
  readonly histories: readonly string[];
}

const CALL_TIMEOUT_MS = 300;
const RESTART_MS = 400;
const LIMIT_MS = 3_600_000;

interface Role {
  readonly engine: Engine;
  readonly runner: FlowRunner;
}

/** A role's process. Whatever an earlier life of it still does has no effect. */
class Process {
  readonly disk: MemoryDisk;
  readonly #world: World;
  readonly #open: (ground: Ground, isAlive: () => boolean) => Role;
  #life = 0;
  role: Role | undefined;

  constructor(world: World, open: (ground: Ground, isAlive: () => boolean) => Role) {
    this.#world = world;
    this.#open = open;
    this.disk = new MemoryDisk({ flush: (done) => void world.setTimer(done, 1 + 3 * world.random.float()) });
  }

  start(trace: (crash: (isFlushed: boolean) => void) => void): void {
    const { clock, setTimer, afterTurn, random } = this.#world;
    const life = ++this.#life;
    const isAlive = (): boolean => this.#life === life;
    const crash = (isFlushed: boolean): void => {
      this.#life++;
      this.role = undefined;
      this.disk.crash(isFlushed);
      setTimer(() => this.start(trace), RESTART_MS);
    };
    const ground: Ground = {
      store: memoryRoleStore(this.disk, { afterTurn }),
      clock,
      setTimer: (run, milliseconds) => setTimer(() => isAlive() && run(), milliseconds),
      afterTurn: (run) => afterTurn(() => isAlive() && run()),
      random: () => random.float(),
      trace: () => isAlive() && trace(crash),
    };
    const role = this.#open(ground, isAlive);
    // It may have died while it opened.
    if (isAlive()) this.role = role;
  }
}

export async function simulate(
  seed: bigint,
  moves: readonly Move[],
  faults: Faults,
  fate: Fate,
): Promise<Ending> {
  const world = new World(seed);
  const { random, setTimer } = world;
  let tracePoints = 0;
  let crashes = 0;
  const trace = (crash: (isFlushed: boolean) => void): void => {
    const end = fate(++tracePoints);
    if (end === 'lives') return;
    crashes++;
    crash(end === 'flushed');
  };

  /** Carries one message over the network: late, never, or more than once. */
  const carry = (deliver: () => void): void => {
    for (let copies = random.chance(faults.repeat) ? 2 : 1; copies > 0; copies--) {
      if (!random.chance(faults.drop)) setTimer(deliver, faults.delayMaxMs * random.float());
    }
  };
  const network = (to: () => Process, peer: Peer, isAlive: () => boolean): MessageTransport => ({
    call: (operation, messages) =>
      new Promise((resolve, reject) => {
        if (!isAlive()) return;
        const payload = encodeMessages(messages);
        carry(() => {
          const engine = to().role?.engine;
          const request = { operation, session: 0n, request: 0n, payload, count: messages.length, peer };
          void engine?.submit(request).then(({ status, body, count }) => {
            if (to().role?.engine !== engine || status !== RequestStatus.ok) return;
            carry(() => isAlive() && resolve(parseMessages(body, count)));
          });
        });
        setTimer(() => isAlive() && reject(new Error('no answer')), CALL_TIMEOUT_MS);
      }),
  });

  const outside = new Map<bigint, number>();
  const applied = new Set<bigint>();
  const apply =
    (isAlive: () => boolean): Outside =>
    (id, amount) =>
      new Promise((resolve, reject) => {
        if (!isAlive()) return;
        carry(() => {
          if (!applied.has(id) && !isDeclined(amount)) outside.set(id, (outside.get(id) ?? 0) + 1);
          applied.add(id);
          carry(() => isAlive() && resolve(isDeclined(amount) ? 'returned' : 'moved'));
        });
        setTimer(() => isAlive() && reject(new Error('no answer from outside')), CALL_TIMEOUT_MS);
      });

  const taker: Process = new Process(world, (ground, isAlive) => openTaker(ground, apply(isAlive)));
  const giver = new Process(world, (ground, isAlive) =>
    openGiver(
      ground,
      network(() => taker, GIVER, isAlive),
    ),
  );
  taker.start(trace);
  giver.start(trace);

  const became = new Map<bigint, Became | 'too_little'>();
  const transport = network(
    () => giver,
    DRIVER,
    () => true,
  );
  const client = new RoleClient({ protocol: giverProtocol, transport });
  const drive = async (move: Move): Promise<void> => {
    const result = await client.call('move', move);
    if (result.kind === 'refused') became.set(move.id, result.refusal.code as 'too_little');
    else if (result.kind === 'ok' && result.answer.became !== 'pending')
      became.set(move.id, result.answer.became);
    else setTimer(() => void drive(move), 100 * random.float());
  };
  for (const move of moves) setTimer(() => void drive(move), 20 * random.float());

  const isSettled = ({ role }: Process): boolean => role?.runner.openCount === 0;
  await world.runUntil(() => became.size === moves.length && isSettled(giver) && isSettled(taker), LIMIT_MS);

  const histories = [giver, taker].flatMap(({ role }) =>
    moves.map(({ id }) =>
      (role!.runner.lookup(id)?.history ?? []).map(({ stateName }) => stateName).join(' '),
    ),
  );
  return {
    tracePoints,
    crashes,
    became,
    outside,
    histories,
    balance: total(memoryRoleStore(giver.disk), BALANCE_FIRST),
    taken: total(memoryRoleStore(taker.disk), 0n),
  };
}
