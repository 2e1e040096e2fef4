// What a payee's terminal says when a payer brings a payment for the second time.
import { expect, test } from 'vitest';
import { newlyReceived, receivedText } from '../../src/cli/wallet/show-purse.ts';
import type { AskReport } from '../../src/wallet/peer/payee.ts';
import { payment, rogueSession } from '../wallet/peer/rogue.ts';
import { EUR, newWorld, TestWallet } from '../wallet/peer/support.ts';

test('a payment that was added before pays for nothing else', async () => {
  const world = newWorld();
  const [eve, ben] = [new TestWallet(world, 1, 1_000n), new TestWallet(world, 2, 0n)];
  let kept: ReturnType<typeof payment> | undefined;
  const bought = await rogueSession(eve, ben, (ask) => {
    kept = payment(eve, ben, ask);
    return [{ kind: 'payment', ...kept }];
  });
  const { received: first } = bought.payee as AskReport;
  expect([newlyReceived(first), receivedText(first, EUR)]).toEqual([
    500n,
    expect.stringMatching(/^received 5\.00 EUR\nrequest/),
  ]);
  // Ben asks for another 5.00, and Eve brings the first ones once more.
  const again = await rogueSession(eve, ben, () => [{ kind: 'payment', ...kept! }]);
  const { received: second } = again.payee as AskReport;
  expect(second).toMatchObject([{ again: true, isAsked: false }]);
  expect([newlyReceived(second), receivedText(second, EUR)]).toEqual([
    0n,
    expect.stringMatching(/^received 5\.00 EUR, which was added before: it is not paid again\n/),
  ]);
});
