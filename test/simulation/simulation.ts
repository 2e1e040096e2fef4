// One seed, the whole system: a schedule of wishes and faults, then calm, then the audit.
//
//     seed ─▶ plan: wallets, cards, weather ─▶ faults ──────────▶ calm ─▶ nothing is open ─▶ audit ─▶ digest
//                                              crashes, cuts,
//                                              outages, clocks
import type { Client } from '../../src/channel/client.ts';
import { fromCash, fromInstitution, fromManagement, fromSettlement } from '../../src/cli/audit/collect.ts';
import { compare } from '../../src/cli/audit/compare.ts';
import { tradesOf } from '../../src/cli/audit/shops.ts';
import { compareTrades } from '../../src/cli/audit/trades.ts';
import { fromWallets } from '../../src/cli/audit/wallets.ts';
import type { AccountFilter } from '../../src/layout/generated.ts';
import { Book } from '../../src/shop/book.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import { DAY, ROTATION, START } from '../identity/support.ts';
import { memoryRoleStore } from '../store/memory-backend.ts';
import { audit } from './auditor.ts';
import { CALM, Ground, link } from './ground.ts';
import { MemoryInstitution } from './institution.ts';
import { wholeFilter } from './memory-ledger.ts';
import { AMOUNT_MAX, AMOUNT_MIN, EUR, OPERATOR, ROLE_NAMES, Roles } from './roles.ts';
import { ARTICLES, ShopProcess } from './shops.ts';
import { type WalletPlan, WalletProcess, type Wish } from './wallets.ts';

const SECOND = 1_000_000_000n;
const MINUTE_MS = 60_000;
/** Virtual time that all may take to come to rest once the faults are over. */
const REST_MS = 120 * MINUTE_MS;
/** Once a minute: the longest reservation is an hour, and a ledger's clock may be ten minutes ahead. */
const CATCH_UPS_MAX = 90;

export interface Ending {
  readonly seed: bigint;
  readonly problems: readonly string[];
  readonly digest: string;
  readonly events: number;
  readonly crashes: number;
  readonly virtualMs: number;
  readonly ends: ReadonlyMap<string, number>;
  readonly errors: readonly string[];
}

export async function simulate(seed: bigint, print?: (line: string) => void): Promise<Ending> {
  const { ground, roles, shops, wallets, institution, faultsMs } = plan(seed, print);
  const { random, world } = ground;
  const problems: string[] = [];
  roles.start();
  for (const shop of shops) shop.start();
  for (const wallet of wallets) world.setTimer(() => wallet.start(), 2_000 * random.float());
  let isOver = false;
  faults({ ground, roles, shops, wallets, institution }, () => isOver);
  await world.runUntil(() => world.nowMs >= faultsMs, Number.POSITIVE_INFINITY);

  isOver = true;
  ground.note('world', 'the faults are over');
  ground.weather = CALM;
  ground.cuts.clear();
  ground.offsets.clear();
  roles.crashChance = 0;
  institution.isDown = false;
  for (const shop of shops) shop.crashChance = 0;
  for (const wallet of wallets) wallet.crashChance = 0;
  const isResting = (): boolean => roles.openCount === 0 && shops.every(({ openCount }) => openCount === 0);
  try {
    await world.runUntil(() => wallets.every(({ isDone }) => isDone), faultsMs + REST_MS);
    // The tills go home; then everyone hears of what they have ordered, and of what is released by itself.
    for (const shop of shops) shop.isEvening = true;
    await world.runUntil(isResting, faultsMs + REST_MS);
    const caughtUp = wallets.map((wallet) => wallet.catchUp(CATCH_UPS_MAX));
    await settled(ground, Promise.all(caughtUp));
    await world.runUntil(isResting, world.nowMs + REST_MS);
  } catch (error) {
    problems.push(`stuck: ${(error as Error).message}; open at the roles: ${roles.openCount}`);
    for (const { plan: shop, openCount } of shops)
      if (openCount !== 0) problems.push(`${shop.name}: ${openCount} open`);
    for (const {
      isDone,
      plan: { name },
    } of wallets)
      if (!isDone) problems.push(`${name} waits`);
  }
  const books = roles.processes.cash.ledger.books;
  let ends: ReadonlyMap<string, number> = new Map();
  if (problems.length === 0) {
    const found = await audit(institution, books, wallets, shops);
    problems.push(...found.problems, ...(await commandFinds(roles, institution, wallets, shops)));
    ends = found.ends;
  } else {
    problems.push(...institution.faults, ...[...wallets, ...shops].flatMap((party) => party.faults));
  }
  const disks = [
    ...ROLE_NAMES.map((role) => roles.processes[role].disk.records),
    ...[...shops, ...wallets].map(({ disk }) => disk.records),
  ];
  const state = disks.flatMap((records) => [...records].sort(([a], [b]) => (a < b ? -1 : 1)).flat());
  const crashes = [
    ...ROLE_NAMES.map((role) => roles.processes[role].crashes),
    ...[...shops, ...wallets].map((party) => party.crashes),
  ];
  return {
    seed,
    problems,
    digest: ground.digest([...state, books.stateBytes()]),
    events: ground.events,
    crashes: crashes.reduce((sum, count) => sum + count, 0),
    virtualMs: world.nowMs,
    ends,
    errors: roles.errors,
  };
}

function plan(seed: bigint, print: ((line: string) => void) | undefined) {
  // Every third seed begins shortly before the keys of all roles are rotated.
  const start = seed % 3n === 0n ? ROTATION - 20n * SECOND : START + DAY;
  const ground = new Ground(seed, print, start);
  const { random } = ground;
  const institution = new MemoryInstitution(ground);
  const roles = new Roles(ground, institution);
  const isStorm = random.chance(0.7);
  ground.weather = isStorm
    ? { drop: 0.25 * random.float(), repeat: 0.25 * random.float(), delayMaxMs: random.pick([5, 50, 600]) }
    : CALM;
  roles.crashChance = random.pick([0, 0.003, 0.02, 0.05]);
  const cards = Array.from({ length: 1 + random.below(3) }, (_, i) => `400000${String(1_000_000_000 + i)}`);
  for (const card of cards) {
    const first = random.chance(0.2) ? BigInt(random.below(6_000)) : 1_000_000n;
    institution.cards.set(card, { first, available: first });
  }
  // One that the institution does not know.
  if (random.chance(0.2)) cards.push('4999990000000000');
  const shops = Array.from({ length: 1 + random.below(2) }, (_, i) => {
    const shop = new ShopProcess(
      { name: `shop ${i}`, pauseMaxMs: random.pick([500, 3_000, 10_000]) },
      ground,
      roles,
    );
    shop.crashChance = random.pick([0, 0, 0.01, 0.05]);
    return shop;
  });
  const wallets = Array.from({ length: 1 + random.below(3) }, (_, i) => {
    const plan = walletPlan(`wallet ${i}`, cards, shops.length, ground);
    const wallet = new WalletProcess(plan, ground, roles, shops);
    wallet.crashChance = random.pick([0, 0, 0.01, 0.05]);
    return wallet;
  });
  return { ground, roles, shops, wallets, institution, faultsMs: 5_000 + 55_000 * random.float() };
}

function walletPlan(name: string, cards: readonly string[], shops: number, { random }: Ground): WalletPlan {
  const amount = (): bigint =>
    random.pick([
      AMOUNT_MIN,
      AMOUNT_MAX,
      AMOUNT_MAX + 1n,
      AMOUNT_MIN - 1n,
      ...Array.from({ length: 8 }, () => AMOUNT_MIN + BigInt(random.below(Number(AMOUNT_MAX - AMOUNT_MIN)))),
    ]);
  const wish = (): Wish => {
    const card = random.pick(cards);
    const choice = random.float();
    if (choice < 0.1) return { kind: 'file', card };
    if (choice < 0.55) {
      return {
        kind: 'buy',
        shop: random.below(shops),
        article: random.pick(ARTICLES),
        quantity: random.pick([1, 1, 2, 7]),
        // Some run out before anyone asks for them.
        reserveSeconds: random.chance(0.4) ? random.pick([2, 20, 3_600]) : undefined,
        isOffered: random.chance(0.4),
      };
    }
    if (choice < 0.65) return { kind: 'race', amounts: [amount(), amount()], card };
    return { kind: 'load', amount: amount(), card: choice < 0.85 ? card : undefined };
  };
  return {
    name,
    card: random.chance(0.7) ? random.pick(cards) : undefined,
    wishes: Array.from({ length: 1 + random.below(8) }, wish),
    validityMs: random.pick([3_000, 15_000, 600_000, 600_000]),
  };
}

/** From time to time something goes wrong, until the faults are over. */
function faults(
  { ground, roles, shops, wallets, institution }: Omit<ReturnType<typeof plan>, 'faultsMs'>,
  isOver: () => boolean,
): void {
  const { random, world } = ground;
  const parties = [...ROLE_NAMES, 'institution', ...[...shops, ...wallets].map((party) => party.plan.name)];
  const meanMs = random.pick([1_500, 5_000, 20_000]);
  const again = (): void => void world.setTimer(next, 2 * meanMs * random.float());
  const next = (): void => {
    if (isOver()) return;
    again();
    const choice = random.float();
    if (choice < 0.35) {
      const process = roles.processes[random.pick(ROLE_NAMES)];
      if (process.opened !== undefined) process.crash();
    } else if (choice < 0.4) {
      const shop = random.pick(shops);
      if (shop.shop !== undefined) shop.crash();
    } else if (choice < 0.45) {
      const wallet = random.pick(wallets);
      if (wallet.wallet !== undefined) wallet.crash();
    } else if (choice < 0.65) {
      const cut = link(random.pick(parties), random.pick(parties));
      ground.note('world', `cut: ${cut}`);
      ground.cuts.add(cut);
      world.setTimer(() => void ground.cuts.delete(cut), 20_000 * random.float());
    } else if (choice < 0.8) {
      ground.note('world', 'the institution is down');
      institution.isDown = true;
      world.setTimer(
        () => {
          institution.isDown = false;
        },
        random.pick([3_000, 30_000]) * random.float(),
      );
    } else {
      const party = random.pick(parties);
      const seconds = random.below(1_200) - 600;
      ground.note('world', `the clock of ${party} is set to ${seconds} s off`);
      ground.hadWrongClocks = true;
      ground.offsets.set(party, BigInt(seconds) * SECOND);
    }
  };
  again();
}

/** What `specie audit` finds, over the operations that operators have. */
async function commandFinds(
  { processes, ground }: Roles,
  { orders }: MemoryInstitution,
  wallets: readonly WalletProcess[],
  shops: readonly ShopProcess[],
): Promise<string[]> {
  const as = (role: (typeof ROLE_NAMES)[number]): Client =>
    ({
      async call(operation: number, messages: readonly Uint8Array[]) {
        const { engine } = processes[role].opened!;
        const payload = encodeMessages(messages);
        const asked = engine.submit({
          operation,
          session: 0n,
          request: 0n,
          payload,
          count: messages.length,
          peer: OPERATOR,
        });
        return asked.then(({ body, count }) => parseMessages(body, count));
      },
    }) as unknown as Client;
  const { books } = processes.cash.ledger;
  const ledger = {
    ...as('cash'),
    getAccountTransfers: async (filter: Partial<AccountFilter>) =>
      books.getAccountTransfers(wholeFilter(filter)),
    lookupAccounts: async (ids: readonly bigint[]) => books.lookupAccounts(ids),
  } as unknown as Client;
  const collecting = (async () => {
    const management = await fromManagement(as('management'));
    const settlement = await fromSettlement(as('settlement'));
    const own = await fromWallets(wallets.map(({ disk }) => disk));
    const cash = await fromCash(ledger, {
      currency: EUR,
      devices: management.devices.map(({ device }) => device),
      shops: management.shops.map(({ shop }) => shop),
      wallets: own.balances,
    });
    const institution = fromInstitution(statementOf(orders));
    const result = compare({
      books: [own.book, management.book, settlement, cash.book, institution],
      balancesAtCash: cash.balances,
      balancesOfOthers: cash.others,
      movedMeanwhile: cash.movedMeanwhile,
      balancesInWallets: own.balances,
      unheard: cash.unheard,
      outflows: cash.outflows,
      floatAtCash: cash.float,
      ledgerTotals: cash.totals,
      allWallets: true,
      now: ground.clockOf('auditor')(),
      statementEnd: undefined,
      balancesRead: cash.read,
    });
    const opened = shops.filter(({ certificate }) => certificate !== undefined);
    const trades = compareTrades({
      began: ground.clockOf('auditor')(),
      books: {
        cash: cash.trades,
        management: management.trades,
        shop: opened.flatMap(({ disk, number }) => [...tradesOf(new Book(memoryRoleStore(disk)), number)]),
        wallet: own.trades,
      },
      shops: new Set(opened.map(({ number }) => number)),
      endsInWallets: own.ends,
    });
    const findings = [...result.checks, ...trades.checks].flatMap(({ name, findings }) =>
      findings.map(({ text }) => `specie audit: ${name}: ${text}`),
    );
    return [
      ...own.faults,
      ...findings,
      ...[...result.open, ...trades.open].map((request) => `specie audit: open: ${request.toString(16)}`),
    ];
  })();
  return settled(ground, collecting);
}

/** Runs the world until it is. */
async function settled<T>({ world }: Ground, work: Promise<T>): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  work.then(done, done);
  await world.runUntil(() => isDone, Number.POSITIVE_INFINITY);
  return work;
}

function* statementOf(orders: MemoryInstitution['orders']): Generator<string> {
  for (const [request, { amount, currency, standing, taken }] of orders) {
    const entry = { reference: request.toString(16), amount: String(amount), currency };
    const line = (kind: string): string => JSON.stringify({ ...entry, kind });
    if (standing === 'declined') yield line('decline');
    else if (standing === 'reversed' && taken === 0) yield line('block');
    else yield line('authorise');
    if (taken > 0) yield line('capture');
    if (standing === 'reversed' && taken > 0) yield line('refund');
  }
}
