// The encrypted channel as its users see it: who is let in, as whom, and what the others are told.
import { connect as connectTcp } from 'node:net';
import { networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { type ClientEvent, type ClientOptions, connect } from '../../src/channel/client.ts';
import { ClientError } from '../../src/channel/client-error.ts';
import { anyAddress, isLoopback } from '../../src/channel/loopback.ts';
import { NO_METRICS } from '../../src/channel/metrics.ts';
import { Server } from '../../src/channel/server.ts';
import type { EngineRequest } from '../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { ChaosProxy } from './chaos-proxy.ts';
import { MemoryEngine } from './memory-engine.ts';
import { keyPair, System, utf8 } from './secure-support.ts';
import { client, pause, serve, until } from './support.ts';

/** A ledger that also answers message operation 40: each message with its bytes reversed. */
class EchoEngine extends MemoryEngine {
  readonly peers: Peer[] = [];
  messages = 0;
  gate: Promise<void> = Promise.resolve();
  understands(operation: number): boolean {
    return operation < 32 || operation === 40;
  }
  override async submit(request: EngineRequest) {
    this.peers.push(request.peer);
    if (request.operation !== 40) return super.submit(request);
    const answers = parseMessages(request.payload, request.count).map((message) => message.reverse());
    this.messages += answers.length;
    await this.gate;
    return { status: 0, timestamp: 1n, count: answers.length, body: encodeMessages(answers) };
  }
}

const account = (id: bigint) => ({ id, ledger: 978, code: 1 });

async function failure(options: ClientOptions): Promise<ClientError> {
  const error = await connect(options).then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ClientError);
  return error as ClientError;
}

describe('who is let in', () => {
  test('a device (IK), a role (KK), one without a name (NK); the engine sees who asks', async () => {
    const system = new System();
    const engine = new EchoEngine();
    const server = await serve({ engine, identity: system });
    const key = keyPair();
    const device = await client(server, { identity: system.device(7, key) });
    await device.createAccounts([account(1n)]);
    const role = await client(server, { identity: system.role('management') });
    await role.lookupAccounts([1n]);
    const unnamed = await client(server, { identity: system.unnamed() });
    expect(await unnamed.lookupAccounts([1n])).toMatchObject([{ id: 1n }]);
    expect(engine.peers).toMatchObject([
      { kind: 'device', device: 7n, channelKey: key.publicKey },
      { kind: 'role', role: 'management' },
      { kind: 'unnamed' },
    ]);
    expect(system.asked.map(({ pattern }) => pattern)).toEqual(['IK', 'KK', 'NK']);
    expect(server.report()).toMatchObject({ connections: 3, halfOpen: 0 });
  });

  test('a plain connection is a local peer', async () => {
    const engine = new EchoEngine();
    await (await client(await serve({ engine }))).lookupAccounts([1n]);
    expect(engine.peers).toEqual([{ kind: 'local' }]);
  });

  test('full batches and long messages there and back', async () => {
    const system = new System();
    const c = await client(await serve({ engine: new EchoEngine(), identity: system }), {
      identity: system.device(1),
    });
    const records = Array.from({ length: 8190 }, (_, i) => account(BigInt(i + 1)));
    expect(await c.createAccounts(records)).toHaveLength(8190);
    expect(await c.lookupAccounts(records.map(({ id }) => id))).toHaveLength(8190);
    const sent = [utf8('abc'), new Uint8Array(0), Uint8Array.from({ length: 300_000 }, (_, i) => i >> 8)];
    const answers = await c.call(40, sent);
    expect(
      answers.map((answer) => Buffer.from(answer.reverse()).equals(sent[answers.indexOf(answer)]!)),
    ).toEqual([true, true, true]);
  });

  test('a server that has rotated its key still takes the retired one while its identity lists it', async () => {
    const system = new System();
    const before = system.device(1);
    system.keys.unshift(keyPair());
    const server = await serve({ engine: new EchoEngine(), identity: system });
    await (await client(server, { identity: before })).ping();
    await (await client(server, { identity: system.device(2) })).ping();
    system.keys.pop();
    expect(await failure({ url: server.url, identity: before })).toMatchObject({
      code: 'handshake_failed',
      message: expect.stringContaining('renew the directory'),
    });
  });

  test('an identity that is a function is asked anew for each connection', async () => {
    const system = new System();
    const engine = new EchoEngine();
    const server = await serve({ engine, identity: system });
    const proxy = await ChaosProxy.open(
      () => server.port,
      () => ({ up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY }),
    );
    let device = 0;
    const c = await client(proxy, { identity: () => system.device(++device), reconnectFirstMs: 1 });
    await c.lookupAccounts([1n]);
    proxy.cut();
    await c.lookupAccounts([1n]);
    expect(engine.peers).toMatchObject([{ device: 1n }, { device: 2n }]);
  });
});

describe('who is not', () => {
  test('an expired certificate: for good, with what to do; nothing reaches the engine', async () => {
    const system = new System();
    const outcomes: string[] = [];
    const engine = new EchoEngine();
    const server = await serve({
      engine,
      identity: system,
      metrics: { ...NO_METRICS, handshakeEnded: (outcome) => void outcomes.push(outcome) },
    });
    const error = await failure({
      url: server.url,
      identity: { ...system.device(1), payload: utf8('wallet') },
    });
    expect(error.code).toBe('expired_certificate');
    expect(error.message).toMatch(
      /expected one that is valid, got one of last year\. What to do: renew the certificate/,
    );
    expect(outcomes).toEqual(['expired_certificate']);
    await until(() => server.report().connections === 0);
    expect(engine.peers).toEqual([]);
  });

  test('a certificate whose time is over by the server’s clock, whatever authorise says', async () => {
    const system = new System();
    system.until = 1_000n;
    const server = await serve({ engine: new EchoEngine(), identity: system, clock: () => 1_000n });
    expect(await failure({ url: server.url, identity: system.device(1) })).toMatchObject({
      code: 'expired_certificate',
    });
  });

  test('a connection ends with its certificate, and comes back with a new one', async () => {
    const system = new System();
    let now = 1_000n;
    system.until = 2_000n;
    const engine = new EchoEngine();
    const server = await serve({
      engine,
      identity: system,
      clock: () => now,
      limits: { handshakeTimeoutMs: 100 },
    });
    const events: ClientEvent[] = [];
    const c = await client(server, {
      identity: system.device(1),
      reconnectFirstMs: 1,
      onEvent: (event) => void events.push(event),
    });
    await c.lookupAccounts([1n]);
    system.until = 3_000n;
    now = 2_000n;
    // At once for whoever asks, and within a second for whoever does not.
    await c.lookupAccounts([1n]);
    expect(events).toMatchObject([
      { type: 'connected' },
      { code: 4011, unanswered: 1 },
      { type: 'connected' },
    ]);
    system.until = 4_000n;
    now = 3_000n;
    await until(() => events.length === 5);
    expect(events[3]).toMatchObject({ type: 'disconnected', code: 4011, unanswered: 0 });
    // A connection that is refused when it comes back ends the client.
    now = 4_000n;
    await expect(c.lookupAccounts([1n])).rejects.toMatchObject({ code: 'expired_certificate' });
  });

  test('a peer that has lost its authority is disconnected', async () => {
    const system = new System();
    const server = await serve({ engine: new EchoEngine(), identity: system });
    const events: ClientEvent[] = [];
    const onEvent = (event: ClientEvent): void => void events.push(event);
    await client(server, { identity: system.device(1), onEvent });
    const other = await client(server, { identity: system.device(2) });
    expect(server.disconnect((peer) => peer.kind === 'device' && peer.device === 1n)).toBe(1);
    await until(() => events.length === 3);
    expect(events[1]).toMatchObject({ type: 'disconnected', code: 4011 });
    await other.ping();
  });

  test('an identity that throws is a fault of the server, told as such, and worth another try', async () => {
    const system = new System();
    const faults: unknown[] = [];
    const server = await serve({
      engine: new EchoEngine(),
      identity: system,
      onFault: (fault) => void faults.push(fault),
    });
    const broken = { ...system.device(1), payload: utf8('broken') };
    const error = await failure({ url: server.url, identity: broken, connectTimeoutMs: 200 });
    expect(error).toMatchObject({ code: 'connection_failed' });
    expect(error.message).toMatch(/the server has failed on this handshake: see its log/);
    expect(faults.length).toBeGreaterThan(1);
  });

  test('more peers than the server has room for: told so, and let in when there is room', async () => {
    const system = new System();
    const server = await serve({ engine: new EchoEngine(), identity: system, limits: { connectionsMax: 2 } });
    const [first] = [
      await client(server, { identity: system.device(1) }),
      await client(server, { identity: system.device(2) }),
    ];
    const events: ClientEvent[] = [];
    const third = client(server, {
      identity: system.device(3),
      reconnectFirstMs: 5,
      reconnectLastMs: 5,
      onEvent: (event) => void events.push(event),
    });
    await until(() => events.length >= 2);
    expect(events[0]).toMatchObject({ code: 4003, reason: expect.stringContaining('at most 2 connections') });
    await first.close();
    await (await third).ping();
  });

  test('a crowd without certificates pushes out its own oldest, and takes no place of a device', async () => {
    const system = new System();
    const server = await serve({
      engine: new EchoEngine(),
      identity: system,
      limits: { connectionsMax: 4, strangersMax: 2 },
    });
    const device = await client(server, { identity: system.device(1) });
    const ended: number[] = [];
    const stranger = (number: number) =>
      client(server, {
        identity: system.stranger(),
        reconnectFirstMs: 60_000,
        reconnectLastMs: 60_000,
        onEvent: (event) => void (event.type === 'disconnected' && ended.push(number)),
      });
    for (let number = 0; number < 4; number++) await (await stranger(number)).ping();
    await until(() => ended.length === 2);
    expect(ended).toEqual([0, 1]);
    expect(server.report().connections).toBe(3);
    await (await client(server, { identity: system.device(2) })).ping();
    await device.ping();
  });

  test('of a crowd of unnamed customers the oldest that waits for nothing goes; whoever waits for an answer gets it', async () => {
    const system = new System();
    const engine = new EchoEngine();
    let open = (): void => {};
    engine.gate = new Promise((resolve) => {
      open = resolve;
    });
    const server = await serve({ engine, identity: system, limits: { connectionsMax: 8, unnamedMax: 2 } });
    const ended: number[] = [];
    const customer = (number: number) =>
      client(server, {
        identity: system.unnamed(),
        reconnectFirstMs: 60_000,
        reconnectLastMs: 60_000,
        onEvent: (event) => void (event.type === 'disconnected' && ended.push(number)),
      });
    const buying = (await customer(0)).call(40, [utf8('abc')]);
    await until(() => engine.messages === 1);
    for (let number = 1; number < 4; number++) await (await customer(number)).ping();
    await until(() => ended.length === 2);
    expect(ended).toEqual([1, 2]);
    open();
    expect(Buffer.from((await buying)[0]!).toString()).toBe('cba');
    expect(server.report().connections).toBe(2);
  });

  test('when all unnamed customers wait for an answer, the newcomer comes again', async () => {
    const system = new System();
    const engine = new EchoEngine();
    let open = (): void => {};
    engine.gate = new Promise((resolve) => {
      open = resolve;
    });
    const server = await serve({ engine, identity: system, limits: { unnamedMax: 1 } });
    const buying = (await client(server, { identity: system.unnamed() })).call(40, [utf8('abc')]);
    await until(() => engine.messages === 1);
    const events: ClientEvent[] = [];
    const second = client(server, {
      identity: system.unnamed(),
      reconnectFirstMs: 5,
      reconnectLastMs: 5,
      onEvent: (event) => void events.push(event),
    });
    await until(() => events.length > 0);
    expect(events[0]).toMatchObject({ reason: expect.stringContaining('at most 1 unnamed') });
    open();
    await buying;
    await (await second).ping();
  });

  test('when devices have taken every place, a role still comes in', async () => {
    const system = new System();
    const server = await serve({ engine: new EchoEngine(), identity: system, limits: { connectionsMax: 1 } });
    await client(server, { identity: system.device(1) });
    await (await client(server, { identity: system.role('management') })).ping();
  });

  test('a message longer than the server takes ends the connection', async () => {
    const system = new System();
    const limits = { messageBytesMax: 64 * 1024 };
    const server = await serve({ engine: new EchoEngine(), identity: system, limits });
    const device = await client(server, { identity: system.device(1), reconnectFirstMs: 60_000 });
    expect(await device.call(40, [new Uint8Array(60_000)])).toHaveLength(1);
    await expect(device.call(40, [new Uint8Array(70_000)], { timeoutMs: 500 })).rejects.toMatchObject({
      code: 'timeout',
    });
    expect(server.report().connections).toBe(0);
  });

  test('a key that is none: told to the caller, before anything is sent', async () => {
    const system = new System();
    const server = await serve({ engine: new EchoEngine(), identity: system });
    for (const identity of [
      { pattern: 'IK' as const, remoteStaticKey: system.keys[0]!.publicKey },
      { ...system.device(1), remoteStaticKey: new Uint8Array(31) },
      { ...system.device(1), payload: new Uint8Array(5000) },
    ]) {
      const error = await failure({ url: server.url, identity });
      expect(error).toMatchObject({ code: 'invalid_argument' });
      expect(error.message).toMatch(/^identity: .*expected .*, got /);
    }
    const none = new System();
    none.keys.length = 0;
    await expect(Server.listen({ engine: new EchoEngine(), identity: none })).rejects.toThrow(
      'expected at least one channel key, got none',
    );
  });
});

describe('who may do what', () => {
  test('admit: messages for management, the ledger for devices; not_permitted for others', async () => {
    const system = new System();
    const engine = new EchoEngine();
    const admit = (peer: Peer, operation: number): boolean =>
      operation >= 32 ? peer.kind === 'role' && peer.role === 'management' : peer.kind === 'device';
    const server = await serve({ engine, identity: system, admit });
    const device = await client(server, { identity: system.device(1) });
    const role = await client(server, { identity: system.role('management') });
    expect(await role.call(40, [utf8('ab')])).toEqual([utf8('ba')]);
    await expect(device.call(40, [utf8('ab')])).rejects.toMatchObject({
      code: 'not_permitted',
      outcome: 'none',
      message: expect.stringContaining('expected a peer that may ask for this, got device 1'),
    });
    await device.createAccounts([account(1n)]);
    await expect(role.createAccounts([account(2n)])).rejects.toMatchObject({
      code: 'not_permitted',
      outcome: 'none',
    });
    await role.ping();
    expect(engine.accounts.size).toBe(1);
  });

  test('an operation that the engine does not take is unknown, not forbidden', async () => {
    const c = await client(await serve({ engine: new MemoryEngine(), admit: () => false }));
    await expect(c.call(40, [utf8('ab')])).rejects.toMatchObject({ code: 'unknown_operation' });
    await expect(c.lookupAccounts([1n])).rejects.toMatchObject({ code: 'not_permitted' });
  });
});

describe('messages', () => {
  test('none, too many, too long: refused before they are sent', async () => {
    const engine = new EchoEngine();
    const c = await client(await serve({ engine }));
    expect(await c.call(40, [])).toEqual([]);
    await expect(c.call(40, new Array(1025).fill(new Uint8Array(1)))).rejects.toMatchObject({
      code: 'too_many_records',
      message: 'expected at most 1024 messages, got 1025: send several requests',
    });
    await expect(c.call(40, [new Uint8Array(1_048_317)])).rejects.toMatchObject({ code: 'too_many_records' });
    await expect(c.call(RequestOperation.ping, [utf8('a')])).rejects.toMatchObject({
      code: 'invalid_argument',
    });
    expect(engine.messages).toBe(0);
    expect(await c.call(40, [new Uint8Array(1_048_316)])).toHaveLength(1);
    expect(await c.call(40, new Array(1024).fill(utf8('ab')))).toEqual(new Array(1024).fill(utf8('ba')));
  });

  test('more calls than the server takes at a time wait their turn; they are sent again after a break', async () => {
    const system = new System();
    const engine = new EchoEngine();
    let release = (): void => {};
    engine.gate = new Promise((resolve) => {
      release = resolve;
    });
    const server = await serve({ engine, identity: system, limits: { messagesInFlightMax: 8 } });
    const proxy = await ChaosProxy.open(
      () => server.port,
      () => ({ up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY }),
    );
    const c = await client(proxy, { identity: system.role('management'), reconnectFirstMs: 1 });
    const calls = Array.from({ length: 30 }, (_, i) => c.call(40, [utf8(`x${i}`)]));
    await until(() => engine.messages === 8);
    await pause(20);
    expect(engine.messages).toBe(8);
    proxy.cut();
    await until(() => engine.messages === 16);
    release();
    expect((await Promise.all(calls)).map(([answer]) => Buffer.from(answer!).toString())).toEqual(
      Array.from({ length: 30 }, (_, i) => [...`x${i}`].reverse().join('')),
    );
  });

  test('an answer with another count is a fault of the server', async () => {
    const engine = new EchoEngine();
    const submit = engine.submit.bind(engine);
    engine.submit = async (request) => {
      const reply = await submit(request);
      return { ...reply, count: 1, body: encodeMessages([utf8('only one')]) };
    };
    const c = await client(await serve({ engine }));
    await expect(c.call(40, [utf8('a'), utf8('b')])).rejects.toMatchObject({
      code: 'protocol_error',
      outcome: 'unknown',
    });
  });

  test('a caller that stops waiting is told that the outcome is unknown', async () => {
    const engine = new EchoEngine();
    engine.gate = new Promise(() => {});
    const c = await client(await serve({ engine }));
    await expect(c.call(40, [utf8('a')], { timeoutMs: 20 })).rejects.toMatchObject({
      code: 'timeout',
      outcome: 'unknown',
      message: expect.stringContaining('Send the same messages again'),
    });
  });
});

describe('where a secured server listens', () => {
  test.each([
    ['0.0.0.0', '0.0.0.0'],
    ['::', '::'],
    ['localhost', '127.0.0.1'],
    ['192.168.1.4', '192.168.1.4'],
  ])('%s', (host, address) => expect(anyAddress(host)).toBe(address));

  test.each(['example.org', '', '300.1.1.1'])('not %j', (host) => {
    expect(() => anyAddress(host)).toThrow(/expected an IP address to listen on/);
  });

  test('the loopback net', () => {
    const mapped = (last: number) => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, last, 0, 0, 1];
    expect(isLoopback(Uint8Array.of(127, 8, 9, 1))).toBe(true);
    expect(isLoopback(Uint8Array.of(128, 0, 0, 1))).toBe(false);
    expect(isLoopback(Uint8Array.from([...new Array(15).fill(0), 1]))).toBe(true);
    expect(isLoopback(Uint8Array.from([1, ...new Array(14).fill(0), 1]))).toBe(false);
    expect(isLoopback(Uint8Array.from(mapped(127)))).toBe(true);
    expect(isLoopback(Uint8Array.from(mapped(10)))).toBe(false);
    expect(isLoopback(new Uint8Array(0))).toBe(false);
  });

  test('on every address; /healthz and /metrics answer this machine only', async () => {
    const system = new System();
    const server = await serve({ engine: new EchoEngine(), identity: system, host: '0.0.0.0' });
    const local = { url: `ws://127.0.0.1:${server.port}/v1` };
    await (await client(local, { identity: system.device(1) })).ping();
    const health = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    expect([health.status, (await health.json()).channel.connections]).toEqual([200, 1]);
    expect((await fetch(`http://127.0.0.1:${server.port}/metrics`)).status).toBe(200);
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal)?.address;
    if (outside === undefined) return;
    for (const path of ['healthz', 'metrics']) {
      const refused = await fetch(`http://${outside}:${server.port}/${path}`);
      expect([refused.status, await refused.text()]).toEqual([
        403,
        'expected a client on the same machine\n',
      ]);
    }
    await (await client({ url: `ws://${outside}:${server.port}/v1` }, { identity: system.device(2) })).ping();
  });

  test('over IPv6, where this machine has it', async () => {
    const system = new System();
    if (
      !Object.values(networkInterfaces())
        .flat()
        .some((address) => address?.address === '::1')
    )
      return;
    const server = await serve({ engine: new EchoEngine(), identity: system, host: '::' });
    const c = await client({ url: `ws://[::1]:${server.port}/v1` }, { identity: system.device(1) });
    await c.ping();
    expect((await fetch(`http://[::1]:${server.port}/healthz`)).status).toBe(200);
  });

  test('a server that stops says so to whoever comes', async () => {
    const system = new System();
    const engine = new EchoEngine();
    engine.gate = new Promise(() => {});
    const server = await serve({ engine, identity: system });
    const c = await client(server, { identity: system.device(1) });
    const call = c.call(40, [utf8('a')]).catch((error) => error);
    await until(() => engine.messages === 1);
    const closed = server.close(300);
    const socket = connectTcp(server.port, '127.0.0.1');
    const outcome = await new Promise((resolve) => {
      socket.on('error', () => resolve('refused'));
      socket.on('connect', () => resolve('connected'));
    });
    expect(outcome).toBe('refused');
    await closed;
    await c.close(0);
    expect(await call).toMatchObject({ outcome: 'unknown' });
  });
});
