// A whole system over real sockets: a home, the institution's simulator, all roles, wallets; a tap on each line, an ear in
// each role, its log and its store at hand.
//
//     wallet ──tap──▶ management ──tap──▶ settlement ──tap──▶ institution
//                          └──────tap──▶ cash
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Client, type ClientOptions } from '../../src/channel/client.ts';
import type { ClientError } from '../../src/channel/client-error.ts';
import { type AuditReport, runAudit } from '../../src/cli/audit/audit.ts';
import { fromCash } from '../../src/cli/audit/collect.ts';
import type { Directory } from '../../src/identity/directory.ts';
import { HomePaths, readDirectory, readKeySet } from '../../src/identity/home.ts';
import { initHome } from '../../src/identity/init-home.ts';
import type { KeySet } from '../../src/identity/key-set.ts';
import { loadOperator, type OperatorHome } from '../../src/identity/load-home.ts';
import { PrivateFiles } from '../../src/identity/private-files.ts';
import { isMintRole, type RoleName } from '../../src/identity/roles.ts';
import { testAccountNumbers } from '../../src/institution/account-number.ts';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import { BankServer } from '../../src/institution/simulator/bank-server.ts';
import type { Dials } from '../../src/institution/simulator/faults.ts';
import { SimulatedInstitution } from '../../src/institution/simulator/simulated-institution.ts';
import { type RunningRole, START_ORDER, startRole } from '../../src/main/roles/start-role.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import { RoleClient } from '../../src/roles/common/role-client.ts';
import { managementProtocol } from '../../src/roles/management/messages.ts';
import type { Currency } from '../../src/shared/currency.ts';
import {
  channelTransport,
  nodeClock,
  nodeCrypto,
  Wallet,
  type WalletEvent,
  type WalletStorage,
} from '../../src/wallet/index.ts';
import type { ClientIdentity } from '../../src/wire/channel-identity.ts';
import type { Engine, EngineReply, EngineRequest } from '../../src/wire/engine.ts';
import { parseMessages } from '../../src/wire/messages.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { MemoryStorage } from '../wallet/memory-storage.ts';
import { Tap } from './tap.ts';

export const EUR = 978;
export const SEED = 42n;
export const accountNumber = testAccountNumbers(SEED);
/** Minor units, of each account at the institution. */
export const ACCOUNT_BALANCE = 10_000_000_000n;

/** One operation as a role has read it, and what it has answered. */
export interface Heard {
  readonly role: RoleName;
  readonly peer: Peer;
  readonly operation: number;
  readonly messages: readonly Buffer[];
  /** Empty until it is answered. */
  readonly answers: Buffer[];
}

export interface SystemOptions {
  /** Of specie.json. */
  readonly limits?: Record<string, unknown>;
  readonly dials?: Dials;
  /** With the institution's side that pays shops. */
  readonly bank?: BankDials;
  /** Of specie.json. */
  readonly payouts?: Record<string, unknown>;
  /** With issuer and receiver, which most tests have no use for. */
  readonly notes?: boolean;
  /** Where nothing is to be recorded: floods. */
  readonly deaf?: boolean;
}

const noPassphrase = async () => undefined;

/** Below the ports that outgoing connections take by themselves. */
let nextPort = 12_000 + (process.pid % 1_000) * 20;

async function freePort(): Promise<number> {
  for (;;) {
    nextPort = nextPort >= 32_000 ? 12_000 : nextPort + 1;
    const port = nextPort;
    const isFree = await new Promise<boolean>((resolve) => {
      const server = createServer();
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

export class System {
  readonly folder = mkdtempSync(join(tmpdir(), 'specie-claims-'));
  readonly home = join(this.folder, 'home');
  readonly taps = new Map<RoleName | 'institution', Tap>();
  readonly heard: Heard[] = [];
  readonly logs: { readonly [role in RoleName]: string[] } = {
    management: [],
    cash: [],
    settlement: [],
    issuer: [],
    receiver: [],
  };
  readonly roles = new Map<RoleName, RunningRole>();
  /** All that run, in the order in which they start. */
  readonly startOrder: readonly RoleName[];
  readonly #storages: WalletStorage[] = [];
  readonly #closing: (() => Promise<void> | void)[] = [];
  readonly #options: SystemOptions;
  institution!: SimulatedInstitution;
  bank!: BankServer;
  operator!: OperatorHome;
  fingerprint = '';

  private constructor(options: SystemOptions) {
    this.#options = options;
    this.startOrder = START_ORDER.filter((role) => options.notes === true || !isMintRole(role));
  }

  static async start(options: SystemOptions = {}): Promise<System> {
    const system = new System(options);
    try {
      await system.#start();
      return system;
    } catch (error) {
      await system.close();
      throw error;
    }
  }

  async #start(): Promise<void> {
    await initHome({ home: this.home });
    for (const name of [...this.startOrder, 'institution'] as const) this.taps.set(name, await Tap.open());
    const path = new HomePaths(this.home).configuration;
    const configuration = JSON.parse(readFileSync(path, 'utf8'));
    for (const role of this.startOrder) {
      const port = await freePort();
      if (isMintRole(role)) configuration.roles[role].http.port = await freePort();
      Object.assign(configuration.roles[role], { port, address: this.tap(role).url });
      this.tap(role).target = port;
    }
    configuration.institution.port = this.tap('institution').port;
    if (this.#options.bank !== undefined) {
      await this.startBank(this.#options.bank);
      configuration.institution.payments.port = this.bank.port;
    }
    Object.assign(configuration.payouts, this.#options.payouts);
    // One device does here what many would.
    Object.assign(configuration.limits, {
      deviceRequestsPerMinute: 1_000_000,
      deviceDeclinesPerDay: 1_000_000,
    });
    Object.assign(configuration.limits, this.#options.limits);
    writeFileSync(path, JSON.stringify(configuration));
    // Signs the directory anew, with the addresses of now.
    this.fingerprint = (await initHome({ home: this.home })).fingerprint;
    await this.startInstitution(this.#options.dials);
    for (const role of this.startOrder) await this.startRole(role);
    await this.renewOperator();
  }

  /** With the directory of now. */
  async renewOperator(): Promise<void> {
    this.operator?.close();
    this.operator = await loadOperator({ home: this.home, passphrase: noPassphrase });
  }

  /** On the port of before. */
  async startBank(dials: BankDials = {}): Promise<void> {
    const path = join(this.folder, 'institution');
    this.bank = await BankServer.listen({ path, port: this.bank?.port ?? 0, dials });
    const { bank } = this;
    this.#closing.push(() => (this.bank === bank ? bank.close() : undefined));
  }

  async startInstitution(dials: Dials = {}): Promise<void> {
    this.institution = await SimulatedInstitution.start({
      path: join(this.folder, 'institution'),
      port: 0,
      accounts: 100,
      seed: SEED,
      balance: ACCOUNT_BALANCE,
      dials,
    });
    this.tap('institution').target = this.institution.port;
  }

  async startRole(role: RoleName): Promise<RunningRole> {
    const line = (level: string) => (fields: object, message: string) => {
      const shown = inspect(fields, { depth: 8, maxArrayLength: null, maxStringLength: null });
      this.logs[role].push(`${level} ${message} ${shown}`);
    };
    const running = await startRole({
      home: this.home,
      role,
      passphrase: noPassphrase,
      log: { info: line('info'), warn: line('warn'), error: line('error') },
      around: (engine) => (this.#options.deaf ? engine : this.#listening(role, engine)),
      ledger: { readers: 1 },
    });
    this.roles.set(role, running);
    return running;
  }

  async stopRole(role: RoleName): Promise<void> {
    await this.roles.get(role)?.close();
    this.roles.delete(role);
  }

  /** Wallets and clients first, roles in the other order than they started in; whatever happens, all of it. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    const attempt = async (work: () => Promise<void> | void): Promise<void> => {
      try {
        await work();
      } catch (error) {
        failures.push(error);
      }
    };
    for (const close of this.#closing.splice(0).reverse()) await attempt(close);
    await attempt(() => this.operator?.close());
    for (const role of this.startOrder.toReversed()) await attempt(() => this.stopRole(role));
    await attempt(() => this.institution?.close());
    for (const tap of this.taps.values()) await attempt(() => tap.close());
    rmSync(this.folder, { recursive: true, force: true });
    if (failures.length > 0) throw failures[0];
  }

  /** Before the roles are closed; the last one first. */
  whenClosing(close: () => Promise<void> | void): void {
    this.#closing.push(close);
  }

  tap(name: RoleName | 'institution'): Tap {
    return this.taps.get(name)!;
  }

  /** As the file says now. */
  directoryBytes(): Uint8Array {
    return this.directory().bytes();
  }

  directory(): Directory {
    return readDirectory(new PrivateFiles(), new HomePaths(this.home), this.fingerprint);
  }

  get currency(): Currency {
    return this.operator.configuration.currency;
  }

  /** Secret keys of a role: what a thief of them would have. */
  stolenKeys(role: RoleName, number = 1): Promise<KeySet> {
    return readKeySet(new PrivateFiles(), new HomePaths(this.home), role, number, noPassphrase);
  }

  // ---- wallets and clients

  async wallet(name: string, onEvent?: (event: WalletEvent) => void): Promise<Wallet> {
    const storage = new MemoryStorage();
    this.#storages.push(storage);
    const wallet = await Wallet.create(
      {
        storage,
        crypto: nodeCrypto,
        clock: nodeClock,
        transport: channelTransport(),
        times: { pauseFirstMs: 10, pauseLastMs: 200, patienceMs: 20_000 },
        ...(onEvent && { onEvent }),
      },
      {
        directory: this.directoryBytes(),
        rootFingerprint: this.fingerprint,
        currency: this.currency,
        name,
      },
    );
    this.#closing.push(() => wallet.close());
    return wallet;
  }

  /** What a wallet keeps. */
  walletRecords(at = 0): Buffer[] {
    const { disk } = this.#storages[at] as MemoryStorage;
    return [...disk].flatMap(([key, value]) => [Buffer.from(key), Buffer.from(value)]);
  }

  /** Connected, or refused with a ClientError. */
  async connect(
    role: RoleName,
    identity: ClientIdentity | (() => ClientIdentity) | undefined,
    options: Partial<ClientOptions> = {},
  ): Promise<Client> {
    const client = new Client({
      url: this.tap(role).url,
      identity,
      connectTimeoutMs: 5_000,
      requestTimeoutMs: 10_000,
      reconnectLastMs: 100,
      ...options,
    });
    this.#closing.push(() => client.close(0));
    await client.connected;
    return client;
  }

  /** With the keys of a role, stolen or not. */
  async asRole(role: RoleName, to: RoleName, number = 1): Promise<Client> {
    const { channel } = await this.stolenKeys(role, number);
    return this.connect(to, {
      pattern: 'KK',
      staticKey: channel.secretKey,
      remoteStaticKey: this.channelKey(to),
    });
  }

  asOperator(to: RoleName): Promise<Client> {
    return this.connect(to, () => this.operator.clientIdentity(to));
  }

  /** Of the server: what wallets learn from the directory. */
  channelKey(role: RoleName): Uint8Array {
    return this.directory().currentKeySet(role, nodeClock.now()).keys.channel;
  }

  async lookupAtManagement(request: bigint) {
    const client = await this.asOperator('management');
    try {
      const role = new RoleClient({ protocol: managementProtocol, transport: client });
      return answerOf(await role.call('lookup_request', { request })).report;
    } finally {
      await client.close(0);
    }
  }

  // ---- what was seen

  /** Everything that a role has read and answered, in the clear, whoever asked; what it asked others is in what they heard. */
  readBy(role: RoleName): Buffer[] {
    return this.heard
      .filter((heard) => heard.role === role || (heard.peer.kind === 'role' && heard.peer.role === role))
      .flatMap(({ messages, answers }) => [...messages, ...answers]);
  }

  logOf(role: RoleName): Buffer[] {
    return [Buffer.from(this.logs[role].join('\n'))];
  }

  /** The files of a role's store, with whatever stale pages are in them. */
  storeOf(role: RoleName): Buffer[] {
    return filesBelow(join(this.home, 'stores', role));
  }

  institutionStore(): Buffer[] {
    return filesBelow(join(this.folder, 'institution'));
  }

  // ---- where the money is

  statement(): string[] {
    const lines: string[] = [];
    for (let from = 1n; ; ) {
      const entries = this.institution.books.statement(from, 1_000);
      if (entries.length === 0) return lines;
      for (const { kind, reference, amount, currency, sequence } of entries) {
        lines.push(
          JSON.stringify({ kind, reference: reference.toString(16), amount: amount.toString(), currency }),
        );
        from = sequence + 1n;
      }
    }
  }

  audit(): Promise<AuditReport> {
    return runAudit(
      {
        operator: this.operator,
        statement: this.statement(),
        wallets: this.#storages,
        allWallets: false,
        notes: this.startOrder.includes('issuer'),
      },
      { write: () => {}, note: () => {}, interactive: false },
    );
  }

  /** All that there is to steal: changes when, and only when, money has moved. */
  async money(): Promise<string> {
    const client = await this.asOperator('cash');
    try {
      const { balances, float, book } = await fromCash(client, { currency: EUR, devices: [], shops: [] });
      const taken = this.institution.books
        .accounts('', 1_000)
        .reduce((sum, { held, captured }) => sum + held + captured, 0n);
      const sum = (values: readonly bigint[]): bigint => values.reduce((a, b) => a + b, 0n);
      return [
        `taken ${taken}`,
        `float ${float.get(EUR) ?? 0n}`,
        `balances ${sum(balances.map(({ balance }) => balance))}`,
        `loads ${book.statements.length}`,
      ].join(', ');
    } finally {
      await client.close(0);
    }
  }

  #listening(role: RoleName, engine: Engine): Engine {
    const submit = async (request: EngineRequest): Promise<EngineReply> => {
      const { operation, peer, count } = request;
      const payload = Buffer.from(request.payload);
      const heard: Heard = {
        role,
        peer,
        operation,
        messages: messagesOf(payload, operation, count),
        answers: [],
      };
      this.heard.push(heard);
      const reply = await engine.submit(request);
      heard.answers.push(...messagesOf(Buffer.from(reply.body), operation, reply.count));
      if (reply.message !== undefined) heard.answers.push(Buffer.from(reply.message));
      return reply;
    };
    return new Proxy(engine, {
      get(target, key) {
        if (key === 'submit') return submit;
        const value = Reflect.get(target, key, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }
}

/** Those of a role's message operations one by one; a body of the ledger as it is. */
export function messagesOf(body: Buffer, operation: number, count: number): Buffer[] {
  if (operation < 32 || operation > 127) return [body];
  try {
    return parseMessages(body, count).map((message) => Buffer.from(message));
  } catch {
    return [body];
  }
}

/** Of what is a file; a socket has nothing in it. */
export function filesBelow(folder: string): Buffer[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name)));
}

/** With what it has found, for a test that fails. */
export async function auditOf(system: System) {
  const { passed, checks, open } = await system.audit();
  return { passed, open, findings: checks.flatMap(({ findings }) => findings) };
}

export function answerOf<Answer>(result: CallResult<Answer>): Answer {
  if (result.kind === 'ok') return result.answer;
  const why = result.kind === 'refused' ? result.refusal.code : result.reason;
  throw new Error(`expected an answer, got ${result.kind}: ${why}`);
}

/** `refused: code`, the kind of the answer, `ok`, or `unknown: reason`. */
export function toldBy(result: CallResult<unknown>): string {
  switch (result.kind) {
    case 'refused':
      return `refused: ${result.refusal.code}`;
    case 'unknown':
      return `unknown: ${result.reason}`;
    default: {
      const { kind } = (result.answer ?? {}) as { kind?: string };
      return kind ?? 'ok';
    }
  }
}

/** The code with which a connection did not come about. */
export async function refusalOf(connecting: Promise<unknown>): Promise<string> {
  try {
    await connecting;
  } catch (error) {
    return (error as ClientError).code;
  }
  return 'connected';
}

export async function eventually(
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`expected ${condition} within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
