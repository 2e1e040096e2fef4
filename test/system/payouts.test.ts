// `kill -9` of management, cash and settlement at each write and each message of payouts, found by enumeration
// (kill-points.mjs has the points), and of the bank before and after each of its writes. Who was killed is started again, the
// windows reach their end, every shop is paid once. Then windows are closed while wallets buy and shops give back and take: each
// payment is in one of them, as the shops' day books say. At the end the audit, and cash, settlement and the bank compared.
//
// Here, to stay short, one of them that is drawn dies in each step of two windows, at a point that is drawn, and the bank once
// in each of two more: SPECIE_SEED=… repeats a draw. Left to SPECIE_SLOW_TESTS=1: one role after the other, at each name; at every
// single point of a run; with each name in a row of deaths; and all deaths of the bank.
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import { id } from '../../src/shared/id.ts';
import { Random } from '../../src/shared/random.ts';
import { type Around, Enumeration, type Run } from './enumeration.ts';
import { Desk } from './payout-desk.ts';
import { PAYOUTS, Payees } from './payout-flow.ts';
import { cents, System, type TestWallet } from './system.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const seed = process.env.SPECIE_SEED ? BigInt(process.env.SPECIE_SEED) : randomBytes(8).readBigUInt64LE();
const random = new Random(seed);

const ROLES = ['management', 'cash', 'settlement'] as const;
/** Not the sales in between: kill-purchases.test.ts has them. */
const OF_PAYOUTS = /^(?!.*(get_directory|window_report| pay$|paying|payment_orders))/;
/** A page of settlement's ends when nobody waits for it any more: in which step, is chance. */
const IN_A_STEP =
  /^(?!.*(get_directory|window_report| pay$|paying|payment_orders|settlement trace \w+ settled))/;
/** What is asked again and again is at another place in each run; `eachName` has it. */
const ONCE = /^(?!.*(get_directory|window_report| pay$|paying|payment_orders|list_outcomes|asks statements))/;
/** A role passes a dozen points or more in each step. */
const POINTS = 10;
/** Windows that are closed while wallets trade, and the purchases between them. */
const WINDOWS = isSlow ? 12 : 2;
const PURCHASES_BETWEEN = isSlow ? 40 : 6;
const PAUSE_MS = 20;
const WALLETS = 3;
const STARTED_WITHIN_MS = 120_000;
/** Enough for all runs of the slow version. */
const LOAD = 1_900_000n;

type Faults = NonNullable<BankDials['faults']>;

/** What the bank writes: messages as they come, and what is due, when its statement is asked for. */
const DEATHS: readonly Faults[] = (['die_before', 'die_after'] as const).flatMap((death): Faults[] => [
  [{ do: death, on: 'payments', nth: 1 }],
  [
    { do: 'drop_answer', on: 'payments', nth: 1 },
    { do: death, on: 'status', nth: 1 },
  ],
  ...[1, 2, 3].map((nth): Faults => [{ do: death, on: 'statements', nth }]),
]);

const say = (text: string): void => void process.stderr.write(text);
say(`payouts: SPECIE_SEED=${seed}\n`);

/** One of them dies in each step, or does not come to its point. */
function drawn(died: string[]): Around {
  return async (step) => {
    const keeper = system.keeper(random.pick(ROLES));
    const number = random.below(POINTS);
    await keeper.arm((deaths) => (deaths.length === 0 ? { number } : undefined));
    const result = await step();
    await keeper.disarm();
    for (const { passed } of keeper.deaths) died.push(passed!.at(-1)!);
    return result;
  };
}

async function oneByOne(flow: Run): Promise<void> {
  for (const role of ROLES) {
    const keeper = system.keeper(role);
    const names = await new Enumeration(flow, keeper).eachName(OF_PAYOUTS);
    say(names.text(role));
    expect(names.left(IN_A_STEP)).toEqual([]);
    const points = await new Enumeration(flow, keeper).eachPoint({ recoveries: false, only: ONCE });
    say(points.text(`${role}, every point`));
    say((await new Enumeration(flow, keeper).chain(ONCE)).text(`${role}, in a row`));
    const ms = keeper.restartsMs.toSorted((a, b) => a - b);
    say(`${role}: ${ms.length} restarts, ${ms[ms.length >> 1]?.toFixed(0)} ms each (median)\n`);
  }
}

let system: System;
let desk: Desk;
let payees: Payees;

beforeAll(async () => {
  system = await System.start({
    processes: ROLES.map((role) => [role]),
    institutionProcess: true,
    spares: isSlow,
    loadAmountMax: '20000',
    balanceMax: '20000',
    deviceRequestsPerMinute: 1_000_000,
    payouts: PAYOUTS,
  });
  desk = await Desk.open(system.home);
  payees = await Payees.open(system, desk, await funded(LOAD));
}, STARTED_WITHIN_MS);

afterAll(async () => {
  await desk?.close();
  await system?.stop();
}, STARTED_WITHIN_MS);

async function funded(amount: bigint): Promise<TestWallet> {
  const made = await system.newWallet();
  await made.wallet.enrol({ userData: made.name, accountNumber: made.card });
  await made.wallet.load({ amount: cents(amount), accountNumber: made.card });
  return made;
}

test('who pays out is killed', { timeout: isSlow ? 7_200_000 : 400_000 }, async () => {
  if (isSlow) {
    await oneByOne((around) => payees.everyPayout(around));
  } else {
    const died: string[] = [];
    await payees.everyPayout(drawn(died));
    say(`payouts: ${died.length} deaths, at ${died.join(', ')}\n`);
    expect(died.length).toBeGreaterThan(0);
  }
  const institution = system.institution!;
  for (const faults of isSlow ? DEATHS : [random.pick(DEATHS)]) {
    const before = institution.deaths;
    await payees.everyPayout((step) => step(), faults);
    const told = faults.map((fault) => Object.values(fault).join(' ')).join(', ');
    say(`bank: ${institution.deaths - before} deaths, at ${told}\n`);
    expect(institution.deaths).toBeGreaterThan(before);
  }
  expect(await desk.reconcile()).toBeUndefined();
});

/** A shop whose earnings are on their way to the bank has nothing to give back. */
function unlessPaidOut(error: Error): void {
  if (!error.message.includes('exceeds_credits')) throw error;
}

/** Buys, has some of it taken or given back, and so on. */
async function trade(
  { wallet }: TestWallet,
  mine: Random,
  bought: () => void,
  isOver: () => boolean,
): Promise<void> {
  for (; !isOver(); bought()) {
    const shop = mine.pick([payees.good, payees.bad]);
    const kind = mine.chance(0.6) ? 'sale' : 'authorisation';
    const articles = [{ article: mine.pick(['coffee', 'tea', 'fuel']), quantity: 1 + mine.below(9) }];
    const { request, amount } = await wallet.buy({ shop: shop.card, articles, kind });
    let paid: bigint = amount!;
    if (kind === 'authorisation') {
      if (mine.chance(0.2)) continue;
      paid = paid / 2n + 1n;
      await shop.order('capture', request, paid, ({ state }) => state === 'captured');
    }
    if (mine.chance(0.6)) {
      const back = paid / 2n + 1n;
      await shop.order('refund', request, back, ({ refunded }) => refunded >= back).catch(unlessPaidOut);
    }
  }
}

test('windows are closed under load, and each payment is in one of them', { timeout: 400_000 }, async () => {
  await system.dialPayments({});
  const wallets = await Promise.all(Array.from({ length: WALLETS }, () => funded(400_000n)));
  let isOver = false;
  let purchases = 0;
  const bought = (): void => {
    purchases++;
  };
  const trading = Promise.all(
    wallets.map((made) => trade(made, new Random(random.bits(64)), bought, () => isOver)),
  );
  // Reported below.
  trading.catch(() => {
    isOver = true;
  });
  const close = async (): Promise<bigint> => {
    const window = id();
    await desk.closeWindow(window);
    await desk.until(window, ({ window: { state } }) => /instructed|settled/.test(state));
    return window;
  };
  const closed: bigint[] = [];
  while (closed.length < WINDOWS && !isOver) {
    const before = purchases;
    while (purchases < before + PURCHASES_BETWEEN && !isOver)
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    closed.push(await close());
  }
  isOver = true;
  await trading;
  closed.push(await close());
  await desk.until(closed.at(-1)!, ({ window: { state } }) => state === 'settled');

  const windows = await Promise.all((await desk.windows()).map((window) => desk.books(window)));
  let counted = 0;
  for (const [name, shop] of [
    ['good', payees.good],
    ['bad', payees.bad],
  ] as const) {
    const number = await desk.shopNumber(name);
    const book = await shop.dayBook();
    const sumOf = (kinds: readonly string[], from: bigint, cutoff: bigint): bigint =>
      book
        .filter(({ kind, timestamp }) => kinds.includes(kind) && timestamp > from && timestamp <= cutoff)
        .reduce((sum, { amount }) => sum + amount, 0n);
    let last = 0n;
    for (const { from, cutoff, positions } of windows) {
      expect(from).toBe(last);
      last = cutoff;
      const { sales = 0n, refunds = 0n } = positions.find((position) => position.shop === number) ?? {};
      expect({ sales, refunds }).toEqual({
        sales: sumOf(['sale', 'capture'], from, cutoff),
        refunds: sumOf(['refund'], from, cutoff),
      });
    }
    expect(book.filter(({ timestamp }) => timestamp > last)).toEqual([]);
    counted += book.length;
  }
  const busy = windows
    .slice(-WINDOWS - 1)
    .map(({ positions }) => positions.reduce((n, p) => n + p.sales, 0n));
  say(
    `payouts: ${counted} entries of day books in ${windows.length} windows; sales of the last: ${busy.join(', ')}\n`,
  );
  expect(busy.filter((sales) => sales > 0n).length).toBeGreaterThanOrEqual(WINDOWS);
  expect(await desk.reconcile()).toBeUndefined();
  expect(await system.audit()).toBeUndefined();
});
