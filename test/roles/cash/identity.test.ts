// Receipts and keys through a rotation, with a directory as operators sign it.
import { expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import type { IdentitySource } from '../../../src/identity/own-keys.ts';
import { cashIdentity } from '../../../src/roles/cash/identity.ts';
import { CreditReceipts } from '../../../src/roles/cash/receipts.ts';
import { SettlementKeys } from '../../../src/roles/cash/settlement-keys.ts';
import { Signers } from '../../../src/roles/cash/signers.ts';
import { CreditReceipt } from '../../../src/roles/documents/receipts.ts';
import { DAY, directory, keySets, ROTATION, START, sourceOf, VERIFY_END } from '../../identity/support.ts';
import { keyIdOf } from './support.ts';

const [first, second] = keySets.cash;
const BEFORE = START + DAY;
const AFTER = ROTATION + DAY;

const source = (
  own: IdentitySource['current'] extends () => infer State ? State : never,
): IdentitySource => ({
  current: () => own,
});
const credited = (timestamp: bigint) => ({ request: 5n, device: 6n, amount: 7n, currency: 978, timestamp });

/** Which of cash's keys has signed. */
function signerOf(timestamp: bigint, now: bigint, own = [first, second]): number {
  const signers = new Signers(cashIdentity(source({ directory: directory(), keySets: own }), () => now));
  const { document, signature } = new CreditReceipts(signers).sign(credited(timestamp));
  signers.close();
  return [first, second].findIndex(({ signing }) => {
    if (Buffer.compare(keyIdOf(signing.publicKey), document.keyId) !== 0) return false;
    expect(ed25519.verify(signing.publicKey, CreditReceipt.signedBytes(document), signature)).toBe(true);
    return true;
  });
}

test('a receipt is signed by the key in use when the ledger wrote the transfer', () => {
  expect(signerOf(BEFORE, BEFORE)).toBe(0);
  expect(signerOf(BEFORE, AFTER)).toBe(0);
  expect(signerOf(AFTER, AFTER)).toBe(1);
});

test('by the current one when that one is gone, or does not count any more, or was never listed', () => {
  expect(signerOf(BEFORE, AFTER, [second])).toBe(1);
  expect(signerOf(BEFORE, VERIFY_END + 1n)).toBe(1);
  expect(signerOf(START - 1n, AFTER)).toBe(1);
});

test('the same bytes before and after a rotation, from one signer', () => {
  let now = BEFORE;
  const signers = new Signers(
    cashIdentity(source({ directory: directory(), keySets: [first, second] }), () => now),
  );
  const receipts = new CreditReceipts(signers);
  const before = CreditReceipt.signed.encode(receipts.sign(credited(BEFORE)));
  now = AFTER;
  receipts.sign(credited(AFTER));
  expect(CreditReceipt.signed.encode(receipts.sign(credited(BEFORE)))).toEqual(before);
  signers.close();
});

test('settlement keys count until their signatures do not; those of other roles never do', () => {
  let now = BEFORE;
  const keys = new SettlementKeys(cashIdentity(source({ directory: directory(), keySets: [] }), () => now));
  const [old, current] = keySets.settlement.map(({ signing }) => keyIdOf(signing.publicKey));
  expect(keys.find(old!)?.publicKey).toEqual(keySets.settlement[0].signing.publicKey);
  now = VERIFY_END;
  expect(keys.find(old!)).toBeDefined();
  now = VERIFY_END + 1n;
  expect(keys.find(old!)).toBeUndefined();
  expect(keys.find(current!)).toBeDefined();
  for (const { signing } of [...keySets.management, ...keySets.cash]) {
    expect(keys.find(keyIdOf(signing.publicKey))).toBeUndefined();
  }
  expect(keys.find(keyIdOf(keySets.settlement[1].channel.publicKey))).toBeUndefined();
  expect(keys.find(new Uint8Array(8))).toBeUndefined();
});

test('a key of settlement that the directory does not have makes cash look for a newer one', () => {
  const watched = sourceOf('cash');
  const { settlementKey } = cashIdentity(watched, () => AFTER);
  expect(settlementKey(keyIdOf(keySets.settlement[1].signing.publicKey))).toBeDefined();
  expect(watched.misses).toBe(0);
  expect(settlementKey(new Uint8Array(8))).toBeUndefined();
  expect(watched.misses).toBe(1);
});
