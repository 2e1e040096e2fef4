// Every reason for which a wallet takes nothing from another, by its own code; none of them adds anything.
import { describe, expect, test } from 'vitest';
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import { issuePurseCertificate, PurseCertificate } from '../../../src/identity/purse-certificate.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { PaymentOrderLayout as At } from '../../../src/layout/generated.ts';
import { checkFraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import { PaymentReceipt, type SignedPaymentReceipt } from '../../../src/roles/documents/payment-receipts.ts';
import { PEER_REFUSAL_ADVICE } from '../../../src/wallet/peer/errors.ts';
import type { OwnPurse } from '../../../src/wallet/peer/ledger.ts';
import type { PaymentMessage } from '../../../src/wallet/peer/messages.ts';
import type { AskOptions } from '../../../src/wallet/peer/payee.ts';
import { keySets, rootKeys } from '../../identity/support.ts';
import { type Ask, element, payment, resigned, rogueSession, toldTo } from './rogue.ts';
import {
  cash,
  DAY,
  EUR,
  meet,
  NOW,
  newWorld,
  openPurse,
  paid,
  signedAllowance,
  TestWallet,
} from './support.ts';

const seen = new Set<string>();

interface Trio {
  readonly ada: TestWallet;
  readonly ben: TestWallet;
  /** Whose payments fund Ada's. */
  readonly eve: TestWallet;
}

function newTrio(): Trio {
  const world = newWorld();
  const wallet = (seed: number, amount: bigint) => new TestWallet(world, seed, amount);
  return { ada: wallet(1, 1_000n), ben: wallet(2, 0n), eve: wallet(3, 1_000n) };
}

/** A wallet of the same keys with other papers. */
function withPapers(wallet: TestWallet, papers: Partial<OwnPurse>): TestWallet {
  Object.assign(wallet, { purse: { ...wallet.purse, ...papers } });
  return wallet;
}

const certificateOf = (wallet: TestWallet, changes: Partial<PurseCertificate>, signer = management()) => {
  const { document } = PurseCertificate.signed.decode(wallet.purse.certificate);
  return PurseCertificate.signed.encode(
    issuePurseCertificate({ ...document, ...changes }, signer, systemCrypto),
  );
};
const management = () => ed25519.signingKey(keySets.management[0].signing.secretKey);

const lastByteChanged = (bytes: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(bytes);
  copy[copy.length - 1]! ^= 1;
  return copy;
};

describe('papers', () => {
  const papers: Record<string, (wallet: TestWallet) => Partial<OwnPurse>> = {
    certificate_malformed: () => ({ certificate: new Uint8Array(40) }),
    certificate_unknown_issuer: (wallet) => ({
      certificate: certificateOf(wallet, {}, ed25519.signingKey(rootKeys.secretKey)),
    }),
    certificate_bad_signature: ({ purse }) => ({ certificate: lastByteChanged(purse.certificate) }),
    certificate_not_yet_valid: (wallet) => ({ certificate: certificateOf(wallet, { notBefore: NOW + DAY }) }),
    certificate_expired: (wallet) => ({ certificate: certificateOf(wallet, { notAfter: NOW - 1n }) }),
    channel_key_differs: () => ({ certificate: openPurse(9, 0n).certificate }),
    currency_differs: (wallet) => ({ certificate: certificateOf(wallet, { currency: 840 }) }),
  };

  test.each(Object.entries(papers))("%s: of the payer, and of the payee's", async (code, change) => {
    seen.add(code);
    const one = newTrio();
    const fromPayer = await meet(withPapers(one.ada, change(one.ada)), one.ben);
    expect(fromPayer.payer).toMatchObject({ code: 'refused', refusal: { code }, inDoubt: undefined });
    expect(fromPayer.payee).toMatchObject({ code: 'peer_refused', refusal: { code } });
    const other = newTrio();
    const fromPayee = await meet(other.ada, withPapers(other.ben, change(other.ben)));
    expect(fromPayee.payer).toMatchObject({ code: 'peer_refused', refusal: { code }, inDoubt: undefined });
    expect(fromPayee.payee).toMatchObject({ code: 'link_broken' });
    for (const { ada, ben } of [one, other]) {
      expect([(await ada.ledger.sent()).length, await ben.ledger.added()]).toEqual([0, 0n]);
      // Nor has a stranger made it write anything.
      expect(ben.storage.writes).toBe(0);
    }
  });

  const allowances: Record<string, (own: OwnPurse) => Partial<OwnPurse>> = {
    allowance_unknown_issuer: ({ allowance: { document } }) => ({
      allowance: signedAllowance({ ...document, keyId: new Uint8Array(8) }),
    }),
    allowance_bad_signature: ({ allowance }) => ({
      allowance: { ...allowance, document: { ...allowance.document, amount: 1_000_000n } },
    }),
    allowance_differs: ({ allowance: { document } }) => ({
      allowance: signedAllowance({ ...document, signingKey: openPurse(9, 0n).keys.signingKey }),
    }),
    allowance_expired: ({ allowance: { document } }) => ({
      allowance: signedAllowance({ ...document, expiresAt: NOW }),
    }),
  };

  test.each(Object.entries(allowances))('%s', async (code, change) => {
    seen.add(code);
    const { ada, ben } = newTrio();
    const { payer, payee } = await meet(withPapers(ada, change(ada.purse)), ben);
    expect(payer).toMatchObject({ code: 'refused', refusal: { code } });
    expect(payee).toMatchObject({ code: 'peer_refused', refusal: { code } });
  });

  test('purse_blocked, own_purse, payee_differs', async () => {
    const blocked = newTrio();
    blocked.ada.world.blocked.add(blocked.ada.number);
    expect((await meet(blocked.ada, blocked.ben)).payer).toMatchObject({
      refusal: { code: 'purse_blocked' },
    });
    const own = newTrio();
    expect((await meet(own.ada, own.ada)).payer).toMatchObject({ refusal: { code: 'own_purse' } });
    const { ada, ben, eve } = newTrio();
    for (const payee of [{ purse: eve.number }, { channelKey: eve.purse.keys.channelKey }]) {
      const { payer, payee: other } = await meet(ada, ben, { pay: { payee } });
      expect(payer).toMatchObject({ code: 'peer_refused', refusal: { code: 'payee_differs' } });
      expect(other).toMatchObject({ code: 'link_broken' });
    }
    for (const code of ['purse_blocked', 'own_purse', 'payee_differs']) seen.add(code);
  });
});

describe('payments', () => {
  type Make = (ask: Ask, trio: Trio) => PaymentMessage;
  const secretOf = ({ ada }: Trio) => ada.purse.keys.signingSecret;
  const changed =
    (change: (order: Uint8Array, view: DataView) => void): Make =>
    (ask, trio) =>
      resigned(payment(trio.ada, trio.ben, ask), change, secretOf(trio));
  /** Ada's, which leans on one of Eve's. */
  const leaning =
    (change: (funding: PaymentMessage, trio: Trio) => PaymentMessage): Make =>
    (ask, trio) => {
      const { ada, ben, eve } = trio;
      const nonce = new Uint8Array(32);
      const before = payment(eve, ada, { nonce, memo: '' }, { request: 76n, amount: 400n });
      const funding = [element(change(before, trio), eve)];
      return payment(ada, ben, ask, { total: 1_400n, sequence: 2n, funding });
    };
  const funded =
    (funding: (trio: Trio) => PaymentMessage['funding'], total = 1_400n): Make =>
    (ask, trio) =>
      payment(trio.ada, trio.ben, ask, { total, sequence: 2n, funding: funding(trio) });
  const receipt = (changes: Partial<PaymentReceipt>, secretKey = cash.secretKey): SignedPaymentReceipt => {
    const document: PaymentReceipt = {
      ...{ keyId: cash.keyId, request: 76n, kind: 'paid', orderDigest: new Uint8Array(32), amount: 400n },
      ...{ shop: openPurse(1, 0n).allowance.document.purse, currency: EUR.ledger, timestamp: NOW },
      reference: new Uint8Array(32),
      ...changes,
    };
    return { document, signature: ed25519.sign(secretKey, PaymentReceipt.signedBytes(document)) };
  };
  const settled = (changes: Partial<PaymentReceipt>, secretKey?: Uint8Array): PaymentMessage['funding'] => [
    { kind: 'settled', receipt: receipt(changes, secretKey) },
  ];
  const noneOf = (): Uint8Array => new Uint8Array(32).fill(9);

  const table: [code: string, what: string, make: Make, ask?: AskOptions][] = [
    ['receipt', 'as it should be', (ask, { ada, ben }) => payment(ada, ben, ask)],
    ['receipt', 'leaning on another', leaning((order) => order)],
    ['receipt', 'leaning on what cash has settled', funded(() => settled({}))],
    ['order_malformed', 'a purchase', changed((_, view) => view.setUint16(At.code, 20, true))],
    ['payer_differs', "another payer's", (ask, { eve, ben }) => payment(eve, ben, ask)],
    ['order_payee_differs', 'to another', (ask, { ada, eve }) => payment(ada, eve, ask)],
    ['key_differs', 'of another key', changed((order) => order.fill(1, At.keyId, At.keyId + 8))],
    [
      'order_bad_signature',
      'changed on its way',
      (ask, { ada, ben }) => {
        const message = payment(ada, ben, ask);
        return { ...message, order: lastByteChanged(message.order) };
      },
    ],
    [
      'order_unsound',
      'number 65',
      (ask, { ada, ben }) => payment(ada, ben, ask, { sequence: 65n, total: 564n }),
    ],
    ['order_unsound', 'number 0', (ask, { ada, ben }) => payment(ada, ben, ask, { sequence: 0n })],
    [
      'order_unsound',
      'a total below the amount',
      (ask, { ada, ben }) => payment(ada, ben, ask, { total: 499n }),
    ],
    [
      'order_unsound',
      'a total that has no room for earlier ones',
      (ask, { ada, ben }) => payment(ada, ben, ask, { sequence: 3n, total: 501n }),
    ],
    ['currency_differs', 'in dollars', changed((_, view) => view.setUint32(At.ledger, 840, true))],
    [
      'report_by_differs',
      'for longer',
      changed((_, view) => view.setBigUint64(At.expiresAt, NOW + 99n * DAY, true)),
    ],
    [
      'nonce_unknown',
      'never asked for',
      (ask, { ada, ben }) => payment(ada, ben, { ...ask, nonce: noneOf() }),
    ],
    ['reference_differs', 'other terms', changed((order) => order.fill(1, At.reference, At.reference + 32))],
    ['amount_differs', 'less', (ask, { ada, ben }) => payment(ada, ben, ask, { amount: 499n })],
    ['amount_differs', 'more', (ask, { ada, ben }) => payment(ada, ben, ask, { amount: 501n })],
    [
      'memo_malformed',
      'moves the cursor',
      (ask, { ada, ben }) => payment(ada, ben, { ...ask, memo: '\u001b[2J' }),
    ],
    [
      'memo_differs',
      'for something else',
      (ask, { ada, ben }) => payment(ada, ben, { ...ask, memo: 'gift' }),
      { amount: 500n, memo: 'rent' },
    ],
    [
      'not_covered',
      'more than the allowance',
      (ask, { ada, ben }) => payment(ada, ben, ask, { total: 1_001n, sequence: 2n }),
    ],
    ['not_covered', 'more than all funding', funded(() => settled({}), 1_401n)],
    ['not_covered', 'what was paid to somebody else', funded(() => settled({ shop: 5n }))],
    [
      'funding_malformed',
      'a purchase',
      leaning((m, t) =>
        resigned(m, (_, v) => v.setUint16(At.code, 20, true), t.eve.purse.keys.signingSecret),
      ),
    ],
    ['funding_bad_signature', 'a forged order', leaning((m) => ({ ...m, order: lastByteChanged(m.order) }))],
    [
      'funding_differs',
      'in dollars',
      leaning((m, t) =>
        resigned(m, (_, v) => v.setUint32(At.ledger, 840, true), t.eve.purse.keys.signingSecret),
      ),
    ],
    [
      'funding_differs',
      "beside another purse's allowance",
      (ask, t) =>
        funded(() => [element(payment(t.eve, t.ada, ask, { request: 76n, amount: 400n }), t.ada)])(ask, t),
    ],
    ['funding_repeated', 'the same twice', funded(() => [...settled({}), ...settled({})], 1_800n)],
    ['funding_unknown_issuer', 'a receipt of nobody', funded(() => settled({ keyId: new Uint8Array(8) }))],
    ['funding_bad_signature', 'a forged receipt', funded(() => settled({}, new Uint8Array(32).fill(5)))],
    ['funding_differs', 'a reservation', funded(() => settled({ kind: 'reserved' }))],
    ['funding_differs', 'a receipt in dollars', funded(() => settled({ currency: 840 }))],
    [
      'funding_uncovered',
      'money that its payer had not',
      (ask, t) =>
        funded(() => [element(payment(t.eve, t.ada, ask, { request: 76n, amount: 1_001n }), t.eve)])(ask, t),
    ],
    [
      'contradiction',
      'one number twice',
      (ask, t) => {
        const twice = [1n, 2n].map((request) =>
          element(payment(t.eve, t.ada, ask, { request, amount: 200n }), t.eve),
        );
        return funded(() => twice)(ask, t);
      },
    ],
  ];

  test.each(table)('%s: %s', async (code, _, make, ask = { amount: 500n }) => {
    seen.add(code);
    const trio = newTrio();
    const { ada, ben } = trio;
    expect(await toldTo(ada, ben, (asked) => make(asked, trio), ask)).toBe(code);
    expect(await ben.ledger.added()).toBe(code === 'receipt' ? 500n : 0n);
    expect(await ben.ledger.proofs()).toHaveLength(code === 'contradiction' ? 1 : 0);
  });

  test('funding_blocked, funding_late', async () => {
    const trio = newTrio();
    const { ada, ben, eve } = trio;
    ada.world.blocked.add(eve.number);
    expect(await toldTo(ada, ben, (ask) => leaning((order) => order)(ask, trio))).toBe('funding_blocked');
    ada.world.blocked.clear();
    const { document } = eve.purse.allowance;
    withPapers(eve, { allowance: signedAllowance({ ...document, reportBy: NOW + DAY - 1n }) });
    expect(await toldTo(ada, ben, (ask) => leaning((order) => order)(ask, trio))).toBe('funding_late');
    for (const code of ['funding_blocked', 'funding_late']) seen.add(code);
  });

  test('nonce_used, request_known, and the same once more', async () => {
    const { ada, ben } = newTrio();
    let first: PaymentMessage | undefined;
    const { answers } = await rogueSession(ada, ben, (ask) => {
      first = payment(ada, ben, ask);
      const again = payment(ada, ben, ask, { request: 78n, sequence: 2n, total: 1_000n });
      const other = payment(ada, ben, ask, { sequence: 2n, total: 1_000n });
      return [first, again, other, first].map((message) => ({ kind: 'payment', ...message }) as const);
    });
    const told = answers.map((answer) => (answer.kind === 'refusal' ? answer.code : answer.kind));
    expect(told).toEqual(['receipt', 'nonce_used', 'request_known', 'receipt']);
    expect(answers[3]).toEqual(answers[0]);
    expect(await ben.ledger.added()).toBe(500n);
    for (const code of told) seen.add(code);
  });

  test('a nonce that another payer was asked with is unknown', async () => {
    const { ada, ben, eve } = newTrio();
    let nonce = new Uint8Array();
    await rogueSession(eve, ben, (ask) => {
      nonce = Uint8Array.from(ask.nonce);
      return [];
    });
    expect(await toldTo(ada, ben, (ask) => payment(ada, ben, { ...ask, nonce }))).toBe('nonce_unknown');
  });

  test('too_many_payments', async () => {
    const { ada, ben } = newTrio();
    const { answers, payee } = await rogueSession(ada, ben, (ask) =>
      Array.from({ length: 6 }, () => ({
        kind: 'payment',
        ...payment(ada, ben, { ...ask, nonce: noneOf() }),
      })),
    );
    expect(answers.map((answer) => answer.kind === 'refusal' && answer.code)).toEqual([
      ...Array.from({ length: 5 }, () => 'nonce_unknown'),
      'too_many_payments',
    ]);
    expect(payee).toMatchObject({ code: 'protocol_error' });
    seen.add('too_many_payments');
  });

  test('declined: the user says no', async () => {
    const { ada, ben } = newTrio();
    const { payer, payee } = await meet(ada, ben, { pay: { decide: () => undefined } });
    expect(payer).toMatchObject({ resumed: [], paid: undefined });
    expect(payee).toMatchObject({ received: [], declined: { code: 'declined' } });
    seen.add('declined');
  });
});

describe('contradictions', () => {
  test('two payments to one payee with one number: the second is refused, and anyone can check the proof', async () => {
    const { ada, ben } = newTrio();
    await paid(ada, ben, 500n);
    expect(await toldTo(ada, ben, (ask) => payment(ada, ben, ask))).toBe('contradiction');
    const [proof] = await ben.ledger.proofs();
    const checks = { verify: systemCrypto.verify, sha256: (message: Uint8Array) => sha256(message) };
    expect(checkFraudProof(proof!, checks)).toEqual({ purse: ada.number, kind: 'same_sequence' });
  });

  test('what came as funding of another counts as seen', async () => {
    const { ada, ben, eve } = newTrio();
    await paid(eve, ada, 900n);
    await paid(ada, ben, 1_500n);
    const clone = new TestWallet(ada.world, 3, 1_000n);
    expect(await toldTo(clone, ben, (ask) => payment(clone, ben, ask))).toBe('contradiction');
    const [proof] = await ben.ledger.proofs();
    const checks = { verify: systemCrypto.verify, sha256: (message: Uint8Array) => sha256(message) };
    expect(checkFraudProof(proof!, checks)).toMatchObject({ purse: eve.number });
  });

  test('a total that leaves out an earlier payment', async () => {
    const { ada, ben } = newTrio();
    await paid(ada, ben, 500n);
    const make = (ask: Ask) => payment(ada, ben, ask, { sequence: 2n, total: 999n });
    expect(await toldTo(ada, ben, make)).toBe('contradiction');
  });
});

test('every refusal of the list was given here, or cannot come from this side', () => {
  // A payer without an allowance, or an identity that is none, takes a wallet that is not this one: attacks.test.ts.
  const elsewhere = ['allowance_missing', 'identity_malformed'];
  expect([...seen].filter((code) => code !== 'receipt').sort()).toEqual(
    Object.keys(PEER_REFUSAL_ADVICE)
      .filter((code) => !elsewhere.includes(code))
      .sort(),
  );
});
