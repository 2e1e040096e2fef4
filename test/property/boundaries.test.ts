// Moments that random scenarios hardly ever hit to the nanosecond, on the model and the kernel side by side.
import { expect, test } from 'vitest';
import {
  type Account,
  CreateTransferStatusNames,
  TIMESTAMP_MAX,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import { kernelTarget } from '../kernel/kernel-target.ts';
import type { Advance, Moment, Step, Timed } from './arbitraries.ts';
import { play } from './player.ts';

const SECOND = 1_000_000_000n;
const zero: Moment = { from: 'zero', delta: 0n };
const later = (nanoseconds: bigint): Advance => ({ until: 'later', nanoseconds });
const untilExpiry = (nanoseconds: bigint): Advance => ({ until: 'expiry', nanoseconds });

function account(id: bigint): Timed<Account> {
  const balances = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };
  const userData = { userData128: 0n, userData64: 0n, userData32: 0 };
  return { id, ...balances, ...userData, balanceLimit: 0, ledger: 1, code: 1, flags: 0, moment: zero };
}

function transfer(fields: Partial<Timed<Transfer>>): Timed<Transfer> {
  const userData = { userData128: 0n, userData64: 0n, userData32: 0 };
  const ids = { id: 0n, debitAccountId: 0n, creditAccountId: 0n, pendingId: 0n };
  return {
    ...ids,
    amount: 0n,
    ...userData,
    timeout: 0,
    ledger: 0,
    code: 0,
    flags: 0,
    moment: zero,
    ...fields,
  };
}

function pending(id: bigint, timeout: number): Timed<Transfer> {
  const accounts = { debitAccountId: 1n, creditAccountId: 2n };
  return transfer({ id, ...accounts, amount: 5n, timeout, ledger: 1, code: 1, flags: TransferFlags.pending });
}

function post(id: bigint, pendingId: bigint): Timed<Transfer> {
  return transfer({ id, pendingId, flags: TransferFlags.post_pending_transfer });
}

function transfers(advance: Advance, ...events: Timed<Transfer>[]): Step {
  return { kind: 'transfers', advance, events };
}

/** Names of the statuses of all transfers, in order. */
async function statuses(start: bigint, ...steps: Step[]): Promise<string[]> {
  const seen: string[] = [];
  const opening: Step = { kind: 'accounts', advance: later(0n), events: [account(1n), account(2n)] };
  await play({ start, steps: [opening, ...steps] }, async () => kernelTarget(), {
    observe: (kind, { status }) => {
      if (kind === 'transfers') seen.push(CreateTransferStatusNames.get(status)!);
    },
  });
  return seen;
}

test('a pending transfer can be posted until one nanosecond before its expiry', async () => {
  const seen = await statuses(
    1000n,
    transfers(later(10n), pending(10n, 1)),
    transfers(later(10n), pending(11n, 1)),
    // Two nanoseconds before the first expiry; then a batch whose events are at one before, at, and one after it.
    transfers(untilExpiry(-2n), transfer({ id: 12n })),
    transfers(later(0n), post(13n, 10n), post(14n, 10n), post(15n, 10n)),
  );
  expect(seen.slice(3)).toEqual([
    'created',
    'pending_transfer_already_posted',
    'pending_transfer_already_posted',
  ]);
  const late = await statuses(
    1000n,
    transfers(later(10n), pending(10n, 1)),
    transfers(untilExpiry(-2n), transfer({ id: 12n })),
    transfers(later(0n), transfer({ id: 13n }), post(14n, 10n), post(15n, 10n)),
  );
  expect(late.slice(3)).toEqual(['pending_transfer_expired', 'pending_transfer_expired']);
});

test('a timeout may end with the end of time, not after it', async () => {
  const timeout = 0xffff_ffff;
  const last = TIMESTAMP_MAX - BigInt(timeout) * SECOND;
  const seen = await statuses(
    last - 10n,
    transfers(later(11n), pending(10n, timeout), pending(11n, timeout)),
  );
  expect(seen).toEqual(['created', 'overflows_timeout']);
});

test('what expires at the same moment expires in order of creation', async () => {
  const model = await play(
    {
      start: 1000n,
      steps: [
        { kind: 'accounts', advance: later(0n), events: [account(1n), account(2n)] },
        transfers(later(10n), pending(20n, 2)),
        transfers(later(SECOND), pending(10n, 1)),
        transfers(later(SECOND), transfer({ id: 30n })),
      ],
    },
    async () => kernelTarget(),
  );
  const changes = model.getChangeEvents({ timestampMin: 0n, timestampMax: 0n, limit: 10 });
  expect(changes.map(({ transferId }) => transferId)).toEqual([20n, 10n, 20n, 10n]);
});
