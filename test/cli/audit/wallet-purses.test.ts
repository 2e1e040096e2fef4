// Payments from purse to purse: the auditor agrees with books that are right, and finds each single thing that can be wrong.
import { expect, test } from 'vitest';
import { comparePurses, type PurseBooks, type PurseTransfer } from '../../../src/cli/audit/purses.ts';
import { TransferCode } from '../../../src/roles/cash/accounts.ts';

const [ADA, BOB, DEVICE] = [71n, 72n, 7n];

const transfer = (id: bigint, debitAccountId: bigint, amount: bigint, code: number): PurseTransfer => ({
  ...{ id, debitAccountId, amount, code },
});

const handed = (request: bigint, amount: bigint, isSettled: boolean) => ({
  ...{ request, payer: ADA, payee: BOB, amount, hasReceipt: true, isSettled },
});

interface Books {
  ada: PurseBooks;
  bob: PurseBooks;
  atAda: PurseTransfer[];
  atBob: PurseTransfer[];
}

/** Ada has paid 300, which is settled, and 200, which nobody has reported. */
function books(): Books {
  const settled = transfer(1n, ADA, 300n, TransferCode.handover);
  const payments = [handed(1n, 300n, true), handed(2n, 200n, false)];
  const own = { isClosed: false, unseen: new Map<bigint, bigint>() };
  return {
    ada: { ...own, purse: ADA, wallet: 'ada', reserved: 1000n, sent: payments, received: [] },
    bob: { ...own, purse: BOB, wallet: 'bob', reserved: 0n, sent: [], received: payments },
    atAda: [transfer(9n, DEVICE, 1000n, TransferCode.reserve), settled],
    atBob: [settled],
  };
}

function findings({ ada, bob, atAda, atBob }: Books): string[] {
  const { check } = comparePurses(
    [ada, bob],
    new Map([
      [ADA, atAda],
      [BOB, atBob],
    ]),
  );
  return check.findings.map(({ text }) => text);
}

test('books that are right', () => {
  const { ada, bob, atAda, atBob } = books();
  const { check, handovers } = comparePurses(
    [ada, bob],
    new Map([
      [ADA, atAda],
      [BOB, atBob],
    ]),
  );
  expect(check).toMatchObject({ compared: 4, findings: [] });
  expect(handovers).toEqual({ sent: 2, settled: 1, unreported: 1, inDoubt: 0 });
});

const WRONG: readonly [string, (books: Books) => void, RegExp][] = [
  [
    'a payment that its payer does not have',
    (all) => {
      all.ada = { ...all.ada, sent: all.ada.sent.slice(0, 1) };
    },
    /payee: received 200, payer: not sent/,
  ],
  [
    'a receipt of a payee that does not have the payment',
    (all) => {
      all.bob = { ...all.bob, received: all.bob.received.slice(0, 1) };
    },
    /payer: paid 200, payee: not received/,
  ],
  [
    'another amount at cash',
    (all) => {
      all.atBob = [transfer(1n, ADA, 301n, TransferCode.handover)];
    },
    /wallet 300, cash 301/,
  ],
  [
    'a payment of a copy of the store',
    (all) => all.atAda.push(transfer(3n, ADA, 50n, TransferCode.handover)),
    /cash has paid 50, the wallet has not/,
  ],
  [
    'a receipt of cash without a transfer',
    (all) => {
      all.atAda = all.atAda.slice(0, 1);
    },
    /cash's receipt of 300, cash has no such transfer/,
  ],
  [
    'another reservation',
    (all) => {
      all.ada = { ...all.ada, reserved: 999n };
    },
    /wallet has reserved 999, cash 1000/,
  ],
  [
    'money in a purse that is closed',
    (all) => {
      all.ada = { ...all.ada, isClosed: true };
    },
    /closed, but cash has 700 in it/,
  ],
];

test.each(WRONG)('%s', (_, change, expected) => {
  const all = books();
  change(all);
  expect(findings(all)).toEqual([expect.stringMatching(expected)]);
});

test('what others have reported, and what cash has paid under an id of its own, is no fault', () => {
  const all = books();
  const derived = (0xffn << 120n) + 5n;
  all.atAda = [all.atAda[0]!, transfer(derived, ADA, 300n, TransferCode.handover)];
  all.atBob = [
    transfer(derived, ADA, 300n, TransferCode.handover),
    transfer(4n, 74n, 70n, TransferCode.handover),
  ];
  expect(findings(all)).toEqual([]);
});
