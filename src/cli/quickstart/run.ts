// Quickstart from beginning to end:
//
//     init, start ─▶ enrol ─▶ load ─▶ load, answers withheld ─▶ shops open ─▶ buy ─▶ the day
//     └ processes    └─ wallets: over encrypted channels ────┘                └ wallets └ operator
//
//     ─▶ load, kill -9, restart ─▶ buy, kill -9, restart ─▶ refunds, captures, voids
//                                                           └ at the shops' desks
//
//     ─▶ notes bought, carried in and out, kill -9, restart ─▶ window closed, shops paid ─▶ sync ─▶ audit ─▶ stop, verify
//        └ wallets, terminals, a gateway                       └ operator                   └ wallets └ everything read back
import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Client } from '../../channel/client.ts';
import type { RoleName } from '../../identity/roles.ts';
import type { StoreReport } from '../../ledger/verify.ts';
import type { Currency } from '../../shared/currency.ts';
import { readDirectory } from '../../wallet/index.ts';
import { runAudit } from '../audit/audit.ts';
import { fetchStatement } from '../commands/audit.ts';
import { verifyWithProgress } from '../commands/verify.ts';
import { withRole } from '../connect.ts';
import { SettlementDay } from '../generate/day.ts';
import type { DayParameters } from '../generate/parameters.ts';
import type { Answer } from '../generate/wallets.ts';
import { writeDay } from '../generate/write-day.ts';
import type { Output } from '../output.ts';
import { startProgress } from '../progress.ts';
import type { BatchOptions } from '../submit/batches.ts';
import { CARRIED_UNITS_MAX, type CarryFigures, Carrying } from './carrying.ts';
import { Check } from './check.ts';
import { chargesInDoubt, type Doubt } from './doubt.ts';
import { LocalGateway } from './gateway.ts';
import { payOut } from './payout.ts';
import { type ReadBack, readBack } from './read-back.ts';
import {
  type DayFigures,
  type LoadFigures,
  plainCheck,
  type QuickstartReport,
  type Recovery,
  type ShoppingFigures,
} from './report.ts';
import { priceOf, SHOPS, Shops } from './shops.ts';
import { type Measured, roleTimes, type Stage, stagesOf } from './stages.ts';
import { AnswerList, type DayAnswers, submitDay } from './submit-day.ts';
import { System } from './system.ts';
import { type Buying, type Loads, type Purchases, Wallets } from './wallets.ts';
import { headText, partText } from './words.ts';

export interface QuickstartSettings {
  readonly folder: string;
  readonly wallets: number;
  /** Loads of each wallet while nothing is wrong; one more with answers withheld, one more with crashes. */
  readonly loads: number;
  /** Purchases of each wallet while nothing is wrong; one more with crashes. */
  readonly purchases: number;
  readonly walletsAtOnce: number;
  /** Who carries notes in and out, as far as wallets have enough. */
  readonly people: number;
  readonly parameters: DayParameters;
  readonly files: Pick<BatchOptions, 'currencies' | 'amountUnit'>;
  readonly inFlight: number;
  /** kill -9, not SIGTERM. */
  readonly crash: boolean;
  readonly quiet: boolean;
}

const CARD_CURRENCY_MAX = 999;
const LABEL_WIDTH = 30;
/** One answer for so many wallets is withheld, and fewer than are asked for at once: the others go on. */
const WITHHELD_EVERY = 20;
const WITHHELD_MAX = 50;
/** Of so many wallets one buys while nothing else is under way, for the stages of a purchase. */
const ALONE_EVERY = 10;
const ALONE_MAX = 50;
/** So slow gets the institution for so long before roles are killed: then there are charges to be interrupted. */
const SLOW_ANSWER_MS = 3_000;
const SLOW_FOR_MS = 500;
/** When half of the exchanges have ended, it takes a moment until there are others to be interrupted. */
const LOOK_EVERY_MS = 10;
const LOOKS_MAX = 200;

export class Quickstart {
  readonly #settings: QuickstartSettings;
  readonly #output: Output;
  readonly #abort = new AbortController();
  #system: System | undefined;
  #wallets: Wallets | undefined;

  constructor(settings: QuickstartSettings, output: Output) {
    this.#settings = settings;
    this.#output = output;
    // Each load that waits listens to it.
    setMaxListeners(0, this.#abort.signal);
  }

  /** What the wallets hold: cards are not charged in an operator's own currency. */
  get currency(): Currency {
    const { parameters, files } = this.#settings;
    return parameters.currency.ledger <= CARD_CURRENCY_MAX
      ? parameters.currency
      : files.currencies.parse('EUR');
  }

  /** @throws CommandError when a part of the system ends by itself, or does not start */
  async run(): Promise<QuickstartReport> {
    const { folder, parameters, wallets } = this.#settings;
    const began = performance.now();
    const { seed } = parameters;
    this.#say(headText(this.#settings));
    this.#system = await System.make({
      folder,
      currency: this.currency,
      accounts: wallets,
      seed,
      shops: SHOPS,
      onStarted: (part, address, { pid }) => this.#say(partText(part, address, pid)),
    });
    const work = this.#phases(this.#system);
    work.catch(() => {});
    const phases = await Promise.race([work, this.#system.lost]);
    return { seed, seconds: (performance.now() - began) / 1000, ...phases };
  }

  /** Ends what is under way, and every process. Safe to call at any time, more than once. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#system?.kill();
    await this.#wallets?.close();
  }

  async #phases(system: System): Promise<Omit<QuickstartReport, 'seed' | 'seconds'>> {
    const { loads: times } = this.#settings;
    await system.start();
    const wallets = await this.#makeWallets(system);
    const enrolSeconds = await this.#progress('enrolling', wallets.count, 'wallets', (update) =>
      wallets.enrol(update),
    );
    const calm = await this.#load(wallets, 'loading', times);
    const withheld = await this.#loadWithAnswersWithheld(system, wallets);
    const shopping = await this.#shop(system, wallets);
    const day = await this.#day(system);
    const crashed = await this.#loadThroughCrashes(system, wallets);
    const rush = await this.#buyThroughCrashes(system, wallets, shopping.shops);
    const { purchases, reserved } = await this.#settle(wallets, shopping.shops);
    const carried = await this.#carryThroughCrash(system, wallets, shopping.shops);
    this.#say('closing the settlement window: shops are paid');
    const paidOut = await payOut(system, this.#output, (ms) =>
      setTimeout(ms, undefined, { signal: this.#abort.signal }),
    );
    const proven = await this.#prove(system, wallets, shopping.shops, day, carried, paidOut.check);

    const loads: LoadFigures = {
      count: calm.outcomes.records + withheld.loads.outcomes.records + crashed.loads.outcomes.records,
      ...wallets.loads,
      perSecond: Math.round(calm.outcomes.records / calm.seconds),
      measured: calm.outcomes.records,
      seconds: calm.seconds,
      walletsAtOnce: Math.min(this.#settings.walletsAtOnce, wallets.count),
      latency: calm.outcomes.latencies(),
      outcomes: counted([calm, withheld.loads, crashed.loads]),
    };
    const bought = shopping.calm;
    const shoppingFigures: ShoppingFigures = {
      shops: SHOPS,
      openSeconds: shopping.openSeconds,
      count: counts(shopping.alone) + counts(bought) + counts(rush.bought),
      perSecond: Math.round(bought.outcomes.records / bought.seconds),
      measured: bought.outcomes.records,
      seconds: bought.seconds,
      walletsAtOnce: loads.walletsAtOnce,
      latency: bought.outcomes.latencies(),
      outcomes: counted([shopping.alone, bought, rush.bought]),
      orders: shopping.shops.counts,
      spent: purchases,
      reserved,
      recovery: { ...rush.recovery, longestMs: rush.bought.outcomes.latencies().maxMs },
    };
    return {
      wallets: { count: wallets.count, enrolSeconds, perSecond: Math.round(wallets.count / enrolSeconds) },
      loads,
      outage: withheld.figures,
      recovery: {
        ...crashed.recovery,
        inquired: proven.doubt.inquired - withheld.figures.inquired,
        longestLoadMs: crashed.loads.outcomes.latencies().maxMs,
      },
      day: day.figures,
      shopping: shoppingFigures,
      carrying: carried.figures,
      payout: paidOut.figures,
      stages: shopping.stages,
      float: proven.float,
      totals: proven.readBack.totals,
      openPending: proven.readBack.openPending,
      checks: proven.checks.map(plainCheck),
      passed: proven.checks.every(({ passed }) => passed),
    };
  }

  async #makeWallets(system: System): Promise<Wallets> {
    const { folder, wallets: count, walletsAtOnce: atOnce, parameters } = this.#settings;
    const { root, currency, limits } = system.operator.configuration;
    const { loadAmountMax, balanceMax } = limits;
    this.#wallets = await Wallets.make({
      path: join(folder, 'wallets'),
      count,
      atOnce,
      seed: parameters.seed,
      currency,
      directory: await readDirectory(join(system.home, 'directory.json'), root),
      rootFingerprint: root,
      loadAmountMax,
      balanceMax,
      signal: this.#abort.signal,
    });
    return this.#wallets;
  }

  #load(wallets: Wallets, label: string, times: number): Promise<Loads> {
    return this.#progress(label, wallets.count * times, 'loads', (update) => wallets.load(times, update));
  }

  /** The institution does its work and does not say so: what is unknown has to be inquired. */
  async #loadWithAnswersWithheld(
    system: System,
    wallets: Wallets,
  ): Promise<{ readonly loads: Loads; readonly figures: QuickstartReport['outage'] }> {
    const answers = Math.min(WITHHELD_MAX, Math.ceil(wallets.count / WITHHELD_EVERY));
    await system.dial({
      faults: Array.from({ length: answers }, (_, i) => ({
        do: 'drop_answer',
        on: 'authorise',
        nth: i + 1,
      })),
    });
    const loads = await this.#load(wallets, 'loading, answers withheld', 1);
    const withheld = await system.dialled();
    await system.dial({});
    const { inquired } = await this.#asOperator(system, 'settlement', chargesInDoubt);
    return {
      loads,
      figures: { answersWithheld: withheld, inquired, longestLoadMs: loads.outcomes.latencies().maxMs },
    };
  }

  /** Shops open, and every wallet buys while nothing is wrong. */
  async #shop(
    system: System,
    wallets: Wallets,
  ): Promise<{
    readonly shops: Shops;
    readonly openSeconds: number;
    readonly alone: Purchases;
    readonly calm: Purchases;
    readonly stages: readonly Stage[];
  }> {
    const began = performance.now();
    const shops = await Shops.open(system, this.#settings.folder, this.#output);
    const openSeconds = (performance.now() - began) / 1000;
    const times = [await roleTimes(system, SHOPS)];
    const few = { wallets: Math.min(ALONE_MAX, Math.ceil(wallets.count / ALONE_EVERY)), atOnce: 1 };
    const alone = await this.#buy(wallets, shops, 'buying, one at a time', { times: 1, ...few });
    times.push(await roleTimes(system, SHOPS));
    const calm = await this.#buy(wallets, shops, 'buying', { times: this.#settings.purchases });
    times.push(await roleTimes(system, SHOPS));
    const measured = ({ times: sums }: Purchases, i: number): Measured => ({
      wallets: sums,
      before: times[i]!,
      after: times[i + 1]!,
    });
    return { shops, openSeconds, alone, calm, stages: stagesOf(measured(alone, 0), measured(calm, 1)) };
  }

  #buy(
    wallets: Wallets,
    shops: Shops,
    label: string,
    buying: Pick<Buying, 'times' | 'wallets' | 'atOnce'>,
    onEnded: (ended: number) => void = () => {},
  ): Promise<Purchases> {
    const cards = Array.from({ length: SHOPS }, (_, i) => shops.card(i));
    const total = (buying.wallets ?? wallets.count) * buying.times;
    return this.#progress(label, total, 'purchases', (update) =>
      wallets.buy({
        ...buying,
        card: (shop) => cards[shop]!,
        onProgress: (ended) => {
          update(ended);
          onEnded(ended);
        },
      }),
    );
  }

  /** At half of the purchases, management, cash and a shop end at once and are started again. */
  async #buyThroughCrashes(
    system: System,
    wallets: Wallets,
    shops: Shops,
  ): Promise<{
    readonly bought: Purchases;
    readonly recovery: { readonly killed: boolean; readonly underWay: number; readonly seconds: number };
  }> {
    const { crash } = this.#settings;
    const half = new HalfWay(wallets.count, async () => {
      const underWay = wallets.underWay;
      const began = performance.now();
      const parts = (['shop-1', 'management', 'cash'] as const).map((name) => system.part(name));
      await Promise.all(parts.map((part) => (crash ? part.crash() : part.stop())));
      await Promise.all([shops.start(0), system.startRole('management'), system.startRole('cash')]);
      return { killed: crash, underWay, seconds: (performance.now() - began) / 1000 };
    });
    const label = crash ? 'buying, kill -9 and restart' : 'buying, restart';
    const bought = await Promise.race([
      this.#buy(wallets, shops, label, { times: 1 }, (ended) => half.reached(ended)),
      half.failed,
    ]);
    return { bought, recovery: await half.done };
  }

  /** Shops give back, take and release; then each wallet asks for cash's statement. */
  async #settle(
    wallets: Wallets,
    shops: Shops,
  ): Promise<{ readonly purchases: bigint; readonly reserved: bigint }> {
    const { purchases } = wallets;
    const sum = (kind: string): bigint =>
      purchases.reduce((total, one) => (one.kind === kind ? total + one.amount : total), 0n);
    await this.#progress("at the shops' desks", purchases.length, 'purchases', (update) =>
      shops.order(purchases, update),
    );
    return { purchases: sum('sale'), reserved: sum('authorisation') };
  }

  /** People carry notes in and out; at half of the exchanges the gateway ends and is started again. */
  async #carryThroughCrash(system: System, wallets: Wallets, shops: Shops): Promise<Carried> {
    const { folder, parameters, people, crash } = this.#settings;
    const { root, currency } = system.operator.configuration;
    const gateway = await LocalGateway.open(system, folder, this.#output);
    const carrying = new Carrying({
      ...{ folder, seed: parameters.seed, currency, root, gateway, shops },
      directory: await readDirectory(join(system.home, 'directory.json'), root),
      carriers: await wallets.open(people, priceOf(CARRIED_UNITS_MAX, currency)),
      signal: this.#abort.signal,
    });
    try {
      await this.#progress('buying notes', carrying.people, 'people', (update) => carrying.begin(update));
      const exchanges = 2 * carrying.people;
      const half = new HalfWay(exchanges, async () => {
        for (let looks = 0; looks < LOOKS_MAX && 2 * carrying.underWay < carrying.people; looks++)
          await setTimeout(LOOK_EVERY_MS);
        const { underWay } = carrying;
        const began = performance.now();
        const part = system.part('gateway');
        await (crash ? part.crash() : part.stop());
        await gateway.start();
        return { killed: crash, underWay, seconds: (performance.now() - began) / 1000 };
      });
      const label = crash ? 'carrying, kill -9 and restart' : 'carrying, restart';
      await Promise.race([
        this.#progress(label, exchanges, 'exchanges', (update) =>
          carrying.carry((ended) => {
            update(ended);
            half.reached(ended);
          }),
        ),
        half.failed,
      ]);
      // Where too few got so far, it is restarted all the same.
      half.reached(exchanges);
      const { figures, check } = await carrying.compare(this.#output, await half.done);
      return { figures, checks: [carrying.ended, check], home: gateway.home.path };
    } finally {
      await carrying.close();
    }
  }

  /** At half of the loads, cash and settlement end at once and are started again. */
  async #loadThroughCrashes(
    system: System,
    wallets: Wallets,
  ): Promise<{ readonly loads: Loads; readonly recovery: Restart }> {
    const { crash } = this.#settings;
    const half = new HalfWay(wallets.count, async (): Promise<Restart> => {
      await system.dial({ latency: { ms: SLOW_ANSWER_MS } });
      await setTimeout(SLOW_FOR_MS);
      const underWay = wallets.underWay;
      const began = performance.now();
      const roles = ['settlement', 'cash'] as const;
      await Promise.all(roles.map((role) => (crash ? system.part(role).crash() : system.part(role).stop())));
      await system.dial({});
      const [settlement, cash] = await Promise.all(roles.map((role) => system.startRole(role)));
      const { replayedOps, replayedRecords, loadMs, replayMs } = cash!.listening.found as Recovery['cash'];
      return {
        killed: crash,
        underWay,
        seconds: (performance.now() - began) / 1000,
        cash: { seconds: cash!.startSeconds, replayedOps, replayedRecords, loadMs, replayMs },
        settlement: { seconds: settlement!.startSeconds },
      };
    });
    const label = crash ? 'loading, kill -9 and restart' : 'loading, restart';
    const loading = this.#progress(label, wallets.count, 'loads', (update) =>
      wallets.load(1, (ended) => {
        update(ended);
        half.reached(ended);
      }),
    );
    const loads = await Promise.race([loading, half.failed]);
    return { loads, recovery: await half.done };
  }

  /** A sample settlement day, submitted by the operator over the encrypted channel. */
  async #day(system: System): Promise<Day> {
    const { folder, parameters, files, inFlight } = this.#settings;
    const expected = new AnswerList();
    const began = performance.now();
    const written = await this.#progress('writing the day', parameters.transfers, 'transfers', (update) =>
      writeDay(parameters, {
        directory: join(folder, 'day'),
        format: 'csv',
        ...files,
        onExpected: (answer: Answer) => expected.push(answer),
        onProgress: update,
      }),
    );
    const generateSeconds = (performance.now() - began) / 1000;
    const file: BatchOptions = { path: written.transfersPath, ...files };
    return this.#asOperator(system, 'cash', async (client) => {
      const opened = await this.#progress('opening its accounts', written.accounts, 'accounts', (update) =>
        submitDay(client, { path: written.accountsPath, ...files }, inFlight, update),
      );
      const transfers = await this.#progress('submitting it', written.transfers, 'transfers', (update) =>
        submitDay(client, file, inFlight, update),
      );
      return {
        file,
        opened,
        transfers,
        expected,
        figures: {
          accounts: written.accounts,
          transfers: written.transfers,
          generateSeconds,
          sendingSeconds: transfers.sendingSeconds,
          transfersPerSecond: Math.round(transfers.records / transfers.sendingSeconds),
          batches: transfers.batches,
          inFlight,
          latency: transfers.latency,
          answers: transfers.counts,
        },
      };
    });
  }

  async #prove(
    system: System,
    wallets: Wallets,
    shops: Shops,
    day: Day,
    carried: Carried,
    paidOut: Check,
  ): Promise<Proven> {
    const { operator } = system;
    const synchronised = await this.#progress('taking statements over', wallets.count, 'wallets', (update) =>
      wallets.sync(update),
    );
    await system.stopShops();
    this.#say('auditing: wallets, shops, roles and institution say what became of each load and purchase');
    const statement = () => fetchStatement(system.institutionUrl);
    const audited = await runAudit(
      {
        ...{ operator, statement, wallets: wallets.storages, allWallets: true },
        shops: shops.homes.map(({ path }) => path),
      },
      this.#output,
    );
    const over = new Check('no load and no purchase is under way any more');
    over.compared = wallets.ended.compared + wallets.bought.compared;
    for (const request of audited.open) over.fail(`request 0x${request.toString(16).padStart(32, '0')}`);
    const audit = audited.checks.map(({ name, compared, findings }) => {
      const check = new Check(`audit: ${name}`);
      check.compared = compared;
      for (const { text } of findings) check.fail(text);
      return check;
    });
    const doubt = await this.#asOperator(system, 'settlement', chargesInDoubt);
    const receipts = await this.#progress('verifying receipts', wallets.count, 'wallets', (update) =>
      wallets.verify(update),
    );
    const accountIds = [...new SettlementDay(this.#settings.parameters).accounts()].map(({ id }) => id);
    const { file, transfers } = day;
    const back = await this.#asOperator(system, 'cash', (client) =>
      this.#progress('reading the day back', transfers.records, 'transfers', (update) =>
        readBack(client, accountIds, file, transfers.answers, update),
      ),
    );
    const store = join(system.home, operator.configuration.roles.cash.store);
    await system.stop();
    const whole = wholeCheck(await verifyWithProgress(store, this.#output, this.#settings.quiet));
    return {
      doubt,
      readBack: back,
      float: audited.float,
      checks: [
        wallets.enrolled,
        wallets.ended,
        wallets.bought,
        shops.ordered,
        ...carried.checks,
        synchronised,
        paidOut,
        over,
        doubt.check,
        receipts,
        ...audit,
        ...answerChecks(day),
        ...back.checks,
        whole,
      ],
    };
  }

  /** A connection that ends with everything else: it would look for a server that was stopped for good. */
  #asOperator<Result>(
    system: System,
    role: RoleName,
    use: (client: Client) => Promise<Result>,
  ): Promise<Result> {
    const { signal } = this.#abort;
    return withRole(system.operator, role, this.#output, async (client) => {
      const end = (): void => void client.close(0);
      if (signal.aborted) end();
      signal.addEventListener('abort', end, { once: true });
      try {
        return await use(client);
      } finally {
        signal.removeEventListener('abort', end);
      }
    });
  }

  async #progress<Result>(
    label: string,
    total: number,
    unit: string,
    work: (update: (done: number) => void) => Promise<Result>,
  ): Promise<Result> {
    this.#abort.signal.throwIfAborted();
    const { quiet } = this.#settings;
    const progress = startProgress(this.#output, label.padEnd(LABEL_WIDTH), total, unit, quiet);
    try {
      return await work((done) => progress.update(done, done));
    } finally {
      progress.stop();
    }
  }

  #say(line: string): void {
    if (!this.#settings.quiet) this.#output.note(line);
  }
}

/** Does something once, when half of what is to end has ended. */
class HalfWay<Result> {
  /** Rejects when it could not be done; wallets would wait long for roles that do not come back. */
  readonly failed: Promise<never>;
  readonly done: Promise<Result>;
  readonly #half: number;
  #begin: () => void = () => {};

  constructor(total: number, work: () => Promise<Result>) {
    this.#half = total / 2;
    this.done = new Promise<void>((resolve) => {
      this.#begin = resolve;
    }).then(work);
    this.failed = new Promise((_, reject) => {
      this.done.catch(reject);
    });
    this.failed.catch(() => {});
  }

  reached(ended: number): void {
    if (ended >= this.#half) this.#begin();
  }
}

function counts({ outcomes }: Pick<Loads, 'outcomes'>): number {
  return outcomes.records;
}

/** Outcomes of several phases. */
function counted(phases: readonly Pick<Loads, 'outcomes'>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { outcomes } of phases) {
    for (const [name, count] of Object.entries(outcomes.answers())) sums[name] = (sums[name] ?? 0) + count;
  }
  return sums;
}

type Restart = Omit<Recovery, 'longestLoadMs' | 'inquired'>;

interface Carried {
  readonly figures: CarryFigures;
  readonly checks: readonly Check[];
  /** Of the gateway. */
  readonly home: string;
}

interface Day {
  readonly file: BatchOptions;
  readonly opened: DayAnswers;
  readonly transfers: DayAnswers;
  /** What the generator foretold. */
  readonly expected: AnswerList;
  readonly figures: DayFigures;
}

interface Proven {
  readonly doubt: Doubt;
  readonly readBack: ReadBack;
  readonly float: bigint;
  readonly checks: readonly Check[];
}

function answerChecks({ opened, transfers, expected }: Day): Check[] {
  const accounts = new Check('every account was opened');
  for (let i = 0; i < opened.answers.length; i++) {
    accounts.expect(opened.answers.at(i) === 'created', () => `record ${i + 1}: ${opened.answers.at(i)}`);
  }
  const foretold = new Check('every transfer got the answer that the generator foretold');
  const length = Math.max(transfers.answers.length, expected.length);
  for (let i = 0; i < length; i++) {
    const [got, wanted] = [transfers.answers.at(i), expected.at(i)];
    foretold.expect(got === wanted, () => `record ${i + 1}: expected ${wanted}, got ${got}`);
  }
  return [accounts, foretold];
}

function wholeCheck({ replayedRecords, findings }: StoreReport): Check {
  const check = new Check(
    'specie verify proves the whole ledger: hash chain, replay, books, checkpoint, index',
  );
  check.compared = replayedRecords;
  for (const { step, what } of findings) check.fail(`${step}: ${what}`);
  return check;
}
