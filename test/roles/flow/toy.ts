// A toy of two roles. The giver has a balance; it takes an amount from it and has the taker take it in, which asks
// somebody outside, who may decline; then the amount goes back.
//
//     driver ─ move ─▶ giver ─ take ─▶ taker ─ apply ─▶ outside
import type { Clock } from '../../../src/ledger/clock.ts';
import { operation, protocol } from '../../../src/roles/common/operation.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import { type MessageTransport, RoleClient } from '../../../src/roles/common/role-client.ts';
import { RoleEngine } from '../../../src/roles/common/role-engine.ts';
import { again, digestOf, type Flow, type Standing, type Trace } from '../../../src/roles/flow/flow.ts';
import { type FlowLog, FlowRunner, run } from '../../../src/roles/flow/flow-runner.ts';
import { type Infer, oneOf, struct, u64, u128, union } from '../../../src/shared/codec.ts';
import type { SetTimer } from '../../../src/shared/timer.ts';
import type { RoleStore, StoreReads } from '../../../src/store/store.ts';
import type { Peer } from '../../../src/wire/peer.ts';

const Move = struct({ id: u128, amount: u64 });
export type Move = Infer<typeof Move>;
const Became = struct({ became: oneOf('pending', 'moved', 'returned') });
export type Became = Infer<typeof Became>['became'];

export const giverProtocol = protocol({
  role: 'giver',
  refusals: ['too_little'],
  operations: { move: operation(32, Move, Became) },
});
export const takerProtocol = protocol({
  role: 'taker',
  refusals: ['too_late'],
  operations: { take: operation(40, Move, Became) },
});

const amount = struct({ amount: u64 });
const ToyState = union({ asked: amount, moved: amount, returned: amount });
type ToyState = Infer<typeof ToyState>;

export const BALANCE_FIRST = 1_000n;
const TOTALS = 'totals';

const encodeTotal = (value: bigint): Uint8Array => u64.encode(value);
/** Of the giver: what it has; of the taker: what it has taken in. */
export function total(reads: StoreReads, first: bigint): bigint {
  const stored = reads.get(TOTALS, 0n);
  return stored === undefined ? first : u64.decode(stored);
}

type ToyFlow = Flow<ToyState, Move, 'moved' | 'returned'>;

function toyFlow(
  kind: number,
  change: (state: ToyState, before: ToyState | undefined) => bigint,
  first: bigint,
) {
  const flow: ToyFlow & { effect(state: ToyState): Move | undefined } = {
    kind,
    name: `toy ${kind}`,
    state: ToyState,
    effect: (state) => (state.kind === 'asked' ? { id: 0n, amount: state.amount } : undefined),
    next: (state, outcome) => ({ kind: outcome, amount: state.amount }),
    stateName: (state) => state.kind,
    writes: (before, after, { reads }) => {
      const value = total(reads, first) + change(after, before);
      return [{ table: TOTALS, key: 0n, value: encodeTotal(value) }];
    },
  };
  return flow;
}

const giverFlow = toyFlow(
  1,
  ({ kind, amount }, before) => (before === undefined ? -amount : kind === 'returned' ? amount : 0n),
  BALANCE_FIRST,
);
const takerFlow = toyFlow(2, ({ kind, amount }) => (kind === 'moved' ? amount : 0n), 0n);

const becameOf = <Code extends string>(
  standing: Standing<ToyState> | Refusal<Code>,
): { became: Became } | Refusal<Code> => {
  if (standing instanceof Refusal) return standing;
  return { became: standing.state.kind === 'asked' ? 'pending' : standing.state.kind };
};

/** What a toy role runs on. */
export interface Ground {
  readonly store: RoleStore;
  readonly clock: Clock;
  readonly setTimer?: SetTimer;
  readonly afterTurn?: (run: () => void) => void;
  readonly random?: () => number;
  readonly trace?: Trace;
  readonly log?: FlowLog;
  readonly waitMs?: number;
}

export const DRIVER: Peer = { kind: 'local' };
export const GIVER: Peer = { kind: 'role', role: 'giver', keyId: new Uint8Array(8) };

export function openGiver(ground: Ground, taker: MessageTransport) {
  const client = new RoleClient({ protocol: takerProtocol, transport: taker });
  const perform = run(giverFlow, (effects) =>
    effects.map(async ({ id, effect }) => {
      const result = await client.call('take', { id, amount: effect.amount });
      if (result.kind === 'refused') return 'returned';
      if (result.kind === 'unknown' || result.answer.became === 'pending') return again();
      return result.answer.became;
    }),
  );
  const runner = FlowRunner.open({ ...ground, flows: [perform] });
  const engine = new RoleEngine<typeof giverProtocol.operations, Peer, 'too_little'>({
    ...ground,
    protocol: giverProtocol,
    handlers: {
      move: {
        allowed: (peer) => peer.kind === 'local',
        handle: (messages) =>
          runner
            .submit(
              giverFlow,
              messages.map((message) => ({
                id: message.id,
                digest: digestOf(Move, message),
                admit: (tx) => {
                  const left = total(tx, BALANCE_FIRST);
                  if (left < message.amount)
                    return new Refusal('too_little', `expected ${message.amount}, got ${left}`);
                  return { kind: 'asked', amount: message.amount };
                },
              })),
              ground.waitMs ?? 250,
            )
            .map((standing) => standing.then(becameOf)),
      },
    },
    openRequests: () => runner.openCount,
  });
  return { engine, runner };
}

/** Idempotent by the id. Rejects when its answer is lost. */
export type Outside = (id: bigint, amount: bigint) => Promise<'moved' | 'returned'>;

/** What anyone outside decides of an amount: always the same. */
export const isDeclined = (amount: bigint): boolean => amount % 7n === 0n;

export function openTaker(ground: Ground, outside: Outside) {
  const perform = run(takerFlow, (effects) => effects.map(({ id, effect }) => outside(id, effect.amount)));
  const runner = FlowRunner.open({ ...ground, flows: [perform] });
  const engine = new RoleEngine<typeof takerProtocol.operations, Peer, 'too_late'>({
    ...ground,
    protocol: takerProtocol,
    handlers: {
      take: {
        allowed: (peer) => peer.kind === 'role' && peer.role === 'giver',
        handle: (messages) =>
          runner
            .submit(
              takerFlow,
              messages.map((message) => ({
                id: message.id,
                digest: digestOf(Move, message),
                admit: () => ({ kind: 'asked', amount: message.amount }),
              })),
              ground.waitMs ?? 250,
            )
            .map((standing) => standing.then(becameOf)),
      },
    },
    openRequests: () => runner.openCount,
  });
  return { engine, runner };
}
