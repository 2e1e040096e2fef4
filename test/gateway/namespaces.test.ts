// Both jobs of the claim over networks that are really two: a LAN and a WAN, each a network namespace with a wire to the
// gateway's. What is on the LAN reaches nothing on the WAN; its money gets there all the same.
//
//     namespace lan             namespace gateway              namespace wan
//     terminal 10.77.1.2 ─veth─ 10.77.1.1 gateway 10.77.2.1 ─veth─ 10.77.2.2 roles, shop, wallet, terminal
//
// Every party is a process of its own, and every step a command.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { initHome } from '../../src/identity/init-home.ts';
import { isMintRole, ROLES } from '../../src/identity/roles.ts';

// Some twenty processes one after the other, and other tests beside this one.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 60_000 });

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const ACCOUNT = 'DE02120300000000202051\n';
const GATEWAY = { lan: '10.77.1.1:7290', wan: '10.77.2.1:7291' };

const ip = (...args: string[]): boolean => spawnSync('ip', args, { stdio: 'ignore' }).status === 0;

/** Short, and of this process alone. */
const mark = `sp${process.pid % 100_000}`;
type Place = 'lan' | 'gateway' | 'wan';
const PLACES: readonly Place[] = ['lan', 'gateway', 'wan'];
const namespace = (place: Place): string => `${mark}${place}`;

function mayMakeNamespaces(): boolean {
  if (process.platform !== 'linux' || !ip('netns', 'add', `${mark}probe`)) return false;
  return ip('netns', 'delete', `${mark}probe`);
}

const may = mayMakeNamespaces();
if (!may)
  process.stderr.write(
    'test/gateway/namespaces: skipped: network namespaces need root, and ip of iproute2\n',
  );

let folder = '';
const children = new Set<ChildProcess>();

interface Run {
  /** So far, both streams. */
  text(): string;
  readonly done: Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;
}

function run(place: Place, command: readonly string[], input = ''): Run {
  const child = spawn('ip', ['netns', 'exec', namespace(place), process.execPath, ...command], {
    cwd: folder,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  children.add(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (piece: Buffer) => {
    stdout += piece;
  });
  child.stderr.on('data', (piece: Buffer) => {
    stderr += piece;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const done = new Promise<Awaited<Run['done']>>((resolve) => {
    child.once('close', (code) => {
      children.delete(child);
      resolve({ code, stdout, stderr });
    });
  });
  return { text: () => stdout + stderr, done };
}

/** What the command prints. @throws Error unless it ends with 0 */
async function specie(place: Place, args: readonly string[], input = ''): Promise<string> {
  const { code, stdout, stderr } = await run(place, [MAIN, ...args], input).done;
  if (code !== 0) throw new Error(`specie ${args.join(' ')}: expected 0, got ${code}: ${stderr}`);
  return stdout;
}

async function said(from: Run, pattern: RegExp): Promise<string> {
  let isOver = false;
  void from.done.then(() => {
    isOver = true;
  });
  for (;;) {
    const match = pattern.exec(from.text());
    if (match !== null) return match[1] ?? match[0];
    if (isOver) throw new Error(`expected ${pattern}, got ${from.text()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A server, until the test ends. */
async function serve(place: Place, args: readonly string[], ready: RegExp): Promise<void> {
  await said(run(place, [MAIN, ...args]), ready);
}

function wire(): void {
  for (const place of PLACES) {
    expect(ip('netns', 'add', namespace(place))).toBe(true);
    expect(ip('-n', namespace(place), 'link', 'set', 'lo', 'up')).toBe(true);
  }
  for (const [net, place] of [
    [1, 'lan'],
    [2, 'wan'],
  ] as const) {
    const [here, there] = [`${mark}${net}g`, `${mark}${net}t`];
    expect(
      ip(
        'link',
        'add',
        here,
        'netns',
        namespace('gateway'),
        'type',
        'veth',
        'peer',
        'name',
        there,
        'netns',
        namespace(place),
      ),
    ).toBe(true);
    for (const [where, name, host] of [
      ['gateway', here, 1],
      [place, there, 2],
    ] as const) {
      expect(ip('-n', namespace(where), 'address', 'add', `10.77.${net}.${host}/24`, 'dev', name)).toBe(true);
      expect(ip('-n', namespace(where), 'link', 'set', name, 'up')).toBe(true);
    }
    // Whoever wants to get out tries the gateway.
    expect(ip('-n', namespace(place), 'route', 'add', 'default', 'via', `10.77.${net}.1`)).toBe(true);
  }
}

const home = (): string => join(folder, 'specie-home');

/** Roles listen on the WAN; the institution stays with them. */
async function makeHome(): Promise<string> {
  await initHome({ home: home() });
  const path = join(home(), 'specie.json');
  const configuration = JSON.parse(readFileSync(path, 'utf8'));
  for (const role of ROLES) configuration.roles[role].host = '10.77.2.2';
  for (const role of ROLES) if (isMintRole(role)) configuration.roles[role].http.port = 0;
  writeFileSync(path, JSON.stringify(configuration));
  return (await initHome({ home: home() })).fingerprint;
}

beforeAll(() => {
  if (!may) return;
  folder = mkdtempSync(join(tmpdir(), 'specie-namespaces-'));
  wire();
});

afterAll(async () => {
  if (!may) return;
  const ended = [...children].map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of children) child.kill('SIGTERM');
  await Promise.race([Promise.all(ended), new Promise((resolve) => setTimeout(resolve, 20_000))]);
  for (const child of children) child.kill('SIGKILL');
  for (const place of PLACES) ip('netns', 'delete', namespace(place));
  rmSync(folder, { recursive: true, force: true });
});

/** Tries to reach servers, all at once; prints which it has. */
const KNOCK = `
const { connect } = require('node:net');
const knock = (address) => new Promise((resolve) => {
  const [host, port] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  const end = (text) => { socket.destroy(); resolve(text); };
  socket.on('connect', () => end('reached'));
  socket.on('error', ({ code }) => end(code));
  setTimeout(() => end('no answer'), 1500);
});
Promise.all(process.argv.slice(1).map(knock)).then((all) => process.stdout.write(JSON.stringify(all)));
`;
const knock = async (from: Place, addresses: readonly string[]): Promise<string[]> =>
  JSON.parse((await run(from, ['-e', KNOCK, '--', ...addresses]).done).stdout);

async function enrolMerchants(trust: readonly string[]): Promise<void> {
  const shop = specie('wan', ['shop', 'enrol', ...trust, '--name', 'Counter', '--account'], ACCOUNT);
  const { lan, wan } = GATEWAY;
  await specie('gateway', ['gateway', 'init', '--organisation', 'campus', '--lan', lan, '--wan', wan]);
  const gateway = specie('gateway', ['gateway', 'enrol', ...trust, '--account'], ACCOUNT);
  for (let approved = 0; approved < 2; ) {
    const { shops: waiting } = JSON.parse(await specie('wan', ['shops', 'list', '--json'])) as {
      shops: { shop: string; state: string }[];
    };
    for (const { shop: number, state } of waiting) {
      if (state !== 'awaiting_approval') continue;
      await specie('wan', ['shops', 'approve', number]);
      approved++;
    }
  }
  await Promise.all([shop, gateway]);
}

/** Money of a wallet becomes wide notes, at the counter. */
async function withdraw(amount: string): Promise<void> {
  const withdrawing = run('wan', [MAIN, 'terminal', 'withdraw', amount, '--terminal', 'ada']);
  const quote = await said(withdrawing, /specie-quote:\S+/);
  const selling = run('wan', [MAIN, 'shop', 'sell-notes', quote]);
  await specie('wan', ['wallet', 'pay', '--shop', await said(selling, /specie-shop:\S+/)]);
  expect((await selling.done).code).toBe(0);
  expect((await withdrawing.done).code).toBe(0);
}

const terminal = (place: 'lan' | 'wan', ...args: readonly string[]): Promise<string> =>
  specie(place, ['terminal', ...args, '--terminal', place === 'wan' ? 'ada' : 'desk']);
const addressOf = async (place: 'lan' | 'wan'): Promise<string> =>
  /sp(?:lan|wan)1[a-z0-9]+/.exec(await terminal(place, 'address'))![0];

test.runIf(may)('the LAN reaches the WAN through the gateway, and its money alone', async () => {
  const root = await makeHome();
  const trust = ['--directory', join(home(), 'directory.json'), '--root', root];
  await serve('wan', ['institution', 'start'], /"listening"/);
  await serve('wan', ['start'], /"msg":"started"/);
  const number = await specie('wan', ['institution', 'numbers', '--count', '1']);
  await specie('wan', ['wallet', 'enrol', ...trust, '--name', 'Ada', '--account'], number);
  await specie('wan', ['wallet', 'load', '50.00']);
  await enrolMerchants(trust);
  const nothing = { kind: 'specie catalogue', version: 1, currency: 'EUR', articles: [] };
  writeFileSync(join(folder, 'shop-home', 'catalogue.json'), JSON.stringify(nothing));
  await serve('wan', ['shop', 'start'], /"listening"/);
  await serve('gateway', ['gateway', 'start'], /"listening"/);

  // Whom the LAN reaches.
  const { roles } = JSON.parse(readFileSync(join(home(), 'specie.json'), 'utf8')) as {
    roles: Record<string, { port: number }>;
  };
  const servers = Object.values(roles).map(({ port }) => `10.77.2.2:${port}`);
  expect(servers).toHaveLength(ROLES.length);
  expect(new Set(await knock('wan', [...servers, GATEWAY.wan]))).toEqual(new Set(['reached']));
  expect(await knock('lan', [GATEWAY.lan])).toEqual(['reached']);
  expect(await knock('lan', servers)).not.toContain('reached');

  const { key } = JSON.parse(await specie('gateway', ['gateway', 'show', '--json'])) as { key: string };
  await terminal('lan', 'init', '--lan', `ws://${GATEWAY.lan}/v1`, '--gateway-key', key);
  await terminal('wan', 'init', '--wan', `ws://${GATEWAY.wan}/v1`, '--gateway-key', key, ...trust);
  await terminal('wan', 'register', 'Ada');
  await terminal('lan', 'register', 'Desk');
  const known = JSON.parse(await specie('gateway', ['gateway', 'terminals', '--json'])) as {
    terminal: string;
    side: string;
    state: string;
  }[];
  const desk = known.find(({ side, state }) => side === 'lan' && state === 'waiting')!;
  await specie('gateway', ['gateway', 'admit', desk.terminal]);

  // The second job: wide notes come in.
  await withdraw('20.00');
  await terminal('wan', 'send', await addressOf('lan'), '12.00');
  expect(await terminal('lan', 'receive')).toMatch(/received\s+12\.00 EUR/);
  // The first job: local notes go out.
  await terminal('lan', 'send', await addressOf('wan'), '5.00');
  expect(await terminal('wan', 'receive')).toMatch(/received\s+5\.00 EUR/);

  expect(await terminal('lan', 'balance')).toMatch(/balance\s+7\.00 EUR/);
  expect(await terminal('wan', 'balance')).toMatch(/balance\s+13\.00 EUR/);
  const status = await specie('gateway', ['gateway', 'status']);
  expect(status).toMatch(/local notes outstanding\s+7\.00 EUR/);
  expect(status).toMatch(/the account at cash holds\s+7\.00 EUR/);
  // Back to the wallet that it came from.
  const payee = /specie-device:\S+/.exec(await specie('wan', ['wallet', 'address']))![0];
  await terminal('wan', 'deposit', payee, '13.00');
  await specie('wan', ['wallet', 'sync']);
  expect(await specie('wan', ['wallet', 'balance', '--online'])).toMatch(/43\.00 EUR.*agrees/s);
});
