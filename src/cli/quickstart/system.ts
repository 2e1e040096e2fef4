// A whole system on this machine, each part a process of its own:
//
//     institution's simulator   cash   settlement   management   issuer   receiver   shops   gateway   ◀── wallets, terminals,
//     └── its books ┘           └── home/stores/… ─────────────────────────────┘   └ own homes ─┘       operator: this process
//
//     <folder>/home   configuration, directory, keys, stores        <folder>/institution   books        <folder>/logs
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { initHome } from '../../identity/init-home.ts';
import { loadOperator, type OperatorHome } from '../../identity/load-home.ts';
import { isMintRole, MINT_ROLES, ROLES, type RoleName } from '../../identity/roles.ts';
import { START_ORDER } from '../../main/roles/start-role.ts';
import type { Currency } from '../../shared/currency.ts';
import { CommandError } from '../exit-codes.ts';
import { freePorts } from './free-ports.ts';
import { RoleProcess } from './role-process.ts';

/** What the operator takes of each sale. */
const FEE_BASIS_POINTS = 50;
/** LAN and WAN. */
const GATEWAY_PORTS = 2;
const ADMIN_TIMEOUT_MS = 30_000;

export type ShopName = `shop-${number}`;
export type PartName = RoleName | 'institution' | 'gateway' | ShopName;

export interface SystemOptions {
  readonly folder: string;
  readonly currency: Currency;
  /** Accounts at the institution, and the seed of their numbers. */
  readonly accounts: number;
  readonly seed: bigint;
  /** For how many there are ports. */
  readonly shops: number;
  /** Told of each part that takes requests. */
  readonly onStarted: (part: PartName, address: string, process: RoleProcess) => void;
}

/** docs/institution.md, Dials. */
export interface Dials {
  readonly latency?: { readonly ms: number };
  readonly faults?: readonly { readonly do: string; readonly on: string; readonly nth: number }[];
}

export class System {
  readonly home: string;
  readonly operator: OperatorHome;
  /** Rejects when a part ends that nobody has stopped. */
  readonly lost: Promise<never>;
  readonly shopPorts: readonly number[];
  /** On its LAN, on the WAN. */
  readonly gatewayPorts: readonly number[];
  readonly #options: SystemOptions;
  readonly #parts = new Map<PartName, RoleProcess>();
  readonly #starting = new Set<Promise<unknown>>();
  #reportLost!: (error: CommandError) => void;
  #isClosed = false;

  private constructor(
    home: string,
    operator: OperatorHome,
    ports: readonly number[],
    options: SystemOptions,
  ) {
    this.home = home;
    this.shopPorts = ports.slice(0, options.shops);
    this.gatewayPorts = ports.slice(options.shops);
    this.operator = operator;
    this.#options = options;
    this.lost = new Promise((_, reject) => {
      this.#reportLost = reject;
    });
    this.lost.catch(() => {});
  }

  /** Keys, signed directory and configuration, on ports of its own; nothing runs yet. */
  static async make(options: SystemOptions): Promise<System> {
    const home = join(options.folder, 'home');
    mkdirSync(join(options.folder, 'logs'), { recursive: true });
    const ports = await freePorts(ROLES.length + MINT_ROLES.length + 2 + options.shops + GATEWAY_PORTS);
    await initHome({ home, currency: options.currency.code });
    const path = join(home, 'specie.json');
    const configuration = JSON.parse(readFileSync(path, 'utf8')) as Record<
      'roles' | 'institution' | 'payouts' | 'limits',
      Record<string, unknown>
    >;
    const port = (): number => ports.shift()!;
    const roles = Object.fromEntries(
      ROLES.map((role) => [
        role,
        {
          ...(configuration.roles[role] as object),
          port: port(),
          ...(isMintRole(role) && { http: { port: port() } }),
        },
      ]),
    );
    const payments = { ...(configuration.institution.payments as object | undefined), port: port() };
    const institution = { ...configuration.institution, port: port(), payments };
    const payouts = { ...configuration.payouts, feeBasisPoints: FEE_BASIS_POINTS };
    // These wallets load as fast as they can, some of them with cards that are declined.
    const limits = {
      ...configuration.limits,
      deviceRequestsPerMinute: 1_000_000,
      deviceDeclinesPerDay: 1_000_000,
    };
    writeFileSync(
      path,
      `${JSON.stringify({ ...configuration, roles, institution, payouts, limits }, null, 2)}\n`,
    );
    // Signs the directory anew, with the roles' addresses.
    await initHome({ home });
    const operator = await loadOperator({ home, passphrase: async () => undefined });
    return new System(home, operator, ports, options);
  }

  get institutionUrl(): string {
    return this.part('institution').listening.admin as string;
  }

  part(name: PartName): RoleProcess {
    const part = this.#parts.get(name);
    if (part === undefined) throw new Error(`${name}: expected it to run, got none`);
    return part;
  }

  /** Institution first, then the roles. */
  async start(): Promise<void> {
    const { folder, accounts, seed, currency } = this.#options;
    const { port, payments } = this.operator.configuration.institution;
    const institution = await this.#run('institution', [
      ...['institution', 'start', '--path', join(folder, 'institution'), '--port', String(port)],
      ...['--admin-port', '0', '--accounts', String(accounts), '--seed', String(seed)],
      ...['--currency', currency.code, '--payments-port', String(payments.port)],
    ]);
    this.#options.onStarted('institution', `127.0.0.1:${port}`, institution);
    const starting = START_ORDER.map((role) => this.startRole(role));
    await Promise.allSettled(starting);
    for (const started of await Promise.all(starting)) {
      this.#options.onStarted(started.name as RoleName, started.listening.url as string, started);
    }
  }

  startRole(role: RoleName): Promise<RoleProcess> {
    return this.#run(role, ['start', '--home', this.home, '--role', role]);
  }

  /** @param shop from 0 */
  async startShop(shop: number, home: string): Promise<void> {
    const name: ShopName = `shop-${shop + 1}`;
    const isNew = !this.#parts.has(name);
    const started = await this.#run(name, ['shop', 'start', '--home', home]);
    if (isNew) this.#options.onStarted(name, started.listening.url as string, started);
  }

  async startGateway(home: string): Promise<void> {
    const isNew = !this.#parts.has('gateway');
    const started = await this.#run('gateway', ['gateway', 'start', '--home', home]);
    if (isNew) this.#options.onStarted('gateway', started.listening.wan as string, started);
  }

  /** And the gateway, in good order: what is open at them goes on when they are started again. @throws CommandError */
  async stopShops(): Promise<void> {
    const shops = [...this.#parts.values()].filter(
      ({ name }) => name.startsWith('shop-') || name === 'gateway',
    );
    await Promise.all(shops.map((shop) => shop.stop()));
  }

  /** In good order, whoever asks before whoever is asked. @throws CommandError unless each ends with 0 */
  async stop(): Promise<void> {
    await this.stopShops();
    for (const name of [...START_ORDER].reverse()) await this.part(name).stop();
    await this.part('institution').stop();
  }

  /** Every process ends at once, whatever it does; none is started any more. */
  async kill(): Promise<void> {
    this.#isClosed = true;
    this.operator.close();
    await Promise.allSettled(this.#starting);
    await Promise.all([...this.#parts.values()].map((part) => part.crash()));
  }

  /** What goes wrong at the institution from now on; nothing else. */
  async dial(dials: Dials): Promise<void> {
    await this.#institution('PUT', dials);
  }

  /** How often what was dialled has gone wrong. */
  async dialled(): Promise<number> {
    const { faults } = (await (await this.#institution('GET')).json()) as { faults: { fired: number }[] };
    return faults.reduce((sum, { fired }) => sum + fired, 0);
  }

  async #institution(method: string, body?: object): Promise<Response> {
    const response = await fetch(new URL('/faults', this.institutionUrl), {
      method,
      signal: AbortSignal.timeout(ADMIN_TIMEOUT_MS),
      ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new CommandError(`institution: expected status 200, got ${response.status}`);
    return response;
  }

  async #run(name: PartName, args: readonly string[]): Promise<RoleProcess> {
    if (this.#isClosed)
      throw new CommandError(`${name}: expected a system that runs, got one that was stopped`);
    const starting = RoleProcess.start({
      name,
      args,
      logPath: join(this.#options.folder, 'logs', `${name}.log`),
      onLost: (error) => {
        if (!this.#isClosed) this.#reportLost(error);
      },
    }).then((started) => {
      this.#parts.set(name, started);
      return started;
    });
    this.#starting.add(starting);
    try {
      return await starting;
    } finally {
      this.#starting.delete(starting);
    }
  }
}
