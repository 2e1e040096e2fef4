// A role behind a server: what each message gets, whatever the others of its frame are.
import { expect, test } from 'vitest';
import { answerCodec } from '../../../src/roles/common/answer.ts';
import { operation, protocol } from '../../../src/roles/common/operation.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import {
  type Handler,
  MESSAGES_HANDLED_MAX,
  MESSAGES_REFUSED_FROM,
  RoleEngine,
} from '../../../src/roles/common/role-engine.ts';
import { struct, u32 } from '../../../src/shared/codec.ts';
import type { EngineReply } from '../../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import { LOCAL_PEER, type Peer } from '../../../src/wire/peer.ts';
import { RequestStatus } from '../../../src/wire/status.ts';

const Number32 = struct({ value: u32 });
const roots = protocol({
  role: 'roots',
  refusals: ['not_a_square'],
  operations: { root: operation(32, Number32, Number32), twice: operation(33, Number32, Number32) },
});
const answers = answerCodec(Number32, roots.refusals);
type RootHandler = Handler<{ value: number }, { value: number }, Peer, 'not_a_square'>;

const rootOf = (value: number): { value: number } | Refusal<'not_a_square'> => {
  const root = Math.sqrt(value);
  return Number.isInteger(root)
    ? { value: root }
    : new Refusal('not_a_square', `expected a square, got ${value}`);
};

function opened(root: Partial<RootHandler> = {}) {
  const batches: number[] = [];
  const errors: unknown[] = [];
  const handle: RootHandler['handle'] = (messages) => {
    batches.push(messages.length);
    return messages.map(async ({ value }) => rootOf(value));
  };
  const engine = new RoleEngine<typeof roots.operations, Peer, 'not_a_square'>({
    protocol: roots,
    clock: () => 77n,
    handlers: {
      root: { allowed: () => true, handle, ...root },
      twice: {
        allowed: ({ kind }) => kind === 'role',
        handle: async (messages) => messages.map(({ value }) => ({ value: 2 * value })),
      },
    },
    openRequests: () => 5,
    log: { error: (fields) => void errors.push(fields) },
  });
  const submit = (
    messages: readonly Uint8Array[],
    number = 32,
    peer: Peer = LOCAL_PEER,
  ): Promise<EngineReply> =>
    engine.submit({
      operation: number,
      peer,
      session: 0n,
      request: 0n,
      payload: encodeMessages(messages),
      count: messages.length,
    });
  return { engine, submit, batches, errors };
}

const message = (value: number): Uint8Array => Number32.encode({ value });
const read = ({ body, count }: EngineReply): unknown[] =>
  parseMessages(body, count).map((bytes) => answers.decode(bytes));

test('each message gets its own answer, in order; what does not decode does not harm the rest', async () => {
  const { submit } = opened();
  const reply = await submit([message(16), Uint8Array.of(1, 2), message(3), message(25), new Uint8Array(5)]);
  expect(reply).toMatchObject({ status: RequestStatus.ok, timestamp: 77n, count: 5 });
  expect(read(reply)).toEqual([
    { value: 4 },
    new Refusal('malformed', 'root: value: expected 4 bytes, got 2'),
    new Refusal('not_a_square', 'expected a square, got 3'),
    { value: 5 },
    new Refusal('malformed', 'root: expected 4 bytes, got 5'),
  ]);
});

test('a peer that may not is told so', async () => {
  const { submit } = opened();
  expect(read(await submit([message(1)], 33))).toMatchObject([{ code: 'not_permitted' }]);
  const peer: Peer = { kind: 'role', role: 'cash', keyId: new Uint8Array(8) };
  expect(read(await submit([message(4)], 33, peer))).toEqual([{ value: 8 }]);
});

test('frames of one turn are handled together, at most 1,024 messages at a time', async () => {
  const { submit, batches } = opened();
  await Promise.all([submit([message(1)]), submit([message(4), message(9)]), submit([message(2)])]);
  expect(batches).toEqual([4]);
  const frame = Array.from({ length: 1_000 }, (_, i) => message(i));
  const replies = await Promise.all([submit(frame), submit(frame)]);
  expect(batches).toEqual([4, 1_024, 976]);
  expect(read(replies[1]!)).toEqual(frame.map((_, i) => rootOf(i)));
  await submit([message(1)]);
  expect(batches).toEqual([4, 1_024, 976, 1]);
});

test('messages that wait do not hold up those of other frames', async () => {
  let finish: (() => void) | undefined;
  const { submit } = opened({
    handle: (messages) =>
      messages.map(({ value }) =>
        value === 1
          ? new Promise((resolve) => (finish = () => resolve({ value })))
          : Promise.resolve({ value }),
      ),
  });
  const slow = submit([message(1)]);
  expect(read(await submit([message(2)]))).toEqual([{ value: 2 }]);
  finish!();
  expect(read(await slow)).toEqual([{ value: 1 }]);
});

test('a handler that throws, answers too few, or answers nonsense: internal_error, and a line in the log', async () => {
  const faults: RootHandler['handle'][] = [
    () => {
      throw new Error('fault');
    },
    () => Promise.reject(new Error('fault')),
    async () => [],
    () => [],
    (messages) => messages.map(() => Promise.reject(new Error('fault'))),
    (messages) => messages.map(async () => ({ value: -1 })),
    (messages) => messages.map(async () => new Refusal('other' as 'not_a_square', '')),
  ];
  for (const handle of faults) {
    const { submit, errors } = opened({ handle });
    expect(read(await submit([message(1), message(2)]))).toMatchObject([
      { code: 'internal_error' },
      { code: 'internal_error' },
    ]);
    expect(errors.length).toBe(2);
  }
});

test('what is no frame for this role is refused as a whole', async () => {
  const { engine, submit } = opened();
  expect(await submit([message(1)], 34)).toMatchObject({ status: RequestStatus.unknown_operation });
  const frame = { operation: 32, peer: LOCAL_PEER, session: 0n, request: 0n };
  const whole = encodeMessages([message(1)]);
  const refused = async (payload: Uint8Array, count: number): Promise<number> =>
    (await engine.submit({ ...frame, payload, count })).status;
  expect(await refused(whole, 2)).toBe(RequestStatus.body_size_mismatch);
  expect(await refused(whole.subarray(0, 7), 1)).toBe(RequestStatus.body_size_mismatch);
  expect(await refused(new Uint8Array(0), 0)).toBe(RequestStatus.too_few_records);
  expect(await refused(whole, 1_025)).toBe(RequestStatus.too_many_records);
  engine.close();
  expect(await refused(whole, 1)).toBe(RequestStatus.stopping);
  expect(engine.health().status).toBe('stopped');
});

test('the payload is borrowed: it may change when submit has returned', async () => {
  const { engine } = opened();
  const payload = encodeMessages([message(16)]);
  const reply = engine.submit({
    operation: 32,
    peer: LOCAL_PEER,
    session: 0n,
    request: 0n,
    payload,
    count: 1,
  });
  payload.fill(0xff);
  expect(read(await reply)).toEqual([{ value: 4 }]);
});

test('too much at a time: first the server is told to wait, then frames are refused', async () => {
  const waiting: (() => void)[] = [];
  const { engine, submit } = opened({
    handle: (messages) =>
      messages.map(({ value }) => new Promise((resolve) => waiting.push(() => resolve({ value })))),
  });
  const frame = Array.from({ length: 1_024 }, () => message(1));
  const replies: Promise<EngineReply>[] = [];
  let relieved = 0;
  engine.onRelieved(() => relieved++);
  for (let taken = 0; taken < MESSAGES_REFUSED_FROM; taken += frame.length) {
    expect(engine.congested).toBe(taken >= MESSAGES_HANDLED_MAX);
    replies.push(submit(frame));
  }
  expect(await submit(frame)).toMatchObject({ status: RequestStatus.busy });
  await new Promise((resolve) => setImmediate(resolve));
  for (const finish of waiting) finish();
  await Promise.all(replies);
  expect(engine.congested).toBe(false);
  expect(relieved).toBe(1);
  expect(await engine.metrics()).toContain(
    'specie_role_messages_total{operation="root",outcome="ok",role="roots"} 131072',
  );
});

test('metrics and health', async () => {
  const { engine, submit } = opened();
  await submit([message(4), message(3), new Uint8Array(1)]);
  const text = await engine.metrics();
  for (const line of [
    'specie_role_messages_total{operation="root",outcome="ok",role="roots"} 1',
    'specie_role_messages_total{operation="root",outcome="not_a_square",role="roots"} 1',
    'specie_role_messages_total{operation="root",outcome="malformed",role="roots"} 1',
    'specie_role_batch_messages_sum{role="roots",operation="root"} 2',
    'specie_role_open_requests{role="roots"} 5',
  ]) {
    expect(text).toContain(line);
  }
  expect(engine.health()).toEqual({ status: 'ok', detail: { role: 'roots', messages: 0, openRequests: 5 } });
  expect(engine.openSession()).toEqual({ resumed: false, applied: 0n });
});
