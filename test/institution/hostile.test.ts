// Ends that do not keep to the protocol: institutions that answer nonsense to the adapter, acquirers that send it to the
// simulator.
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { answerTo, networkRequest, requestFor, retrievalReference } from '../../src/institution/dialect.ts';
import { Element } from '../../src/institution/iso8583/elements.ts';
import { FrameParser, frame } from '../../src/institution/iso8583/frames.ts';
import {
  decodeMessage,
  type Elements,
  encodeMessage,
  type Message,
} from '../../src/institution/iso8583/message.ts';
import { TraceNumbers } from '../../src/institution/trace-numbers.ts';
import { Random } from '../../src/shared/random.ts';
import { accountNumber, adapter, anOrder, eventually, expectConserved, simulator } from './support.ts';

/** An institution of the test's own: what `answer` gives is sent; sign-on is taken care of. */
async function fakeInstitution(
  answer: (request: Message, socket: Socket) => readonly (Message | Buffer)[],
): Promise<number> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const parser = new FrameParser();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const bytes of parser.push(chunk)) {
        const request = decodeMessage(bytes);
        const answers =
          request.type === '0800' ? [answerTo(request, { responseCode: '00' })] : answer(request, socket);
        for (const one of answers) socket.write(Buffer.isBuffer(one) ? one : frame(encodeMessage(one)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as { port: number }).port;
}

const GOOD = { responseCode: '00', approvalCode: '00000A' };

const WRONG: [string, (request: Message) => Message | Buffer][] = [
  ['the type of another operation', (request) => ({ ...answerTo(request, GOOD), type: '0410' })],
  ['the request sent back', (request) => request],
  ['another amount', (request) => change(answerTo(request, GOOD), { 4: '000000000001' })],
  ['another currency', (request) => change(answerTo(request, GOOD), { 49: '840' })],
  ['another request id', (request) => change(answerTo(request, GOOD), { 48: '0'.repeat(32) })],
  ['another retrieval reference', (request) => change(answerTo(request, GOOD), { 37: '0'.repeat(12) })],
  ['another trace number', (request) => change(answerTo(request, GOOD), { 11: '123456' })],
  ['another time', (request) => change(answerTo(request, GOOD), { 7: '0101000000' })],
  ['no request id', (request) => change(answerTo(request, GOOD), { 48: undefined })],
  ['bytes that are no message', () => frame(Buffer.alloc(40, 0xfe))],
];

function change(message: Message, fields: Record<number, string | undefined>): Message {
  return { ...message, elements: { ...message.elements, ...fields } as Elements };
}

test.each(WRONG)('an answer with %s is none', async (_, wrong) => {
  const cards = adapter(await fakeInstitution((request) => [wrong(request)]), { timeoutMs: 500 });
  await eventually(() => cards.isConnected).toBe(true);
  expect(await cards.authorise(anOrder())).toMatchObject({ kind: 'unknown', why: 'no answer within 500 ms' });
  expect(cards.counters.stray + cards.counters.unreadable).toBe(1);
});

const HALF: [string, (request: Message) => Message][] = [
  ['without a code', (request) => change(answerTo(request, GOOD), { 39: undefined })],
  ['approved without an approval code', (request) => answerTo(request, { responseCode: '00' })],
];

test.each(HALF)('an answer %s is unreadable: unknown at once', async (_, half) => {
  const cards = adapter(await fakeInstitution((request) => [half(request)]));
  expect(await cards.authorise(anOrder())).toMatchObject({
    kind: 'unknown',
    why: expect.stringMatching(/^unreadable answer/),
  });
});

test('an inquiry whose answer says nothing is unknown', async () => {
  const standings = ['', 'CAPTURED', 'DECLINED', 'LOST', 'REVERSED '];
  for (const standing of standings) {
    const port = await fakeInstitution((request) => [
      answerTo(request, { responseCode: '00', standing: standing === '' ? undefined : standing }),
    ]);
    expect(await adapter(port).inquire(anOrder())).toMatchObject({
      kind: 'unknown',
      why: expect.stringMatching(/^unreadable/),
    });
  }
  const refusing = await fakeInstitution((request) => [answerTo(request, { responseCode: '30' })]);
  expect(await adapter(refusing).inquire(anOrder())).toMatchObject({
    kind: 'unknown',
    why: expect.stringMatching(/code 30/),
  });
});

test('a length that no message has ends the connection, and what was under way is unknown', async () => {
  const port = await fakeInstitution(() => [Buffer.from([0xff, 0xff, 1, 2, 3])]);
  const cards = adapter(port);
  const outcomes = await Promise.all([cards.authorise(anOrder()), cards.reverse(anOrder())]);
  for (const outcome of outcomes)
    expect(outcome).toMatchObject({ kind: 'unknown', why: expect.stringMatching(/^connection lost/) });
  await eventually(() => cards.isConnected).toBe(true);
});

test('answers in another order, in one packet or byte by byte', async () => {
  const held: Message[] = [];
  const port = await fakeInstitution((request, socket) => {
    held.push(request);
    if (held.length < 50) return [];
    const bytes = Buffer.concat(
      held
        .reverse()
        .map((one) => frame(encodeMessage(answerTo(one, { ...GOOD, approvalCode: one.elements[11]! })))),
    );
    socket.setNoDelay(true);
    for (let at = 0; at < bytes.length; at += 7) socket.write(bytes.subarray(at, at + 7));
    return [];
  });
  const cards = adapter(port);
  const orders = Array.from({ length: 50 }, () => anOrder());
  const outcomes = await Promise.all(orders.map((order) => cards.authorise(order)));
  expect(outcomes.map((outcome) => outcome.kind)).toEqual(orders.map(() => 'approved'));
  orders.forEach((order, i) => {
    const request = held.find(({ elements }) => elements[37] === retrievalReference(order.reference));
    expect(outcomes[i]).toMatchObject({ institutionReference: request!.elements[11] });
  });
});

test('the window bounds what is in flight, the queue what waits', async () => {
  let most = 0;
  let waiting: Message[] = [];
  const port = await fakeInstitution((request, socket) => {
    waiting.push(request);
    most = Math.max(most, waiting.length);
    if (waiting.length === 1) {
      setTimeout(() => {
        const answers = waiting.map((one) => frame(encodeMessage(answerTo(one, GOOD))));
        waiting = [];
        socket.write(Buffer.concat(answers));
      }, 5);
    }
    return [];
  });
  const cards = adapter(port, { window: 4, queueMax: 20 });
  await eventually(() => cards.isConnected).toBe(true);
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => cards.authorise(anOrder())));
  expect(most).toBeLessThanOrEqual(4);
  expect(outcomes.filter(({ kind }) => kind === 'approved')).toHaveLength(24);
  expect(
    outcomes.filter((outcome) => outcome.kind === 'unknown' && /waiting/.test(outcome.why)),
  ).toHaveLength(16);
});

test('closing ends everything as unknown', async () => {
  const cards = adapter(await fakeInstitution(() => []), { window: 1 });
  await eventually(() => cards.isConnected).toBe(true);
  const outcomes = [cards.authorise(anOrder()), cards.inquire(anOrder())];
  await cards.close();
  for (const outcome of await Promise.all(outcomes))
    expect(outcome).toMatchObject({ kind: 'unknown', why: expect.stringMatching(/closed/) });
  expect(await cards.authorise(anOrder())).toMatchObject({
    kind: 'unknown',
    why: expect.stringMatching(/closed/),
  });
  await cards.close();
});

test('trace numbers go round and leave out those in use', () => {
  const traces = new TraceNumbers(999_997);
  const inUse = new Set(['999999', '000002']);
  const next = () => traces.next((trace) => inUse.has(trace));
  expect([next(), next(), next()]).toEqual(['999998', '000001', '000003']);
});

test('DE 90 names the original while it is remembered, and zeros after', async () => {
  const seen: Message[] = [];
  const port = await fakeInstitution((request) => {
    seen.push(request);
    return [answerTo(request, GOOD)];
  });
  const order = anOrder();
  const cards = adapter(port, { acquirer: '12345678901', clock: () => 1_761_000_000_000_000_000n });
  await cards.authorise(order);
  await cards.reverse(order);
  await adapter(port, { acquirer: '7' }).reverse(order);
  const trace = seen[0]!.elements[Element.traceNumber]!;
  // 2025-10-20T22:40:00Z
  expect(seen[1]!.elements[90]).toBe(`0100${trace}10202240001234567890100000000000`);
  expect(seen[2]!.elements[90]).toBe('010000000000000000000000000000700000000000');
});

test('a connection that is dead without a sign is found out by the first answer overdue', async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    const isDead = connections === 1;
    const parser = new FrameParser();
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      for (const bytes of parser.push(chunk)) {
        const request = decodeMessage(bytes);
        const isSignOn = request.elements[Element.networkCode] === '001';
        if (isSignOn || !isDead) socket.write(frame(encodeMessage(answerTo(request, GOOD))));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const cards = adapter((server.address() as { port: number }).port, { timeoutMs: 500 });
  await eventually(() => cards.isConnected).toBe(true);
  expect(await cards.authorise(anOrder())).toMatchObject({ kind: 'unknown' });
  await eventually(() => connections).toBe(2);
  await eventually(() => cards.isConnected).toBe(true);
  expect(await cards.authorise(anOrder())).toMatchObject({ kind: 'approved' });
});

test('no connection at all: unknown within the time limit', async () => {
  const cards = adapter(1, { timeoutMs: 500 });
  expect(await cards.authorise(anOrder())).toMatchObject({
    kind: 'unknown',
    why: expect.stringMatching(/^not sent/),
  });
});

test('options out of range are refused', () => {
  const options = { host: '127.0.0.1', port: 1, random: () => 0 };
  for (const wrong of [
    { timeoutMs: 0 },
    { window: 0 },
    { window: 10_001 },
    { acquirer: 'A' },
    { terminal: 'much too long' },
    { merchant: '' },
  ]) {
    expect(() => adapter(1, { ...options, ...wrong })).toThrow(/expected/);
  }
});

// ── the simulator ──────────────────────────────────────────────────────────────────────────────────────────────────────

const SENDING = { trace: '000001', transmission: '1020224000' };
const WHO = { acquirer: '1', terminal: 'T', merchant: 'M' };
const SIGN_ON = frame(encodeMessage(networkRequest('sign_on', SENDING)));

/** Sends everything, and resolves with what came until the other end closed, or for `ms`. */
function exchange(
  port: number,
  bytes: readonly Buffer[],
  ms = 300,
): Promise<{ answers: Message[]; closed: boolean }> {
  return new Promise((resolve) => {
    const answers: Message[] = [];
    const parser = new FrameParser();
    const socket = connect(port, '127.0.0.1');
    const done = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ answers, closed });
    };
    const timer = setTimeout(() => done(false), ms);
    socket.on('error', () => {});
    socket.on('close', () => done(true));
    socket.on('data', (chunk: Buffer) => {
      for (const message of parser.push(chunk)) answers.push(decodeMessage(message));
    });
    for (const part of bytes) socket.write(part);
  });
}

function request(more: Record<number, string | undefined> = {}, type = '0100'): Buffer {
  return frame(encodeMessage({ ...change(requestFor('authorise', anOrder(), SENDING, WHO), more), type }));
}

test('nothing is taken before the sign-on', async () => {
  const bank = await simulator();
  expect(await exchange(bank.port, [request()])).toEqual({ answers: [], closed: true });
  const echo = frame(encodeMessage(networkRequest('echo', SENDING)));
  expect(await exchange(bank.port, [echo])).toEqual({ answers: [], closed: true });
  expect(bank.books.statement(1n, 1)).toEqual([]);
});

test('a request that lacks something, or is out of form, is answered with 30 and not booked', async () => {
  const bank = await simulator();
  const wrong = [
    request({ 2: undefined }),
    request({ 4: undefined }),
    request({ 22: undefined }),
    request({ 48: 'not an id' }),
    request({ 48: 'f'.repeat(32) }),
    request({ 37: 'AAAAAAAAAAAA' }),
    request({ 3: '310000' }),
    request({ 2: '99990000001' }),
    request({}, '0220'),
    request({}, '0400'),
    frame(encodeMessage({ type: '0800', elements: { 7: '1020224000', 11: '000009', 70: '002' } })),
    frame(encodeMessage({ type: '0800', elements: { 7: '1020224000', 70: '301' } })),
  ];
  const { answers, closed } = await exchange(bank.port, [SIGN_ON, ...wrong]);
  expect(closed).toBe(false);
  expect(answers.slice(1).map(({ elements }) => elements[39])).toEqual(wrong.map(() => '30'));
  expect(bank.books.statement(1n, 1)).toEqual([]);
});

test('repeats and reversal advices are taken like the first message', async () => {
  const bank = await simulator();
  const order = anOrder();
  const authorise = requestFor('authorise', order, SENDING, WHO);
  const reverse = requestFor('reverse', order, SENDING, WHO);
  const messages = [
    authorise,
    { ...authorise, type: '0101' },
    { ...reverse, type: '0420' },
    { ...reverse, type: '0421' },
  ];
  const { answers } = await exchange(bank.port, [
    SIGN_ON,
    ...messages.map((one) => frame(encodeMessage(one))),
  ]);
  expect(answers.slice(1).map(({ type, elements }) => [type, elements[39]])).toEqual([
    ['0110', '00'],
    ['0110', '00'],
    ['0430', '00'],
    ['0430', '00'],
  ]);
  expect(bank.books.statement(1n, 9).map(({ kind }) => kind)).toEqual(['authorise', 'release']);
});

test('answers, wrong lengths and undecodable bytes end their own connection only', async () => {
  const bank = await simulator();
  const other = adapter(bank.port);
  await eventually(() => other.isConnected).toBe(true);
  const answer = frame(encodeMessage({ type: '0110', elements: { 39: '00' } }));
  for (const bytes of [
    answer,
    Buffer.from([0, 1, 2]),
    frame(Buffer.alloc(20, 0xff)),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  ]) {
    expect(await exchange(bank.port, [SIGN_ON, bytes])).toMatchObject({ closed: true });
  }
  expect(await other.authorise(anOrder())).toMatchObject({ kind: 'approved' });
  expect(other.counters.lost).toBe(0);
});

test('fuzz: connections with thousands of broken requests; the books hold', async () => {
  const bank = await simulator();
  const random = new Random(5n);
  for (let round = 0; round < 150; round++) {
    const parts = [SIGN_ON];
    for (let i = 0; i < 30; i++) {
      const bytes = request(
        {},
        random.pick(['0100', '0101', '0220', '0400', '0600', '0800', '0110', '0999']),
      );
      // The length stays, so that the codec is reached.
      for (let n = random.below(3); n > 0; n--) bytes[2 + random.below(bytes.length - 2)] = random.below(128);
      parts.push(bytes);
    }
    if (random.chance(0.3)) parts.push(Buffer.from([random.below(256), random.below(256), 1]));
    await exchange(bank.port, parts, 15);
  }
  expectConserved(bank);
  expect(await adapter(bank.port).authorise(anOrder())).toMatchObject({ kind: 'approved' });
}, 60_000);

test('an acquirer that does not read is held back; memory stays bounded', async () => {
  const bank = await simulator();
  const socket = connect(bank.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  onTestFinished(() => void socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(SIGN_ON);
  const one = requestFor('inquire', anOrder({ accountNumber: accountNumber(1) }), SENDING, WHO);
  const chunk = Buffer.concat(Array.from({ length: 2_000 }, () => frame(encodeMessage(one))));
  for (let i = 0; i < 100; i++) socket.write(chunk);
  // Two buffers of the system fill up, and the simulator's own; then it takes no more.
  let taken = -1;
  await expect
    .poll(
      () => {
        const before = taken;
        taken = bank.counters.messages;
        return taken > 0 && taken === before;
      },
      { interval: 700, timeout: 40_000 },
    )
    .toBe(true);
  expect(taken).toBeLessThan(150_000);
  expect(await adapter(bank.port).authorise(anOrder())).toMatchObject({ kind: 'approved' });
});

test('more connections than allowed are refused', async () => {
  const bank = await simulator({}, { connectionsMax: 2 });
  const first = adapter(bank.port);
  const second = adapter(bank.port);
  await eventually(() => first.isConnected && second.isConnected).toBe(true);
  expect(await exchange(bank.port, [SIGN_ON])).toEqual({ answers: [], closed: true });
  expect(bank.counters.connectionsRefused).toBe(1);
});

test('a silent connection is closed', async () => {
  const bank = await simulator({}, { idleMs: 50 });
  expect(await exchange(bank.port, [SIGN_ON], 2_000)).toMatchObject({ closed: true });
});
