import { connect as connectTcp } from 'node:net';
import { describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { loopbackAddress } from '../../src/channel/loopback.ts';
import type { ChannelMetrics } from '../../src/channel/metrics.ts';
import { Server } from '../../src/channel/server.ts';
import { writeAccount } from '../../src/layout/generated.ts';
import { id } from '../../src/shared/id.ts';
import { encodeRequest, viewOf } from '../../src/wire/frame.ts';
import { parseHelloReply } from '../../src/wire/hello.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { RequestStatus } from '../../src/wire/status.ts';
import { MemoryEngine } from './memory-engine.ts';
import { Bare, client, pause, serve, told, until } from './support.ts';

const { create_accounts, lookup_accounts, ping } = RequestOperation;

/** One account, or several with ascending ids. */
function accounts(first: bigint, count = 1): Uint8Array {
  const body = new Uint8Array(count * 128);
  for (let i = 0; i < count; i++)
    writeAccount(viewOf(body), i * 128, { id: first + BigInt(i), ledger: 978, code: 1 });
  return body;
}

/** An engine whose answers leave when told to. */
function gated() {
  const open: (() => void)[] = [];
  const engine = new MemoryEngine({
    slots: 64,
    gate: () => new Promise<void>((resolve) => void open.push(resolve)),
  });
  return { open, engine };
}

async function get(server: Server, path: string): Promise<{ status: number; type: string; text: string }> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return {
    status: response.status,
    type: response.headers.get('content-type') ?? '',
    text: await response.text(),
  };
}

describe('where it listens', () => {
  test.each([
    '0.0.0.0',
    '::',
    '192.168.1.4',
    '10.0.0.1',
    'example.org',
    '',
    '128.0.0.1',
    '::ffff:127.0.0.1',
    '127.1',
  ])('refuses %j and says why', async (host) => {
    const attempt = Server.listen({ engine: new MemoryEngine(), host });
    await expect(attempt).rejects.toThrow(/expected a loopback address.*neither encrypted nor authenticated/);
  });

  test.each([
    ['localhost', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.8.9.10', '127.8.9.10'],
    ['::1', '::1'],
  ])('takes %s', (host, address) => expect(loopbackAddress(host)).toBe(address));

  test('a port that is taken is an error that names it', async () => {
    const first = await serve({ engine: new MemoryEngine() });
    const second = Server.listen({ engine: new MemoryEngine(), port: first.port });
    await expect(second).rejects.toThrow(
      `expected one that is free on 127.0.0.1, got ${first.port} (EADDRINUSE)`,
    );
    const third = await serve({ engine: new MemoryEngine() });
    const { port } = third;
    await third.close();
    const [one, two] = [
      await serve({ engine: new MemoryEngine(), port }),
      Server.listen({ engine: new MemoryEngine(), port }),
    ];
    await expect(two).rejects.toThrow('EADDRINUSE');
    expect(one.port).toBe(port);
  });

  test('another address of the loopback net works', async () => {
    const server = await serve({ engine: new MemoryEngine(), host: '127.0.0.2' });
    expect(server.url).toBe(`ws://127.0.0.2:${server.port}/v1`);
    expect(await (await client(server)).ping()).toBeGreaterThan(0);
  });
});

describe('HTTP on the same port', () => {
  test('/healthz follows the engine', async () => {
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    await client(server);
    const healthy = await get(server, '/healthz');
    expect(healthy).toMatchObject({ status: 200, type: 'application/json; charset=utf-8' });
    expect(JSON.parse(healthy.text)).toMatchObject({
      status: 'ok',
      detail: { transfers: 0, time: '1000000' },
      channel: { stopping: false, connections: 1, inFlight: 0, waiting: 0 },
    });
    engine.healthStatus = 'degraded';
    expect((await get(server, '/healthz')).status).toBe(200);
    engine.healthStatus = 'stopped';
    expect((await get(server, '/healthz')).status).toBe(503);
  });

  test('/metrics is the engine’s text', async () => {
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    const metrics = await get(server, '/metrics');
    expect(metrics).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
    expect(metrics.text).toContain('memory_transfers 0');
    engine.metrics = () => {
      throw new Error('secret');
    };
    const failed = await get(server, '/metrics');
    expect(failed.status).toBe(500);
    expect(failed.text).not.toContain('secret');
  });

  test('a reader of /metrics that leaves early disturbs nobody', async () => {
    const engine = new MemoryEngine();
    let release!: () => void;
    engine.metrics = (() =>
      new Promise<string>((resolve) => {
        release = () => resolve('late 1\n');
      })) as unknown as MemoryEngine['metrics'];
    const server = await serve({ engine });
    const socket = connectTcp(server.port, '127.0.0.1');
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => release !== undefined);
    socket.destroy();
    await pause(20);
    release();
    await pause(20);
    expect((await get(server, '/healthz')).status).toBe(200);
  });

  test('other paths and plain GETs of the channel say what is expected', async () => {
    const server = await serve({ engine: new MemoryEngine() });
    expect(await get(server, '/')).toMatchObject({
      status: 404,
      text: expect.stringContaining('/v1 (WebSocket)'),
    });
    expect(await get(server, '/v1')).toMatchObject({ status: 426 });
  });
});

describe('upgrades', () => {
  const refused = (server: Server, options: WebSocket.ClientOptions) =>
    new Promise<number>((resolve) => {
      const socket = new WebSocket(server.url, options);
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode!));
      socket.on('error', () => {});
    });

  test('a page of another site may not connect', async () => {
    const server = await serve({ engine: new MemoryEngine(), origins: ['http://127.0.0.1:8080'] });
    expect(await refused(server, { origin: 'https://evil.example' })).toBe(403);
    await Bare.open(server, { origin: 'http://127.0.0.1:8080' });
  });

  test('beyond the most connections 503, and room again when one leaves', async () => {
    const server = await serve({ engine: new MemoryEngine(), limits: { connectionsMax: 2 } });
    const first = await Bare.open(server);
    await Bare.open(server);
    expect(await refused(server, {})).toBe(503);
    first.socket.terminate();
    await until(() => server.report().connections === 1);
    await Bare.open(server);
  });
});

describe('hello', () => {
  test('tells the limits', async () => {
    const bare = await Bare.open(await serve({ engine: new MemoryEngine() }));
    const session = id();
    expect(parseHelloReply((await bare.hello(session)).body)).toEqual({
      session,
      applied: 0n,
      resumed: false,
      messagesInFlightMax: 64,
      batchRecordsMax: 8190,
      writesInFlightMax: 32,
      readsInFlightMax: 16,
      messageBytesMax: 1_048_352,
      answersRemembered: 64,
    });
    bare.send(create_accounts, 7n, 1, accounts(1n));
    await bare.take();
    expect(parseHelloReply((await bare.hello(session, 7n)).body)).toMatchObject({
      applied: 7n,
      resumed: true,
    });
  });

  test('a write without one is refused, a read is not', async () => {
    const bare = await Bare.open(await serve({ engine: new MemoryEngine() }));
    bare.send(create_accounts, 1n, 1, accounts(1n));
    expect(told(await bare.take())).toMatch(/^hello_expected: create_accounts: expected a hello/);
    bare.send(lookup_accounts, 1n, 1, new Uint8Array(16));
    expect(await bare.take()).toMatchObject({ status: 0, count: 0, timestamp: 1_000_000n });
    expect(bare.closed).toBeUndefined();
  });

  test('a connection keeps its session', async () => {
    const bare = await Bare.open(await serve({ engine: new MemoryEngine() }));
    await bare.hello(5n);
    expect(told(await bare.hello(6n))).toMatch(/^session_mismatch:/);
    expect(told(await bare.hello(5n))).toBe('ok');
  });

  test('a session the engine does not have: session_expired', async () => {
    const bare = await Bare.open(await serve({ engine: new MemoryEngine() }));
    expect(told(await bare.hello(5n, 3n))).toMatch(/^session_expired:.*has applied 3/);
    expect(told(await bare.hello(6n))).toBe('ok');
  });

  test('the newest connection of a session wins, the older one is told', async () => {
    const { engine, open } = gated();
    const server = await serve({ engine });
    const older = await Bare.open(server);
    await older.hello(5n);
    older.send(create_accounts, 1n, 1, accounts(1n));
    await until(() => open.length === 1);
    const newer = await Bare.open(server);
    await newer.hello(5n);
    expect(await older.end()).toEqual({ code: 4001, reason: 'a newer connection has opened this session' });
    expect(told(older.replies[0]!)).toBe('session_taken_over: a newer connection has opened this session');
    newer.send(create_accounts, 1n, 1, accounts(1n));
    await pause(20);
    open[0]!();
    expect(await newer.take()).toMatchObject({ status: 0, request: 1n, count: 1 });
    expect(engine.applied).toHaveLength(1);
    expect(server.report().connections).toBe(1);
  });
});

describe('what is in flight', () => {
  test('the 33rd unanswered write is refused, and all after it until it comes again', async () => {
    const { engine, open } = gated();
    const bare = await Bare.open(await serve({ engine }));
    await bare.hello(5n);
    for (let i = 1n; i <= 34n; i++) bare.send(create_accounts, i, 1, accounts(i));
    expect(told(await bare.take())).toBe(
      'too_many_in_flight: create_accounts: expected at most 32 unanswered writes, got one more',
    );
    expect(told(await bare.take())).toMatch(
      /^busy: .*expected request 33, which was refused, to come again first, got 34$/,
    );
    open[0]!();
    expect(await bare.take()).toMatchObject({ status: 0, request: 1n });
    // There is room now, but 34 may not overtake 33.
    bare.send(create_accounts, 34n, 1, accounts(34n));
    expect(told(await bare.take())).toMatch(/^busy: /);
    bare.send(create_accounts, 33n, 1, accounts(33n));
    await until(() => open.length === 33);
    open[1]!();
    await bare.take();
    bare.send(create_accounts, 34n, 1, accounts(34n));
    await until(() => open.length === 34);
    expect(engine.applied.map(({ request }) => request)).toEqual(
      Array.from({ length: 34 }, (_, i) => BigInt(i + 1)),
    );
  });

  test('reads have a bound of their own, and so have bytes', async () => {
    const { engine, open } = gated();
    const server = await serve({ engine, limits: { readsInFlightMax: 2, bytesInFlightMax: 1000 } });
    const bare = await Bare.open(server);
    await bare.hello(5n);
    for (let i = 1n; i <= 3n; i++) bare.send(lookup_accounts, i, 1, new Uint8Array(16));
    expect(told(await bare.take())).toMatch(/^too_many_in_flight: .*at most 2 unanswered reads/);
    bare.send(create_accounts, 1n, 7, accounts(1n, 7));
    expect(told(await bare.take())).toMatch(
      /^too_many_in_flight: .*at most 1000 bytes of unanswered requests, got 1024/,
    );
    bare.send(create_accounts, 1n, 6, accounts(1n, 6));
    await until(() => open.length === 3);
  });

  test('a ping is answered whatever is in flight', async () => {
    const { engine } = gated();
    const bare = await Bare.open(await serve({ engine, limits: { readsInFlightMax: 1 } }));
    bare.send(lookup_accounts, 1n, 1, new Uint8Array(16));
    bare.send(ping, 9n, 0, new Uint8Array(0));
    expect(await bare.take()).toMatchObject({ operation: ping, request: 9n, status: 0 });
  });

  test('replies leave in the order of their answers', async () => {
    const { engine, open } = gated();
    const bare = await Bare.open(await serve({ engine }));
    await bare.hello(5n);
    for (let i = 1n; i <= 3n; i++) bare.send(create_accounts, i, 1, accounts(i));
    await until(() => open.length === 3);
    for (const i of [2, 0, 1]) {
      open[i]!();
      expect((await bare.take()).request).toBe(BigInt(i + 1));
    }
  });
});

describe('a congested engine', () => {
  test('requests wait in order, with bytes of their own, and are submitted when it is relieved', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({
      slots: 1,
      gate: () => new Promise<void>((resolve) => void open.push(resolve)),
    });
    const server = await serve({ engine });
    const bare = await Bare.open(server);
    await bare.hello(5n);
    for (let i = 1n; i <= 5n; i++) bare.send(create_accounts, i, 100, accounts(i * 1000n, 100));
    await until(() => server.report().waiting === 4);
    expect(engine.applied).toHaveLength(1);
    expect(server.report().waitingBytes).toBe(4 * (12_832 + 512));
    for (let i = 0; i < 5; i++) {
      await until(() => open.length === i + 1);
      open[i]!();
      expect((await bare.take()).request).toBe(BigInt(i + 1));
    }
    expect(engine.peakUnderway).toBe(1);
    expect(server.report()).toMatchObject({ waiting: 0, waitingBytes: 0, inFlight: 0 });
    for (let i = 1n; i <= 5n; i++) expect(engine.accounts.get(i * 1000n + 99n)?.ledger).toBe(978);
  });

  test('beyond the bytes that may wait: busy, in order again later', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({
      slots: 1,
      gate: () => new Promise<void>((resolve) => void open.push(resolve)),
    });
    const server = await serve({ engine, limits: { waitingBytesMax: 400 + 2 * 512 } });
    const bare = await Bare.open(server);
    await bare.hello(5n);
    for (let i = 1n; i <= 5n; i++) bare.send(create_accounts, i, 1, accounts(i));
    expect(told(await bare.take())).toMatch(/^busy: more requests wait than there is room for/);
    expect(told(await bare.take())).toMatch(/^busy: .*expected request 4/);
    for (let i = 0; i < 3; i++) {
      await until(() => open.length === i + 1);
      open[i]!();
      await bare.take();
    }
    expect(engine.applied.map(({ request }) => request)).toEqual([1n, 2n, 3n]);
  });

  test('the client sends again what was refused, in order, and nobody notices', async () => {
    const engine = new MemoryEngine({ slots: 2, gate: () => pause(1) });
    const server = await serve({ engine, limits: { waitingBytesMax: 600 + 3 * 512, writesInFlightMax: 32 } });
    const events: string[] = [];
    const c = await client(server, { onEvent: ({ type }) => void events.push(type) });
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => c.createAccounts([{ id: BigInt(i + 1), ledger: 1 }])),
    );
    expect(results.every(([result]) => result!.status === 'created')).toBe(true);
    expect(events).toContain('busy');
    expect(engine.applied.map(({ request }) => request)).toEqual(
      Array.from({ length: 200 }, (_, i) => BigInt(i + 1)),
    );
    const reads = await Promise.all(Array.from({ length: 100 }, (_, i) => c.lookupAccounts([BigInt(i + 1)])));
    expect(reads.map(([account]) => account!.id)).toEqual(
      Array.from({ length: 100 }, (_, i) => BigInt(i + 1)),
    );
  });

  test('what waits for a connection that closes is forgotten', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({
      slots: 1,
      gate: () => new Promise<void>((resolve) => void open.push(resolve)),
    });
    const server = await serve({ engine });
    const [leaves, stays] = [await Bare.open(server), await Bare.open(server)];
    await leaves.hello(5n);
    await stays.hello(6n);
    for (let i = 1n; i <= 3n; i++) leaves.send(create_accounts, i, 1, accounts(i));
    await until(() => server.report().waiting === 2);
    stays.send(create_accounts, 1n, 1, accounts(9n));
    await until(() => server.report().waiting === 3);
    leaves.socket.terminate();
    await until(() => server.report().waiting === 1);
    open[0]!();
    await until(() => open.length === 2);
    open[1]!();
    expect((await stays.take()).status).toBe(0);
    expect(engine.applied.map(({ session, request }) => [session, request])).toEqual([
      [5n, 1n],
      [6n, 1n],
    ]);
  });
});

describe('a slow reader', () => {
  const many = 8190;

  async function slow(limits: object) {
    const engine = new MemoryEngine();
    const server = await serve({ engine, limits: { backpressureBytesMax: 64 * 1024, ...limits } });
    const quick = await client(server);
    await quick.createAccounts(accounts(1n, many));
    const bare = await Bare.open(server);
    const ids = new Uint8Array(many * 16);
    for (let i = 0; i < many; i++) viewOf(ids).setBigUint64(i * 16, BigInt(i + 1), true);
    return { server, quick, bare, ask: (request: bigint) => bare.send(lookup_accounts, request, many, ids) };
  }

  test('gets everything when it reads at last', async () => {
    const { server, quick, bare, ask } = await slow({});
    bare.socket.pause();
    for (let i = 1n; i <= 16n; i++) ask(i);
    await until(() => server.report().heldBytes > 4 * 1024 * 1024);
    expect(server.report().inFlight).toBeGreaterThan(4);
    expect(await quick.lookupAccounts([5n])).toHaveLength(1);
    bare.socket.resume();
    await until(() => bare.replies.length === 16);
    expect(bare.replies.map(({ request }) => request)).toEqual(
      Array.from({ length: 16 }, (_, i) => BigInt(i + 1)),
    );
    for (const { body } of bare.replies) expect(viewOf(body).getBigUint64(8189 * 128, true)).toBe(8190n);
    expect(server.report()).toMatchObject({ heldBytes: 0, inFlight: 0 });
  });

  test('is closed when it takes nothing for too long', async () => {
    const { server, quick, bare, ask } = await slow({ slowReaderTimeoutMs: 200 });
    bare.socket.pause();
    for (let i = 1n; i <= 16n; i++) ask(i);
    await until(() => server.report().connections === 1);
    expect(server.report()).toMatchObject({ heldBytes: 0, inFlight: 0 });
    bare.socket.resume();
    expect(await bare.end()).toEqual({ code: 4002, reason: 'no answer was read for 200 ms' });
    expect(await quick.ping()).toBeGreaterThan(0);
  });

  test('is closed when it goes on asking beyond its share', async () => {
    const { server, bare, ask } = await slow({});
    bare.socket.pause();
    for (let i = 1n; i <= 16n; i++) ask(i);
    await until(() => server.report().heldBytes > 4 * 1024 * 1024);
    for (let i = 1n; i <= 60n; i++) bare.send(ping, i, 0, new Uint8Array(0));
    await pause(50);
    expect(server.report().connections).toBe(2);
    for (let i = 1n; i <= 20_000n; i++) bare.send(lookup_accounts, 100n + i, 1, new Uint8Array(16));
    await until(() => server.report().connections === 1);
    bare.socket.resume();
    expect((await bare.end()).code).toBe(4002);
  });

  test('is closed when all of them together make the server hold too much', async () => {
    const { server, quick, bare, ask } = await slow({ heldBytesMax: 3 * 1024 * 1024 });
    bare.socket.pause();
    for (let i = 1n; i <= 16n; i++) ask(i);
    await until(() => server.report().connections === 1);
    bare.socket.resume();
    expect(await bare.end()).toEqual({
      code: 4002,
      reason: 'replies held for slow readers exceed the limit',
    });
    expect(server.report().heldBytes).toBe(0);
    expect(await quick.ping()).toBeGreaterThan(0);
  });
});

describe('faults of the engine', () => {
  test('a submit that throws or rejects is answered internal_error and reported', async () => {
    const engine = new MemoryEngine();
    const faults: unknown[] = [];
    const server = await serve({ engine, onFault: (error) => void faults.push(error) });
    const bare = await Bare.open(server);
    engine.submit = () => Promise.reject(new Error('rejected'));
    bare.send(lookup_accounts, 1n, 1, new Uint8Array(16));
    expect(told(await bare.take())).toMatch(/^internal_error: the engine failed on this request/);
    engine.submit = () => {
      throw new Error('thrown');
    };
    bare.send(lookup_accounts, 2n, 1, new Uint8Array(16));
    expect(told(await bare.take())).toMatch(/^internal_error: /);
    expect(faults).toEqual([new Error('rejected'), new Error('thrown')]);
    expect(server.report().inFlight).toBe(0);
  });

  test('a reply too long for a message', async () => {
    const engine = new MemoryEngine();
    const bare = await Bare.open(await serve({ engine }));
    engine.submit = async () => ({
      status: RequestStatus.ok,
      timestamp: 1n,
      count: 8191,
      body: new Uint8Array(8191 * 128),
    });
    bare.send(lookup_accounts, 1n, 1, new Uint8Array(16));
    expect(told(await bare.take())).toBe(
      'internal_error: reply: expected at most 1048352 bytes, got 1048480',
    );
  });
});

describe('close', () => {
  test('answers what is in flight, refuses what comes, then says goodbye', async () => {
    const { engine, open } = gated();
    const server = await serve({ engine });
    const bare = await Bare.open(server);
    await bare.hello(5n);
    bare.send(create_accounts, 1n, 1, accounts(1n));
    await until(() => open.length === 1);
    let done = false;
    const closed = server.close().then(() => {
      done = true;
    });
    bare.send(create_accounts, 2n, 1, accounts(2n));
    expect(told(await bare.take())).toMatch(/^stopping: .*nothing of this request was applied/);
    await pause(30);
    expect(done).toBe(false);
    open[0]!();
    expect(await bare.take()).toMatchObject({ status: 0, request: 1n });
    await closed;
    expect(await bare.end()).toEqual({ code: 1001, reason: 'the server stops' });
    await expect(fetch(`http://127.0.0.1:${server.port}/healthz`)).rejects.toThrow();
    expect(engine.applied).toHaveLength(1);
  });

  test('does not wait for ever', async () => {
    const { engine, open } = gated();
    const server = await serve({ engine });
    const bare = await Bare.open(server);
    await bare.hello(5n);
    bare.send(create_accounts, 1n, 1, accounts(1n));
    await until(() => open.length === 1);
    const since = performance.now();
    await server.close(50);
    expect(performance.now() - since).toBeLessThan(2_000);
    expect((await bare.end()).code).toBe(1001);
    open[0]!();
    await pause(10);
  });

  test('large answers arrive whole before the goodbye', async () => {
    const open: (() => void)[] = [];
    const gate = () => new Promise<void>((resolve) => void open.push(resolve));
    const engine = new MemoryEngine({ gate: ({ operation }) => (operation < 16 ? undefined : gate()) });
    const server = await serve({ engine });
    const c = await client(server);
    await c.createAccounts(accounts(1n, 8190));
    const ids = Array.from({ length: 8190 }, (_, i) => BigInt(i + 1));
    const reads = Array.from({ length: 8 }, () => c.lookupAccounts(ids));
    await until(() => open.length === 8);
    const closed = server.close();
    for (const release of open) release();
    await closed;
    for (const found of await Promise.all(reads)) expect(found).toHaveLength(8190);
  });

  test('what waits behind a congested engine is refused as stopping', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({
      slots: 1,
      gate: () => new Promise<void>((resolve) => void open.push(resolve)),
    });
    const server = await serve({ engine });
    const bare = await Bare.open(server);
    await bare.hello(5n);
    for (let i = 1n; i <= 3n; i++) bare.send(create_accounts, i, 1, accounts(i));
    await until(() => server.report().waiting === 2);
    const closed = server.close();
    expect(told(await bare.take())).toMatch(/^stopping: /);
    expect(told(await bare.take())).toMatch(/^stopping: /);
    open[0]!();
    await closed;
    expect(engine.applied).toHaveLength(1);
  });
});

test('metrics count connections, frames and replies', async () => {
  const counted: string[] = [];
  const metrics: ChannelMetrics = {
    connectionOpened: () => void counted.push('opened'),
    connectionClosed: (code) => void counted.push(`closed ${code}`),
    connectionRefused: (status) => void counted.push(`refused ${status}`),
    handshakeEnded: (outcome) => void counted.push(`handshake ${outcome}`),
    frameReceived: (operation, bytes) => void counted.push(`frame ${operation} ${bytes}`),
    replySent: (operation, status, bytes, seconds) => {
      expect(seconds).toBeGreaterThanOrEqual(0);
      counted.push(`reply ${operation} ${status} ${bytes}`);
    },
  };
  const server = await serve({ engine: new MemoryEngine(), metrics });
  const bare = await Bare.open(server);
  bare.send(lookup_accounts, 1n, 2, new Uint8Array(32));
  await bare.take();
  bare.socket.send(encodeRequest(77, 1n, 0, new Uint8Array(0)));
  const refusal = await bare.take();
  bare.socket.close(1000);
  await bare.end();
  await until(() => counted.length >= 6);
  expect(counted).toEqual([
    'opened',
    `frame ${lookup_accounts} 64`,
    `reply ${lookup_accounts} 0 32`,
    'frame 77 32',
    `reply 77 ${RequestStatus.unknown_operation} ${32 + refusal.body.length}`,
    'closed 1000',
  ]);
});
