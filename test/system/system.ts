// A whole system for a test: a home, the institution, the roles (each group in a process that is kept running, the others in
// this one), wallets, and the audit of all of them.
import { join } from 'node:path';
import { auditText, runAudit } from '../../src/cli/audit/audit.ts';
import { fetchStatement } from '../../src/cli/commands/audit.ts';
import type { Output } from '../../src/cli/output.ts';
import { loadOperator } from '../../src/identity/load-home.ts';
import type { RoleName } from '../../src/identity/roles.ts';
import { testAccountNumbers } from '../../src/institution/account-number.ts';
import { AdminServer } from '../../src/institution/simulator/admin.ts';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import { BankServer } from '../../src/institution/simulator/bank-server.ts';
import { SimulatedInstitution } from '../../src/institution/simulator/simulated-institution.ts';
import { type RunningRole, START_ORDER, startRole } from '../../src/main/roles/start-role.ts';
import { type Amount, amountOf } from '../../src/shared/amount.ts';
import { Currencies } from '../../src/shared/currency.ts';
import type { WalletStorage } from '../../src/wallet/core/ports.ts';
import {
  channelTransport,
  nodeClock,
  nodeCrypto,
  readDirectory,
  Wallet,
  type WalletOptions,
  WalletStore,
  type WalletTimes,
} from '../../src/wallet/index.ts';
import { makeHome, type TestHome, type TestHomeOptions } from './home.ts';
import { InstitutionKeeper } from './institution-keeper.ts';
import { RoleKeeper } from './role-keeper.ts';
import { KeptShop } from './shop.ts';

/** Those that loads, purchases and payouts go through: all that run here. */
export const ROLES: readonly RoleName[] = ['management', 'cash', 'settlement'];

const SEED = 11n;
const CARDS = 5_000;
/** As in role-process.mjs. */
const PAYOUTS_POLL_MS = 50;
/** Many restarts may fall into one request. */
const PATIENCE_MS = 180_000;
/** A restart is bridged at once: nobody else waits for these servers. */
const RECONNECT = { reconnectFirstMs: 5, reconnectLastMs: 100, connectTimeoutMs: 2_000 };

export interface SystemOptions extends TestHomeOptions {
  /** Each group is a process of its own. */
  readonly processes: readonly (readonly RoleName[])[];
  /** The institution too. */
  readonly institutionProcess?: boolean;
  /** Processes stand by (role-keeper.ts). */
  readonly spares?: boolean;
  readonly institutionTimeoutMs?: number;
}

export interface TestWallet {
  readonly wallet: Wallet;
  readonly name: string;
  /** Its own card, that nobody else has. */
  readonly card: string;
  readonly storage: WalletStorage;
}

export const cents = (amount: bigint): Amount => amountOf(amount);

function walletOptions(storage: WalletStorage, times: Partial<WalletTimes> = {}): WalletOptions {
  return {
    storage,
    crypto: nodeCrypto,
    clock: nodeClock,
    transport: channelTransport({ ...RECONNECT, requestTimeoutMs: 4_000 }),
    times: { pauseFirstMs: 5, pauseLastMs: 100, patienceMs: PATIENCE_MS, ...times },
  };
}

const silent = { info: () => {}, warn: () => {}, error: () => {} };

export class System {
  readonly home: TestHome;
  readonly keepers = new Map<RoleName, RoleKeeper>();
  readonly wallets: TestWallet[] = [];
  readonly shops: KeptShop[] = [];
  institution!: InstitutionKeeper | undefined;
  readonly #options: SystemOptions;
  readonly #storages: WalletStorage[] = [];
  readonly #shopHomes: string[] = [];
  readonly #card = testAccountNumbers(SEED);
  #here: RunningRole[] = [];
  #simulator: SimulatedInstitution | undefined;
  #admin: AdminServer | undefined;
  #bank: BankServer | undefined;
  #store!: WalletStore;
  #directory!: Uint8Array;

  private constructor(home: TestHome, options: SystemOptions) {
    this.home = home;
    this.#options = options;
  }

  static async start(options: SystemOptions): Promise<System> {
    const system = new System(await makeHome(options), options);
    try {
      await system.#start();
    } catch (error) {
      await system.stop().catch(() => {});
      throw error;
    }
    return system;
  }

  /** Starts a system, and stops it behind. What `work` fails of counts more than what stopping fails of. */
  static async during(options: SystemOptions, work: (system: System) => Promise<void>): Promise<void> {
    const system = await System.start(options);
    try {
      await work(system);
    } catch (error) {
      await system.stop().catch(() => {});
      throw error;
    }
    await system.stop();
  }

  async #start(): Promise<void> {
    const { home, folder, fingerprint, institutionPort, paymentsPort } = this.home;
    const { processes, spares = false, institutionTimeoutMs, institutionProcess } = this.#options;
    const bank = { path: join(folder, 'bank'), port: institutionPort, accounts: CARDS, seed: SEED };
    if (institutionProcess === true) {
      this.institution = await InstitutionKeeper.start({ ...bank, paymentsPort });
    } else {
      this.#simulator = await SimulatedInstitution.start(bank);
      this.#admin = await AdminServer.listen({ institution: this.#simulator, port: 0 });
      this.#bank = await BankServer.listen({ path: bank.path, port: paymentsPort });
    }
    const elsewhere = new Set(processes.flat());
    for (const role of START_ORDER.filter((name) => ROLES.includes(name) && !elsewhere.has(name))) {
      const passphrase = async () => undefined;
      this.#here.push(
        await startRole({
          ...{ home, role, passphrase, log: silent },
          ledger: { mapSizeBytes: 2 ** 30 },
          payoutsPollMs: PAYOUTS_POLL_MS,
        }),
      );
    }
    await Promise.all(
      processes.map(async (roles) => {
        const keeper = await RoleKeeper.start({
          home,
          roles,
          spare: spares,
          ...(institutionTimeoutMs === undefined ? {} : { institutionTimeoutMs }),
        });
        for (const role of roles) this.keepers.set(role, keeper);
      }),
    );
    this.#store = await WalletStore.open({ path: join(folder, 'wallets'), mapSizeBytes: 2 ** 30 });
    this.#directory = await readDirectory(join(home, 'directory.json'), fingerprint);
  }

  /** The simulator, where it is in this process. */
  get simulator(): SimulatedInstitution {
    return this.#simulator!;
  }

  keeper(role: RoleName): RoleKeeper {
    return this.keepers.get(role)!;
  }

  async newWallet(): Promise<TestWallet> {
    const number = this.#storages.length;
    const name = `wallet-${number}`;
    const storage = this.#store.storage(name);
    this.#storages.push(storage);
    const wallet = await Wallet.create(walletOptions(storage), {
      directory: this.#directory,
      rootFingerprint: this.home.fingerprint,
      currency: new Currencies().parse('EUR'),
      name,
    });
    return this.#keep({ wallet, name, card: this.#card(number), storage });
  }

  /** @param account where it is paid out */
  async newShop(name: string, account?: string): Promise<KeptShop> {
    const shop = await KeptShop.open(this.home, name, this.#options.spares === true, account);
    this.shops.push(shop);
    this.#shopHomes.push(shop.home.path);
    return shop;
  }

  /** Closes it and opens it again, with other times. */
  async reopen({ wallet, ...same }: TestWallet, times: Partial<WalletTimes>): Promise<TestWallet> {
    await wallet.close();
    return this.#keep({ ...same, wallet: await Wallet.open(walletOptions(same.storage, times)) });
  }

  #keep(made: TestWallet): TestWallet {
    this.wallets.push(made);
    return made;
  }

  async statement(): Promise<string[]> {
    await this.institution?.ready();
    return fetchStatement(this.institution?.admin ?? this.#admin!.url);
  }

  /** What goes wrong with payments from now on. */
  async dialPayments(dials: BankDials): Promise<void> {
    this.#bank?.faults.set(dials);
    await this.institution?.dialPayments(dials);
  }

  /** What the institution has done for each request, in order. */
  async booked(): Promise<ReadonlyMap<bigint, readonly string[]>> {
    const kinds = new Map<bigint, string[]>();
    for (const line of await this.statement()) {
      if (line === '') continue;
      const { reference, kind } = JSON.parse(line) as { reference: string; kind: string };
      const request = BigInt(`0x${reference}`);
      kinds.set(request, [...(kinds.get(request) ?? []), kind]);
    }
    return kinds;
  }

  /** Closes the shops: their books are read. @returns undefined when everything agrees and nothing is under way; else what does not */
  async audit(): Promise<string | undefined> {
    await this.#closeShops();
    const shops = this.#shopHomes;
    const notes: string[] = [];
    const output: Output = {
      write: (text) => void notes.push(text),
      note: (text) => void notes.push(text),
      interactive: false,
    };
    const operator = await loadOperator({ home: this.home.home, passphrase: async () => undefined });
    try {
      const report = await runAudit(
        {
          ...{
            operator,
            statement: await this.statement(),
            wallets: this.#storages,
            allWallets: true,
            shops,
          },
          notes: false,
        },
        output,
      );
      if (report.passed && report.open.length === 0) return undefined;
      return `${auditText(report, new Currencies().parse('EUR'))}open: ${report.open.join(', ')}`;
    } finally {
      operator.close();
    }
  }

  async #closeShops(): Promise<void> {
    await Promise.all(this.shops.splice(0).map((shop) => shop.close()));
  }

  async stop(): Promise<void> {
    for (const { wallet } of this.wallets) await wallet.close();
    await this.#store?.close();
    const failures: unknown[] = [];
    const attempt = (close: () => Promise<void>) => close().catch((error) => void failures.push(error));
    await attempt(() => this.#closeShops());
    await Promise.all([...new Set(this.keepers.values())].map((keeper) => attempt(() => keeper.close())));
    for (const role of this.#here.splice(0).reverse()) await attempt(() => role.close());
    if (this.institution !== undefined) await attempt(() => this.institution!.close());
    await this.#admin?.close();
    await this.#bank?.close();
    await this.#simulator?.close();
    this.home.remove();
    if (failures.length > 0) throw failures[0];
  }
}
