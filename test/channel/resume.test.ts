import { describe, expect, test } from 'vitest';
import { type ClientEvent, type ClientOptions, connect } from '../../src/channel/client.ts';
import { ClientError } from '../../src/channel/client-error.ts';
import type { ServerOptions } from '../../src/channel/server.ts';
import { Random } from '../../src/shared/random.ts';
import { ChaosProxy } from './chaos-proxy.ts';
import { MemoryEngine } from './memory-engine.ts';
import { System } from './secure-support.ts';
import { client as anyClient, serve as anyServe, pause, until } from './support.ts';

const NEVER = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
const seeds = process.env.SPECIE_SEED
  ? [BigInt(process.env.SPECIE_SEED)]
  : [1n, 2n, 3n, 4n, BigInt(Date.now())];

const accounts = [
  { id: 1n, ledger: 978, code: 1 },
  { id: 2n, ledger: 978, code: 1 },
];

describe.each(['plain', 'encrypted'])('over %s connections', (kind) => {
  const system = new System();
  const encrypted = kind === 'encrypted';
  const serve = (options: ServerOptions) => anyServe(encrypted ? { ...options, identity: system } : options);
  const own = encrypted ? { identity: system.device(1) } : {};
  const client = (server: { url: string }, options: Partial<ClientOptions> = {}) =>
    anyClient(server, { ...own, ...options });

  describe('exactly once', () => {
    test.each(seeds)('whatever breaks, and wherever (SPECIE_SEED=%d)', async (seed) => {
      const random = new Random(seed);
      const below = (bound: number): number => Math.floor(random.float() * bound);
      const engine = new MemoryEngine({
        slots: 8,
        gate: () => (below(4) === 0 ? pause(below(4)) : undefined),
      });
      const server = await serve({ engine, limits: { waitingBytesMax: 200_000 } });
      const proxy = await ChaosProxy.open(
        () => server.port,
        () => ({
          up: 300 + below(below(2) ? 600_000 : 20_000),
          down: 200 + below(below(2) ? 60_000 : 4_000),
        }),
      );
      const c = await client(proxy, { reconnectFirstMs: 1, reconnectLastMs: 10, connectTimeoutMs: 20_000 });
      await c.createAccounts(accounts);
      let total = 0n;
      let next = 1n;
      const batches: Promise<void>[] = [];
      for (let i = 0; i < 250; i++) {
        await c.ready();
        const transfers = Array.from({ length: 1 + below(below(8) ? 30 : 900) }, () => {
          const amount = BigInt(below(1000));
          total += amount;
          return { id: next++, debitAccountId: 1n, creditAccountId: 2n, amount, ledger: 978, code: 1 };
        });
        batches.push(
          c.createTransfers(transfers).then((results) => {
            // The stored answer, also when it comes a second time: never `exists`.
            expect(results.map(({ status }) => status)).toEqual(transfers.map(() => 'created'));
            const times = results.map(({ timestamp }) => timestamp);
            transfers.forEach(({ id }, at) => {
              expect(times[at]).toBe(engine.transfers.get(id)!.timestamp);
            });
          }),
        );
        if (below(10) === 0) {
          const found = await c.lookupTransfers([1n]);
          expect(found.length).toBeLessThanOrEqual(1);
        }
      }
      await Promise.all(batches);
      const writes = engine.applied.filter(({ session }) => session === c.session);
      expect(writes.map(({ request }) => request)).toEqual(
        Array.from({ length: 251 }, (_, i) => BigInt(i + 1)),
      );
      expect(engine.applied).toHaveLength(251);
      expect(engine.transfers.size).toBe(Number(next - 1n));
      expect((await c.lookupAccounts([1n]))[0]!.debitsPosted).toBe(total);
      expect(proxy.cuts).toBeGreaterThan(10);
    });

    test('over a restart of the server', async () => {
      const engine = new MemoryEngine({ gate: () => pause(1) });
      let server = await serve({ engine });
      const { port } = server;
      const c = await client(server, { reconnectFirstMs: 1, reconnectLastMs: 20 });
      const results: Promise<unknown>[] = [];
      for (let i = 1n; i <= 120n; i++) {
        await c.ready();
        results.push(c.createAccounts([{ id: i, ledger: 1 }]));
        if (i % 30n === 0n) {
          const closed = server.close();
          await closed;
          server = await serve({ engine, port });
        }
      }
      for (const result of await Promise.all(results)) expect(result).toMatchObject([{ status: 'created' }]);
      expect(engine.applied.map(({ request }) => request)).toEqual(
        Array.from({ length: 120 }, (_, i) => BigInt(i + 1)),
      );
    });

    test('reads are asked again', async () => {
      const open: (() => void)[] = [];
      const engine = new MemoryEngine({
        gate: ({ operation }) =>
          operation < 16 ? undefined : new Promise<void>((resolve) => void open.push(resolve)),
      });
      const server = await serve({ engine });
      const proxy = await ChaosProxy.open(
        () => server.port,
        () => ({ ...NEVER }),
      );
      const c = await client(proxy, { reconnectFirstMs: 1 });
      await c.createAccounts(accounts);
      const found = c.lookupAccounts([2n, 1n]);
      await until(() => open.length === 1);
      proxy.cut();
      await until(() => open.length === 2);
      for (const release of open) release();
      expect(await found).toMatchObject([{ id: 2n }, { id: 1n }]);
    });
  });

  describe('a session that the server has forgotten', () => {
    test('writes under way: outcome_unknown, then a new session; the same records again are safe', async () => {
      let hold = false;
      const engine = new MemoryEngine({ gate: () => (hold ? new Promise<void>(() => {}) : undefined) });
      const server = await serve({ engine });
      const proxy = await ChaosProxy.open(
        () => server.port,
        () => ({ ...NEVER }),
      );
      const events: ClientEvent[] = [];
      const c = await client(proxy, { reconnectFirstMs: 1, onEvent: (event) => void events.push(event) });
      await c.createAccounts(accounts);
      const before = c.session;
      hold = true;
      const lost = c.createAccounts([{ id: 3n, ledger: 978 }]);
      const rejected = expect(lost).rejects.toMatchObject({
        code: 'outcome_unknown',
        outcome: 'unknown',
        message: expect.stringMatching(
          /request 2 was applied is unknown\. Submit the same records with the same ids again/,
        ),
      });
      await until(() => engine.applied.length === 2);
      hold = false;
      engine.forget(before);
      proxy.cut();
      await rejected;
      expect(
        await c.createAccounts([
          { id: 3n, ledger: 978 },
          { id: 4n, ledger: 978 },
        ]),
      ).toMatchObject([{ status: 'exists' }, { status: 'created' }]);
      expect(c.session).not.toBe(before);
      expect(events.map(({ type }) => type)).toEqual([
        'connected',
        'disconnected',
        'session_renewed',
        'disconnected',
        'connected',
      ]);
      expect(engine.applied.at(-1)).toEqual({ session: c.session, request: 1n, operation: 1 });
    });

    test('nothing under way: nobody notices', async () => {
      const engine = new MemoryEngine();
      const server = await serve({ engine });
      const proxy = await ChaosProxy.open(
        () => server.port,
        () => ({ ...NEVER }),
      );
      let connections = 0;
      const c = await client(proxy, {
        reconnectFirstMs: 1,
        onEvent: ({ type }) => {
          if (type === 'connected') connections++;
        },
      });
      await c.createAccounts(accounts);
      engine.forget(c.session);
      proxy.cut();
      await until(() => connections === 2);
      expect(await c.createAccounts([{ id: 3n, ledger: 978 }])).toMatchObject([{ status: 'created' }]);
    });

    test('expired in the middle of a connection', async () => {
      const engine = new MemoryEngine();
      const c = await client(await serve({ engine }), { reconnectFirstMs: 1 });
      await c.createAccounts(accounts);
      const submit = engine.submit.bind(engine);
      engine.submit = async () => ({
        status: 9,
        timestamp: 0n,
        count: 0,
        body: new Uint8Array(0),
        message: 'forgotten',
      });
      const lost = c.createAccounts([{ id: 3n, ledger: 978 }]);
      await expect(lost).rejects.toMatchObject({ code: 'outcome_unknown' });
      engine.submit = submit;
      expect(await c.createAccounts([{ id: 3n, ledger: 978 }])).toMatchObject([{ status: 'created' }]);
    });
  });

  test('two clients of one session: the newer one goes on, the older one ends and stays away', async () => {
    const engine = new MemoryEngine({
      gate: ({ request }) => (request === 2n ? new Promise<void>(() => {}) : undefined),
    });
    const server = await serve({ engine });
    const randomBytes = (bytes: Uint8Array): void => void bytes.fill(7);
    const older = await client(server, { randomBytes, reconnectFirstMs: 1 });
    await older.createAccounts(accounts);
    const underway = older.createAccounts([{ id: 3n, ledger: 1 }]).catch((error) => error);
    await until(() => engine.applied.length === 2);
    const newer = await client(server, { randomBytes });
    expect(newer.session).toBe(older.session);
    const error = await underway;
    expect(error).toBeInstanceOf(ClientError);
    expect(error).toMatchObject({ code: 'session_taken_over', outcome: 'unknown' });
    await expect(older.lookupAccounts([1n])).rejects.toMatchObject({
      code: 'session_taken_over',
      outcome: 'none',
    });
    await pause(50);
    expect(server.report().connections).toBe(1);
    expect(await newer.lookupAccounts([1n])).toHaveLength(1);
  });

  test('a server that falls silent is given up and found again', async () => {
    const engine = new MemoryEngine();
    const server = await serve({ engine });
    const proxy = await ChaosProxy.open(
      () => server.port,
      () => ({ ...NEVER }),
    );
    const events: ClientEvent[] = [];
    const c = await client(proxy, {
      heartbeatMs: 30,
      reconnectFirstMs: 1,
      onEvent: (event) => void events.push(event),
    });
    await pause(200);
    expect(events).toHaveLength(1);
    proxy.silent = true;
    const made = c.createAccounts(accounts);
    await until(() => events.length >= 2);
    expect(events[1]).toMatchObject({
      type: 'disconnected',
      reason: 'the server has not answered a ping',
      unanswered: 1,
    });
    proxy.silent = false;
    expect(await made).toMatchObject([{ status: 'created' }, { status: 'created' }]);
  });

  test('close() while the server is away rejects what is unanswered and ends', async () => {
    const engine = new MemoryEngine({ gate: () => new Promise<void>(() => {}) });
    const server = await serve({ engine });
    const c = await client(server, { reconnectFirstMs: 1 });
    const underway = c.createAccounts(accounts).catch((error) => error);
    await until(() => engine.applied.length === 1);
    await server.close(10);
    await c.close(50);
    expect(await underway).toMatchObject({ code: 'closed', outcome: 'unknown' });
  });

  test('timers and chance come from outside', async () => {
    const server = await serve({ engine: new MemoryEngine() });
    await server.close();
    const pauses: number[] = [];
    const c = connect({
      url: server.url,
      connectTimeoutMs: 300,
      reconnectFirstMs: 8,
      reconnectLastMs: 20,
      random: () => 0,
      setTimer: (run, milliseconds) => {
        pauses.push(milliseconds);
        const timer = setTimeout(run, milliseconds);
        return () => clearTimeout(timer);
      },
    });
    await expect(c).rejects.toMatchObject({ code: 'connection_failed' });
    expect(pauses.slice(0, 5)).toEqual([300, 4, 8, 10, 10]);
  });
});
