// Settlement windows between a cash and a settlement that follow a script: they answer late, wrongly, to the same twice, or not
// at all, the process ends at every trace point, and still each page is told under one name, and each outcome is booked.
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/crypto/index.ts';
import { keyIdOf } from '../../../src/identity/key-set.ts';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import { PayoutOrder, PayoutReceipt, type SignedPayoutOrder } from '../../../src/roles/documents/payout.ts';
import type { PayoutPartners } from '../../../src/roles/management/payout-effects.ts';
import type { ShowWindowAnswer } from '../../../src/roles/management/payout-messages.ts';
import type { PayOutRequest } from '../../../src/roles/settlement/payout-messages.ts';
import { Random } from '../../../src/shared/random.ts';
import { keySets } from '../../identity/support.ts';
import type { World } from '../flow/world.ts';
import { Shop } from './shop.ts';
import { EUR, type Fate, Stage, sign, USD } from './support.ts';

const WINDOW = 900n;

/**
 * What happens to a call: it is lost, its answer is lost, it is carried out long after nobody waits for it, or it comes twice.
 * A wrong answer takes the place of the right one.
 */
type CallFate = 'ok' | 'lost_before' | 'lost_after' | 'late' | 'twice' | { readonly wrong: unknown };
type Name = keyof PayoutPartners;
const NAMES: readonly Name[] = ['closeWindow', 'bookPayouts', 'payOut', 'listOutcomes', 'bookOutcomes'];
const LATE_MS = 20_000;

/** Cash and settlement as one: what each was asked, and what it answers. */
class Script implements PayoutPartners {
  world!: World;
  readonly shops: bigint[] = [];
  readonly pages = new Map<bigint, PayOutRequest>();
  readonly outcomes: PayoutReceipt[] = [];
  readonly booked: string[] = [];
  readonly calls = new Map<Name, number>();
  fate: (name: Name, count: number) => CallFate = () => 'ok';
  change: Partial<PayoutOrder> = {};
  isRefusing = false;

  async #hear<Answer>(name: Name, run: () => Answer): Promise<CallResult<Answer, never>> {
    const count = (this.calls.get(name) ?? 0) + 1;
    this.calls.set(name, count);
    const fate = this.fate(name, count);
    const lost = { kind: 'unknown', reason: 'lost' } as const;
    if (typeof fate === 'object') {
      const { wrong } = fate;
      return wrong instanceof Refusal
        ? { kind: 'refused', refusal: wrong as Refusal<never> }
        : { kind: 'ok', answer: wrong as Answer };
    }
    if (fate === 'lost_before') return lost;
    if (fate === 'late') {
      this.world.setTimer(run, LATE_MS);
      return lost;
    }
    if (fate === 'twice') run();
    const answer = run();
    return fate === 'lost_after' ? lost : { kind: 'ok', answer };
  }

  closeWindow = () => this.#hear('closeWindow', () => ({ number: 1n, from: 0n, cutoff: 77n }));

  /** A page a shop. */
  bookPayouts = ({ window, after }: { window: bigint; after: bigint | undefined }) =>
    this.#hear('bookPayouts', () => {
      const at = after === undefined ? 0 : this.shops.indexOf(after) + 1;
      const next = at < this.shops.length - 1 ? this.shops[at] : undefined;
      return { payouts: [orderOf(window, this.shops[at]!, this.change)], next };
    });

  payOut = (request: PayOutRequest) =>
    this.#hear('payOut', () => {
      const known = this.pages.get(request.page);
      if (known !== undefined) expect(request).toEqual(known);
      this.pages.set(request.page, request);
      return { state: 'checking' };
    });

  listOutcomes = ({ after, limit }: { after: bigint; limit: number }) =>
    this.#hear('listOutcomes', () => ({
      receipts: this.outcomes
        .slice(Number(after), Number(after) + limit)
        .map((receipt) => sign(PayoutReceipt, receipt, keySets.settlement[0].signing)),
    }));

  bookOutcomes = async ({ receipts }: { receipts: readonly { document: PayoutReceipt }[] }) => {
    if (this.isRefusing) return { kind: 'refused', refusal: new Refusal('receipt_mismatch', 'no') } as const;
    return this.#hear('bookOutcomes', () => {
      for (const { document } of receipts) this.booked.push(`${document.payout} ${document.outcome}`);
      return { timestamps: receipts.map(() => 5n) };
    });
  };

  tell(payout: bigint, outcome: PayoutReceipt['outcome'], reason = ''): void {
    const { order } = [...this.pages.values()]
      .flatMap(({ payouts }) => payouts)
      .find((one) => one.order.document.payout === payout)!;
    const { amount, currency } = order.document;
    this.outcomes.push({
      ...{ keyId: new Uint8Array(8), payout, orderDigest: sha256(PayoutOrder.codec.encode(order.document)) },
      ...{ amount, currency, outcome, reason, institutionReference: 'E1', at: 9n },
    });
  }
}

function orderOf(window: bigint, shop: bigint, change: Partial<PayoutOrder>): SignedPayoutOrder {
  const { signing } = keySets.cash[0];
  const document: PayoutOrder = {
    ...{ keyId: keyIdOf(signing.publicKey, sha256), payout: shop + 7n, window, shop },
    ...{ signingKey: new Uint8Array(32), amount: 500n, currency: EUR, timestamp: 6n },
    ...change,
  };
  return sign(PayoutOrder, document, signing);
}

interface Told {
  readonly stage: Stage;
  readonly script: Script;
  readonly payouts: readonly bigint[];
}

const shops = [new Shop(1), new Shop(2)];

async function setUp(fate: Fate = () => 'lives'): Promise<Told> {
  const script = new Script();
  const stage = await Stage.open({}, fate, { payouts: script });
  script.world = stage.world;
  for (const shop of shops) script.shops.push(await stage.openShop(shop));
  script.shops.sort((left, right) => (left < right ? -1 : 1));
  return { stage, script, payouts: script.shops.map((shop) => shop + 7n) };
}

async function shown(stage: Stage): Promise<ShowWindowAnswer> {
  for (;;) {
    const call = stage.operator.showWindow({ window: WINDOW, after: undefined, limit: 64 });
    const result = await stage.settle(call.catch(() => ({ kind: 'unknown' }) as const));
    if (result.kind === 'ok') return result.answer;
    await stage.pass(500);
  }
}

/** Until the window is in that state. */
async function reaches(stage: Stage, state: string): Promise<ShowWindowAnswer> {
  for (let tries = 0; tries < 500; tries++) {
    const answer = await shown(stage);
    if (answer.window.state === state) return answer;
    await stage.pass(1_000);
  }
  throw new Error(`expected it to be ${state}, got ${JSON.stringify((await shown(stage)).window.state)}`);
}

async function close(stage: Stage, window = WINDOW, currency = EUR): Promise<string> {
  for (;;) {
    const call = stage.operator.closeWindow({ window, currency });
    const result = await stage.settle(call.catch(() => ({ kind: 'unknown' }) as const));
    if (result.kind === 'ok') return result.answer.state;
    if (result.kind === 'refused') return result.refusal.code;
    await stage.pass(500);
  }
}

async function play(told: Told): Promise<void> {
  const { stage, script, payouts } = told;
  const [first, second] = payouts as [bigint, bigint];
  await close(stage);
  await reaches(stage, 'instructed');
  expect([...script.pages.values()].map((page) => page.payouts.length)).toEqual([1, 1]);
  script.tell(first, 'booked');
  script.tell(second, 'rejected', 'AC04');
  const { window, payouts: reports } = await reaches(stage, 'settled');
  expect(window).toMatchObject({
    payouts: 2,
    open: 0,
    rejected: 1,
    returned: 0,
    amount: 1_000n,
    cutoff: 77n,
  });
  expect(reports.map(({ standing, reason }) => `${standing} ${reason}`)).toEqual([
    'booked ',
    'rejected AC04',
  ]);
  // In their order; what was told twice is booked twice, which changes nothing at cash.
  expect([...new Set(script.booked)]).toEqual([`${first} booked`, `${second} rejected`]);
}

test('a window, and what comes back after it', async () => {
  const told = await setUp();
  const { stage, script, payouts } = told;
  await play(told);
  for (const { payouts: instructed } of script.pages.values()) {
    for (const { enrolment } of instructed) expect([201n, 202n]).toContain(enrolment.document.request);
  }
  script.tell(payouts[0]!, 'returned', 'MD07');
  await stage.pass(5_000);
  expect(await shown(stage)).toMatchObject({
    window: { state: 'settled', returned: 1 },
    payouts: [{ standing: 'returned', reason: 'MD07' }, {}],
  });
  expect(await close(stage)).toBe('settled');
  expect(await stage.stateOf(WINDOW)).toBe('settled');
});

describe('on the way', () => {
  const FATES: readonly CallFate[] = ['lost_before', 'lost_after', 'late', 'twice'];
  test.each(NAMES.flatMap((name) => FATES.map((first) => [name, first as string] as const)))(
    '%s: %s, and then the others',
    async (name, first) => {
      const told = await setUp();
      const fates = [first as CallFate, ...FATES.filter((fate) => fate !== first)];
      told.script.fate = (called, count) => (called === name ? fates[count - 1] : undefined) ?? 'ok';
      await play(told);
      await told.stage.pass(2 * LATE_MS);
      expect((await shown(told.stage)).window).toMatchObject({ state: 'settled', payouts: 2, rejected: 1 });
      expect(told.script.pages.size).toBe(2);
    },
  );

  test('a third of everything is lost, late or doubled', async () => {
    for (let seed = 1n; seed <= 12n; seed++) {
      const told = await setUp();
      const random = new Random(seed);
      told.script.fate = () => (random.chance(0.33) ? random.pick(FATES) : 'ok');
      await play(told);
    }
  });

  test('nobody answers for a day', async () => {
    const told = await setUp();
    let isSilent = true;
    told.script.fate = () => (isSilent ? 'lost_before' : 'ok');
    expect(await close(told.stage)).toBe('closing');
    await told.stage.pass(24 * 3_600_000);
    expect((await shown(told.stage)).window).toMatchObject({ state: 'closing', problem: '' });
    // Asked again at a bearable pace.
    expect(told.script.calls.get('closeWindow')).toBeLessThan(5_000);
    isSilent = false;
    await play(told);
  });
});

test('a crash at every point', async () => {
  const count = await setUp();
  const from = count.stage.tracePoints;
  await play(count);
  const points = count.stage.tracePoints;
  expect(points - from).toBeGreaterThan(20);
  for (let end = from + 1; end <= points; end++) {
    const told = await setUp((number) => (number !== end ? 'lives' : end % 2 === 0 ? 'lost' : 'flushed'));
    await play(told);
    expect([end, told.stage.crashes]).toEqual([end, 1]);
  }
});

describe('not believed', () => {
  test.each<[string, Partial<PayoutOrder>]>([
    ['payout_of_other_window', { window: 1n }],
    ['payout_of_other_currency', { currency: USD }],
    ['payout_of_unknown_shop', { shop: 1n }],
    ['receipt_of_unknown_key', { keyId: new Uint8Array(8) }],
  ])('%s', async (problem, change) => {
    const { stage, script } = await setUp();
    script.change = change;
    expect(await close(stage)).toBe('booking_distrusted');
    expect((await shown(stage)).window).toMatchObject({ state: 'booking', problem });
    expect(script.pages.size).toBe(0);
    expect(await close(stage, WINDOW + 1n)).toBe('window_open');
    script.change = {};
    await stage.pass(40_000);
    await reaches(stage, 'instructed');
  });
});

describe('not believed, and asked again', () => {
  const cutoffs = { from: 0n, cutoff: 77n };
  const mine = shops[0]!;
  const signed = (changes: Partial<PayoutOrder>) => orderOf(WINDOW, mine.number, changes);
  test.each<[string, Name, () => unknown, string]>([
    ['no number', 'closeWindow', () => ({ ...cutoffs, number: 0n }), 'window_impossible'],
    [
      'ends before it begins',
      'closeWindow',
      () => ({ number: 2n, from: 77n, cutoff: 76n }),
      'window_impossible',
    ],
    [
      'first, and begins late',
      'closeWindow',
      () => ({ ...cutoffs, number: 1n, from: 9n }),
      'window_impossible',
    ],
    ['refused', 'closeWindow', () => new Refusal('window_open', 'no'), 'window_open'],
    ['a page that goes back', 'bookPayouts', () => ({ payouts: [], next: 0n }), 'page_without_progress'],
    [
      'a payout twice',
      'bookPayouts',
      () => ({ payouts: [signed({}), signed({})], next: undefined }),
      'page_out_of_order',
    ],
    [
      'beyond the page',
      'bookPayouts',
      () => ({ payouts: [signed({})], next: mine.number - 1n }),
      'page_out_of_order',
    ],
    ['a page refused', 'payOut', () => new Refusal('payout_known', 'no'), 'payout_known'],
  ])('%s', async (_, name, wrong, problem) => {
    const told = await setUp();
    const { stage, script } = told;
    let isWrong = true;
    script.fate = (called) => (called === name && isWrong ? { wrong: wrong() } : 'ok');
    expect(await close(stage)).toMatch(/_distrusted$/);
    expect((await shown(stage)).window).toMatchObject({ problem });
    expect(stage.role!.engine.health().status).toBe('degraded');
    isWrong = false;
    await stage.pass(40_000);
    await play(told);
    expect((await shown(stage)).window.problem).toBe('');
    expect(stage.role!.engine.health().status).toBe('ok');
  });
});

test('an outcome that is told twice counts once', async () => {
  const told = await setUp();
  const { stage, script, payouts } = told;
  await play(told);
  const [first, second] = payouts as [bigint, bigint];
  for (const outcome of ['returned', 'returned', 'booked'] as const) script.tell(first, outcome, 'MD07');
  script.tell(second, 'rejected', 'AC04');
  await stage.pass(10_000);
  expect(await shown(stage)).toMatchObject({
    window: { state: 'settled', open: 0, rejected: 1, returned: 1 },
    payouts: [{ standing: 'returned' }, { standing: 'rejected' }],
  });
});

test('an outcome that cash refuses waits for an operator, and holds up none before it', async () => {
  const { stage, script, payouts } = await setUp();
  await close(stage);
  await reaches(stage, 'instructed');
  script.isRefusing = true;
  script.tell(payouts[0]!, 'booked');
  await stage.pass(10_000);
  expect(stage.role!.engine.health().status).toBe('degraded');
  script.isRefusing = false;
  await stage.pass(10_000);
  expect(stage.role!.engine.health().status).toBe('ok');
  expect(script.booked).toEqual([`${payouts[0]} booked`]);
});

test('what is refused', async () => {
  const { stage } = await setUp();
  expect(await close(stage, WINDOW, 1)).toBe('currency_not_offered');
  const bare = await Stage.open();
  expect(await close(bare)).toBe('payouts_not_offered');
  const device = stage.as(shops[0]!.peer);
  const result = await stage.settle(device.closeWindow({ window: WINDOW, currency: EUR }));
  expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
});
