// Cashu's interface over real sockets: our client, cashu-ts's, and clients that mean no good.
import { connect, type Socket } from 'node:net';
import { Mint as CashuMint } from '@cashu/cashu-ts';
import { Registry } from 'prom-client';
import { expect, onTestFinished, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { fetchSend, MintClient, MintUnreachable } from '../../src/mint/client.ts';
import { MintRefused } from '../../src/mint/errors.ts';
import { type MintHttpOptions, MintHttpServer } from '../../src/mint/http-server.ts';
import { mintHttpMetrics } from '../../src/mint/metrics.ts';
import { REQUEST_BODY_BYTES_MAX } from '../../src/mint/mint-call.ts';
import { toHex } from '../../src/notes/hex.ts';
import { noteIds } from '../../src/notes/note.ts';
import { METHOD, messages, refusalOf, UNIT, World } from './world.ts';

async function served(world: World, options: Partial<MintHttpOptions> = {}): Promise<MintHttpServer> {
  const server = await MintHttpServer.listen({ service: world.mint, ...options });
  onTestFinished(() => server.close(0));
  return server;
}

/** Bytes as they are, until the server closes or `until` has come. */
function raw(server: MintHttpServer, sent: string, until?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = '';
    const socket: Socket = connect(server.port, server.host, () => socket.write(sent));
    socket.on('data', (data) => {
      received += data.toString('latin1');
      if (until !== undefined && received.includes(until)) socket.destroy();
    });
    socket.on('close', () => resolve(received));
    socket.on('error', reject);
  });
}

test('our client mints, swaps, restores and melts over HTTP', async () => {
  const world = new World();
  const registry = new Registry();
  const server = await served(world, { metrics: mintHttpMetrics(registry, 'test') });
  const client = new MintClient(fetchSend(server.url));
  expect(await client.info()).toEqual(await world.mint.info());
  expect(await client.keysets()).toEqual({
    keysets: [{ id: world.keysetId, unit: UNIT, isActive: true, inputFeePpk: 0 }],
  });
  expect(await client.keys()).toEqual(await world.mint.keys());
  expect(await client.keys(world.keysetId)).toEqual(await world.mint.keys());
  const opened = await client.openMintQuote(METHOD, { amount: 6n, unit: UNIT });
  await world.markPaid(opened.quote);
  expect((await client.mintQuote(METHOD, opened.quote)).state).toBe('PAID');
  const outputs = world.outputs([4n, 2n]);
  const { signatures } = await client.mint(METHOD, { quote: opened.quote, outputs: messages(outputs) });
  const inputs = world.notes(outputs, signatures);
  const swapped = world.outputs([4n, 1n, 1n]);
  const answer = await client.swap({ inputs, outputs: messages(swapped) });
  const notes = world.notes(swapped, answer.signatures);
  expect(await refusalOf(client.swap({ inputs, outputs: messages(world.outputs([4n, 2n])) }))).toBe(
    'notes_spent',
  );
  expect(await client.restore({ outputs: messages(swapped) })).toEqual({
    outputs: messages(swapped),
    signatures: answer.signatures,
  });
  const melt = await client.openMeltQuote(METHOD, { request: 'specie-shop:1', unit: UNIT, amount: 6n });
  expect((await client.melt(METHOD, { quote: melt.quote, inputs: notes })).state).toBe('PAID');
  expect((await client.meltQuote(METHOD, melt.quote)).state).toBe('PAID');
  const { states } = await client.states({ noteIds: noteIds(notes, world.crypto) });
  expect(states.map(({ state }) => state)).toEqual(['SPENT', 'SPENT', 'SPENT']);
  await server.close();
  const counted = await registry.metrics();
  expect(counted).toMatch(/specie_mint_requests_total\{mint="test",operation="swap",status="200"\} 1/);
  expect(counted).toMatch(/specie_mint_requests_total\{mint="test",operation="swap",status="400"\} 1/);
  await expect(client.info()).rejects.toThrow(MintUnreachable);
});

test("cashu-ts's client reads keys and states, and swaps", async () => {
  const world = new World({ crypto: noteCrypto });
  const server = await served(world);
  const cashu = new CashuMint(server.url);
  const info = await cashu.getInfo();
  expect(info.nuts['4']).toMatchObject({ disabled: false, methods: [{ method: METHOD, unit: UNIT }] });
  const { keysets } = await cashu.getKeySets();
  expect(keysets).toMatchObject([{ id: world.keysetId, unit: UNIT, active: true }]);
  const keys = await cashu.getKeys(world.keysetId);
  expect(keys.keysets[0]?.keys).toMatchObject({ 1: toHex(world.keysets.all[0]!.keys.get(1n)!) });
  const [note] = await world.minted([4n]);
  const proof = {
    id: note!.keysetId,
    amount: 4,
    secret: note!.secret,
    C: toHex(note!.signature),
  };
  const outputs = world.outputs([2n, 2n]);
  const asked = messages(outputs).map(({ amount, keysetId, blinded }) => ({
    id: keysetId,
    amount: Number(amount),
    B_: toHex(blinded),
  }));
  const payload = { inputs: [proof], outputs: asked } as unknown as Parameters<CashuMint['swap']>[0];
  const { signatures } = await cashu.swap(payload);
  expect(signatures.map(({ id }) => id)).toEqual([world.keysetId, world.keysetId]);
  expect((await cashu.swap(payload)).signatures).toEqual(signatures);
  const [id] = noteIds([note!], noteCrypto);
  const { states } = await cashu.check({ Ys: [toHex(id!)] });
  expect(states).toMatchObject([{ Y: toHex(id!), state: 'SPENT' }]);
  const again = { ...payload, outputs: asked.slice(0, 1).map((output) => ({ ...output, amount: 4 })) };
  await expect(cashu.swap(again as unknown as typeof payload)).rejects.toMatchObject({ code: 11001 });
});

test('methods, paths, types and pages of other sites', async () => {
  const world = new World();
  const { url } = await served(world);
  const status = async (path: string, init?: RequestInit): Promise<number> =>
    (await fetch(url + path, init)).status;
  expect(await status('/')).toBe(404);
  expect(await status('/v1/nothing')).toBe(404);
  expect(await status(`/v1/keys/${'a'.repeat(600)}`)).toBe(404);
  expect(await status('/v1/mint/quote/Specie!/1', { method: 'DELETE' })).toBe(405);
  const wrong = await fetch(`${url}/v1/swap`);
  expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  const head = await fetch(`${url}/v1/keys`, { method: 'HEAD' });
  const whole = await fetch(`${url}/v1/keys`);
  expect(head.status).toBe(200);
  expect(await head.text()).toBe('');
  expect(head.headers.get('content-length')).toBe(String((await whole.text()).length));
  expect(whole.headers.get('access-control-allow-origin')).toBe('*');
  const preflight = await fetch(`${url}/v1/swap`, { method: 'OPTIONS' });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-methods')).toContain('POST');
  expect(preflight.headers.get('access-control-allow-headers')).toBe('content-type');
  expect(await status('/v1/nothing', { method: 'OPTIONS' })).toBe(404);
  const xml = { method: 'POST', body: '<swap/>', headers: { 'content-type': 'text/xml' } };
  expect(await status('/v1/swap', xml)).toBe(415);
  const utf16 = {
    method: 'POST',
    body: '{}',
    headers: { 'content-type': 'application/json; charset=utf-8' },
  };
  expect(await status('/v1/swap', utf16)).toBe(400);
});

test('bodies that are none are refused with words, and nothing is held of them', async () => {
  const world = new World();
  const server = await served(world);
  const bodies = [
    '',
    '{',
    '[]',
    'null',
    '{"inputs":[],"outputs":[]}',
    '{"inputs":1,"inputs":2}',
    `{"inputs":${'['.repeat(5_000)}`,
    '{"inputs":[{"amount":1e3,"id":"00","secret":"x","C":"02"}],"outputs":[]}',
    `{"inputs":[],"outputs":[{"amount":${'9'.repeat(40)}}]}`,
    `{"__proto__":{"inputs":[]},"constructor":1}`,
    JSON.stringify({ inputs: Array.from({ length: 1_001 }, () => ({})), outputs: [] }),
    JSON.stringify({
      inputs: [{ amount: 1, id: world.keysetId, secret: 'x'.repeat(1_025), C: `02${'00'.repeat(32)}` }],
      outputs: [],
    }),
    '\ufffe\u0000',
  ];
  for (const path of ['swap', 'checkstate', 'restore', `mint/${METHOD}`, `melt/quote/${METHOD}`]) {
    for (const body of bodies) {
      // Nothing to restore is nothing wrong.
      if (path === 'restore' && body.includes('"outputs":[]')) continue;
      const response = await fetch(`${server.url}/v1/${path}`, { method: 'POST', body: Buffer.from(body) });
      expect(response.status, `${path} ${body.slice(0, 60)}`).toBe(400);
      const answer = (await response.json()) as { detail: string; code: number };
      expect(typeof answer.detail).toBe('string');
      expect(typeof answer.code).toBe('number');
      expect(answer.detail.length).toBeLessThan(300);
    }
  }
  const large = Buffer.alloc(REQUEST_BODY_BYTES_MAX + 1, 0x20);
  const head = `POST /v1/swap HTTP/1.1\r\nHost: x\r\n`;
  expect(await raw(server, `${head}Content-Length: ${large.length}\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 /);
  const chunk = `10000\r\n${' '.repeat(0x10000)}\r\n`;
  expect(await raw(server, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(9)}`, '413')).toMatch(
    /^HTTP\/1.1 413 /,
  );
  expect(server.inFlight).toBe(0);
});

test('a slow body, a body without room, a request too many, a request that is aborted', async () => {
  const world = new World();
  const timers: (() => void)[] = [];
  const setTimer = (run: () => void): (() => void) => {
    timers.push(run);
    return () => {};
  };
  const server = await served(world, { setTimer, limits: { requestsMax: 2, bodyBytesMax: 1_000 } });
  const begun = 'POST /v1/swap HTTP/1.1\r\nHost: x\r\nContent-Length: 2000\r\n\r\n{';
  const slow = raw(server, begun);
  await expect.poll(() => timers.length).toBe(1);
  timers[0]!();
  expect(await slow).toMatch(/^HTTP\/1.1 408 .*expected all of it in time/s);
  expect(await raw(server, begun + ' '.repeat(1_999))).toMatch(/^HTTP\/1.1 503 /);
  const held = [connect(server.port, server.host), connect(server.port, server.host)];
  for (const socket of held) socket.write(begun);
  await expect.poll(() => server.inFlight).toBe(2);
  const refused = await fetch(`${server.url}/v1/info`);
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  for (const socket of held) socket.destroy();
  await expect.poll(() => server.inFlight).toBe(0);
  expect((await fetch(`${server.url}/v1/info`)).status).toBe(200);
});

test('an answer that nobody waits for any more, one that takes too long, one that fails', async () => {
  const world = new World();
  const answers: (() => void)[] = [];
  const faults: unknown[] = [];
  const timers = new Set<() => void>();
  const service = Object.assign(Object.create(world.mint) as typeof world.mint, {
    info: () => new Promise((resolve) => answers.push(() => resolve({ nuts: { supported: [] } }))),
    keysets: () => Promise.reject(new Error('a secret of the house')),
    keys: () => world.mint.keys(),
  });
  const server = await served(world, {
    service,
    onFault: (error, operation) => faults.push([operation, (error as Error).message]),
    setTimer: (run) => {
      timers.add(run);
      return () => timers.delete(run);
    },
  });
  const asked = 'GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n';
  const gone = connect(server.port, server.host, () => gone.write(asked));
  await expect.poll(() => answers.length).toBe(1);
  gone.destroy();
  await expect.poll(() => server.inFlight).toBe(0);
  answers[0]!();
  const late = raw(server, asked);
  await expect.poll(() => answers.length).toBe(2);
  for (const run of timers) run();
  expect(await late).toMatch(/^HTTP\/1.1 504 /);
  answers[1]!();
  const failed = await fetch(`${server.url}/v1/keysets`);
  expect([failed.status, await failed.text()]).toEqual([
    500,
    '{"detail":"the mint failed on this request: ask the same again","code":0}',
  ]);
  expect(faults).toEqual([['keysets', 'a secret of the house']]);
  // Two requests on one connection.
  const twice = 'GET /v1/keys HTTP/1.1\r\nHost: x\r\n\r\n';
  const both = await raw(server, twice + twice.replace('Host: x', 'Host: x\r\nConnection: close'));
  expect(both.match(/HTTP\/1.1 200 OK/g)?.length).toBe(2);
});

test('who asks and does not read has one answer held for it, and then no connection', async () => {
  const world = new World();
  const timers: (() => void)[] = [];
  const large = { longDescription: 'x'.repeat(300_000), nuts: { supported: [] } };
  const service = Object.assign(Object.create(world.mint) as typeof world.mint, {
    info: async () => large,
  });
  let answered = 0;
  const server = await served(world, {
    service,
    setTimer: (run, milliseconds) => {
      if (milliseconds === 7) timers.push(run);
      return () => {};
    },
    limits: { readTimeoutMs: 7 },
    metrics: { connections() {}, requestEnded: () => void answered++ },
  });
  const asked = 'GET /v1/info HTTP/1.1\r\nHost: x\r\n\r\n';
  const unread = (): Socket =>
    connect(server.port, server.host)
      .pause()
      .on('error', () => {});
  const greedy = unread();
  for (let i = 0; i < 1_000 && !greedy.closed; i++) {
    greedy.write(asked.repeat(10));
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(greedy.closed).toBe(true);
  expect(answered).toBeLessThan(500);
  expect(server.inFlight).toBe(0);
  // One that asks no more is waited for, and read to its end, or given up.
  const filled = async (): Promise<Socket> => {
    const socket = unread();
    while (server.inFlight === 0) {
      const before = answered;
      socket.write(asked);
      while (answered === before) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    return socket;
  };
  const late = await filled();
  let received = 0;
  late.on('data', (data) => {
    received += data.length;
  });
  late.resume();
  await expect.poll(() => server.inFlight).toBe(0);
  expect(received).toBeGreaterThan(300_000);
  expect((await fetch(`${server.url}/v1/info`)).status).toBe(200);
  const never = await filled();
  timers.at(-1)!();
  await expect.poll(() => server.inFlight).toBe(0);
  never.destroy();
  late.destroy();
});

test('closing answers what is in flight, and nothing after', async () => {
  const world = new World();
  let answer = (): void => {};
  const service = Object.assign(Object.create(world.mint) as typeof world.mint, {
    info: () =>
      new Promise((resolve) => {
        answer = () => resolve({ nuts: { supported: [] } });
      }),
  });
  const server = await served(world, { service });
  const asked = fetch(`${server.url}/v1/info`);
  await expect.poll(() => server.inFlight).toBe(1);
  const closed = server.close();
  answer();
  expect((await asked).status).toBe(200);
  await closed;
  await expect(fetch(`${server.url}/v1/info`)).rejects.toThrow();
  await server.close();
});

test('connections beyond the limit are closed at once; the port is had once', async () => {
  const world = new World();
  const server = await served(world, { limits: { connectionsMax: 2 } });
  const first = [connect(server.port, server.host), connect(server.port, server.host)];
  await Promise.all(first.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
  // Taken in by the server's loop, which is this one.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const third = connect(server.port, server.host);
  await new Promise((resolve) => third.once('close', resolve));
  for (const socket of first) socket.destroy();
  await expect(MintHttpServer.listen({ service: world.mint, port: server.port })).rejects.toThrow(/port/);
  await expect(MintHttpServer.listen({ service: world.mint, host: 'example.org' })).rejects.toThrow(/host/);
  const tls = { keyFile: '/nowhere/key.pem', certificateFile: '/nowhere/certificate.pem' };
  await expect(MintHttpServer.listen({ service: world.mint, tls })).rejects.toThrow(/TLS: expected a key/);
});

test('what a mint answers is bounded and read; what is no answer is no refusal', async () => {
  const answering = (status: number, body: string): MintClient =>
    new MintClient(async () => ({ status, body: Buffer.from(body) }));
  await expect(answering(200, '{"keysets":[{"id":"00"}]').keysets()).rejects.toThrow(MintUnreachable);
  await expect(answering(200, '{}').info()).rejects.toThrow(MintUnreachable);
  await expect(answering(500, '{"detail":"x","code":1}').info()).rejects.toThrow(MintUnreachable);
  await expect(answering(302, '').info()).rejects.toThrow(MintUnreachable);
  await expect(answering(400, '{"detail":"spent","code":11001}').info()).rejects.toMatchObject({
    error: 'notes_spent',
    status: 400,
  });
  await expect(answering(429, 'slow down').info()).rejects.toThrow(MintRefused);
  const huge = fetchSend('http://mint.example/base/', {
    fetch: async (url) => {
      expect(url).toBe('http://mint.example/base/v1/info');
      return new Response(new Uint8Array(11));
    },
    answerBytesMax: 10,
  });
  await expect(new MintClient(huge).info()).rejects.toThrow(/at most 10 bytes/);
  const silent = fetchSend('http://mint.example', {
    fetch: (_, init) =>
      new Promise((_resolve, reject) => {
        init!.signal!.addEventListener('abort', () => reject(init!.signal!.reason as Error));
      }),
    timeoutMs: 5,
  });
  await expect(new MintClient(silent).info()).rejects.toThrow(/within 5 ms/);
  for (const url of ['', 'mint', 'file:///etc/passwd', 'ftp://mint.example'])
    expect(() => fetchSend(url)).toThrow(RangeError);
});
