// Windows that the clock closes: one for each time, whatever crashes, and none where an operator has closed one.
import { describe, expect, test } from 'vitest';
import type { CloseWindowRequest } from '../../../src/roles/cash/payout-messages.ts';
import type { PayoutPartners } from '../../../src/roles/management/payout-effects.ts';
import type { WindowReport } from '../../../src/roles/management/payout-messages.ts';
import { START } from '../../identity/support.ts';
import { memoryRoleStore } from '../../store/memory-backend.ts';
import { EUR, ok, SECOND, Stage } from './support.ts';

const HOUR_SECONDS = 3_600;
const HOUR_MS = HOUR_SECONDS * 1_000;
const TERMS = { currency: EUR, everySeconds: HOUR_SECONDS, offsetSeconds: 300 };

/** Cash, and a settlement that has nothing to do. */
class Books {
  readonly closed = new Map<bigint, { number: bigint; from: bigint; cutoff: bigint }>();
  stage!: Stage;
  isBooking = true;

  readonly partners: PayoutPartners = {
    closeWindow: async ({ window }: CloseWindowRequest) => {
      const last = [...this.closed.values()].at(-1);
      const fresh = {
        number: BigInt(this.closed.size + 1),
        from: last?.cutoff ?? 0n,
        // The ledger's clock is a little behind.
        cutoff: this.stage.clock() - SECOND,
      };
      const known = this.closed.get(window) ?? fresh;
      this.closed.set(window, known);
      return ok(known);
    },
    bookPayouts: async () =>
      this.isBooking ? ok({ payouts: [], next: undefined }) : { kind: 'unknown', reason: 'busy' },
    bookOutcomes: async () => ok({ timestamps: [] }),
    payOut: async () => ok({ state: 'settled' }),
    listOutcomes: async () => ok({ receipts: [] }),
  };
}

async function open(
  fate?: ConstructorParameters<typeof Stage>[1],
  change: Partial<typeof TERMS> = {},
): Promise<{ stage: Stage; books: Books }> {
  const books = new Books();
  const options = { payouts: books.partners, payoutSchedule: { ...TERMS, ...change } };
  const stage = new Stage({}, fate, options);
  books.stage = stage;
  await stage.start();
  return { stage, books };
}

async function windows(stage: Stage): Promise<readonly WindowReport[]> {
  const result = await stage.settle(stage.operator.listWindows({ after: undefined, limit: 64 }));
  if (result.kind !== 'ok') throw new Error(`expected windows, got ${result.kind}`);
  return result.answer.windows.toSorted((a, b) => Number(a.number - b.number));
}

/** Seconds after the time before at which it was due. */
const late = ({ cutoff }: WindowReport): number =>
  Number((cutoff / SECOND - BigInt(TERMS.offsetSeconds)) % BigInt(HOUR_SECONDS));

/** Until shortly behind the next time. */
async function toNext(stage: Stage): Promise<void> {
  const seconds = Number(stage.clock() / SECOND);
  const left = HOUR_SECONDS - ((seconds - TERMS.offsetSeconds) % HOUR_SECONDS);
  await stage.pass(left * 1_000 + 10_000);
}

test('each hour, at five past', async () => {
  const { stage } = await open();
  await toNext(stage);
  await stage.pass(3 * HOUR_MS);
  const found = await windows(stage);
  expect(found.map(({ number, state }) => [number, state])).toEqual(
    [1n, 2n, 3n, 4n].map((number) => [number, 'settled']),
  );
  // The ledger's clock is behind by one.
  for (const window of found) expect(late(window)).toBeGreaterThanOrEqual(HOUR_SECONDS - 1);
  expect(found[0]!.cutoff).toBeGreaterThan(START);
});

test('no window where an operator has closed one since, and one for all that were missed', async () => {
  const { stage, books } = await open();
  await toNext(stage);
  await stage.pass(60_000);
  await stage.settle(stage.operator.closeWindow({ window: 7n, currency: EUR }));
  expect(books.closed.size).toBe(2);
  await stage.pass(HOUR_MS / 2);
  expect(books.closed.size).toBe(2);
  // Down for five hours.
  await stage.role!.close();
  stage.crash(true);
  await stage.pass(5 * HOUR_MS);
  await stage.start();
  await stage.pass(1_000);
  expect(books.closed.size).toBe(3);
  await stage.pass(60_000);
  expect(books.closed.size).toBe(3);
});

test('while the window before is being booked, it waits', async () => {
  const { stage, books } = await open();
  books.isBooking = false;
  await toNext(stage);
  await stage.pass(HOUR_MS);
  expect(books.closed.size).toBe(1);
  books.isBooking = true;
  await stage.pass(60_000);
  expect(books.closed.size).toBe(2);
});

test('a crash at every point makes no second window', async () => {
  const count = await open();
  await toNext(count.stage);
  const points = count.stage.tracePoints;
  expect(points).toBeGreaterThan(5);
  for (let end = 1; end <= points; end++) {
    const fate = (at: number) => (at !== end ? 'lives' : end % 2 === 0 ? 'lost' : 'flushed');
    const { stage, books } = await open(fate);
    await toNext(stage);
    await stage.pass(60_000);
    expect([end, stage.crashes, books.closed.size]).toEqual([end, 1, 1]);
    expect((await windows(stage)).map(({ state }) => state)).toEqual(['settled']);
  }
});

test('a schedule that is new begins with its next time', async () => {
  const { stage, books } = await open();
  await toNext(stage);
  expect(books.closed.size).toBe(1);
  await stage.role!.close();
  stage.crash(true);
  await stage.pass(2 * HOUR_MS);
  const again = new Stage({}, undefined, {
    payouts: books.partners,
    payoutSchedule: { ...TERMS, offsetSeconds: 290 },
    store: memoryRoleStore(stage.disk),
    clock: stage.clock,
    setTimer: stage.world.setTimer,
    afterTurn: stage.world.afterTurn,
  });
  await again.start();
  await stage.pass(1_000);
  expect(books.closed.size).toBe(1);
  await stage.pass(HOUR_MS);
  expect(books.closed.size).toBe(2);
});

describe('refused', () => {
  test.each([
    [{ everySeconds: 0 }, 'everySeconds: expected at least 1, got 0'],
    [{ offsetSeconds: HOUR_SECONDS }, 'offsetSeconds: expected 0 to 3599, got 3600'],
  ])('%o', async (change, message) => {
    await expect(open(undefined, change)).rejects.toThrow(message);
  });
});
