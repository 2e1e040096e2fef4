// A shop of a test's system: a home of its own, and a process that is kept running (role-keeper.ts). What an operator does at
// its desk (desk.ts) is done here until it is done, however often the shop dies meanwhile.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '../../src/channel/client.ts';
import { loadOperator } from '../../src/identity/load-home.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import type { NumberedEntry } from '../../src/shop/day-book.ts';
import { askForCertificate, makeShop, type ShopError, type ShopHome } from '../../src/shop/index.ts';
import { SALES_PAGE_MAX } from '../../src/shop/limits.ts';
import { askDesk, type DeskCommand, type DeskReply } from '../../src/shop/node/desk.ts';
import type { Sale } from '../../src/shop/sale.ts';
import { freePort, type TestHome } from './home.ts';
import { RoleKeeper } from './role-keeper.ts';

const CATALOGUE = {
  kind: 'specie catalogue',
  version: 1,
  currency: 'EUR',
  articles: [
    { id: 'coffee', name: 'Coffee', price: '2.80' },
    { id: 'tea', name: 'Tea', price: '2.20' },
    { id: 'fuel', name: 'Fuel, a litre', price: '1.79' },
  ],
};
/** Many restarts may fall into one order. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 10;

/** The shop has died while it was asked. */
const GONE: ReadonlySet<string> = new Set(['shop_closed', 'ECONNRESET', 'EPIPE']);
/** Somebody has ordered it already: the command before this one, whose reply was lost; or that one is still under way. */
const ORDERED: ReadonlySet<string> = new Set(['exceeds_rest', 'wrong_state', 'unfinished']);

export type DeskSale = Omit<Sale, 'receipt'>;

export class KeptShop {
  readonly home: ShopHome;
  readonly keeper: RoleKeeper;

  private constructor(home: ShopHome, keeper: RoleKeeper) {
    this.home = home;
    this.keeper = keeper;
  }

  /** Enrolled, approved by an operator, and open. */
  static async open(
    system: TestHome,
    name: string,
    spare: boolean,
    account = 'DE89370400440532013000',
  ): Promise<KeptShop> {
    const home = await makeShop({
      home: join(system.folder, name),
      name,
      account,
      directory: readFileSync(join(system.home, 'directory.json'), 'utf8'),
      root: system.fingerprint,
      port: await freePort(),
    });
    writeFileSync(home.cataloguePath, JSON.stringify(CATALOGUE));
    const settings = JSON.parse(readFileSync(home.settingsPath, 'utf8')) as object;
    writeFileSync(home.settingsPath, JSON.stringify({ ...settings, authorisationSecondsMax: 86_400 }));
    const operator = await loadOperator({ home: system.home, passphrase: async () => undefined });
    const client = new Client({
      url: operator.directory.address('management'),
      identity: () => operator.clientIdentity('management'),
    });
    try {
      const management = managementClient(client);
      await askForCertificate(home, {
        patienceMs: PATIENCE_MS,
        onWaiting: (_, shop) => void management.approveShop({ shop }),
      });
    } finally {
      await client.close(0);
      operator.close();
    }
    return new KeptShop(home, await RoleKeeper.start({ home: home.path, roles: ['shop'], spare }));
  }

  /** What wallets take to find it. */
  get card(): string {
    return readFileSync(this.home.cardPath, 'utf8').trim();
  }

  /** undefined: it was neither paid nor reserved. */
  async sale(purchase: bigint): Promise<DeskSale | undefined> {
    const id = purchase.toString(16).padStart(32, '0');
    const reply = await this.#patiently({ do: 'sale', purchase: id }, async (code) => {
      if (code === 'purchase_unknown') return 'none';
      return undefined;
    });
    return reply !== 'none' && 'sale' in reply ? reply.sale : undefined;
  }

  async dayBook(): Promise<NumberedEntry[]> {
    const entries: NumberedEntry[] = [];
    for (;;) {
      const after = String(entries.at(-1)?.number ?? 0n);
      const reply = await this.#patiently(
        { do: 'book', after, limit: SALES_PAGE_MAX },
        async () => undefined,
      );
      const page = (reply as { entries: readonly NumberedEntry[] }).entries;
      entries.push(...page);
      if (page.length < SALES_PAGE_MAX) return entries;
    }
  }

  /**
   * A refund, a capture, a void: ordered again until it is done, so an amount has to be more than half of what is left. Whoever
   * orders again at a desk may not know whether the order before was taken, and must not order twice.
   */
  async order(
    action: 'refund' | 'capture' | 'void',
    purchase: bigint,
    amount: bigint,
    isDone: (sale: DeskSale) => boolean,
  ): Promise<void> {
    const id = purchase.toString(16).padStart(32, '0');
    const text = `${amount / 100n}.${String(amount % 100n).padStart(2, '0')}`;
    const command: DeskCommand =
      action === 'void'
        ? { do: action, purchase: id, till: '1' }
        : { do: action, purchase: id, till: '1', amount: text };
    await this.#patiently(command, async (code) => {
      if (!ORDERED.has(code)) return undefined;
      for (;;) {
        if (isDone((await this.sale(purchase))!)) return 'none';
        await pause();
      }
    });
  }

  /** Until there is a reply. @param known whether an error of the desk is an end too; undefined: it is thrown */
  async #patiently(
    command: DeskCommand,
    known: (code: string) => Promise<'none' | undefined>,
  ): Promise<DeskReply | 'none'> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      try {
        const replies = await askDesk(this.home.socketPath, command);
        if (replies !== undefined) for await (const reply of replies) return reply;
      } catch (error) {
        const code = (error as ShopError | NodeJS.ErrnoException).code ?? '';
        if (!GONE.has(code) || performance.now() > until) {
          const end = await known(code);
          if (end === undefined) throw error;
          return end;
        }
      }
      await pause();
    }
  }

  close(): Promise<void> {
    return this.keeper.close();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
