// What a fresh wallet does in flows 1 to 3, with an end of each kind.
import { expect } from 'vitest';
import { SPECIAL_ACCOUNTS } from '../../src/institution/account-number.ts';
import type { Around } from './enumeration.ts';
import { cents, type System } from './system.ts';

/** The balance limit of a system for these, in units: what goes beyond it is charged and given back. */
export const BALANCE_MAX = '500';

/**
 * Enrols with an account on file, loads with the number given (claim 4) and with the one on file (claim 5), goes beyond the
 * balance limit, and is declined. Resolves when each of these has come to its end, and checks the ends.
 * @param around runs each request
 */
export async function everyFlow(system: System, around: Around): Promise<void> {
  const { wallet, card } = await system.newWallet();
  const { insufficientFunds } = SPECIAL_ACCOUNTS;
  const ends = [
    await around(() => wallet.enrol({ userData: 'Ada', accountNumber: card })),
    await around(() => wallet.load({ amount: cents(300n), accountNumber: card })),
    await around(() => wallet.load({ amount: cents(121n), onFile: true })),
    await around(() => wallet.load({ amount: cents(50_000n), onFile: true })),
    await around(() => wallet.load({ amount: cents(700n), accountNumber: insufficientFunds })),
  ];
  expect(ends.map(({ state }) => state.kind)).toEqual([
    'enrolled',
    'loaded',
    'loaded',
    'reversed',
    // What the institution has once not known, and declines then, settlement reverses to be sure.
    expect.stringMatching(/^(declined|reversed)$/),
  ]);
  const { balance, open } = await wallet.balance();
  expect(open).toEqual([]);
  expect(balance).toBe(421n);
  // Charged once, and nothing left that is held.
  expect(system.simulator.books.account(card)).toMatchObject({ captured: 421n, held: 0n });
  await wallet.close();
}
