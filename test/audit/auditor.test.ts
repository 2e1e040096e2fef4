// The auditor is worth something only if it notices: ledgers that each break one promise, by being told something other
// than what was asked, or by telling something other than what they did.
import { describe, expect, test } from 'vitest';
import {
  AccountFlags,
  ChangeEventType,
  CreateTransferStatus,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import { modelTarget } from '../conformance/model-target.ts';
import type { ConformanceTarget } from '../conformance/target.ts';
import { auditTarget } from './audit-target.ts';
import { AuditError } from './auditor.ts';

const created = CreateTransferStatus.created;

/** Each answers what differs from an honest ledger. */
const liars: Record<
  string,
  { notices: RegExp; lie: (honest: ConformanceTarget) => Partial<ConformanceTarget> }
> = {
  'ignores the bound on a balance': {
    notices: /past its bound/,
    lie: (honest) => ({
      createAccounts: (timestamp, events) =>
        honest.createAccounts(
          timestamp,
          events.map((a) => ({
            ...a,
            flags: a.flags & ~AccountFlags.credit_balance_limited,
            balanceLimit: 0,
          })),
        ),
    }),
  },
  'lets an account be overdrawn': {
    notices: /past its bound/,
    lie: (honest) => ({
      createAccounts: (timestamp, events) =>
        honest.createAccounts(
          timestamp,
          events.map((a) => ({ ...a, flags: a.flags & ~AccountFlags.debits_must_not_exceed_credits })),
        ),
    }),
  },
  'refuses without a reason': {
    notices: /know no reason/,
    lie: (honest) => ({
      createAccounts: (timestamp, events) =>
        honest.createAccounts(
          timestamp,
          events.map((a) => (a.balanceLimit === 0 ? a : { ...a, balanceLimit: 14 + 3 * 2 ** 27 })),
        ),
    }),
  },
  'breaks chains apart': {
    notices: /chain of events/,
    lie: (honest) => changing(honest, (t) => ({ ...t, flags: t.flags & ~TransferFlags.linked })),
  },
  'moves a little more than was asked': {
    notices: /asked for/,
    lie: (honest) => changing(honest, (t) => (t.flags === 0 && t.amount === 77n ? { ...t, amount: 78n } : t)),
  },
  'never lets anything expire': {
    notices: /should have expired/,
    lie: () => ({ expire: async () => {} }),
  },
  'lets things expire too early': {
    notices: /came before/,
    lie: (honest) => changing(honest, (t) => (t.timeout === 4 ? { ...t, timeout: 1 } : t)),
  },
  'does not close accounts': {
    notices: /closes other accounts/,
    lie: (honest) => changing(honest, (t) => ({ ...t, flags: t.flags & ~TransferFlags.closing_debit })),
  },
  'posts where it should void': {
    notices: /expected a void/,
    lie: (honest) =>
      changing(honest, (t) =>
        t.flags === TransferFlags.void_pending_transfer
          ? { ...t, flags: TransferFlags.post_pending_transfer, amount: t.amount || (1n << 128n) - 1n }
          : t,
      ),
  },
  'says created of what it refused': {
    notices: /feed|chain of events/,
    lie: (honest) => ({
      createTransfers: async (timestamp, events) =>
        (await honest.createTransfers(timestamp, events)).map((result) =>
          result.status === CreateTransferStatus.exceeds_credits ? { ...result, status: created } : result,
        ),
    }),
  },
  'creates what it says it refused': {
    notices: /the feed tells of|next in the feed/,
    lie: (honest) => ({
      createTransfers: async (timestamp, events) => {
        const results = await honest.createTransfers(timestamp, events);
        const alone = results.length === 1 && events[0]!.amount > 300n;
        return alone ? [{ ...results[0]!, status: CreateTransferStatus.code_must_not_be_zero }] : results;
      },
    }),
  },
  'forgets which ids have failed': {
    notices: /had not failed before|had failed before/,
    lie: (honest) => ({
      createTransfers: async (timestamp, events) =>
        (await honest.createTransfers(timestamp, events)).map((result) =>
          result.status === CreateTransferStatus.exceeds_credits
            ? { ...result, status: CreateTransferStatus.overflows_debits }
            : result,
        ),
    }),
  },
  'gives existing transfers another timestamp': {
    notices: /expected its timestamp/,
    lie: (honest) => ({
      createTransfers: async (timestamp, events) =>
        (await honest.createTransfers(timestamp, events)).map((result) =>
          result.status === CreateTransferStatus.exists
            ? { ...result, timestamp: result.timestamp + 1n }
            : result,
        ),
    }),
  },
  'shows a balance that is off by one': {
    notices: /expected credits posted/,
    lie: (honest) => ({
      lookupAccounts: async (ids) => {
        const [first, ...others] = await honest.lookupAccounts(ids);
        return [{ ...first!, creditsPosted: first!.creditsPosted + 1n }, ...others];
      },
    }),
  },
  'loses an account': {
    notices: /expected \d+ accounts/,
    lie: (honest) => ({ lookupAccounts: async (ids) => (await honest.lookupAccounts(ids)).slice(1) }),
  },
  'loses a transfer': {
    notices: /expected \d+ transfers, got/,
    lie: (honest) => ({ lookupTransfers: async (ids) => (await honest.lookupTransfers(ids)).slice(1) }),
  },
  'leaves an expiry out of the feed': {
    notices: /should have expired/,
    lie: (honest) => ({
      getChangeEvents: async (filter) => {
        const events = await honest.getChangeEvents({ ...filter, limit: 8190 });
        return events.filter(({ type }) => type !== ChangeEventType.two_phase_expired).slice(0, filter.limit);
      },
    }),
  },
  'shows the feed out of order': {
    notices: /next in the feed/,
    lie: (honest) => ({
      getChangeEvents: async (filter) => (await honest.getChangeEvents(filter)).reverse(),
    }),
  },
  'shows a feed with wrong balances': {
    notices: /debit account: expected debits posted/,
    lie: (honest) => ({
      getChangeEvents: async (filter) =>
        (await honest.getChangeEvents(filter)).map((e) =>
          e.transferAmount === 77n ? { ...e, debitAccountDebitsPosted: e.debitAccountDebitsPosted - 77n } : e,
        ),
    }),
  },
  'shows a history with a gap': {
    notices: /transfers in its history/,
    lie: (honest) => ({
      getAccountTransfers: async (filter) =>
        (await honest.getAccountTransfers(filter)).filter(({ amount }) => amount !== 77n),
    }),
  },
  'shows past balances that do not add up': {
    notices: /do not add up/,
    lie: (honest) => ({
      getAccountBalances: async (filter) =>
        (await honest.getAccountBalances(filter)).map((b) => ({ ...b, debitsPosted: b.debitsPosted + 1n })),
    }),
  },
};

function changing(
  honest: ConformanceTarget,
  change: (transfer: Transfer) => Transfer,
): Partial<ConformanceTarget> {
  return { createTransfers: (timestamp, events) => honest.createTransfers(timestamp, events.map(change)) };
}

describe('the auditor notices a ledger that', () => {
  for (const [what, { lie, notices }] of Object.entries(liars)) {
    test(what, async () => {
      const honest = modelTarget();
      const failure = await auditTarget({ ...honest, ...lie(honest) }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(AuditError);
      expect((failure as AuditError).message).toMatch(notices);
    });
  }
});
