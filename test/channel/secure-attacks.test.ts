// What attackers can do to an encrypted channel over real sockets: on the wire, at the door, and in numbers.
import { connect as connectTcp } from 'node:net';
import { describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type ClientEvent, connect } from '../../src/channel/client.ts';
import { Initiator } from '../../src/channel/secure/initiator.ts';
import { PREAMBLE_SIZE } from '../../src/channel/secure/preamble.ts';
import { SecureChannel, sealedBytes } from '../../src/channel/secure/records.ts';
import type { Server } from '../../src/channel/server.ts';
import { Random } from '../../src/shared/random.ts';
import type { ClientIdentity } from '../../src/wire/channel-identity.ts';
import { encodeRequest, parseReply } from '../../src/wire/frame.ts';
import { encodeHello } from '../../src/wire/hello.ts';
import { RequestOperation } from '../../src/wire/operation.ts';
import { CloseCode } from '../../src/wire/status.ts';
import { Meddler, type Meddling, relay } from './meddler.ts';
import { MemoryEngine } from './memory-engine.ts';
import { keyPair, System } from './secure-support.ts';
import { afterwards, Bare, client, pause, serve, until } from './support.ts';

const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : 20_261_121n;
const PIECE = 65_535;

const account = (id: bigint) => ({ id, ledger: 978, code: 1 });
const many = (first: bigint, count: number) =>
  Array.from({ length: count }, (_, i) => account(first + BigInt(i)));
const hello = (session: bigint): Uint8Array =>
  encodeRequest(RequestOperation.hello, 0n, 1, encodeHello({ session, acknowledged: 0n }));

/** A socket that sends what it is told, and keeps what it gets as it comes. */
class Raw {
  readonly socket: WebSocket;
  readonly got: Buffer[] = [];
  closed: { code: number; reason: string } | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => void this.got.push(data));
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => {});
  }

  static async open(server: { url: string }): Promise<Raw> {
    const raw = new Raw(new WebSocket(server.url, { perMessageDeflate: false }));
    await new Promise<void>((resolve, reject) => {
      raw.socket.once('open', resolve);
      raw.socket.once('error', reject);
    });
    afterwards(async () => raw.socket.terminate());
    return raw;
  }

  async take(): Promise<Buffer> {
    await until(() => this.got.length > 0 || this.closed !== undefined);
    if (this.got.length === 0)
      throw new Error(`expected a message, got the end: ${JSON.stringify(this.closed)}`);
    return this.got.shift()!;
  }

  async end(): Promise<{ code: number; reason: string }> {
    await until(() => this.closed !== undefined);
    return this.closed!;
  }

  /** Through the handshake, up to but without the first frame. */
  async handshake(identity: ClientIdentity): Promise<SecureChannel> {
    const initiator = new Initiator(identity);
    this.socket.send(initiator.message);
    const finished = initiator.finish(new Uint8Array(await this.take()));
    if (!(finished instanceof SecureChannel))
      throw new Error(`expected a channel, got ${JSON.stringify(finished)}`);
    return finished;
  }
}

const seal = (channel: SecureChannel, frame: Uint8Array): Uint8Array =>
  channel.seal(frame, new Uint8Array(sealedBytes(frame.length))).slice();

/** What a server must still do after whatever was done to it. */
async function sane(server: Server, system: System, engine: MemoryEngine, connections = 0): Promise<void> {
  await until(() => server.report().connections === connections);
  expect(server.report()).toMatchObject({
    halfOpen: 0,
    inFlight: 0,
    waiting: 0,
    waitingBytes: 0,
    heldBytes: 0,
  });
  const c = await client(server, { identity: system.device(99) });
  const account = BigInt(engine.accounts.size) + (1n << 100n);
  expect(await c.createAccounts([{ id: account, ledger: 1 }])).toMatchObject([{ status: 'created' }]);
  await c.close();
}

describe('a man in the middle', () => {
  test('who relays sees nothing of what he relays, and changes nothing', async () => {
    const system = new System();
    const engine = new MemoryEngine();
    const meddler = await Meddler.open(await serve({ engine, identity: system }));
    const c = await client(meddler, { identity: system.device(1) });
    await c.createAccounts([{ ...account(5n), userData128: 0x0123_4567_89ab_cdefn }]);
    expect(await c.lookupAccounts([5n])).toMatchObject([{ userData128: 0x0123_4567_89ab_cdefn }]);
    const seen = Buffer.concat(meddler.recorded);
    expect(seen.includes(Buffer.from('efcdab8967452301', 'hex'))).toBe(false);
    expect(seen.includes('device 1')).toBe(false);
    expect(seen.includes('SPCE')).toBe(false);
  });

  /** Done to messages 3 and 4 of one way of the first connection: two calls, each of three pieces. */
  const attacks: [string, (message: Buffer, next: boolean, kept: Buffer[]) => (Buffer | string)[]][] = [
    ['flips a bit of the first byte', (m, next) => (next ? [m] : [flipped(m, 0)])],
    ['flips a bit in the middle', (m, next) => (next ? [m] : [flipped(m, m.length >> 1)])],
    ['flips a bit of the last byte', (m, next) => (next ? [m] : [flipped(m, m.length - 1)])],
    ['cuts a byte off', (m, next) => (next ? [m] : [m.subarray(0, -1)])],
    ['cuts all but the first piece off', (m, next) => (next ? [m] : [m.subarray(0, PIECE)])],
    ['cuts all off', (m, next) => (next ? [m] : [Buffer.alloc(0)])],
    ['adds a byte', (m, next) => (next ? [m] : [Buffer.concat([m, Buffer.of(1)])])],
    ['repeats a message', (m, next) => (next ? [m] : [m, m])],
    ['drops a message', (m, next) => (next ? [m] : [])],
    [
      'exchanges two messages',
      (m, next, kept) => {
        if (next) return [m, ...kept];
        kept.push(m);
        return [];
      },
    ],
    [
      'joins two messages',
      (m, next, kept) => {
        if (next) return [Buffer.concat([...kept, m])];
        kept.push(m);
        return [];
      },
    ],
    ['splits a message', (m, next) => (next ? [m] : [m.subarray(0, 500), m.subarray(500)])],
    [
      'splits a message between pieces',
      (m, next) => (next ? [m] : [m.subarray(0, PIECE), m.subarray(PIECE)]),
    ],
    ['puts a message of his own before', (m, next) => (next ? [m] : [Buffer.alloc(100, 3), m])],
    ['puts a plain frame before', (m, next) => (next ? [m] : [Buffer.from(hello(1n)), m])],
    ['puts a text before', (m, next) => (next ? [m] : ['text', m])],
  ];
  const flipped = (message: Buffer, at: number): Buffer => {
    const copy = Buffer.from(message);
    copy[at]! ^= 0x10;
    return copy;
  };

  describe.each(['up', 'down'] as const)('%s', (side) => {
    test.each(attacks)(
      'who %s: noticed, the connection ends, and everything is done exactly once',
      async (_name, attack) => {
        const system = new System();
        const engine = new MemoryEngine();
        const kept: Buffer[] = [];
        const meddle: Meddling = (way, index, message, connection) =>
          connection > 0 || way !== side || index < 3 || index > 4
            ? [message]
            : attack(message, index === 4, kept);
        const meddler = await Meddler.open(await serve({ engine, identity: system }), meddle);
        const events: ClientEvent[] = [];
        const c = await client(meddler, {
          identity: system.device(1),
          reconnectFirstMs: 1,
          onEvent: (event) => void events.push(event),
        });
        // Up: handshake 0, hello 1, this 2, the two below 3 and 4. Down: alike.
        await c.createAccounts(many(1n, 1200));
        const calls =
          side === 'up'
            ? [c.createAccounts(many(2001n, 1200)), c.createAccounts(many(4001n, 1200))]
            : [1n, 2n].map((first) => c.lookupAccounts(many(first, 1199).map(({ id }) => id)));
        for (const results of await Promise.all(calls)) {
          expect(results).toHaveLength(side === 'up' ? 1200 : 1199);
          if (side === 'up')
            expect(new Set(results.map((result) => 'status' in result && result.status))).toEqual(
              new Set(['created']),
            );
        }
        expect(events.map(({ type }) => type)).toEqual(['connected', 'disconnected', 'connected']);
        expect(events[1]).toMatchObject({ code: CloseCode.record_damaged });
        expect(engine.applied.map(({ request }) => request)).toEqual(side === 'up' ? [1n, 2n, 3n] : [1n]);
      },
    );
  });

  test('who pretends that the server has closed for good: the client just connects again', async () => {
    const system = new System();
    const meddler = await Meddler.open(await serve({ engine: new MemoryEngine(), identity: system }));
    const events: ClientEvent[] = [];
    const c = await client(meddler, {
      identity: system.device(1),
      reconnectFirstMs: 1,
      onEvent: (event) => void events.push(event),
    });
    for (const code of [4000, 4001, 4003, 4004, 4005, 4006, 4007, 4008, 4012]) {
      meddler.closeClients(code, 'go away');
      await until(() => events.at(-1)!.type === 'disconnected');
      await until(() => events.at(-1)!.type === 'connected');
    }
    await c.createAccounts([account(1n)]);
  });

  test('what the server itself announces is believed', async () => {
    const system = new System();
    const randomBytes = (bytes: Uint8Array): void => void bytes.fill(7);
    const server = await serve({ engine: new MemoryEngine(), identity: system });
    const options = { identity: system.device(1), randomBytes, reconnectFirstMs: 1 };
    const older = await client(server, options);
    const newer = await client(server, options);
    await expect(until(() => false, 50)).rejects.toThrow();
    await expect(older.createAccounts([account(1n)])).rejects.toMatchObject({ code: 'session_taken_over' });
    await newer.createAccounts([account(1n)]);
  });

  test('who puts his own key in: the client does not talk to him, the server does not understand him', async () => {
    const system = new System();
    const stranger = new System();
    const engine = new MemoryEngine();
    // His own server, at the address of the true one.
    const his = await serve({ engine, identity: stranger });
    await expect(connect({ url: his.url, identity: system.device(1) })).rejects.toMatchObject({
      code: 'handshake_failed',
      message: expect.stringContaining('renew the directory'),
    });
    // His key id in the preamble, so that his server tries.
    const named = await Meddler.open(his, (way, index, message) => {
      if (way === 'up' && index === 0) {
        new Initiator(stranger.device(1)).message.subarray(0, PREAMBLE_SIZE).forEach((byte, at) => {
          message[at] = byte;
        });
      }
      return [message];
    });
    await expect(connect({ url: named.url, identity: system.device(1) })).rejects.toMatchObject({
      code: 'handshake_failed',
      message: expect.stringContaining('address and key of the server belong together'),
    });
    // An answer of his own making.
    const server = await serve({ engine, identity: system });
    const answering = await Meddler.open(server, (way, index, message) =>
      way === 'down' && index === 0 ? [Buffer.alloc(message.length, 5)] : [message],
    );
    await expect(connect({ url: answering.url, identity: system.device(1) })).rejects.toMatchObject({
      code: 'handshake_failed',
    });
    expect(engine.applied).toEqual([]);
  });

  test.each(Array.from({ length: PREAMBLE_SIZE + 32 + 48 + 26 }, (_, at) => at).filter((at) => at % 3 === 0))(
    'who changes byte %d of the first message: nobody is let in',
    async (at) => {
      const system = new System();
      const engine = new MemoryEngine();
      const meddler = await Meddler.open(await serve({ engine, identity: system }), (way, index, message) =>
        way === 'up' && index === 0 ? [flipped(message, at % message.length)] : [message],
      );
      await expect(connect({ url: meddler.url, identity: system.device(123) })).rejects.toMatchObject({
        code: 'handshake_failed',
      });
      expect(engine.applied).toEqual([]);
    },
  );
});

describe('recordings', () => {
  test.each(['IK', 'KK', 'NK'] as const)(
    'a whole session of %s, played again: nothing is done',
    async (pattern) => {
      const system = new System();
      const engine = new MemoryEngine();
      const server = await serve({ engine, identity: system });
      const meddler = await Meddler.open(server, relay);
      const identity = { IK: system.device(1), KK: system.role('cash'), NK: system.unnamed() }[pattern];
      const c = await client(meddler, { identity });
      await c.createAccounts([account(1n)]);
      await c.close();
      const applied = engine.applied.length;
      let opened = 0;
      engine.openSession = () => {
        opened++;
        return { resumed: false, applied: 0n };
      };
      const raw = await Raw.open(server);
      const [first, second] = meddler.recorded;
      raw.socket.send(first!);
      expect((await raw.take()).length).toBe(32 + 2 + 16);
      expect(server.report()).toMatchObject({ halfOpen: 1 });
      raw.socket.send(second!);
      expect(await raw.end()).toEqual({
        code: 4010,
        reason: 'record: expected the next one of this connection, got another',
      });
      expect([opened, engine.applied.length]).toEqual([0, applied]);
      await sane(server, system, new MemoryEngine());
    },
  );

  test('a record of one connection in another', async () => {
    const system = new System();
    const server = await serve({ engine: new MemoryEngine(), identity: system });
    const [a, b] = [await Raw.open(server), await Raw.open(server)];
    const key = keyPair();
    const one = await a.handshake(system.device(1, key));
    await b.handshake(system.device(1, key));
    b.socket.send(seal(one, hello(5n)));
    expect((await b.end()).code).toBe(4010);
    a.socket.send(seal(await (await Raw.open(server)).handshake(system.device(1, key)), hello(5n)));
    expect((await a.end()).code).toBe(4010);
  });
});

describe('strangers', () => {
  test('with valid keys of another system: a device, a role, an unnamed one', async () => {
    const system = new System();
    const other = new System();
    const engine = new MemoryEngine();
    const server = await serve({ engine, identity: system });
    system.authorise = () => ({
      refused: 'unknown_key',
      message: 'expected a key of this system, got another',
    });
    const at = (identity: ClientIdentity): ClientIdentity => ({
      ...identity,
      remoteStaticKey: system.keys[0]!.publicKey,
    });
    await expect(connect({ url: server.url, identity: at(other.device(1)) })).rejects.toMatchObject({
      code: 'unknown_key',
      message: expect.stringContaining('What to do: enrol this key'),
    });
    await expect(connect({ url: server.url, identity: at(other.role('cash')) })).rejects.toMatchObject({
      code: 'handshake_failed',
      message: expect.stringContaining('expected the id of a key in the directory'),
    });
    for (const identity of [other.device(1), other.role('cash'), other.unnamed()]) {
      await expect(connect({ url: server.url, identity })).rejects.toMatchObject({
        code: 'handshake_failed',
        message: expect.stringContaining('expected the id of a key of this server, got another'),
      });
    }
    expect(engine.applied).toEqual([]);
  });

  test('with the key id of a role, but not its key', async () => {
    const system = new System();
    const server = await serve({ engine: new MemoryEngine(), identity: system });
    const role = system.role('management');
    const message = new Initiator({ ...role, staticKey: keyPair().secretKey }).message;
    message.set(new Initiator(role).message.subarray(16, 24), 16);
    const raw = await Raw.open(server);
    raw.socket.send(message);
    expect((await raw.end()).code).toBe(4005);
    expect(system.asked).toEqual([]);
  });

  test('plain frames to a secured server, a handshake to a plain one', async () => {
    const system = new System();
    const secured = await serve({ engine: new MemoryEngine(), identity: system });
    const plain = await serve({ engine: new MemoryEngine() });
    await expect(connect({ url: secured.url })).rejects.toMatchObject({
      code: 'handshake_failed',
      message: expect.stringContaining('connect with an identity'),
    });
    await expect(connect({ url: plain.url, identity: system.device(1) })).rejects.toMatchObject({
      code: 'handshake_failed',
      message: expect.stringContaining('the server has no identity'),
    });
    const text = await Raw.open(secured);
    text.socket.send('hello');
    expect((await text.end()).code).toBe(4010);
    // After the handshake too: a plain frame is no record.
    const raw = await Raw.open(secured);
    const channel = await raw.handshake(system.device(1));
    raw.socket.send(seal(channel, hello(1n)));
    expect(parseReply(channel.open(new Uint8Array(await raw.take())))).toMatchObject({
      kind: 'reply',
      status: 0,
    });
    raw.socket.send(hello(1n));
    expect((await raw.end()).code).toBe(4010);
  });

  test('anything said before the answer ends the handshake', async () => {
    const system = new System();
    const server = await serve({ engine: new MemoryEngine(), identity: system });
    const raw = await Raw.open(server);
    const { message } = new Initiator(system.device(1));
    raw.socket.send(message);
    raw.socket.send(message);
    expect((await raw.end()).code).toBeGreaterThanOrEqual(4005);
    await sane(server, system, new MemoryEngine());
  });

  test(`thousands of first messages of garbage (SPECIE_SEED=${seed})`, async () => {
    const random = new Random(seed);
    const below = (bound: number): number => Math.floor(random.float() * bound);
    const system = new System();
    const engine = new MemoryEngine();
    const faults: unknown[] = [];
    const server = await serve({ engine, identity: system, onFault: (fault) => void faults.push(fault) });
    const bystander = await client(server, { identity: system.device(1) });
    const good = new Initiator(system.device(2)).message;
    const codes = new Map<number, number>();
    const one = async (): Promise<void> => {
      const raw = await Raw.open(server);
      let message = Uint8Array.from(good);
      switch (below(6)) {
        case 0:
          message = Uint8Array.from({ length: below(200) }, () => below(256));
          break;
        case 1:
          message = message.slice(0, below(message.length));
          break;
        case 2:
          message = new Uint8Array([...message, ...new Array(1 + below(5000)).fill(below(256))]);
          break;
        case 3:
          message[below(PREAMBLE_SIZE)] = below(256);
          message[PREAMBLE_SIZE + below(80)]! ^= 1 + below(255);
          break;
        case 4:
          // Points of small order for the ephemeral key.
          message.fill(below(2), PREAMBLE_SIZE, PREAMBLE_SIZE + 32);
          break;
        default:
          message[PREAMBLE_SIZE + below(message.length - PREAMBLE_SIZE)]! ^= 1 << below(8);
      }
      raw.socket.send(message);
      const { code } = await raw.end();
      codes.set(code, (codes.get(code) ?? 0) + 1);
    };
    for (let i = 0; i < 2_000; i += 20) await Promise.all(Array.from({ length: 20 }, one));
    expect([...codes.keys()].sort()).toEqual([4004, 4005, 4006, 4007]);
    expect(faults).toEqual([]);
    await bystander.createAccounts([account(1n)]);
    await sane(server, system, engine, 1);
    expect(system.asked).toHaveLength(2);
  }, 120_000);

  test('garbage after a good handshake', async () => {
    const random = new Random(seed);
    const system = new System();
    const engine = new MemoryEngine();
    const server = await serve({ engine, identity: system });
    for (let i = 0; i < 200; i++) {
      const raw = await Raw.open(server);
      const channel = await raw.handshake(system.device(1));
      if (i % 2 === 0) raw.socket.send(seal(channel, hello(BigInt(i + 1))));
      raw.socket.send(
        Uint8Array.from({ length: Math.floor(random.float() * 300) }, () => Math.floor(random.float() * 256)),
      );
      expect((await raw.end()).code).toBe(4010);
    }
    await sane(server, system, engine);
  });

  test('garbage inside a good channel is refused like any bad frame, and closes its own connection only', async () => {
    const system = new System();
    const server = await serve({ engine: new MemoryEngine(), identity: system });
    const raw = await Raw.open(server);
    const channel = await raw.handshake(system.device(1));
    const frame = hello(1n);
    frame[0] = 0;
    raw.socket.send(seal(channel, frame));
    expect(parseReply(channel.open(new Uint8Array(await raw.take())))).toMatchObject({ status: 1 });
    expect((await raw.end()).code).toBe(4000);
  });
});

test('who loses its authority between the answer and its first frame does not come in', async () => {
  const system = new System();
  const engine = new MemoryEngine();
  const server = await serve({ engine, identity: system });
  const raw = await Raw.open(server);
  const channel = await raw.handshake(system.device(13));
  expect(server.disconnect((peer) => peer.kind === 'device' && peer.device === 13n)).toBe(0);
  raw.socket.send(seal(channel, hello(1n)));
  expect((await raw.end()).code).toBe(4011);
  await sane(server, system, engine);
});

test('a reader that stops for a while gets everything in order', async () => {
  const system = new System();
  const engine = new MemoryEngine();
  const server = await serve({ engine, identity: system });
  const c = await client(server, { identity: system.device(1) });
  await c.createAccounts(many(1n, 8190));
  await c.close();
  const ids = new Uint8Array(8190 * 16);
  for (let i = 0; i < 8190; i++) new DataView(ids.buffer).setBigUint64(i * 16, BigInt(i + 1), true);
  const raw = await Raw.open(server);
  const channel = await raw.handshake(system.device(2));
  raw.socket.pause();
  for (let i = 1n; i <= 16n; i++) {
    raw.socket.send(seal(channel, encodeRequest(RequestOperation.lookup_accounts, i, 8190, ids)));
  }
  await until(() => server.report().heldBytes > 5_000_000);
  raw.socket.resume();
  for (let i = 1n; i <= 16n; i++) {
    const reply = parseReply(channel.open(new Uint8Array(await raw.take())));
    expect(reply).toMatchObject({ kind: 'reply', status: 0, count: 8190, request: i });
  }
  expect(server.report()).toMatchObject({ heldBytes: 0, inFlight: 0 });
});

describe('those who waste time and room', () => {
  const limits = { handshakeTimeoutMs: 150, halfOpenMax: 8 };

  test('who opens a connection and says nothing, half a message, or only the first one, is closed in time', async () => {
    const system = new System();
    const engine = new MemoryEngine();
    const server = await serve({ engine, identity: system, limits });
    const silent = await Raw.open(server);
    const half = await Raw.open(server);
    half.socket.send(new Initiator(system.device(1)).message.subarray(0, 40), { fin: false });
    const first = await Raw.open(server);
    await first.handshake(system.device(1));
    for (const raw of [silent, half, first]) {
      expect(await raw.end()).toEqual({ code: 4009, reason: 'expected a handshake within 150 ms' });
    }
    await sane(server, system, engine);
  });

  test('more of them than there is room for: the oldest go, those who know their way come in', async () => {
    const system = new System();
    const engine = new MemoryEngine();
    const server = await serve({
      engine,
      identity: system,
      limits: { ...limits, handshakeTimeoutMs: 60_000, connectionsMax: 4 },
    });
    const peers = [];
    const crowd: Raw[] = [];
    for (let i = 0; i < 4; i++) {
      for (let j = 0; j < 10; j++) {
        const raw = await Raw.open(server);
        crowd.push(raw);
        // Half of them have got as far as the answer.
        if (j % 2 === 0) await raw.handshake(system.device(1));
      }
      expect(server.report().halfOpen).toBe(8);
      peers.push(await client(server, { identity: system.device(i) }));
    }
    await until(() => crowd.filter(({ closed }) => closed !== undefined).length >= 32);
    for (const { closed } of crowd) if (closed !== undefined) expect(closed.code).toBe(1013);
    for (const [i, peer] of peers.entries()) await peer.createAccounts([account(BigInt(i + 1))]);
    for (const raw of crowd) raw.socket.terminate();
    await until(() => server.report().connections === 4);
    for (const peer of peers) await peer.close();
    await sane(server, system, engine);
  });

  test('hundreds who come at the same moment all come in', async () => {
    const system = new System();
    const engine = new MemoryEngine();
    const server = await serve({
      engine,
      identity: system,
      limits: { connectionsMax: 400, halfOpenMax: 16 },
    });
    const clients = await Promise.all(
      Array.from({ length: 300 }, (_, i) =>
        client(server, { identity: system.device(i), connectTimeoutMs: 30_000 }),
      ),
    );
    expect(server.report()).toMatchObject({ connections: 300, halfOpen: 0 });
    await Promise.all(clients.map((c, i) => c.createAccounts([account(BigInt(i + 1))])));
    expect(engine.accounts.size).toBe(300);
    await Promise.all(clients.map((c) => c.close()));
  });

  test('handshakes take turns with everything else', async () => {
    const system = new System();
    const engine = new MemoryEngine();
    const server = await serve({ engine, identity: system, limits: { halfOpenMax: 64 } });
    const c = await client(server, { identity: system.device(1) });
    const crowd = await Promise.all(Array.from({ length: 60 }, () => Raw.open(server)));
    const order: string[] = [];
    const { message } = new Initiator(system.device(2));
    const authorise = system.authorise.bind(system);
    system.authorise = (initiator) => {
      order.push('handshake');
      return authorise(initiator);
    };
    for (const raw of crowd) raw.socket.send(message);
    for (let i = 0; i < 10; i++) {
      await c.ping();
      order.push('ping');
    }
    // The pings did not have to wait for sixty handshakes.
    expect(order.lastIndexOf('ping')).toBeGreaterThan(10);
    expect(order.indexOf('ping')).toBeLessThan(55);
  });

  test('sockets that never ask for a WebSocket leave with their own end', async () => {
    const system = new System();
    const engine = new MemoryEngine();
    const server = await serve({ engine, identity: system, limits });
    const sockets = Array.from({ length: 100 }, () =>
      connectTcp(server.port, '127.0.0.1').on('error', () => {}),
    );
    for (const socket of sockets) socket.write('GET /v1 HTTP/1.1\r\nHost');
    await pause(20);
    expect(server.report().connections).toBe(0);
    for (const socket of sockets) socket.destroy();
    await sane(server, system, engine);
  });

  test('memory does not grow with handshakes that came to nothing', async () => {
    const system = new System();
    const engine = new MemoryEngine();
    const server = await serve({ engine, identity: system, limits: { halfOpenMax: 64 } });
    const flood = async (rounds: number): Promise<void> => {
      for (let i = 0; i < rounds; i++) {
        const raws = await Promise.all(Array.from({ length: 20 }, () => Raw.open(server)));
        await Promise.all(raws.map((raw) => raw.handshake(system.unnamed())));
        for (const raw of raws) {
          raw.socket.send(new Uint8Array(200_000));
          raw.socket.close();
        }
      }
    };
    await flood(10);
    await until(() => server.report().connections === 0);
    const before = process.memoryUsage().rss;
    await flood(50);
    await until(() => server.report().connections === 0);
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 1024 * 1024);
    await sane(server, system, engine);
  });
});

test('a browser’s page is kept out by its origin, whatever keys it has', async () => {
  const system = new System();
  const server = await serve({ engine: new MemoryEngine(), identity: system });
  await expect(Bare.open(server, { origin: 'https://example.org' })).rejects.toThrow('403');
});

test('what is too long for a handshake is not even tried', async () => {
  const system = new System();
  const server = await serve({ engine: new MemoryEngine(), identity: system });
  const raw = await Raw.open(server);
  raw.socket.send(Buffer.concat([new Initiator(system.device(1)).message, Buffer.alloc(4096)]));
  expect(await raw.end()).toMatchObject({
    code: 4005,
    reason: expect.stringContaining('at most 4096 bytes'),
  });
  expect(system.asked).toEqual([]);
});
