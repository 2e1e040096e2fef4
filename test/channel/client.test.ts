import { describe, expect, test } from 'vitest';
import { connect } from '../../src/channel/client.ts';
import { ClientError } from '../../src/channel/client-error.ts';
import { AccountFlags, writeAccount, writeTransfer } from '../../src/layout/generated.ts';
import { writeU128 } from '../../src/shared/bytes.ts';
import { id } from '../../src/shared/id.ts';
import { viewOf } from '../../src/wire/frame.ts';
import { MemoryEngine } from './memory-engine.ts';
import { client, pause, serve, until } from './support.ts';

const accounts = [
  { id: 1n, ledger: 978, code: 1, flags: AccountFlags.history },
  { id: 2n, ledger: 978, code: 1 },
];

function transfer(amount: bigint, transferId = id()) {
  return { id: transferId, debitAccountId: 1n, creditAccountId: 2n, amount, ledger: 978, code: 1 };
}

async function failure(promise: Promise<unknown>): Promise<ClientError> {
  const error = await promise.then(
    () => undefined,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ClientError);
  return error as ClientError;
}

describe('calls with objects', () => {
  test('every call of the ledger there and back', async () => {
    const engine = new MemoryEngine();
    const c = await client(await serve({ engine }));
    expect(await c.createAccounts([...accounts, { id: 0n }, accounts[0]!])).toEqual([
      { status: 'created', code: 0xffff_ffff, timestamp: 1_000_001n },
      { status: 'created', code: 0xffff_ffff, timestamp: 1_000_002n },
      { status: 'id_must_not_be_zero', code: 6, timestamp: 1_000_003n },
      { status: 'exists', code: 21, timestamp: 1_000_001n },
    ]);
    const [first, second] = [transfer(5n), transfer(7n)];
    expect(await c.createTransfers([first, { ...first, amount: 6n }, second])).toMatchObject([
      { status: 'created' },
      { status: 'exists_with_different_amount', code: 39 },
      { status: 'created' },
    ]);
    expect(await c.lookupAccounts([2n, 99n, 1n])).toMatchObject([
      { id: 2n, creditsPosted: 12n, debitsPosted: 0n },
      { id: 1n, creditsPosted: 0n, debitsPosted: 12n },
    ]);
    expect(await c.lookupTransfers([second.id])).toMatchObject([second]);
    expect(await c.getAccountTransfers({ accountId: 1n })).toMatchObject([first, second]);
    expect(await c.getAccountTransfers({ accountId: 1n, limit: 1 })).toMatchObject([first]);
    expect(await c.getAccountBalances({ accountId: 1n })).toMatchObject([
      { debitsPosted: 5n },
      { debitsPosted: 12n },
    ]);
    const events = await c.getChangeEvents();
    expect(events).toMatchObject([
      { transferId: first.id, creditAccountCreditsPosted: 5n },
      { transferId: second.id, creditAccountCreditsPosted: 12n },
    ]);
    expect(await c.getChangeEvents({ timestampMin: events[0]!.timestamp + 1n })).toHaveLength(1);
    expect(await c.ping()).toBeGreaterThan(0);
  });

  test('empty batches are answered at once, with nothing', async () => {
    const engine = new MemoryEngine();
    const c = await client(await serve({ engine }));
    expect(await c.createTransfers([])).toEqual([]);
    expect(await c.lookupAccounts(new Uint8Array(0))).toHaveLength(0);
    expect(engine.applied).toEqual([]);
  });
});

describe('calls with packed records', () => {
  test('a full batch there and back', async () => {
    const engine = new MemoryEngine();
    const c = await client(await serve({ engine }));
    await c.createAccounts(accounts);
    const packed = new Uint8Array(8190 * 128);
    for (let i = 0; i < 8190; i++) writeTransfer(viewOf(packed), i * 128, transfer(1n));
    const results = await c.createTransfers(packed);
    expect(results).toHaveLength(8190 * 16);
    for (let i = 0; i < 8190; i++) expect(viewOf(results).getUint32(i * 16 + 8, true)).toBe(0xffff_ffff);
    expect(engine.transfers.size).toBe(8190);
    const ids = new Uint8Array(8190 * 16);
    for (let i = 0; i < 8190; i++) ids.set(packed.subarray(i * 128, i * 128 + 16), i * 16);
    const found = await c.lookupTransfers(ids);
    expect(found).toHaveLength(packed.length);
    for (let i = 0; i < 8190; i++) packed.set(found.subarray(i * 128 + 120, i * 128 + 128), i * 128 + 120);
    expect(Buffer.compare(found, packed)).toBe(0);
  });

  test('what is sent again from used memory is what was asked', async () => {
    const engine = new MemoryEngine();
    const c = await client(await serve({ engine }));
    await c.createAccounts(accounts);
    // Frames of 64 KiB and more share memory; each round fills them with other bytes and other lengths.
    for (let round = 0; round < 4; round++) {
      const batches = Array.from({ length: 8 }, (_, i) =>
        Array.from({ length: 520 + 13 * i }, () => transfer(BigInt(1 + i))),
      );
      const results = await Promise.all(batches.map((batch) => c.createTransfers(batch)));
      expect(results.flat().every(({ status }) => status === 'created')).toBe(true);
    }
    expect(engine.accounts.get(1n)!.debitsPosted).toBe(engine.accounts.get(2n)!.creditsPosted);
  });
});

describe('arguments', () => {
  test('more than 8,190 records are refused before anything is sent', async () => {
    const engine = new MemoryEngine();
    const c = await client(await serve({ engine }));
    const error = await failure(c.createTransfers(new Uint8Array(8191 * 128)));
    expect(error).toMatchObject({ code: 'too_many_records', outcome: 'none' });
    expect(error.message).toBe(
      'create_transfers: expected at most 8190 records, got 8191: send several requests',
    );
    expect((await failure(c.lookupAccounts(new Array(8191).fill(1n)))).code).toBe('too_many_records');
    expect(engine.applied).toEqual([]);
  });

  test('packed bytes that are no whole records', async () => {
    const c = await client(await serve({ engine: new MemoryEngine() }));
    const error = await failure(c.createAccounts(new Uint8Array(129)));
    expect(error.message).toBe('create_accounts: expected packed records of 128 bytes, got 129 bytes');
    expect((await failure(c.getChangeEvents(new Uint8Array(128)))).code).toBe('too_many_records');
  });

  test('a value that does not fit names the record and the field, and costs no number', async () => {
    const engine = new MemoryEngine();
    const c = await client(await serve({ engine }));
    const error = await failure(c.createTransfers([transfer(1n), { ...transfer(1n), code: 65_536 }]));
    expect(error).toMatchObject({ code: 'invalid_argument', outcome: 'none' });
    expect(error.message).toContain(
      'record 1: Transfer.code: expected an integer from 0 to 65535, got 65536',
    );
    await c.createAccounts(accounts);
    expect(engine.applied).toMatchObject([{ request: 1n }]);
  });

  test('writesInFlightMax out of range', async () => {
    const attempt = async () => connect({ url: 'ws://127.0.0.1:1/v1', writesInFlightMax: 33 });
    expect((await failure(attempt())).message).toContain('expected an integer from 1 to 32, got 33');
  });
});

describe('pipelining', () => {
  test('32 writes are in flight at most; ready() waits for the next place', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({ gate: () => new Promise<void>((resolve) => void open.push(resolve)) });
    const c = await client(await serve({ engine }));
    const results = Array.from({ length: 40 }, (_, i) =>
      c.createAccounts([{ id: BigInt(i + 1), ledger: 1 }]),
    );
    await until(() => open.length === 32);
    await pause(30);
    expect(open).toHaveLength(32);
    let ready = false;
    const waiting = c.ready().then(() => {
      ready = true;
    });
    for (let released = 0; released < 8; released++) open[released]!();
    await until(() => open.length === 40);
    expect(ready).toBe(false);
    open[8]!();
    await waiting;
    for (const release of open) release();
    await Promise.all(results);
    expect(engine.applied.map(({ request }) => request)).toEqual(
      Array.from({ length: 40 }, (_, i) => BigInt(i + 1)),
    );
    expect(engine.peakUnderway).toBe(32);
  });

  test('a window never reaches past what the session remembers', async () => {
    let stuck!: () => void;
    const engine = new MemoryEngine({
      gate: ({ request }) =>
        request === 1n
          ? new Promise<void>((resolve) => {
              stuck = resolve;
            })
          : undefined,
    });
    const c = await client(await serve({ engine }));
    const results = Array.from({ length: 100 }, (_, i) =>
      c.createAccounts([{ id: BigInt(i + 1), ledger: 1 }]),
    );
    await until(() => engine.applied.length === 32);
    await pause(30);
    expect(engine.applied).toHaveLength(32);
    stuck();
    expect(await Promise.all(results)).toHaveLength(100);
  });

  test('reads overtake a full window of writes', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({
      gate: ({ operation }) =>
        operation < 16 ? new Promise<void>((resolve) => void open.push(resolve)) : undefined,
    });
    const c = await client(await serve({ engine }));
    const results = Array.from({ length: 33 }, (_, i) =>
      c.createAccounts([{ id: BigInt(i + 1), ledger: 1 }]),
    );
    await until(() => open.length === 32);
    expect(await c.lookupAccounts([32n, 33n])).toMatchObject([{ id: 32n }]);
    for (const release of open) release();
    await until(() => open.length === 33);
    open[32]!();
    await Promise.all(results);
  });
});

describe('giving up', () => {
  test('a timeout of what was sent: the outcome is unknown, and the answer is dropped when it comes', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({ gate: () => new Promise<void>((resolve) => void open.push(resolve)) });
    const c = await client(await serve({ engine }));
    const error = await failure(c.createAccounts(accounts, { timeoutMs: 20 }));
    expect(error).toMatchObject({ code: 'timeout', outcome: 'unknown' });
    expect(error.message).toMatch(/no answer within 20 ms.*same ids/);
    expect(c.unanswered).toBe(1);
    open[0]!();
    await until(() => c.unanswered === 0);
    const again = c.createAccounts(accounts);
    await until(() => open.length === 2);
    open[1]!();
    expect(await again).toMatchObject([{ status: 'exists' }, { status: 'exists' }]);
  });

  test('aborted before it is sent, and while it waits for its turn: nothing was sent', async () => {
    const open: (() => void)[] = [];
    const engine = new MemoryEngine({ gate: () => new Promise<void>((resolve) => void open.push(resolve)) });
    const c = await client(await serve({ engine }), { writesInFlightMax: 1 });
    const early = await failure(c.createAccounts(accounts, { signal: AbortSignal.abort() }));
    expect(early).toMatchObject({ code: 'aborted', outcome: 'none' });
    const first = c.createAccounts(accounts);
    const abort = new AbortController();
    const second = failure(c.createAccounts([{ id: 3n, ledger: 1 }], { signal: abort.signal }));
    await until(() => open.length === 1);
    abort.abort();
    expect(await second).toMatchObject({ code: 'aborted', outcome: 'none' });
    open[0]!();
    await first;
    expect(c.unanswered).toBe(0);
    expect(engine.accounts.has(3n)).toBe(false);
  });

  test('after close() calls are refused, and those under way are answered first', async () => {
    const engine = new MemoryEngine({ gate: () => pause(30) });
    const c = await client(await serve({ engine }));
    const underway = c.createAccounts(accounts);
    const closed = c.close();
    expect(await failure(c.createAccounts(accounts))).toMatchObject({ code: 'closed', outcome: 'none' });
    expect(await underway).toHaveLength(2);
    await closed;
    expect(await failure(c.ready())).toMatchObject({ code: 'closed' });
  });

  test('close() with a bound rejects what is not answered', async () => {
    const engine = new MemoryEngine({ gate: () => new Promise<void>(() => {}) });
    const c = await client(await serve({ engine }));
    const underway = failure(c.createAccounts(accounts));
    await until(() => engine.applied.length === 1);
    await c.close(20);
    expect(await underway).toMatchObject({ code: 'closed', outcome: 'unknown' });
  });
});

describe('connecting', () => {
  test('nobody listens: connection_failed says why', async () => {
    const server = await serve({ engine: new MemoryEngine() });
    await server.close();
    const error = await failure(connect({ url: server.url, connectTimeoutMs: 100 }));
    expect(error).toMatchObject({ code: 'connection_failed', outcome: 'none' });
    expect(error.message).toMatch(/within 100 ms, got none:.*ECONNREFUSED/);
  });

  test('something else listens: refused at once', async () => {
    const server = await serve({ engine: new MemoryEngine() });
    const error = await failure(connect({ url: server.url.replace('/v1', '/v9') }));
    expect(error.message).toContain('expected a WebSocket upgrade, got HTTP status 404');
  });

  test('a server that comes up later is found', async () => {
    const first = await serve({ engine: new MemoryEngine() });
    await first.close();
    const connecting = client(first, { connectTimeoutMs: 5_000 });
    await pause(60);
    await serve({ engine: new MemoryEngine(), port: first.port });
    expect(await (await connecting).ping()).toBeGreaterThan(0);
  });
});

test('ids of packed lookups are little-endian', async () => {
  const engine = new MemoryEngine();
  const c = await client(await serve({ engine }));
  const big = (0x0102_0304_0506_0708n << 64n) | 0x090a_0b0c_0d0e_0f10n;
  const packed = new Uint8Array(128);
  writeAccount(viewOf(packed), 0, { id: big, ledger: 1 });
  expect(packed[0]).toBe(0x10);
  await c.createAccounts(packed);
  const key = new Uint8Array(16);
  writeU128(viewOf(key), 0, big, 'id');
  expect(await c.lookupAccounts(key)).toHaveLength(128);
});
