// Calls to a role over a transport that the test answers.
import { expect, test } from 'vitest';
import { answerCodec } from '../../../src/roles/common/answer.ts';
import { operation, protocol } from '../../../src/roles/common/operation.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import { RoleClient } from '../../../src/roles/common/role-client.ts';
import { bytesUpTo, struct, u32 } from '../../../src/shared/codec.ts';

const Value = struct({ value: u32 });
const echo = protocol({
  role: 'echo',
  refusals: ['odd'],
  operations: {
    even: operation(32, Value, Value),
    other: operation(33, Value, Value),
    long: operation(34, bytesUpTo(400_000), Value),
  },
});
const answers = answerCodec(Value, echo.refusals);

interface Frame {
  readonly operation: number;
  readonly messages: readonly Uint8Array[];
  resolve(answers: readonly Uint8Array[]): void;
  reject(error: Error): void;
}

interface Limits {
  readonly framesInFlightMax?: number;
  readonly callsWaitingMax?: number;
  readonly frameBytesMax?: number;
}

function opened(limits: Limits = {}) {
  const frames: Frame[] = [];
  const transport = {
    call: (number: number, messages: readonly Uint8Array[]) =>
      new Promise<readonly Uint8Array[]>((resolve, reject) => {
        frames.push({ operation: number, messages, resolve, reject });
      }),
  };
  return { client: new RoleClient({ protocol: echo, transport, ...limits }), frames };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const echoed = (frame: Frame): void =>
  frame.resolve(frame.messages.map((message) => answers.encode(Value.decode(message))));

test('calls of one turn travel in one frame of their operation, and get their own answers', async () => {
  const { client, frames } = opened();
  const calls = [1, 2, 3].map((value) => client.call('even', { value }));
  const other = client.call('other', { value: 9 });
  await turn();
  expect(frames.map(({ operation: number, messages }) => [number, messages.length])).toEqual([
    [32, 3],
    [33, 1],
  ]);
  frames[0]!.resolve([
    answers.encode({ value: 10 }),
    answers.encode(new Refusal('odd', 'is odd')),
    answers.encode(new Refusal<never>('busy', 'later')),
  ]);
  echoed(frames[1]!);
  expect(await Promise.all(calls)).toEqual([
    { kind: 'ok', answer: { value: 10 } },
    { kind: 'refused', refusal: new Refusal('odd', 'is odd') },
    { kind: 'unknown', reason: 'echo: busy: later' },
  ]);
  expect(await other).toEqual({ kind: 'ok', answer: { value: 9 } });
});

test('no answer, too few, or one that cannot be read: unknown', async () => {
  const { client, frames } = opened();
  const answered: ((frame: Frame) => void)[] = [
    ({ reject }) => reject(new Error('connection lost')),
    ({ resolve }) => resolve([]),
    ({ resolve }) => resolve([Uint8Array.of(9), Uint8Array.of(0, 1, 0, 0, 0, 0)]),
  ];
  for (const [i, answer] of answered.entries()) {
    const calls = [1, 2].map((value) => client.call('even', { value }));
    await turn();
    answer(frames[i]!);
    for (const result of await Promise.all(calls)) {
      expect(result).toMatchObject({
        kind: 'unknown',
        reason: expect.stringMatching(/connection lost|expected/),
      });
    }
  }
});

test('frames are bounded in number, messages and bytes; calls wait, and then are refused', async () => {
  const { client, frames } = opened({ framesInFlightMax: 2, callsWaitingMax: 3_000 });
  const calls = Array.from({ length: 3_000 }, (_, value) => client.call('even', { value }));
  expect(await client.call('even', { value: 1 })).toMatchObject({ kind: 'unknown' });
  await turn();
  expect(frames.map(({ messages }) => messages.length)).toEqual([1_024, 1_024]);
  echoed(frames[1]!);
  await turn();
  expect(frames.map(({ messages }) => messages.length)).toEqual([1_024, 1_024, 952]);
  echoed(frames[0]!);
  echoed(frames[2]!);
  const results = await Promise.all(calls);
  results.forEach((result, value) => {
    expect(result).toEqual({ kind: 'ok', answer: { value } });
  });
  const long = Array.from({ length: 5 }, () => client.call('long', new Uint8Array(400_000)));
  await turn();
  expect(frames.slice(3).map(({ messages }) => messages.length)).toEqual([2, 2]);
  for (const frame of frames.slice(3)) frame.reject(new Error('gone'));
  await turn();
  frames.at(-1)!.reject(new Error('gone'));
  expect(frames.length).toBe(6);
  await Promise.all(long);
});

test('a message that does not fit its declaration is the caller’s fault', () => {
  const { client } = opened();
  expect(() => client.call('even', { value: -1 })).toThrow(RangeError);
});

test('a batch: one promise of all results, in order, in as many frames as it takes', async () => {
  const { client, frames } = opened();
  expect(await client.callAll('even', [])).toEqual([]);
  const batch = client.callAll(
    'even',
    Array.from({ length: 1_500 }, (_, value) => ({ value })),
  );
  await turn();
  expect(frames.map(({ messages }) => messages.length)).toEqual([1_024, 476]);
  echoed(frames[1]!);
  frames[0]!.reject(new Error('connection lost'));
  const results = await batch;
  expect(results).toHaveLength(1_500);
  results.forEach((result, value) => {
    if (value < 1_024) expect(result).toMatchObject({ kind: 'unknown' });
    else expect(result).toEqual({ kind: 'ok', answer: { value } });
  });
});

test('a batch that nobody waits for any more: what has come counts, the rest is unknown, and what was not sent never is', async () => {
  const { client, frames } = opened({ framesInFlightMax: 1, callsWaitingMax: 2_000 });
  const waiting = new AbortController();
  const values = (first: number, length: number) => Array.from({ length }, (_, i) => ({ value: first + i }));
  const batch = client.callAll('even', values(0, 2_500), waiting.signal);
  await turn();
  expect(frames).toHaveLength(1);
  echoed(frames[0]!);
  await turn();
  expect(frames).toHaveLength(2);
  expect(await Promise.race([batch, turn().then(() => 'under way')])).toBe('under way');
  waiting.abort();
  const results = await batch;
  expect(results.filter(({ kind }) => kind === 'ok')).toHaveLength(1_024);
  expect(results.filter(({ kind }) => kind === 'unknown')).toHaveLength(1_476);
  expect(await client.callAll('even', values(0, 3), waiting.signal)).toMatchObject([
    { kind: 'unknown' },
    { kind: 'unknown' },
    { kind: 'unknown' },
  ]);
  // The frame that was sent is answered too late, and the next one holds only what is waited for.
  const later = client.callAll('even', values(9_000, 2));
  echoed(frames[1]!);
  await turn();
  expect(frames[2]!.messages.map((bytes) => Value.decode(bytes).value)).toEqual([9_000, 9_001]);
  echoed(frames[2]!);
  expect(await later).toHaveLength(2);
});

test('an operation without answers holds up none of the others', async () => {
  const { client, frames } = opened({ framesInFlightMax: 1 });
  const stuck = client.call('even', { value: 1 });
  await turn();
  const other = client.call('other', { value: 2 });
  await turn();
  expect(frames.map((frame) => frame.operation)).toEqual([32, 33]);
  echoed(frames[1]!);
  expect(await other).toMatchObject({ kind: 'ok' });
  echoed(frames[0]!);
  await stuck;
});

test('frames are as short as the role takes them', async () => {
  const { client, frames } = opened({ frameBytesMax: 32 + 3 * 8 });
  const batch = client.callAll(
    'even',
    Array.from({ length: 7 }, (_, value) => ({ value })),
  );
  await turn();
  expect(frames.map(({ messages }) => messages.length)).toEqual([3, 3, 1]);
  for (const frame of frames) echoed(frame);
  expect(await batch).toHaveLength(7);
});
