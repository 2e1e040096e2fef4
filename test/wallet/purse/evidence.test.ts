// What a wallet keeps of other purses, to find out one that spends twice.
import { expect, test } from 'vitest';
import type { TransferReceipt } from '../../../src/roles/documents/transfer.ts';
import type { ReceivedPayment } from '../../../src/wallet/peer/records.ts';
import { PurseBook } from '../../../src/wallet/purse/purse-book.ts';
import { StoredPurseLedger } from '../../../src/wallet/purse/purse-ledger.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { element, payment } from '../peer/rogue.ts';
import { NOW, newWorld, TestWallet } from '../peer/support.ts';

test('a payer that names two payments alike does not wipe out the first', async () => {
  const storage = new MemoryStorage();
  const book = {
    hasPurses: true,
    alone: <T>(work: (write: (puts: never) => Promise<void>) => Promise<T>) =>
      work((puts) => storage.write(puts)),
  };
  const ledger = new StoredPurseLedger(new PurseBook(book as never, storage), 1);
  const world = newWorld();
  const [cat, ada, ben, own] = [1, 2, 3, 4].map((seed) => new TestWallet(world, seed, 1_000n));
  const nonceOf = (fill: number) => new Uint8Array(32).fill(fill);
  // Cat pays Ada and Ben under one name; each of them leans on that when it pays this purse.
  for (const [n, payer] of [ada!, ben!].entries()) {
    const ask = { nonce: nonceOf(n + 1), memo: '' };
    const first = payment(cat!, payer, ask, {
      request: 7n,
      amount: 10n,
      sequence: BigInt(n + 1),
      total: 10n * BigInt(n + 1),
    });
    const message = payment(payer, own!, ask, { request: BigInt(100 + n), funding: [element(first, cat!)] });
    await ledger.ask({ ...ask, payer: payer.number, amount: undefined, askedAt: NOW });
    const receipt = {
      document: {
        ...{
          request: BigInt(100 + n),
          orderDigest: new Uint8Array(32),
          payer: payer.number,
          payee: own!.number,
        },
        ...{ amount: 500n, currency: 978, nonce: ask.nonce, receivedAt: NOW },
      } satisfies TransferReceipt,
      signature: new Uint8Array(64),
    };
    const received: ReceivedPayment = {
      message,
      allowance: payer.purse.allowance,
      payer: payer.purse.certificate,
      receipt,
    };
    await ledger.add(received);
  }
  expect(await ledger.seen(cat!.number)).toHaveLength(2);
});
