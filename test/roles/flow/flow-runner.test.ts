// What a runner promises to its callers, one rule a test.
import { expect, onTestFinished, test } from 'vitest';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import {
  type Again,
  again,
  type Flow,
  type Standing,
  type Submission,
} from '../../../src/roles/flow/flow.ts';
import { FlowRunner, type FlowRunnerOptions, run } from '../../../src/roles/flow/flow-runner.ts';
import { type Infer, nothing, struct, u64, union } from '../../../src/shared/codec.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { World } from './world.ts';

const State = union({ begun: struct({ until: u64 }), done: nothing, late: nothing });
type State = Infer<typeof State>;
type Effect = { readonly ask: 'now' | 'too late' };
type Outcome = 'done' | 'late';

/** Waits until its time has come (`until`, 0: at once), then asks. */
const flow: Flow<State, Effect, Outcome> = {
  kind: 9,
  name: 'errand',
  state: State,
  effect: (state, now) => {
    if (state.kind !== 'begun') return undefined;
    return now < state.until ? { waitUntil: state.until } : { ask: 'now' };
  },
  next: (_, outcome) => ({ kind: outcome }),
  stateName: ({ kind }) => kind,
};

const DIGEST = new Uint8Array(32).fill(1);
const errand = (id: bigint, until = 0n, digest = DIGEST): Submission<State> => ({
  id,
  digest,
  admit: () => ({ kind: 'begun', until }),
});

interface Asked {
  readonly ids: readonly bigint[];
  readonly attempts: readonly number[];
  answer(outcome: Outcome | Again | Error): void;
}

/** A runner in a world of its own, whose effects the test answers. */
function opened(options: Partial<FlowRunnerOptions> = {}, world = new World(1n), disk = new MemoryDisk()) {
  const asked: Asked[] = [];
  const runner = FlowRunner.open({
    store: memoryRoleStore(disk),
    clock: world.clock,
    setTimer: world.setTimer,
    random: () => 0.5,
    flows: [
      run(flow, (effects) => {
        const answers: ((outcome: Outcome | Again | Error) => void)[] = [];
        asked.push({
          ids: effects.map(({ id }) => id),
          attempts: effects.map(({ attempt }) => attempt),
          answer: (outcome) => {
            for (const answer of answers) answer(outcome);
          },
        });
        return effects.map(
          () =>
            new Promise<Outcome | Again>((resolve, reject) => {
              answers.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
            }),
        );
      }),
    ],
    ...options,
  });
  onTestFinished(() => runner.close());
  return { runner, world, disk, asked };
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('requests that come together are written together, and their effects performed together', async () => {
  const { runner, asked, disk } = opened();
  const answers = runner.submit(flow, [errand(1n), errand(2n), errand(3n)], 1_000);
  await settle();
  expect(disk.flushes).toBe(1);
  expect(asked.map(({ ids }) => ids)).toEqual([[1n, 2n, 3n]]);
  asked[0]!.answer('done');
  const standings = (await Promise.all(answers)) as Standing<State>[];
  expect(standings.map(({ state, isFinal }) => [state.kind, isFinal])).toEqual([
    ['done', true],
    ['done', true],
    ['done', true],
  ]);
  expect(disk.flushes).toBe(2);
  expect(runner.openCount).toBe(0);
  expect(runner.lookup(2n)).toMatchObject({
    flow: 'errand',
    stateName: 'done',
    isFinal: true,
    refusal: undefined,
    history: [{ stateName: 'begun' }, { stateName: 'done' }],
  });
  expect(runner.lookup(4n)).toBeUndefined();
});

test('the same request again shares what there is: in progress, in the same call, and when it is final', async () => {
  const { runner, asked } = opened();
  const answers = [
    ...runner.submit(flow, [errand(1n), errand(1n)], 1_000),
    ...runner.submit(flow, [errand(1n)], 1_000),
  ];
  await settle();
  answers.push(...runner.submit(flow, [errand(1n)], 1_000));
  asked[0]!.answer('done');
  for (const standing of await Promise.all(answers)) expect(standing).toMatchObject({ stateName: 'done' });
  expect(await runner.submit(flow, [errand(1n)], 0)[0]).toMatchObject({ stateName: 'done', isFinal: true });
  expect(asked.length).toBe(1);
});

test('the same id with other content is refused, whatever became of the first', async () => {
  const { runner, asked } = opened();
  const other = errand(1n, 0n, new Uint8Array(32));
  const [first, twin] = runner.submit(flow, [errand(1n), other], 1_000);
  expect(await twin).toMatchObject({ code: 'request_differs' });
  expect(await runner.submit(flow, [other], 1_000)[0]).toMatchObject({ code: 'request_differs' });
  asked[0]!.answer('done');
  await first;
  expect(await runner.submit(flow, [other], 1_000)[0]).toMatchObject({ code: 'request_differs' });
});

test('whoever has waited long enough gets the present standing', async () => {
  const { runner, world, asked } = opened();
  const [answer] = runner.submit(flow, [errand(1n)], 250);
  let standing: unknown;
  void answer!.then((value) => {
    standing = value;
  });
  await settle();
  expect(standing).toBeUndefined();
  await world.runUntil(() => standing !== undefined, 251);
  expect(standing).toMatchObject({ stateName: 'begun', isFinal: false });
  expect(await runner.submit(flow, [errand(1n)], 0)[0]).toMatchObject({ stateName: 'begun' });
  asked[0]!.answer('done');
});

test('a refusal is remembered, unless it says to come again', async () => {
  const { runner } = opened();
  let mood: 'no' | 'busy' | 'yes' = 'no';
  const item = (id: bigint): Submission<State> => ({
    ...errand(id),
    admit: () => (mood === 'yes' ? { kind: 'done' } : new Refusal(mood, `is ${mood}`)),
  });
  expect(await runner.submit(flow, [item(1n)], 0)[0]).toMatchObject({ code: 'no' });
  mood = 'busy';
  expect(await runner.submit(flow, [item(2n)], 0)[0]).toMatchObject({ code: 'busy' });
  mood = 'yes';
  expect(await runner.submit(flow, [item(1n)], 0)[0]).toMatchObject({ code: 'no', message: 'is no' });
  expect(await runner.submit(flow, [item(2n)], 0)[0]).toMatchObject({ stateName: 'done', isFinal: true });
  expect(runner.lookup(1n)).toMatchObject({ stateName: 'refused', isFinal: true, refusal: { code: 'no' } });
});

test('an effect without an outcome is performed again, after pauses that double', async () => {
  const { runner, world, asked } = opened();
  void runner.submit(flow, [errand(1n)], 0);
  await settle();
  const times: number[] = [];
  for (const outcome of [again(), new Error('gone'), again(1_000), again()]) {
    const before = asked.length;
    const begin = world.nowMs;
    asked.at(-1)!.answer(outcome);
    await settle();
    await world.runUntil(() => asked.length > before, 10_000);
    times.push(world.nowMs - begin);
  }
  expect(times).toEqual([37.5, 75, 1_000, 300]);
  expect(asked.map(({ attempts }) => attempts)).toEqual([[1], [2], [3], [4], [5]]);
});

test('a state may wait for its time, and is asked again before each attempt', async () => {
  const { runner, world, asked } = opened();
  const until = world.clock() + 5_000_000_000n;
  void runner.submit(flow, [errand(1n, until)], 0);
  await settle();
  expect(asked).toEqual([]);
  await world.runUntil(() => asked.length > 0, 10_000);
  expect(world.nowMs).toBe(5_000);
  const later = world.clock() + 200_000_000_000n;
  void runner.submit(flow, [errand(2n, later)], 0);
  await settle();
  await world.runUntil(() => asked.length > 1, 1_000_000);
  expect(world.nowMs).toBe(205_000);
});

test('a start takes up what is not final, and nothing else', async () => {
  const { runner, world, disk, asked } = opened();
  const [first] = runner.submit(flow, [errand(1n)], 1_000);
  await settle();
  asked[0]!.answer('done');
  await first;
  void runner.submit(flow, [errand(2n), errand(3n)], 0);
  await settle();
  disk.crash();
  const next = opened({}, world, disk);
  expect(next.runner.openCount).toBe(2);
  await settle();
  expect(next.asked.map(({ ids }) => ids)).toEqual([[2n, 3n]]);
  next.asked[0]!.answer('done');
  expect(await next.runner.submit(flow, [errand(2n)], 1_000)[0]).toMatchObject({ stateName: 'done' });
});

test('a state that a newer version of the flow takes for final is so from its start', async () => {
  const { runner, world, disk } = opened();
  await runner.submit(flow, [errand(1n)], 0)[0];
  disk.crash();
  const newer = { ...flow, effect: () => undefined };
  const next = opened({ flows: [run(newer, () => [])] }, world, disk);
  await settle();
  expect(next.runner.openCount).toBe(0);
  expect(next.runner.lookup(1n)).toMatchObject({ stateName: 'begun', isFinal: true });
  disk.crash();
  expect(opened({}, world, disk).runner.openCount).toBe(0);
});

test('a full disk: new requests are told so, outcomes are asked for again, and it goes on when there is room', async () => {
  const { runner, world, disk, asked } = opened();
  const [first] = runner.submit(flow, [errand(1n)], 60_000);
  await settle();
  disk.isFull = true;
  asked[0]!.answer('done');
  expect(await runner.submit(flow, [errand(2n)], 0)[0]).toMatchObject({ code: 'storage_full' });
  expect(runner.openCount).toBe(1);
  disk.isFull = false;
  await world.runUntil(() => asked.length > 1, 1_000);
  expect(asked[1]).toMatchObject({ ids: [1n], attempts: [2] });
  asked[1]!.answer('done');
  expect(await first).toMatchObject({ stateName: 'done' });
  expect(await runner.submit(flow, [errand(2n)], 0)[0]).toMatchObject({ stateName: 'begun' });
});

test('more than so many requests in progress are refused; those that are known are not', async () => {
  const { runner, asked } = opened({ openMax: 2 });
  const answers = runner.submit(flow, [errand(1n), errand(2n), errand(3n)], 1_000);
  expect(await answers[2]).toMatchObject({ code: 'busy' });
  expect(await runner.submit(flow, [errand(1n)], 0)[0]).toMatchObject({ stateName: 'begun' });
  asked[0]!.answer('done');
  await Promise.all(answers);
  expect(await runner.submit(flow, [errand(3n)], 0)[0]).toMatchObject({ stateName: 'begun' });
});

test('an admission that throws is refused alone', async () => {
  const { runner } = opened();
  const broken: Submission<State> = {
    ...errand(2n),
    admit: () => {
      throw new Error('a fault of the flow');
    },
  };
  const answers = await Promise.all(runner.submit(flow, [errand(1n), broken, errand(3n)], 0));
  expect(answers.map((answer) => (answer instanceof Refusal ? answer.code : answer.stateName))).toEqual([
    'begun',
    'internal_error',
    'begun',
  ]);
  expect(runner.openCount).toBe(2);
});

test('close: whoever waits gets what is known, nothing new is taken, nothing more is performed', async () => {
  const { runner, world, asked } = opened();
  const [answer] = runner.submit(flow, [errand(1n)], 1_000_000);
  const closing = runner.close();
  expect(await runner.submit(flow, [errand(2n)], 1_000)[0]).toMatchObject({ code: 'stopping' });
  await closing;
  expect(await answer).toMatchObject({ stateName: 'begun', isFinal: false });
  expect(asked).toEqual([]);
  expect(runner.lookup(1n)).toMatchObject({ stateName: 'begun' });
  await expect(world.runUntil(() => asked.length > 0, 100_000)).rejects.toThrow('nothing happens any more');
});

test('a request of a flow that is not here keeps the runner from opening', async () => {
  const { runner, disk } = opened();
  await runner.submit(flow, [errand(1n)], 0)[0];
  expect(() => FlowRunner.open({ store: memoryRoleStore(disk), clock: () => 1n, flows: [] })).toThrow(
    'expected a flow of kind 9, got none',
  );
});
