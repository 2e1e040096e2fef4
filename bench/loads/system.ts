// The system that loads, purchases and notes go through, in processes of their own: simulator, cash, settlement, management,
// a shop, and where there are notes, issuer, receiver and a gateway; or the roles in one process. Each answers over its IPC
// channel what CPU time it has used, and where.
//
//     benchmark ──devices' channels────▶ management ─▶ settlement ─▶ simulator
//         │   ├──customers' channels──▶ shop ─▲└────▶ cash ◀── issuer, receiver ◀─╮
//         │   ├──a merchant's, HTTP────────────────────────────▶─┴──────▲         │
//         │   └──terminals' channels──▶ gateway ────────────────────────┴─────────╯
//         └── IPC: cpu, profile, stop
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Gateway, openGatewayNode } from '../../src/gateway/index.ts';
import { initHome } from '../../src/identity/init-home.ts';
import { MINT_ROLES, type MintRole, type RoleName } from '../../src/identity/roles.ts';
import { AdminServer } from '../../src/institution/simulator/admin.ts';
import { SimulatedInstitution } from '../../src/institution/simulator/simulated-institution.ts';
import { startRole } from '../../src/main/roles/start-role.ts';
import { openShop } from '../../src/shop/index.ts';
import { LOADER } from '../loader.ts';
import { type Shares, ThreadProfile } from './profile.ts';
import { type Stage, Stages, StepTimes, type StepTotals } from './stages.ts';

/** Those that loads and purchases go through, in the order in which they start. */
const ROLES = ['cash', 'settlement', 'management'] as const;
const ROLES_WITH_NOTES = ['cash', ...MINT_ROLES, 'settlement', 'management'] as const;

/** What runs in one process: the simulator, roles, a shop, or a gateway. */
export type Part = 'simulator' | 'shop' | 'gateway' | RoleName;

interface Serve {
  readonly parts: readonly Part[];
  readonly home: string;
  readonly books: string;
  readonly accounts: number;
  readonly port: number;
}

/** `admit`: the terminals that wait at the gateway. `status`: how the gateway stands, numbers as texts. */
type Question = 'cpu' | 'profile' | 'shares' | 'steps' | 'admit' | 'status' | 'stop';

const SCRIPT = fileURLToPath(import.meta.url);
/** Devices load again and again; their accounts must hold it. */
const BALANCE_MAX = '1000000';
const BALANCE_AT_INSTITUTION = 10n ** 12n;
const SEED = 1n;

const log = {
  info: () => {},
  warn: (fields: object, message: string) => report(fields, message),
  error: (fields: object, message: string) => report(fields, message),
};

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));

function report(fields: object, message: string): void {
  process.stderr.write(`${message} ${textOf(fields)}\n`);
}

// ---- in a process of its own

async function serve({ parts, home, books, accounts, port }: Serve): Promise<void> {
  const running: { close(): Promise<unknown> }[] = [];
  const stages = new Map<Part, Stages>();
  const steps = new StepTimes();
  const stepsOf = (part: Part) => (step: string, count: number) => steps.trace(`${part} ${step}`, count);
  let admin: string | undefined;
  let gateway: Gateway | undefined;
  for (const part of parts) {
    if (part === 'simulator') {
      const options = { path: books, accounts, seed: SEED, balance: BALANCE_AT_INSTITUTION, port };
      const institution = await SimulatedInstitution.start(options);
      const adminServer = await AdminServer.listen({ institution, port: 0 });
      admin = adminServer.url;
      running.push(institution, adminServer);
    } else if (part === 'shop') {
      const shop = await openShop({ home, port: 0, log, trace: stepsOf(part) });
      admin = shop.url;
      running.push(shop);
    } else if (part === 'gateway') {
      const open = await openGatewayNode({ home, lanPort: 0, wanPort: 0, log });
      admin = JSON.stringify({ ...open.urls, key: open.key });
      gateway = open;
      running.push(open);
    } else {
      const own = new Stages();
      stages.set(part, own);
      const { trace } = own;
      const payTrace = stepsOf(part);
      running.push(
        await startRole({ home, role: part, passphrase: async () => undefined, log, trace, payTrace }),
      );
    }
  }
  const profile = new ThreadProfile(parts.join('-'));
  const answer: { readonly [question in Question]: () => unknown } = {
    cpu: () => process.cpuUsage(),
    profile: () => {
      for (const own of stages.values()) own.start();
      return profile.start();
    },
    steps: () => steps.totals(),
    admit: async () => {
      const waiting = gateway!.terminals({ limit: 1_024 }).filter(({ state }) => state === 'waiting');
      for (const { channelKey } of waiting) await gateway!.admit(channelKey);
    },
    status: () => JSON.parse(textOf(gateway!.status())),
    shares: async () => ({
      shares: await profile.stop(),
      stages: Object.fromEntries([...stages].map(([part, own]) => [part, own.stop()])),
    }),
    stop: async () => {
      for (const part of running.reverse()) await part.close();
    },
  };
  process.on('message', async (question: Question) => {
    process.send!({ answer: (await answer[question]()) ?? null });
    if (question === 'stop') process.disconnect();
  });
  // A benchmark that was killed leaves no roles behind; one that ends has closed them before.
  process.on('disconnect', () => process.exit());
  process.send!({ answer: admin ?? null });
}

// ---- seen from the benchmark

class Running {
  readonly name: string;
  readonly #child: ChildProcess;
  admin: string | undefined;

  private constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#child = child;
  }

  static async start(name: string, what: Serve): Promise<Running> {
    const args = [...LOADER, SCRIPT, JSON.stringify(what)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const running = new Running(name, child);
    running.admin = ((await running.#answer()) as string | null) ?? undefined;
    return running;
  }

  ask(question: Question): Promise<unknown> {
    const answer = this.#answer();
    this.#child.send(question);
    return answer;
  }

  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    await this.ask('stop');
    await exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const answered = ({ answer }: { answer: unknown }): void => {
        this.#child.off('exit', ended);
        resolve(answer);
      };
      const ended = (): void => {
        this.#child.off('message', answered);
        reject(new Error(`${this.name}: expected an answer, but it ended`));
      };
      this.#child.once('message', answered);
      this.#child.once('exit', ended);
    });
  }
}

export interface Busy {
  /** Of the main thread. */
  readonly shares: Shares;
  /** Of the flows of each role in the process. */
  readonly stages: { readonly [role: string]: readonly Stage[] };
}

/** Of its status; minor units, and how many. */
export interface GatewayFigures {
  readonly local: { readonly outstanding: string };
  readonly counters: { readonly taken: string; readonly issued: string; readonly delivered: string };
  readonly backing: string;
  readonly underWay: number;
}

/** Seconds of CPU, all threads, by process. */
export type CpuSeconds = { readonly [process: string]: number };

export interface SystemOptions {
  readonly folder: string;
  readonly accounts: number;
  readonly oneProcess: boolean;
  /** Decimal, of a device's account. */
  readonly balanceMax?: string;
  /** With issuer and receiver. */
  readonly notes?: boolean;
}

export interface GatewayPlace {
  readonly lan: string;
  readonly wan: string;
  /** Of its channels, hex. */
  readonly key: string;
}

export class System {
  readonly home: string;
  readonly root: string;
  readonly #processes: Running[];

  readonly #httpPorts: Readonly<Record<MintRole, number>>;

  private constructor(
    home: string,
    root: string,
    processes: Running[],
    httpPorts: Readonly<Record<MintRole, number>>,
  ) {
    this.home = home;
    this.root = root;
    this.#processes = processes;
    this.#httpPorts = httpPorts;
  }

  /** Where that role speaks Cashu's interface. */
  httpUrl(role: MintRole): string {
    return `http://127.0.0.1:${this.#httpPorts[role]}`;
  }

  static async start({ folder, accounts, oneProcess, balanceMax, notes }: SystemOptions): Promise<System> {
    const home = join(folder, 'home');
    const roles: readonly RoleName[] = notes === true ? ROLES_WITH_NOTES : ROLES;
    await initHome({ home });
    const ports = await freePorts(roles.length + MINT_ROLES.length + 1);
    const path = join(home, 'specie.json');
    const settings = JSON.parse(readFileSync(path, 'utf8'));
    roles.forEach((role, i) => {
      settings.roles[role].port = ports[i];
    });
    MINT_ROLES.forEach((role, i) => {
      settings.roles[role].http.port = ports[roles.length + i];
    });
    settings.institution.port = ports.at(-1);
    settings.limits.balanceMax = balanceMax ?? BALANCE_MAX;
    if (balanceMax !== undefined) settings.limits.loadAmountMax = balanceMax;
    settings.limits.deviceRequestsPerMinute = 1_000_000;
    writeFileSync(path, JSON.stringify(settings));
    // Signs a directory of these addresses.
    const { fingerprint } = await initHome({ home });
    const common = { home, books: join(folder, 'institution'), accounts, port: ports.at(-1)! };
    const groups: readonly (readonly [string, readonly Part[]])[] = oneProcess
      ? [
          ['simulator', ['simulator']],
          ['roles', roles],
        ]
      : (['simulator', ...roles] as const).map((part) => [part, [part]]);
    const processes: Running[] = [];
    try {
      for (const [name, parts] of groups) processes.push(await Running.start(name, { ...common, parts }));
    } catch (error) {
      for (const running of processes) running.kill();
      throw error;
    }
    const httpPorts = Object.fromEntries(MINT_ROLES.map((role, i) => [role, ports[roles.length + i]!]));
    return new System(home, fingerprint, processes, httpPorts as Record<MintRole, number>);
  }

  /** Of the simulator. */
  get admin(): string {
    return this.#processes[0]!.admin!;
  }

  /** Opens a shop in a process of its own. @returns where customers find it */
  async openShop(home: string): Promise<string> {
    const what: Serve = { parts: ['shop'], home, books: '', accounts: 0, port: 0 };
    const shop = await Running.start('shop', what);
    this.#processes.push(shop);
    return shop.admin!;
  }

  /** Nothing reads its store when it is closed. */
  async closeShop(): Promise<void> {
    await this.#processes.pop()!.stop();
  }

  /** Opens a gateway in a process of its own. */
  async openGateway(home: string): Promise<GatewayPlace> {
    const what: Serve = { parts: ['gateway'], home, books: '', accounts: 0, port: 0 };
    const gateway = await Running.start('gateway', what);
    this.#processes.push(gateway);
    return JSON.parse(gateway.admin!) as GatewayPlace;
  }

  /** The LAN's terminals that wait. */
  async admitTerminals(): Promise<void> {
    await this.#gateway.ask('admit');
  }

  async gatewayStatus(): Promise<GatewayFigures> {
    return (await this.#gateway.ask('status')) as GatewayFigures;
  }

  get #gateway(): Running {
    return this.#processes.find(({ name }) => name === 'gateway')!;
  }

  /** How many purchases have come to each step at shop and cash, and when in all. */
  async steps(): Promise<StepTotals> {
    const all = await this.#all<StepTotals>('steps');
    return Object.assign({}, ...all.map(([, totals]) => totals));
  }

  async cpu(): Promise<CpuSeconds> {
    const used = await this.#all<NodeJS.CpuUsage>('cpu');
    return Object.fromEntries(used.map(([name, { user, system }]) => [name, (user + system) / 1e6]));
  }

  async profile(): Promise<void> {
    await this.#all('profile');
  }

  /** What went on in each process since `profile`. */
  async shares(): Promise<{ readonly [process: string]: Busy }> {
    return Object.fromEntries(await this.#all<Busy>('shares'));
  }

  async stop(): Promise<void> {
    for (const running of [...this.#processes].reverse()) await running.stop();
  }

  kill(): void {
    for (const running of this.#processes) running.kill();
  }

  #all<Answer>(question: Question): Promise<[string, Answer][]> {
    return Promise.all(
      this.#processes.map(async (running) => [running.name, (await running.ask(question)) as Answer]),
    );
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  return Promise.all(
    servers.map(async (server) => {
      const address = server.address();
      server.close();
      await once(server, 'close');
      return typeof address === 'object' ? address!.port : 0;
    }),
  );
}

if (process.argv[1] === SCRIPT) await serve(JSON.parse(process.argv[2]!) as Serve);
