// A client written from docs/protocol.md alone: a WebSocket and a DataView, nothing of src/wire. It shows that the page
// is enough to write one in another language.
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import WebSocket from 'ws';
import { MemoryEngine } from './memory-engine.ts';
import { afterwards, pause, serve, until } from './support.ts';

interface Reply {
  status: number;
  count: number;
  timestamp: bigint;
  body: DataView;
}

class TinyClient {
  readonly #url: string;
  readonly #session = randomBytes(16);
  #socket: WebSocket | undefined;
  #acknowledged = 0n;
  #next = 1n;
  #waiting = new Map<string, (reply: Reply) => void>();
  #unanswered = new Map<bigint, Buffer>();
  appliedAtHello = 0n;

  constructor(url: string) {
    this.#url = url;
  }

  /** Sessions, rule 3: the same session, then every unanswered write again, in order. */
  async connect(): Promise<void> {
    const socket = new WebSocket(this.#url, { perMessageDeflate: false });
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#take(data));
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('open', resolve));
    const hello = Buffer.alloc(32);
    this.#session.copy(hello, 0);
    hello.writeBigUInt64LE(this.#acknowledged, 16);
    const reply = await this.#exchange(128, 0n, 1, hello);
    if (reply.status !== 0) throw new Error(`hello: status ${reply.status}`);
    this.appliedAtHello = reply.body.getBigUint64(16, true);
    for (const frame of this.#unanswered.values()) socket.send(frame);
  }

  drop(): void {
    this.#socket!.terminate();
  }

  read(operation: number, count: number, body: Buffer): Promise<Reply> {
    return this.#exchange(operation, 0x8000_0000_0000_0000n + this.#next++, count, body);
  }

  write(operation: number, count: number, body: Buffer): Promise<Reply> {
    const request = this.#next++;
    this.#unanswered.set(request, this.#frame(operation, request, count, body));
    return this.#exchange(operation, request, count, body).then((reply) => {
      this.#unanswered.delete(request);
      if (reply.status === 0 && request > this.#acknowledged) this.#acknowledged = request;
      return reply;
    });
  }

  #frame(operation: number, request: bigint, count: number, body: Buffer): Buffer {
    const frame = Buffer.alloc(32 + body.length);
    frame.write('SPCE', 0, 'latin1');
    frame.writeUInt8(1, 4);
    frame.writeUInt8(operation, 5);
    frame.writeUInt32LE(count, 8);
    frame.writeUInt32LE(body.length, 12);
    frame.writeBigUInt64LE(request, 16);
    body.copy(frame, 32);
    return frame;
  }

  #exchange(operation: number, request: bigint, count: number, body: Buffer): Promise<Reply> {
    return new Promise((resolve) => {
      this.#waiting.set(`${operation} ${request}`, resolve);
      this.#socket!.send(this.#frame(operation, request, count, body));
    });
  }

  #take(data: Buffer): void {
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    if (data.toString('latin1', 0, 4) !== 'SPCE' || view.getUint8(4) !== 1)
      throw new Error('not this protocol');
    if (view.getUint32(12, true) !== data.length - 32) throw new Error('wrong size');
    const key = `${view.getUint8(5)} ${view.getBigUint64(16, true)}`;
    this.#waiting.get(key)?.({
      status: view.getUint16(6, true),
      count: view.getUint32(8, true),
      timestamp: view.getBigUint64(24, true),
      body: new DataView(data.buffer, data.byteOffset + 32, data.length - 32),
    });
    this.#waiting.delete(key);
  }
}

function account(id: bigint): Buffer {
  const record = Buffer.alloc(128);
  record.writeBigUInt64LE(id, 0);
  record.writeUInt32LE(978, 112);
  record.writeUInt16LE(1, 116);
  return record;
}

function transfer(id: bigint, amount: bigint): Buffer {
  const record = Buffer.alloc(128);
  record.writeBigUInt64LE(id, 0);
  record.writeBigUInt64LE(1n, 16);
  record.writeBigUInt64LE(2n, 32);
  record.writeBigUInt64LE(amount, 48);
  record.writeUInt32LE(978, 112);
  record.writeUInt16LE(1, 116);
  return record;
}

const CREATED = 0xffff_ffff;

test('every operation of the page', async () => {
  const server = await serve({ engine: new MemoryEngine() });
  const client = new TinyClient(server.url);
  await client.connect();
  afterwards(async () => client.drop());

  const history = account(1n);
  history.writeUInt16LE(8, 118);
  const accounts = await client.write(1, 2, Buffer.concat([history, account(2n)]));
  expect([accounts.status, accounts.count]).toEqual([0, 2]);
  expect([accounts.body.getUint32(8, true), accounts.body.getUint32(24, true)]).toEqual([CREATED, CREATED]);
  expect(accounts.timestamp).toBe(accounts.body.getBigUint64(16, true));

  const transfers = await client.write(2, 2, Buffer.concat([transfer(5n, 70n), transfer(6n, 30n)]));
  expect([transfers.body.getUint32(8, true), transfers.body.getUint32(24, true)]).toEqual([CREATED, CREATED]);
  const again = await client.write(2, 1, transfer(5n, 71n));
  expect(again.body.getUint32(8, true)).toBe(39);

  const ids = Buffer.alloc(32);
  ids.writeBigUInt64LE(2n, 0);
  ids.writeBigUInt64LE(3n, 16);
  const found = await client.read(16, 2, ids);
  expect(found.count).toBe(1);
  expect([found.body.getBigUint64(0, true), found.body.getBigUint64(64, true)]).toEqual([2n, 100n]);

  const one = Buffer.alloc(16);
  one.writeBigUInt64LE(6n, 0);
  const looked = await client.read(17, 1, one);
  expect([looked.count, looked.body.getBigUint64(48, true)]).toEqual([1, 30n]);

  const filter = Buffer.alloc(128);
  filter.writeBigUInt64LE(1n, 0);
  filter.writeUInt32LE(10, 120);
  filter.writeUInt32LE(1 | 2, 124);
  const history1 = await client.read(18, 1, filter);
  expect([history1.count, history1.body.getBigUint64(0, true)]).toEqual([2, 5n]);
  const balances = await client.read(19, 1, filter);
  expect([balances.count, balances.body.getBigUint64(128 + 16, true)]).toEqual([2, 100n]);

  const changes = Buffer.alloc(64);
  changes.writeUInt32LE(10, 16);
  const events = await client.read(20, 1, changes);
  expect(events.count).toBe(2);
  expect([events.body.getBigUint64(384, true), events.body.getBigUint64(384 + 272, true)]).toEqual([
    6n,
    100n,
  ]);

  const pong = await client.read(129, 0, Buffer.alloc(0));
  expect([pong.status, pong.count, pong.timestamp]).toEqual([0, 0, 0n]);
});

test('exactly once over connections that break', async () => {
  const engine = new MemoryEngine({ gate: () => pause(2) });
  const server = await serve({ engine });
  const client = new TinyClient(server.url);
  await client.connect();
  await client.write(1, 2, Buffer.concat([account(1n), account(2n)]));
  let created = 0;
  let expected = 0;
  for (let round = 0; round < 20; round++) {
    const before = engine.applied.length;
    const replies = Array.from({ length: 10 }, (_, i) =>
      client.write(2, 1, transfer(BigInt(1000 + round * 10 + i), 1n)),
    );
    expected += 10;
    // Somewhere between the first byte sent and the last answer.
    await until(() => engine.applied.length > before + (round % 10));
    client.drop();
    await client.connect();
    expect(client.appliedAtHello).toBeGreaterThan(0n);
    for (const reply of await Promise.all(replies)) if (reply.body.getUint32(8, true) === CREATED) created++;
  }
  client.drop();
  expect(created).toBe(expected);
  expect(engine.applied).toHaveLength(expected + 1);
  expect(engine.accounts.get(2n)!.creditsPosted).toBe(BigInt(expected));
});
