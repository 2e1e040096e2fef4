// An operator's desk for payouts, of a whole system: it asks again until it is answered, whoever is killed meanwhile, and looks at the
// bank's statement itself.
import { Client } from '../../src/channel/client.ts';
import { run } from '../../src/cli/program.ts';
import { loadOperator } from '../../src/identity/load-home.ts';
import { type EntryTransaction, readAccountReport } from '../../src/iso20022/index.ts';
import { cashProtocol } from '../../src/roles/cash/messages.ts';
import type { ReportedPosition, WindowReportAnswer } from '../../src/roles/cash/payout-messages.ts';
import { type CallResult, RoleClient } from '../../src/roles/common/role-client.ts';
import { managementProtocol } from '../../src/roles/management/messages.ts';
import type { ShowWindowAnswer } from '../../src/roles/management/payout-messages.ts';
import type { TestHome } from './home.ts';

export const EUR = 978;
const PATIENCE_MS = 120_000;
const PAUSE_MS = 40;

/** An operator's connections to management and cash, which come back when those do. */
export class Desk {
  readonly management: RoleClient<(typeof managementProtocol)['operations']>;
  readonly cash: RoleClient<(typeof cashProtocol)['operations']>;
  readonly #home: TestHome;
  readonly #close: () => Promise<void>;

  private constructor(
    home: TestHome,
    management: Client,
    cash: Client,
    operator: Awaited<ReturnType<typeof loadOperator>>,
  ) {
    this.#home = home;
    this.management = new RoleClient({ protocol: managementProtocol, transport: management });
    this.cash = new RoleClient({ protocol: cashProtocol, transport: cash });
    this.#close = async () => {
      await Promise.all([management.close(0), cash.close(0)]);
      operator.close();
    };
  }

  static async open(home: TestHome): Promise<Desk> {
    const operator = await loadOperator({ home: home.home, passphrase: async () => undefined });
    const to = (role: 'management' | 'cash'): Client =>
      new Client({
        url: operator.directory.address(role),
        identity: () => operator.clientIdentity(role),
        reconnectFirstMs: 5,
        reconnectLastMs: 100,
        connectTimeoutMs: 2_000,
        requestTimeoutMs: 2_000,
      });
    return new Desk(home, to('management'), to('cash'), operator);
  }

  close(): Promise<void> {
    return this.#close();
  }

  async closeWindow(window: bigint): Promise<void> {
    await heard(() => this.management.call('close_window', { window, currency: EUR }));
  }

  show(window: bigint): Promise<ShowWindowAnswer> {
    return heard(() => this.management.call('show_window', { window, after: undefined, limit: 128 }));
  }

  async showOnce(window: bigint): Promise<ShowWindowAnswer['window']> {
    return (await this.show(window)).window;
  }

  async until(window: bigint, isThere: (shown: ShowWindowAnswer) => boolean): Promise<ShowWindowAnswer> {
    const latest = performance.now() + PATIENCE_MS;
    for (;;) {
      const shown = await this.show(window);
      if (isThere(shown)) return shown;
      if (performance.now() > latest) {
        const { state, problem, open } = shown.window;
        throw new Error(`window: expected it to go on, got ${state} ${problem} with ${open} open`);
      }
      await pause();
    }
  }

  /** Cash's books of a window; of few shops. */
  books(window: bigint): Promise<WindowReportAnswer> {
    return heard(() => this.cash.call('window_report', { window, after: undefined }));
  }

  async positions(window: bigint): Promise<ReadonlyMap<bigint, ReportedPosition>> {
    const { positions } = await this.books(window);
    return new Map(positions.map((position) => [position.shop, position]));
  }

  /** In the order in which they were closed. */
  async windows(): Promise<readonly bigint[]> {
    const ask = { after: undefined, limit: 256 };
    const { windows } = await heard(() => this.management.call('list_windows', ask));
    return windows.toSorted((a, b) => Number(a.number - b.number)).map(({ window }) => window);
  }

  async shopNumber(name: string): Promise<bigint> {
    const ask = { after: undefined, limit: 64 };
    const { shops } = await heard(() => this.management.call('list_shops', ask));
    return shops.find((shop) => shop.name === name)!.shop;
  }

  /** `specie payout reconcile`: undefined where all agree; else what it says. */
  async reconcile(): Promise<string | undefined> {
    let out = '';
    const write = (text: string): void => {
      out += text;
    };
    const output = { write, note: write, interactive: false };
    const code = await run(['payout', 'reconcile', '--home', this.#home.home], output);
    return code === 0 ? undefined : out;
  }

  /** What the bank has booked for each payment: debits and credits. */
  async booked(): Promise<ReadonlyMap<string, { readonly debits: bigint[]; readonly credits: bigint[] }>> {
    const found = new Map<string, { debits: bigint[]; credits: bigint[] }>();
    for (let after = 0; ; ) {
      const response = await fetch(`http://127.0.0.1:${this.#home.paymentsPort}/statements?after=${after}`);
      if (response.status === 204) return found;
      const { reports } = readAccountReport(new Uint8Array(await response.arrayBuffer()));
      for (const { side, transactions, amount } of reports.flatMap(({ entries }) => entries)) {
        for (const { endToEndId = '' } of transactions as readonly EntryTransaction[]) {
          const of = found.get(endToEndId) ?? { debits: [], credits: [] };
          found.set(endToEndId, of);
          of[side === 'debit' ? 'debits' : 'credits'].push(amount);
        }
      }
      after = Number(response.headers.get('specie-next'));
    }
  }
}

/** Until there is an answer. */
async function heard<Answer>(ask: () => Promise<CallResult<Answer>>): Promise<Answer> {
  const latest = performance.now() + PATIENCE_MS;
  for (;;) {
    const result = await ask();
    if (result.kind === 'ok') return result.answer;
    if (result.kind === 'refused') throw new Error(`${result.refusal.code}: ${result.refusal.message}`);
    if (performance.now() > latest) throw new Error(`expected an answer, got none: ${result.reason}`);
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
