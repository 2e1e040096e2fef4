import { connect as connectTcp, type Socket } from 'node:net';
import { describe, expect, test } from 'vitest';
import type { Server } from '../../src/channel/server.ts';
import { Random } from '../../src/shared/random.ts';
import { encodeRequest, HeaderLayout, viewOf } from '../../src/wire/frame.ts';
import { encodeHello } from '../../src/wire/hello.ts';
import { HEADER_SIZE, MESSAGE_BYTES_MAX, MESSAGE_BYTES_RECEIVED_MAX } from '../../src/wire/limits.ts';
import { operationShape, RequestOperation } from '../../src/wire/operation.ts';
import { CLOSES_CONNECTION, CloseCode, RequestStatus, requestStatusName } from '../../src/wire/status.ts';
import { MemoryEngine } from './memory-engine.ts';
import { afterwards, Bare, client, pause, serve, told, until } from './support.ts';

const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : 20_260_701n;
const operations = Object.values(RequestOperation);

/** A frame that is wrong in one way or several, or even right; its body is random. */
function hostileFrame(random: Random): Uint8Array {
  const below = (bound: number): number => Math.floor(random.float() * bound);
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)]!;
  const operation = below(8) === 0 ? below(256) : pick(operations);
  const size = operationShape(operation)?.requestSize ?? 16;
  const count = pick([0, 1, 1, 2, 3, below(40)]);
  const body = new Uint8Array(count * size);
  for (let i = 0; i < body.length; i++) body[i] = below(4) === 0 ? below(256) : 0;
  let frame = encodeRequest(operation, BigInt(below(5)), count, body);
  const view = viewOf(frame);
  const extreme = (): number =>
    pick([0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 8190, 8191, below(2 ** 32)]);
  for (let faults = below(3); faults > 0; faults--) {
    switch (below(7)) {
      case 0:
        view.setUint32(HeaderLayout.count, extreme(), true);
        break;
      case 1:
        view.setUint32(HeaderLayout.bodySize, extreme(), true);
        break;
      case 2:
        view.setUint8(HeaderLayout.version, below(256));
        break;
      case 3:
        view.setUint16(HeaderLayout.status, below(65_536), true);
        break;
      case 4:
        frame[below(HEADER_SIZE)] = below(256);
        break;
      case 5:
        frame = frame.slice(0, below(frame.length + 1));
        return frame;
      default:
        frame = Uint8Array.from([...frame, ...new Array(below(300)).fill(below(256))]);
        return frame;
    }
  }
  return frame;
}

/** What a server must still do after whatever was done to it. */
async function sane(server: Server, engine: MemoryEngine, connections: number): Promise<void> {
  await until(() => server.report().connections === connections);
  expect(server.report()).toMatchObject({ inFlight: 0, waiting: 0, waitingBytes: 0, heldBytes: 0 });
  const c = await client(server);
  const account = BigInt(engine.accounts.size) + (1n << 100n);
  expect(await c.createAccounts([{ id: account, ledger: 1 }])).toMatchObject([{ status: 'created' }]);
  await c.close();
}

describe('frames', () => {
  test(`4,000 hostile frames: each is answered, or closes its own connection and no other (SPECIE_SEED=${seed})`, async () => {
    const random = new Random(seed);
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    const bystander = await client(server);
    await bystander.createAccounts([{ id: 1n << 120n, ledger: 1 }]);
    let disconnects = 0;
    const statuses = new Map<string, number>();
    let bare = await Bare.open(server);
    for (let i = 0; i < 4_000; i++) {
      bare.socket.send(hostileFrame(random));
      const reply = await bare.take();
      const name = requestStatusName(reply.status)!;
      statuses.set(name, (statuses.get(name) ?? 0) + 1);
      if (reply.status !== RequestStatus.ok) expect(told(reply)).toMatch(/: .*expected .+, got /);
      if (CLOSES_CONNECTION[name]) {
        expect((await bare.end()).code).toBe(CloseCode.bad_frame);
        disconnects++;
        bare = await Bare.open(server);
        if (random.float() < 0.8) await bare.hello(BigInt(i + 1));
      }
      if (i % 400 === 0) expect(await bystander.lookupAccounts([1n << 120n])).toHaveLength(1);
    }
    expect(disconnects).toBeGreaterThan(1_000);
    for (const name of [
      'ok',
      'malformed_frame',
      'unsupported_version',
      'unknown_operation',
      'body_size_mismatch',
      'too_many_records',
      'too_few_records',
      'hello_expected',
      'session_mismatch',
    ] as const) {
      expect(statuses.get(name) ?? 0, name).toBeGreaterThan(0);
    }
    expect(statuses.get('internal_error')).toBeUndefined();
    expect(await bystander.ping()).toBeGreaterThan(0);
    bare.socket.terminate();
    await sane(server, engine, 1);
  });

  test('hostile frames in floods, unread and unwaited for, leave nothing behind', async () => {
    const random = new Random(seed + 1n);
    const engine = new MemoryEngine({ gate: () => (random.float() < 0.5 ? pause(1) : undefined) });
    const server = await serve({ engine });
    for (let round = 0; round < 150; round++) {
      const bare = await Bare.open(server);
      if (random.float() < 0.7)
        bare.socket.send(
          encodeRequest(
            RequestOperation.hello,
            0n,
            1,
            encodeHello({ session: BigInt(round + 1), acknowledged: 0n }),
          ),
        );
      for (let i = 0; i < 40; i++) bare.socket.send(hostileFrame(random));
      const ending = Math.floor(random.float() * 3);
      if (ending === 0) bare.socket.terminate();
      else if (ending === 1) bare.socket.close();
      else setTimeout(() => bare.socket.terminate(), 20);
    }
    await sane(server, engine, 0);
  });

  test('text is refused with an error frame, then the connection is closed', async () => {
    const bare = await Bare.open(await serve({ engine: new MemoryEngine() }));
    bare.socket.send('hello');
    expect(told(await bare.take())).toBe(
      'malformed_frame: message: expected a binary one, got text of 5 bytes',
    );
    expect(await bare.end()).toEqual({
      code: 4000,
      reason: 'message: expected a binary one, got text of 5 bytes',
    });
  });

  test('a message longer than any frame is refused; one beyond twice that is not even received', async () => {
    const server = await serve({ engine: new MemoryEngine() });
    const over = await Bare.open(server);
    over.send(RequestOperation.create_transfers, 1n, 8191, new Uint8Array(8191 * 128));
    expect(told(await over.take())).toBe(
      'too_many_records: records of create_transfers: expected at most 8190, got 8191',
    );
    expect(over.closed).toBeUndefined();
    const far = await Bare.open(server);
    far.socket.send(new Uint8Array(MESSAGE_BYTES_RECEIVED_MAX + 1));
    expect((await far.end()).code).not.toBe(1000);
    const fragments = await Bare.open(server);
    for (let i = 0; i < 40; i++) fragments.socket.send(new Uint8Array(64 * 1024), { fin: false });
    expect((await fragments.end()).code).not.toBe(1000);
    await until(() => server.report().connections === 1);
  });

  test('a message in fragments is one frame', async () => {
    const bare = await Bare.open(await serve({ engine: new MemoryEngine() }));
    const frame = encodeRequest(RequestOperation.lookup_accounts, 3n, 100, new Uint8Array(1600));
    for (let at = 0; at < frame.length; at += 100) {
      bare.socket.send(frame.subarray(at, at + 100), { binary: true, fin: at + 100 >= frame.length });
    }
    expect(await bare.take()).toMatchObject({ status: 0, request: 3n, count: 0 });
  });

  test('a masked frame is read like an unmasked one', async () => {
    const masked = await Bare.open(await serve({ engine: new MemoryEngine() }), {
      generateMask: (mask) => void mask.set([0xa5, 0x5a, 0x3c, 0xc3]),
    });
    masked.send(RequestOperation.ping, 77n, 0, new Uint8Array(0));
    expect(await masked.take()).toMatchObject({ status: 0, request: 77n });
  });
});

describe('below the frames', () => {
  const raw = (server: Server): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connectTcp(server.port, '127.0.0.1', () => resolve(socket));
      socket.on('error', () => {});
      socket.resume();
      afterwards(async () => void socket.destroy());
    });
  const upgrade = (server: Server): string =>
    `GET /v1 HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';

  test('random bytes instead of HTTP, and instead of WebSocket frames', async () => {
    const random = new Random(seed + 2n);
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    for (let i = 0; i < 300; i++) {
      const socket = await raw(server);
      if (i % 2 === 1) socket.write(upgrade(server));
      socket.write(
        Uint8Array.from({ length: 1 + Math.floor(random.float() * 2_000) }, () =>
          Math.floor(random.float() * 256),
        ),
      );
      await new Promise((resolve) => setImmediate(resolve));
      if (i % 3 === 0) socket.destroy();
      else socket.end();
    }
    await sane(server, engine, 0);
  });

  test('half a frame, then nothing: others are served meanwhile, and it ends with its socket', async () => {
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    const socket = await raw(server);
    socket.write(upgrade(server));
    await until(() => server.report().connections === 1);
    // Announces a whole MiB, sends 1,000 bytes of it.
    const header = new Uint8Array(14);
    header.set([0x82, 0xff]);
    viewOf(header).setBigUint64(2, BigInt(MESSAGE_BYTES_MAX));
    socket.write(header);
    socket.write(new Uint8Array(1_000));
    const c = await client(server);
    expect(await c.createAccounts([{ id: 1n, ledger: 1 }])).toHaveLength(1);
    socket.destroy();
    await until(() => server.report().connections === 1);
    await c.close();
    await sane(server, engine, 0);
  });

  test('thousands of connections that come and go', async () => {
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    await client(server);
    for (let round = 0; round < 40; round++) {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => raw(server)));
      for (const socket of sockets) socket.write(upgrade(server));
      await pause(1);
      for (const socket of sockets) socket.destroy();
    }
    await sane(server, engine, 1);
  });

  test('memory does not grow with what was thrown away', async () => {
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    // Neither the junk nor its masked copies are to be counted.
    const junk = new Uint8Array(MESSAGE_BYTES_MAX);
    const generateMask = (mask: Buffer): void => void mask.fill(0);
    const flood = async (connections: number): Promise<void> => {
      for (let i = 0; i < connections; i++) {
        const bare = await Bare.open(server, { generateMask });
        await bare.hello(BigInt(i + 1));
        bare.socket.send(
          encodeRequest(RequestOperation.lookup_accounts, 1n, 8190, new Uint8Array(8190 * 16)),
        );
        await bare.take();
        bare.socket.send(junk);
        await bare.take();
        await bare.end();
      }
    };
    await flood(20);
    const before = process.memoryUsage().rss;
    await flood(100);
    // 100 messages of a MiB passed through; what stays is the allocator's slack.
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
    await sane(server, engine, 0);
  });
});
