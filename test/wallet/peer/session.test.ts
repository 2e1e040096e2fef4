// Two wallets, a medium, nothing else.
import { expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import { PaymentReceipt } from '../../../src/roles/documents/payment-receipts.ts';
import { FUNDING_MAX } from '../../../src/roles/documents/transfer.ts';
import { Random } from '../../../src/shared/random.ts';
import { receiptContent } from '../../../src/wallet/peer/check-receipt.ts';
import { handoverOf } from '../../../src/wallet/peer/records.ts';
import { cash, meet, NOW, newWorld, paid, TestWallet } from './support.ts';

/** What a wallet has, whether or not a server knows. */
const heldBy = async ({ purse, ledger }: TestWallet): Promise<bigint> =>
  purse.allowance.document.amount + (await ledger.added()) - (await ledger.spent()).total;

/** Cash settles something that the wallet has received. */
function settle(wallet: TestWallet, message: Parameters<typeof receiptContent>[0]): void {
  const { request, orderDigest, payee, amount, currency } = receiptContent(message, wallet.crypto);
  const document: PaymentReceipt = {
    ...{ keyId: cash.keyId, request, kind: 'paid', orderDigest, shop: payee, amount, currency },
    ...{ reference: handoverOf(message).reference, timestamp: NOW },
  };
  const signature = ed25519.sign(cash.secretKey, PaymentReceipt.signedBytes(document));
  wallet.ledger.settled.set(request, { document, signature });
}

test('one pays the other: subtracted once, added once, each with the proof of it', async () => {
  const world = newWorld();
  const [ada, ben] = [new TestWallet(world, 1, 2_000n), new TestWallet(world, 2, 0n)];
  const { payer, payee } = await meet(ada, ben, { ask: { amount: 750n, memo: 'lunch' } });
  expect(payer).toMatchObject({ resumed: [], payee: { certificate: { purse: ben.number } } });
  expect(payee).toMatchObject({
    ...{ refused: [], isDone: true, declined: undefined },
    received: [{ again: false, isAsked: true }],
    payer: { certificate: { purse: ada.number } },
  });
  expect([await ada.ledger.subtracted(), await ben.ledger.added()]).toEqual([750n, 750n]);
  const [received] = await ben.ledger.allReceived();
  expect(handoverOf(received!.message)).toMatchObject({
    ...{ payer: ada.number, payee: ben.number, amount: 750n, sequence: 1n, total: 750n },
  });
  expect(received!.message.memo).toBe('lunch');
  expect(ada.events.map(({ type }) => type)).toEqual(['met', 'asked', 'prepared', 'sent', 'paid']);
  expect(ben.events.map(({ type }) => type)).toEqual(['met', 'received']);
});

test('what was received can be spent at once, with what funds it', async () => {
  const world = newWorld();
  const [ada, ben, eve] = [1, 2, 3].map((seed) => new TestWallet(world, seed, seed === 1 ? 1_000n : 100n));
  await paid(ada!, ben!, 600n);
  await paid(ben!, eve!, 650n);
  await paid(eve!, ada!, 700n);
  expect(await Promise.all([ada, ben, eve].map((wallet) => wallet!.ledger.added()))).toEqual([
    700n,
    600n,
    650n,
  ]);
  const [received] = await ada!.ledger.allReceived();
  expect(received!.message.funding).toHaveLength(2);
});

test('whatever honest wallets pay each other is taken, as long as its funding can be shown; no unit comes or goes', async () => {
  const world = newWorld();
  const random = new Random(20_260_611n);
  const wallets = [1, 2, 3, 4, 5].map((seed) => new TestWallet(world, seed, BigInt(100 * seed)));
  const total = 1_500n;
  let [short, longest] = [0, 0];
  for (let turn = 0; turn < 60; turn++) {
    const payer = random.pick(wallets);
    const payee = random.pick(wallets.filter((wallet) => wallet !== payer));
    const held = await heldBy(payer);
    const amount = BigInt(1 + random.below(160));
    const { payer: report } = await meet(payer, payee, { ask: { amount } });
    if (report instanceof Error) {
      // Never because of the payee.
      expect(report).toMatchObject({ code: 'not_covered', inDoubt: undefined });
      if (amount <= held) short += 1;
    } else {
      expect(amount).toBeLessThanOrEqual(held);
      longest = Math.max(longest, report.paid!.payment.message.funding.length);
    }
    expect((await Promise.all(wallets.map(heldBy))).reduce((sum, one) => sum + one)).toBe(total);
    const reporting = random.pick(wallets);
    const received = await reporting.ledger.allReceived();
    if (received.length > 0 && random.chance(0.2)) settle(reporting, random.pick(received).message);
  }
  expect(longest).toBeGreaterThan(5);
  expect(longest).toBeLessThanOrEqual(FUNDING_MAX);
  // Too many transfers behind it: there is one way to spend it, and that is online.
  expect(short).toBeLessThan(20);
  expect((await Promise.all(wallets.map(({ ledger }) => ledger.proofs()))).flat()).toEqual([]);
});
