import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createCryptoPool } from '../../../src/crypto/index.ts';
import { checkCharges } from '../../../src/roles/settlement/check.ts';
import { SETTLEMENT_REFUSALS } from '../../../src/roles/settlement/errors.ts';
import {
  checkLimits,
  INSTITUTION_AMOUNT_MAX,
  SETTLEMENT_DEFAULTS,
} from '../../../src/roles/settlement/limits.ts';
import type { ChargeRequest } from '../../../src/roles/settlement/messages.ts';
import { isReserved, RESERVED_IDS_FROM, reversalId } from '../../../src/roles/settlement/reversal-id.ts';
import { sealOpener } from '../../../src/roles/settlement/seals.ts';
import {
  ACCOUNT_NUMBER,
  chargeRequest,
  EUR,
  KEYS,
  RETIRED_SEALING,
  sealedAccount,
  sealedContent,
  sealingPair,
  signedOrder,
  signingPair,
} from './support.ts';

const applyBy = 2_000_000_000_000_000_000n;
const limits = checkLimits({
  ...SETTLEMENT_DEFAULTS,
  amountMax: new Map([
    [EUR, 100_000n],
    [756, 5n],
  ]),
});
const openSeals = sealOpener((keyId) => KEYS.sealing(keyId, 0n));
const other = signingPair('another device');
const good = (request: bigint): ChargeRequest => chargeRequest({ request, applyBy });

const codesOf = async (requests: readonly ChargeRequest[]): Promise<string[]> =>
  (await checkCharges(requests, { limits, openSeals })).map((refusal) => refusal?.code ?? 'good');

function changed<Bytes extends Uint8Array>(bytes: Bytes, at = 0): Bytes {
  const copy = bytes.slice() as Bytes;
  copy[at]! ^= 1;
  return copy;
}

/** A plaintext as a device would seal it, changed. */
function content(change: (plaintext: Uint8Array) => void, device = signingPair('device')): Uint8Array {
  const plaintext = new Uint8Array(96);
  plaintext.set(device.publicKey);
  plaintext[32] = ACCOUNT_NUMBER.length;
  plaintext.set(Buffer.from(ACCOUNT_NUMBER), 33);
  change(plaintext);
  return plaintext;
}

const onFile = { purpose: 'file', request: 77n } as const;
const CASES: readonly (readonly [string, string, () => ChargeRequest])[] = [
  ['good', 'the number given', () => good(1n)],
  ['good', 'the number on file', () => chargeRequest({ request: 1n, applyBy, binding: onFile })],
  ['good', 'sealed to a retired key', () => chargeRequest({ request: 1n, applyBy, to: RETIRED_SEALING })],
  ['good', 'the largest amount', () => chargeRequest({ request: 1n, applyBy, amount: 100_000n })],
  ['good', 'the smallest amount', () => chargeRequest({ request: 1n, applyBy, amount: 1n })],
  ['good', 'twelve digits', () => chargeRequest({ request: 1n, applyBy, accountNumber: '123456789012' })],
  ['good', 'the largest id', () => good(RESERVED_IDS_FROM - 1n)],
  ['request_id_reserved', 'the id of a reversal', () => good(reversalId(5n))],
  ['request_id_reserved', 'the largest number', () => good(2n ** 128n - 1n)],
  ['currency_not_offered', 'dollars', () => chargeRequest({ request: 1n, applyBy, currency: 840 })],
  ['amount_too_small', 'nothing', () => chargeRequest({ request: 1n, applyBy, amount: 0n })],
  [
    'amount_too_large',
    'one more than the limit',
    () => chargeRequest({ request: 1n, applyBy, amount: 100_001n }),
  ],
  [
    'amount_too_large',
    'of another currency',
    () => chargeRequest({ request: 1n, applyBy, currency: 756, amount: 6n }),
  ],
  [
    'amount_too_large',
    'the largest number',
    () => chargeRequest({ request: 1n, applyBy, amount: 2n ** 128n - 1n }),
  ],
  [
    'binding_mismatch',
    'another account that the same device has filed',
    () => chargeRequest({ request: 1n, applyBy, account: onFile.request + 1n, binding: onFile }),
  ],
  [
    'binding_mismatch',
    'the account on file, of an order with which one was given',
    () => chargeRequest({ request: 1n, applyBy, account: 1n, binding: onFile }),
  ],
  [
    'binding_mismatch',
    'the seal of another load',
    () => chargeRequest({ request: 1n, applyBy, binding: { purpose: 'load', request: 2n } }),
  ],
  [
    'binding_mismatch',
    "a shop's seal for payouts",
    () => chargeRequest({ request: 1n, applyBy, binding: { purpose: 'payout', request: 1n } }),
  ],
  [
    'signature_invalid',
    'another signature',
    () => ({ ...good(1n), order: { ...good(1n).order, signature: changed(good(1n).order.signature, 7) } }),
  ],
  [
    'signature_invalid',
    'the amount changed',
    () => {
      const { order, ...rest } = good(1n);
      return { ...rest, order: { ...order, document: { ...order.document, amount: 2501n } } };
    },
  ],
  [
    'signature_invalid',
    'the time changed',
    () => {
      const { order, ...rest } = good(1n);
      return { ...rest, order: { ...order, document: { ...order.document, applyBy: applyBy + 1n } } };
    },
  ],
  [
    'signature_invalid',
    'a key that is no key',
    () => {
      const { order, ...rest } = good(1n);
      return {
        ...rest,
        order: { ...order, document: { ...order.document, signingKey: new Uint8Array(32) } },
      };
    },
  ],
  [
    'seal_key_unknown',
    'sealed to a stranger',
    () => chargeRequest({ request: 1n, applyBy, to: sealingPair('stranger') }),
  ],
  [
    'seal_invalid',
    'another ciphertext',
    () => {
      const { account, ...rest } = good(1n);
      return { ...rest, account: { ...account, ciphertext: changed(account.ciphertext, 40) } };
    },
  ],
  [
    'seal_invalid',
    'an encapsulated key of small order',
    () => {
      const { account, ...rest } = good(1n);
      return { ...rest, account: { ...account, encapsulatedKey: new Uint8Array(32) } };
    },
  ],
  [
    'seal_invalid',
    'moved to the other key of settlement',
    () => {
      const { account, ...rest } = good(1n);
      const { keyId } = sealedAccount({ binding: onFile, to: RETIRED_SEALING });
      return { ...rest, account: { ...account, keyId } };
    },
  ],
  [
    'seal_invalid',
    'made for a load, shown as one on file',
    () => ({ ...good(1n), binding: { purpose: 'file', request: 1n } }),
  ],
  [
    'seal_invalid',
    'made for the file, shown as one for this load',
    () => ({
      ...chargeRequest({ request: 1n, applyBy, binding: { purpose: 'file', request: 1n } }),
      binding: { purpose: 'load', request: 1n },
    }),
  ],
  [
    'seal_invalid',
    'made for another enrolment',
    () => ({
      ...chargeRequest({ request: 1n, applyBy, account: 78n, binding: onFile }),
      binding: { purpose: 'file', request: 78n },
    }),
  ],
  [
    'seal_invalid',
    'a length beyond the end',
    () => sealedWith(content((plaintext) => plaintext.set([255], 32))),
  ],
  [
    'seal_invalid',
    'not padded with zeroes',
    () => sealedWith(content((plaintext) => plaintext.set([1], 95))),
  ],
  ['seal_invalid', 'letters that are none', () => sealedWith(content((plaintext) => plaintext.set([0], 34)))],
  [
    'key_mismatch',
    "another device's account",
    () => ({
      order: signedOrder({ request: 1n, applyBy, device: other }),
      account: sealedAccount({ binding: { purpose: 'load', request: 1n } }),
      binding: { purpose: 'load', request: 1n },
    }),
  ],
  [
    'key_mismatch',
    "another device's account on file",
    () => ({
      order: signedOrder({ request: 1n, applyBy, device: other, account: onFile.request }),
      account: sealedAccount({ binding: onFile }),
      binding: onFile,
    }),
  ],
  [
    'account_not_chargeable',
    'an IBAN',
    () => chargeRequest({ request: 1n, applyBy, accountNumber: 'DE02120300000000202051' }),
  ],
  [
    'account_not_chargeable',
    'eleven digits',
    () => chargeRequest({ request: 1n, applyBy, accountNumber: '12345678901' }),
  ],
  [
    'account_not_chargeable',
    'twenty digits',
    () => chargeRequest({ request: 1n, applyBy, accountNumber: '12345678901234567890' }),
  ],
];

function sealedWith(plaintext: Uint8Array): ChargeRequest {
  const binding = { purpose: 'load', request: 1n } as const;
  return {
    order: signedOrder({ request: 1n, applyBy }),
    account: sealedContent(plaintext, binding),
    binding,
  };
}

describe('checks of a charge', () => {
  test.each(CASES)('%s: %s', async (code, _, request) => {
    expect(await codesOf([request()])).toEqual([code]);
  });

  test('every refusal that a charge may get is tried', () => {
    const tried = new Set(CASES.map(([code]) => code));
    const untried = SETTLEMENT_REFUSALS.filter((code) => !tried.has(code));
    // The first is kept for its number, nothing answers with it; the others are a reversal's, and those of payouts.
    expect(untried).toEqual([
      'request_unknown',
      'rejection_required',
      'rejection_invalid',
      'rejection_mismatch',
      'payouts_not_offered',
      'page_invalid',
      'payout_known',
    ]);
  });

  test('bad ones leave the others of their batch as they are', async () => {
    const batch = CASES.flatMap(([code, , request]) => [
      { code, request: request() },
      { code: 'good', request: good(3n) },
    ]);
    expect(await codesOf(batch.map(({ request }) => request))).toEqual(batch.map(({ code }) => code));
    expect(await codesOf([])).toEqual([]);
  });

  test('the pool says the same', async () => {
    const pool = createCryptoPool();
    try {
      const requests = CASES.map(([, , request]) => request());
      const opening = sealOpener((keyId) => KEYS.sealing(keyId, 0n), pool);
      const refusals = await checkCharges(requests, { limits, openSeals: opening, pool });
      expect(refusals.map((refusal) => refusal?.code ?? 'good')).toEqual(CASES.map(([code]) => code));
    } finally {
      await pool.close();
    }
  });

  test('no refusal tells the account number', async () => {
    const requests = CASES.map(([, , request]) => request());
    for (const refusal of await checkCharges(requests, { limits, openSeals })) {
      expect(refusal?.message ?? '').not.toMatch(/9999001234|DE02120300|1234567890/);
    }
  });

  test('the first rule that is broken is the one that is told', async () => {
    const { order, account } = chargeRequest({ request: 1n, applyBy, currency: 840, amount: 0n });
    const broken: ChargeRequest = {
      order: { ...order, signature: new Uint8Array(64) },
      account: { ...account, keyId: new Uint8Array(8) },
      binding: { purpose: 'load', request: 2n },
    };
    expect(await codesOf([broken])).toEqual(['currency_not_offered']);
    const offered = signedOrder({ request: 1n, applyBy, amount: 0n });
    expect(await codesOf([{ ...broken, order: offered }])).toEqual(['amount_too_small']);
    const enough = signedOrder({ request: 1n, applyBy });
    expect(await codesOf([{ ...broken, order: enough }])).toEqual(['binding_mismatch']);
    const named = signedOrder({ request: 1n, applyBy, account: onFile.request });
    const unsigned = { ...named, signature: new Uint8Array(64) };
    expect(await codesOf([{ ...broken, order: unsigned, binding: onFile }])).toEqual(['signature_invalid']);
    expect(await codesOf([{ ...broken, order: named, binding: onFile }])).toEqual(['seal_key_unknown']);
  });

  test.prop([fc.nat({ max: 64 + 32 + 8 + 112 - 1 }), fc.integer({ min: 0, max: 7 })], { numRuns: 150 })(
    'no bit of a signature or a seal may change',
    async (at, bit) => {
      const { order, account, binding } = flipped;
      const parts = [order.signature, account.keyId, account.encapsulatedKey, account.ciphertext];
      let offset = at;
      const copies = parts.map((part) => {
        const copy = part.slice();
        if (offset >= 0 && offset < copy.length) copy[offset]! ^= 1 << bit;
        offset -= copy.length;
        return copy;
      });
      const [signature, keyId, encapsulatedKey, ciphertext] = copies as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ];
      const [code] = await codesOf([
        { order: { ...order, signature }, account: { keyId, encapsulatedKey, ciphertext }, binding },
      ]);
      // X25519 ignores the highest bit of a public key (RFC 7748), HPKE binds it all the same.
      expect(code).not.toBe('good');
    },
  );
});

const flipped = good(1n);

describe('limits', () => {
  test('are checked, and name their field', () => {
    const amountMax = new Map([[EUR, 1n]]);
    const base = { ...SETTLEMENT_DEFAULTS, amountMax };
    expect(checkLimits(base)).toBe(base);
    expect(() => checkLimits({ ...base, amountMax: new Map([[EUR, 0n]]) })).toThrow(
      'amountMax of currency 978',
    );
    expect(() => checkLimits({ ...base, amountMax: new Map([[EUR, INSTITUTION_AMOUNT_MAX + 1n]]) })).toThrow(
      'expected 1 to 999999999999, got 1000000000000',
    );
    expect(() => checkLimits({ ...base, institutionCallsMax: 0 })).toThrow('institutionCallsMax: expected');
    expect(() => checkLimits({ ...base, inquireForMs: 1.5 })).toThrow('inquireForMs: expected');
    expect(() => checkLimits({ ...base, answerWithinMs: -1 })).toThrow('answerWithinMs: expected');
  });

  test.prop([fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })])(
    'a reversal has an id that no charge has',
    (request) => {
      expect(isReserved(reversalId(request))).toBe(true);
      expect(reversalId(request)).toBeLessThan(2n ** 128n);
      expect(reversalId(request)).not.toBe(reversalId(request ^ 1n));
      expect(isReserved(request)).toBe(request >= RESERVED_IDS_FROM);
    },
  );

  test('the derived id is for ever', () => {
    expect(reversalId(1n).toString(16)).toMatchInlineSnapshot(`"ff70abdba78f6f67b60ea61967f57a16"`);
  });
});
