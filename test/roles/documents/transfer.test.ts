// Orders from purse to purse, and what proves a fraud: never anything that an honest purse can sign.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import { keyIdOf } from '../../../src/identity/key-set.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { PaymentOrderLayout } from '../../../src/layout/generated.ts';
import { checkFraudProof, type FraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import { orderSignedBytes } from '../../../src/roles/documents/payment-order.ts';
import { PurseClosing } from '../../../src/roles/documents/purse.ts';
import {
  encodeHandover,
  type HandoverContent,
  readHandover,
  transferReference,
} from '../../../src/roles/documents/transfer.ts';
import { PaymentMessage, PeerIdentity, PeerMessage } from '../../../src/wallet/peer/messages.ts';

const signer = ed25519.signingKey(new Uint8Array(32).fill(7));
const stranger = ed25519.signingKey(new Uint8Array(32).fill(8));
const checks = { verify: systemCrypto.verify, sha256: (message: Uint8Array) => sha256(message) };

const PURSE = 1n << 100n;
const content: HandoverContent = {
  request: 5n,
  payer: PURSE,
  payee: PURSE + 1n,
  amount: 30n,
  currency: 978,
  sequence: 1n,
  total: 30n,
  reference: new Uint8Array(32).fill(3),
  reportBy: 1_000n,
  keyId: keyIdOf(signer.publicKey, systemCrypto.sha256),
};

function signed(changes: Partial<HandoverContent>, by = signer): Uint8Array {
  const order = encodeHandover({ ...content, ...changes });
  order.set(by.sign(orderSignedBytes(order)), PaymentOrderLayout.signature);
  return order;
}

function proofOf(first: Uint8Array, second: Uint8Array): FraudProof {
  return { signingKey: signer.publicKey, evidence: { kind: 'orders', first, second } };
}

function closingOf(lastSequence: bigint, total: bigint) {
  const document = { purse: PURSE, lastSequence, total };
  return { document, signature: signer.sign(PurseClosing.signedBytes(document)) };
}

test('an order is read as it was written', () => {
  const { keyId, ...rest } = content;
  expect(readHandover(signed({}))).toMatchObject(rest);
});

test.each([
  ['code', PaymentOrderLayout.code],
  ['flags', PaymentOrderLayout.flags],
  ['pendingId', PaymentOrderLayout.pendingId],
  ['userData64', PaymentOrderLayout.userData64],
  ['userData32', PaymentOrderLayout.userData32],
  ['timeout', PaymentOrderLayout.timeout],
  ['timestamp', PaymentOrderLayout.timestamp],
  ['verdict', PaymentOrderLayout.verdict],
  ['reserved0', PaymentOrderLayout.reserved0],
])('an order with something else in %s is none from purse to purse', (_, at) => {
  const order = signed({});
  order[at]! ^= 1;
  expect(readHandover(order)).toBeUndefined();
});

test('255 bytes are no order', () => {
  expect(() => readHandover(signed({}).subarray(1))).toThrow('expected 256 bytes, got 255');
});

test('a reference is of all that was agreed on', () => {
  const terms = {
    ...{ request: 5n, payer: PURSE, payee: PURSE + 1n, amount: 30n, currency: 978 },
    ...{ nonce: new Uint8Array(32).fill(1), memo: 'lunch' },
  };
  const reference = (changes: object): string =>
    Buffer.from(transferReference({ ...terms, ...changes }, checks.sha256)).toString('hex');
  const all = [
    {},
    { request: 6n },
    { payer: PURSE + 2n },
    { payee: PURSE + 2n },
    { amount: 31n },
    { currency: 840 },
    { nonce: new Uint8Array(32).fill(2) },
    { memo: 'dinner' },
  ].map(reference);
  expect(new Set(all).size).toBe(all.length);
});

describe('fraud', () => {
  test('two orders under one number', () => {
    const proof = proofOf(signed({}), signed({ request: 6n, payee: PURSE + 2n }));
    expect(checkFraudProof(proof, checks)).toEqual({ purse: PURSE, kind: 'same_sequence' });
  });

  test('a total that leaves out an earlier payment', () => {
    const later = signed({ request: 6n, sequence: 3n, amount: 20n, total: 49n });
    expect(checkFraudProof(proofOf(signed({}), later), checks)).toEqual({
      ...{ purse: PURSE, kind: 'totals_contradict' },
    });
    expect(checkFraudProof(proofOf(later, signed({})), checks)?.kind).toBe('totals_contradict');
  });

  test.each([
    ['number', { sequence: 2n, amount: 5n, total: 35n }],
    ['total', { sequence: 1n, amount: 31n, total: 31n }],
  ])('an order beyond the %s of its closing', (_, changes) => {
    const evidence = { kind: 'closing', order: signed(changes), closing: closingOf(1n, 30n) } as const;
    expect(checkFraudProof({ signingKey: signer.publicKey, evidence }, checks)).toEqual({
      ...{ purse: PURSE, kind: 'after_closing' },
    });
  });

  const other = { request: 6n, payee: PURSE + 2n };
  test.each([
    ['one order twice', signed({}), signed({})],
    ['orders of two purses', signed({}), signed({ ...other, payer: PURSE + 9n })],
    ['one that another key has signed', signed({}), signed(other, stranger)],
    ['one under another key id', signed({}), signed({ ...other, keyId: new Uint8Array(8).fill(1) })],
    ['one that no purse would take: total', signed({}), signed({ ...other, total: 31n })],
    ['one that no purse would take: nothing', signed({}), signed({ ...other, amount: 0n, total: 0n })],
    ['one that no purse would take: number', signed({}), signed({ ...other, sequence: 65n, total: 10n })],
    ['an order of another kind', signed({}), new Uint8Array(256)],
  ])('is not proven by %s', (_, first, second) => {
    expect(checkFraudProof(proofOf(first, second), checks)).toBeUndefined();
    expect(checkFraudProof(proofOf(second, first), checks)).toBeUndefined();
  });

  test('is not proven by a closing that another key has signed', () => {
    const document = { purse: PURSE, lastSequence: 0n, total: 0n };
    const closing = { document, signature: stranger.sign(PurseClosing.signedBytes(document)) };
    const evidence = { kind: 'closing', order: signed({}), closing } as const;
    expect(checkFraudProof({ signingKey: signer.publicKey, evidence }, checks)).toBeUndefined();
  });

  test('nothing that an honest purse signs proves anything', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(1n, 1n << 64n), { minLength: 2, maxLength: 8 }), (amounts) => {
        let total = 0n;
        const orders = amounts.map((amount, i) => {
          total += amount;
          return signed({ request: BigInt(i + 1), amount, total, sequence: BigInt(i + 1) });
        });
        const closing = closingOf(BigInt(amounts.length), total);
        for (const order of orders) {
          for (const another of orders) {
            expect(checkFraudProof(proofOf(order, another), checks)).toBeUndefined();
          }
          const evidence = { kind: 'closing', order, closing } as const;
          expect(checkFraudProof({ signingKey: signer.publicKey, evidence }, checks)).toBeUndefined();
        }
      }),
      { numRuns: 15 },
    );
  });
});

test('what wallets say to each other is bounded', () => {
  expect(PeerIdentity.bytesMax).toBeLessThan(1_024);
  expect(PaymentMessage.bytesMax).toBeLessThan(32_768);
  expect(PeerMessage.bytesMax).toBe(PaymentMessage.bytesMax + 1);
});
