// Random scenarios, biased to edges. They say what a client asks for, in terms that do not depend on the state (ids
// from small pools, timestamps relative to what has happened), so that fast-check can drop and simplify any part.
//
//     scenario = start of the clock, 8 accounts, a pool of transfer templates, steps
//     step     = accounts | transfers | orders | terms | query, each after some time has passed
//
// Transfers are templates with mutations: the same id comes again with the same content, and with almost the same.
import fc from 'fast-check';
import {
  type Account,
  type AccountFilter,
  AccountFlags,
  type ChangeEventsFilter,
  type OrderTerms,
  OrderVerdict,
  type PaymentOrder,
  TIMESTAMP_MAX,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import { U64_MAX, U128_MAX } from '../../src/shared/bytes.ts';

/**
 * A moment, found when its batch is run. `account`, `transfer`: that of the newest one; `next`: just after the newest
 * record, event by event.
 */
export interface Moment {
  readonly from: 'zero' | 'account' | 'transfer' | 'next' | 'now' | 'max';
  readonly delta: bigint;
}

export type Timed<Event> = Omit<Event, 'timestamp'> & { readonly moment: Moment };

/** An order, with the moment at which it expires. */
export type TimedOrder = Omit<Timed<PaymentOrder>, 'expiresAt'> & { readonly expiry: Moment };

/** How much time passes before a batch: so many nanoseconds, or until so long after the next expiry. */
export interface Advance {
  readonly until: 'later' | 'expiry';
  readonly nanoseconds: bigint;
}

export type Step =
  | { kind: 'accounts'; advance: Advance; events: readonly Timed<Account>[] }
  | { kind: 'transfers'; advance: Advance; events: readonly Timed<Transfer>[] }
  | { kind: 'orders'; advance: Advance; events: readonly TimedOrder[] }
  | { kind: 'terms'; advance: Advance; events: readonly Timed<OrderTerms>[] }
  | { kind: 'history'; filter: Omit<AccountFilter, 'timestampMin' | 'timestampMax'>; range: Range }
  | { kind: 'changes'; filter: Omit<ChangeEventsFilter, 'timestampMin' | 'timestampMax'>; range: Range };

export interface Range {
  readonly min: Moment;
  readonly max: Moment;
}

export interface Scenario {
  readonly start: bigint;
  readonly steps: readonly Step[];
}

const ACCOUNT_IDS = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n] as const;
const ACCOUNT_ID_MISSING = 99n;
/** The second one differs from the first only above 64 bits. */
const TRANSFER_IDS = [
  1n,
  (1n << 64n) | 1n,
  ...Array.from({ length: 18 }, (_, i) => BigInt(i + 2)),
  U128_MAX - 1n,
];

const SECOND = 1_000_000_000n;

function weighted<Value>(
  ...choices: [weight: number, arbitrary: fc.Arbitrary<Value>][]
): fc.Arbitrary<Value> {
  return fc.oneof(...choices.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

/** Mostly `usual`, now and then one of `others`. */
function usually<Value>(usual: Value, ...others: Value[]): fc.Arbitrary<Value> {
  return weighted([30, fc.constant(usual)], [1, fc.constantFrom(...others)]);
}

const amount = weighted(
  [30, fc.bigInt({ min: 0n, max: 12n })],
  [2, fc.bigInt({ min: 90n, max: 110n })],
  [3, fc.constantFrom(U128_MAX, U128_MAX - 1n, U128_MAX - 12n)],
  [1, fc.constantFrom(U64_MAX, U64_MAX + 1n, 1n << 127n, (1n << 127n) - 1n)],
);

const advance: fc.Arbitrary<Advance> = weighted<Advance>(
  [
    14,
    fc.record({
      until: fc.constant('later'),
      nanoseconds: weighted(
        [4, fc.constantFrom(0n, 1n, 5n)],
        [6, fc.bigInt({ min: 20n, max: 2000n })],
        [4, fc.constantFrom(SECOND - 1n, SECOND, SECOND, SECOND, SECOND + 1n, 2n * SECOND)],
        [1, fc.constantFrom(SECOND - 40n, 60n * SECOND)],
      ),
    }),
  ],
  // A batch just before an expiry, then one without any time between them: its events lie on both sides of it.
  [3, fc.record({ until: fc.constant('expiry'), nanoseconds: fc.bigInt({ min: -8n, max: 2n }) })],
);

const TIMEOUT_MAX_SECONDS = 0xffff_ffff;

/** The beginning, today, the end of a day, when the longest timeout ends with the end of time, and when it ends after it. */
const start = fc.constantFrom(
  100n,
  1_790_000_000n * SECOND,
  // Some seconds before a day ends.
  20_700n * 86_400n * SECOND - 3n * SECOND,
  TIMESTAMP_MAX - BigInt(TIMEOUT_MAX_SECONDS) * SECOND - 1020n,
  TIMESTAMP_MAX - 10_000n * SECOND,
);

/** The first six are in one ledger, the others in another. */
const accountId = weighted<bigint>(
  [80, fc.constantFrom(...ACCOUNT_IDS.slice(0, 6))],
  [4, fc.constantFrom(...ACCOUNT_IDS.slice(6))],
  [14, fc.bigInt({ min: 10n, max: 13n })],
  [1, fc.constantFrom(ACCOUNT_ID_MISSING, 0n, U128_MAX)],
);
const differentAccounts = fc
  .tuple(accountId, accountId)
  .map(([a, b]) => (a === b ? [1n, 2n] : [a, b]) as [bigint, bigint]);
const transferId = weighted<bigint>(
  [60, fc.constantFrom(...TRANSFER_IDS)],
  [1, fc.constantFrom(0n, U128_MAX)],
);

const userData = {
  userData128: weighted([8, fc.constant(0n)], [2, fc.constantFrom(1n, 2n, U128_MAX)]),
  userData64: weighted([8, fc.constant(0n)], [2, fc.constantFrom(1n, 2n, U64_MAX)]),
  userData32: weighted([8, fc.constant(0)], [2, fc.constantFrom(1, 2, 0xffff_ffff)]),
};

/** Mantissa and exponent of a limit, and words that are none. */
const balanceLimit = weighted<number>(
  [6, fc.constantFrom(0, 1, 5, 12, 100)],
  [2, fc.constantFrom((1 << 27) | 1, ((2 << 27) | 1) >>> 0, ((30 << 27) | 0x7ff_ffff) >>> 0)],
  [1, fc.constantFrom((31 << 27) >>> 0, 0xffff_ffff)],
);

const F = AccountFlags;

/** Flags that go together, with the limit they need. */
const accountKind = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ flags: 0, balanceLimit: 0 }) },
  { weight: 2, arbitrary: fc.constant({ flags: F.debits_must_not_exceed_credits, balanceLimit: 0 }) },
  { weight: 2, arbitrary: fc.constant({ flags: F.credits_must_not_exceed_debits, balanceLimit: 0 }) },
  { weight: 2, arbitrary: fc.record({ flags: fc.constant(F.credit_balance_limited), balanceLimit }) },
  { weight: 2, arbitrary: fc.record({ flags: fc.constant(F.debit_balance_limited), balanceLimit }) },
  { weight: 1, arbitrary: fc.constant({ flags: F.closed, balanceLimit: 0 }) },
  {
    weight: 1,
    arbitrary: fc.record({
      flags: fc.integer({ min: 0, max: 0xff }).map((f) => f & ~(F.linked | F.imported)),
      balanceLimit,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ flags: fc.constantFrom(0x100, 0x8000), balanceLimit: fc.constant(0) }),
  },
);

/** One event in eight is linked to the next; the last of a batch hardly ever, as it has none. */
const linked = weighted([7, fc.constant(false)], [1, fc.constant(true)]);
const linkedLast = weighted([40, fc.constant(false)], [1, fc.constant(true)]);

/** A batch of events, each made with what says whether it is linked. */
function batch<Event>(
  event: (isLinked: fc.Arbitrary<boolean>) => fc.Arbitrary<Event>,
  maxLength: number,
): fc.Arbitrary<Event[]> {
  return fc
    .tuple(fc.array(event(linked), { maxLength: maxLength - 1, size: 'max' }), event(linkedLast))
    .map(([events, last]) => [...events, last]);
}

/** What an event's timestamp is, given that its batch is imported or not. */
function moment(imported: boolean): fc.Arbitrary<Moment> {
  if (!imported) {
    return weighted<Moment>(
      [60, fc.constant({ from: 'zero', delta: 0n })],
      [1, fc.constant({ from: 'zero', delta: 1n })],
    );
  }
  return weighted<Moment>(
    [30, fc.constant({ from: 'next', delta: 0n })],
    // Older than an account that has been opened since.
    [12, fc.constant({ from: 'transfer', delta: 1n })],
    [
      10,
      fc.record({
        from: fc.constantFrom('next', 'account', 'transfer'),
        delta: fc.bigInt({ min: -2n, max: 2n }),
      }),
    ],
    [1, fc.record({ from: fc.constantFrom('zero', 'now', 'max'), delta: fc.bigInt({ min: -1n, max: 1n }) })],
  );
}

/** Nearly always the batch's own kind. */
function importedFlag(imported: boolean, flag: number): fc.Arbitrary<number> {
  const [usual, other] = imported ? [flag, 0] : [0, flag];
  return weighted([100, fc.constant(usual)], [1, fc.constant(other)]);
}

/** Fields of an account, without what its batch decides. */
type AccountTemplate = Omit<Account, 'timestamp'>;

const balance = usually(0n, 1n, U128_MAX);
const ledger = weighted([16, fc.constant(1)], [2, fc.constant(2)], [1, fc.constantFrom(0, 0xffff_ffff)]);
const code = usually(1, 0, 2, 0xffff);
const history = fc.constantFrom(0, F.history);

/** An account that may turn up later, or again. */
const laterAccount: fc.Arbitrary<AccountTemplate> = fc
  .record({
    id: weighted([1, accountId], [6, fc.bigInt({ min: 10n, max: 13n })]),
    ...userData,
    debitsPending: balance,
    debitsPosted: balance,
    creditsPending: balance,
    creditsPosted: balance,
    ledger,
    code,
    kind: accountKind,
    history,
  })
  .map(({ kind, history: keptHistory, ...rest }) => ({
    ...rest,
    balanceLimit: kind.balanceLimit,
    flags: kind.flags | keptHistory,
  }));

/** One field changed; most of the time none. */
const accountMutation: fc.Arbitrary<Partial<AccountTemplate>> = weighted<Partial<AccountTemplate>>(
  [8, fc.constant({})],
  [2, fc.record({ id: accountId })],
  [
    2,
    fc.oneof(
      fc.record({ flags: accountKind.map((kind) => kind.flags) }),
      fc.record({ balanceLimit }),
      fc.record({ userData128: userData.userData128 }),
      fc.record({ userData64: userData.userData64 }),
      fc.record({ userData32: userData.userData32 }),
      fc.record({ ledger }),
      fc.record({ code: fc.constantFrom(0, 1, 2) }),
    ),
  ],
);

function account(
  pool: readonly AccountTemplate[],
  imported: boolean,
  isLinked: fc.Arbitrary<boolean>,
): fc.Arbitrary<Timed<Account>> {
  return fc
    .record({
      template: fc.nat(pool.length - 1),
      mutation: accountMutation,
      linked: isLinked,
      imported: importedFlag(imported, F.imported),
      moment: moment(imported),
    })
    .map(({ template, mutation, linked: chained, imported: isImported, moment: at }) => {
      const record = { ...pool[template]!, ...mutation };
      return { ...record, moment: at, flags: record.flags | isImported | (chained ? F.linked : 0) };
    });
}

const T = TransferFlags;

const closing = fc.constantFrom(T.closing_debit, T.closing_credit, T.closing_debit | T.closing_credit);
const anyFlags = fc.integer({ min: 0, max: 0xffff }).map((flags) => flags & ~(T.linked | T.imported));

const movementKind = weighted<number>(
  [8, fc.constantFrom<number>(0, T.pending)],
  [3, fc.constantFrom(T.balancing_debit, T.balancing_credit, T.balancing_debit | T.balancing_credit)],
  [1, fc.constantFrom(T.balancing_debit | T.pending, T.balancing_credit | T.pending)],
  [1, fc.constantFrom(0, T.pending).chain((pending) => closing.map((flags) => flags | pending))],
);

const resolutionFlags = weighted<number>(
  [20, fc.constantFrom<number>(T.post_pending_transfer, T.void_pending_transfer)],
  [1, anyFlags.map((flags) => flags | T.post_pending_transfer)],
);

/** Fields of a transfer, without what its batch decides. */
type TransferTemplate = Omit<Transfer, 'timestamp'>;

const movement: fc.Arbitrary<TransferTemplate> = movementKind.chain((flags) => {
  const pending = (flags & T.pending) !== 0;
  return fc
    .record({
      id: transferId,
      flags: fc.constant(flags),
      accounts: differentAccounts,
      amount,
      pendingId: usually(0n, 1n),
      ...userData,
      timeout: pending
        ? weighted([6, fc.constantFrom(0, 1, 2)], [1, fc.constantFrom(60, TIMEOUT_MAX_SECONDS)])
        : usually(0, 1),
      ledger: weighted([40, fc.constant(1)], [2, fc.constant(2)], [1, fc.constantFrom(0, 3)]),
      code: usually(1, 2, 0),
    })
    .map(({ accounts: [debitAccountId, creditAccountId], ...rest }) => ({
      ...rest,
      debitAccountId,
      creditAccountId,
    }));
});

/** Posts and voids of `movements`, wherever these end up. */
function resolution(movements: readonly TransferTemplate[]): fc.Arbitrary<TransferTemplate> {
  const pendingIds = movements.filter(({ flags }) => (flags & T.pending) !== 0).map(({ id }) => id);
  return fc.record({
    id: transferId,
    flags: resolutionFlags,
    debitAccountId: usually(0n, 1n, 2n),
    creditAccountId: usually(0n, 1n, 2n),
    amount: weighted([3, fc.constantFrom(0n, U128_MAX)], [2, amount]),
    pendingId: weighted(
      [30, fc.constantFrom(...(pendingIds.length > 0 ? pendingIds : [1n]))],
      [2, transferId],
    ),
    ...userData,
    timeout: usually(0, 1),
    ledger: weighted([20, fc.constant(0)], [1, fc.constantFrom(1, 2)]),
    code: usually(0, 1, 2),
  });
}

const transferTemplates: fc.Arbitrary<TransferTemplate[]> = fc
  .array(movement, { minLength: 4, maxLength: 16, size: 'max' })
  .chain((movements) =>
    fc
      .array(resolution(movements), { minLength: 2, maxLength: 8, size: 'max' })
      .map((resolutions) => [...movements, ...resolutions]),
  );

/** One field changed; most of the time none. */
const transferMutation: fc.Arbitrary<Partial<TransferTemplate>> = weighted<Partial<TransferTemplate>>(
  [16, fc.constant({})],
  [40, fc.record({ id: fc.bigInt({ min: 100n, max: 900n }) })],
  [6, fc.record({ id: transferId })],
  [
    6,
    fc.oneof(
      fc.record({ debitAccountId: accountId }),
      fc.record({ creditAccountId: accountId }),
      fc.record({ amount }),
      fc.record({ pendingId: transferId }),
      fc.record({ userData128: userData.userData128 }),
      fc.record({ userData64: userData.userData64 }),
      fc.record({ userData32: userData.userData32 }),
      fc.record({ timeout: fc.constantFrom(0, 1, 2) }),
      fc.record({ ledger: fc.constantFrom(0, 1, 2) }),
      fc.record({ code: fc.constantFrom(0, 1, 2) }),
      fc.record({ flags: weighted([4, movementKind], [4, resolutionFlags], [1, closing], [1, anyFlags]) }),
    ),
  ],
);

function transfer(
  pool: readonly TransferTemplate[],
  imported: boolean,
  isLinked: fc.Arbitrary<boolean>,
): fc.Arbitrary<Timed<Transfer>> {
  return fc
    .record({
      template: fc.nat(pool.length - 1),
      mutation: transferMutation,
      linked: isLinked,
      imported: importedFlag(imported, T.imported),
      moment: moment(imported),
    })
    .map(({ template, mutation, linked: chained, imported: isImported, moment: at }) => {
      const record = { ...pool[template]!, ...mutation };
      return { ...record, moment: at, flags: record.flags | isImported | (chained ? T.linked : 0) };
    });
}

/** What accounts have as user_data_64, and orders as key_id. */
const KEY = 7n;

/** Numbers of one window, of the next, and the last one. */
const sequence = weighted(
  [30, fc.bigInt({ min: 1n, max: 40n })],
  [10, fc.bigInt({ min: 41n, max: 130n })],
  [1, fc.constantFrom(0n, U64_MAX - 64n, U64_MAX)],
);
const verdict = weighted<number>(
  [60, fc.constant(OrderVerdict.good)],
  [2, fc.constantFrom(OrderVerdict.not_checked, OrderVerdict.bad, OrderVerdict.foreign)],
  [1, fc.constantFrom(4, 0xffff_ffff)],
);
const reference = usually(new Uint8Array(32), new Uint8Array(32).fill(1), new Uint8Array(32).fill(1, 31));
const expiry = weighted<Moment>(
  [10, fc.constant({ from: 'max', delta: 0n })],
  [2, fc.record({ from: fc.constant('now'), delta: fc.bigInt({ min: -1n, max: 2n }) })],
  [2, fc.record({ from: fc.constant('now'), delta: fc.bigInt({ min: 1n, max: 3n * SECOND }) })],
);

type OrderTemplate = Omit<TimedOrder, 'moment'>;

const orderTemplate: fc.Arbitrary<OrderTemplate> = fc.constantFrom<number>(0, T.pending).chain((flags) =>
  fc
    .record({
      id: transferId,
      flags: fc.constant(flags),
      accounts: differentAccounts,
      amount,
      pendingId: usually(0n, 1n),
      ...userData,
      timeout: flags === 0 ? usually(0, 1) : fc.constantFrom(0, 1, 2),
      ledger: weighted([40, fc.constant(1)], [2, fc.constantFrom(0, 2)]),
      code: usually(1, 2, 0),
      reference,
      sequence,
      expiry,
      keyId: usually(KEY, 0n, 8n),
      verdict,
      signature: fc.constant(new Uint8Array(64).fill(5)),
    })
    .map(({ accounts: [debitAccountId, creditAccountId], ...rest }) => ({
      ...rest,
      debitAccountId,
      creditAccountId,
    })),
);

/** One field changed; most of the time the id and the sequence number, as the next order of a device has them. */
const orderMutation: fc.Arbitrary<Partial<OrderTemplate>> = weighted<Partial<OrderTemplate>>(
  [10, fc.constant({})],
  [30, fc.record({ id: fc.bigInt({ min: 1000n, max: 1900n }), sequence })],
  [4, fc.record({ id: transferId })],
  [
    6,
    fc.oneof(
      fc.record({ debitAccountId: accountId }),
      fc.record({ creditAccountId: accountId }),
      fc.record({ amount }),
      fc.record({ sequence }),
      fc.record({ expiry }),
      fc.record({ keyId: fc.constantFrom(0n, KEY, 8n) }),
      fc.record({ reference }),
      fc.record({ verdict }),
      fc.record({ flags: weighted([4, fc.constantFrom<number>(0, T.pending)], [1, anyFlags]) }),
    ),
  ],
);

function order(pool: readonly OrderTemplate[]): fc.Arbitrary<TimedOrder> {
  return fc
    .record({ template: fc.nat(pool.length - 1), mutation: orderMutation, moment: moment(false) })
    .map(({ template, mutation, moment: at }) => ({ ...pool[template]!, ...mutation, moment: at }));
}

const terms: fc.Arbitrary<Timed<OrderTerms>> = fc.record({
  accountId,
  paymentMax: weighted([3, fc.constant(0n)], [4, fc.constantFrom(1n, 5n, 100n, 1n << 64n, U128_MAX)]),
  dayMax: weighted([3, fc.constant(0n)], [4, fc.constantFrom(1n, 12n, 100n, 1n << 64n, U128_MAX)]),
  flags: weighted([12, fc.constant(0)], [3, fc.constant(1)], [1, fc.constantFrom(2, 0x8000)]),
  moment: moment(false),
});

const importedBatch = weighted([3, fc.constant(false)], [1, fc.constant(true)]);

const rangeEnd = weighted<Moment>(
  [6, fc.constant({ from: 'zero', delta: 0n })],
  [
    3,
    fc.record({
      from: fc.constantFrom('account', 'transfer', 'now'),
      delta: fc.bigInt({ min: -60n, max: 5n }),
    }),
  ],
  [1, fc.record({ from: fc.constantFrom('zero', 'max'), delta: fc.bigInt({ min: 0n, max: 1n }) })],
);
const range = fc.record({ min: rangeEnd, max: rangeEnd });
const limit = weighted(
  [6, fc.constant(8190)],
  [3, fc.integer({ min: 1, max: 5 })],
  [1, fc.constantFrom(0, 0xffff_ffff)],
);

function step(
  accounts: readonly AccountTemplate[],
  transfers: readonly TransferTemplate[],
  orders: readonly OrderTemplate[],
): fc.Arbitrary<Step> {
  return weighted<Step>(
    [
      4,
      importedBatch.chain((imported) =>
        fc.record({
          kind: fc.constant('accounts'),
          advance,
          events: batch((isLinked) => account(accounts, imported, isLinked), 6),
        }),
      ),
    ],
    [
      12,
      importedBatch.chain((imported) =>
        fc.record({
          kind: fc.constant('transfers'),
          advance,
          events: batch((isLinked) => transfer(transfers, imported, isLinked), 14),
        }),
      ),
    ],
    [
      6,
      fc.record({
        kind: fc.constant('orders'),
        advance,
        events: fc.array(order(orders), { minLength: 1, maxLength: 14, size: 'max' }),
      }),
    ],
    [
      1,
      fc.record({
        kind: fc.constant('terms'),
        advance,
        events: fc.array(terms, { minLength: 1, maxLength: 4, size: 'max' }),
      }),
    ],
    [
      2,
      fc.record({
        kind: fc.constant('history'),
        filter: fc.record({
          accountId,
          ...userData,
          code: usually(0, 1, 2),
          limit,
          flags: weighted([8, fc.integer({ min: 1, max: 7 })], [1, fc.constantFrom(0, 4, 8, 0x8000_0003)]),
        }),
        range,
      }),
    ],
    [1, fc.record({ kind: fc.constant('changes'), filter: fc.record({ limit }), range })],
  );
}

/** Kinds of accounts that are accepted. */
const openingKind = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ flags: 0, balanceLimit: 0 }) },
  { weight: 1, arbitrary: fc.constant({ flags: F.debits_must_not_exceed_credits, balanceLimit: 0 }) },
  { weight: 1, arbitrary: fc.constant({ flags: F.credits_must_not_exceed_debits, balanceLimit: 0 }) },
  {
    weight: 2,
    arbitrary: fc.record({
      flags: fc.constantFrom(
        F.credit_balance_limited,
        F.debit_balance_limited,
        F.credit_balance_limited | F.debits_must_not_exceed_credits,
      ),
      balanceLimit: fc.constantFrom(0, 12, 100, (1 << 27) | 1, ((30 << 27) | 0x7ff_ffff) >>> 0),
    }),
  },
);

/** The accounts that scenarios begin with: six in one ledger, two in another. */
const openingAccounts: fc.Arbitrary<AccountTemplate[]> = fc
  .tuple(...ACCOUNT_IDS.map(() => fc.record({ kind: openingKind, history, key: usually(KEY, 0n) })))
  .map((accounts) =>
    accounts.map(({ kind, history: keptHistory, key }, i) => ({
      id: ACCOUNT_IDS[i]!,
      debitsPending: 0n,
      debitsPosted: 0n,
      creditsPending: 0n,
      creditsPosted: 0n,
      userData128: 0n,
      userData64: key,
      userData32: 0,
      balanceLimit: kind.balanceLimit,
      ledger: i < 6 ? 1 : 2,
      code: 1,
      flags: kind.flags | keptHistory,
    })),
  );

function openingStep(accounts: readonly AccountTemplate[]): Step {
  const events = accounts.map((event) => ({ ...event, moment: { from: 'zero', delta: 0n } as const }));
  return { kind: 'accounts', advance: { until: 'later', nanoseconds: 1000n }, events };
}

export const scenario: fc.Arbitrary<Scenario> = fc
  .record({
    opening: openingAccounts,
    later: fc.array(laterAccount, { minLength: 2, maxLength: 8, size: 'max' }),
    transfers: transferTemplates,
    orders: fc.array(orderTemplate, { minLength: 3, maxLength: 10, size: 'max' }),
  })
  .chain(({ opening, later, transfers, orders }) =>
    fc
      .record({
        start,
        steps: fc.array(step([...opening, ...later], transfers, orders), {
          minLength: 1,
          maxLength: 24,
          size: 'max',
        }),
      })
      .map(({ start: clock, steps }) => ({ start: clock, steps: [openingStep(opening), ...steps] })),
  );
