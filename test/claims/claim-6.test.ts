// Claim 6: "A method of transferring electronic cash from an information processing apparatus 2 to an information processing
// apparatus 1". Two wallets and a wire between them; no server runs.
import { beforeAll, expect, test } from 'vitest';
import { ed25519 } from '../../src/crypto/index.ts';
import { PurseCertificate } from '../../src/identity/purse-certificate.ts';
import { orderSignedBytes } from '../../src/roles/documents/payment-order.ts';
import { readHandover, TransferReceipt } from '../../src/roles/documents/transfer.ts';
import { PeerIdentity } from '../../src/wallet/peer/messages.ts';
import { newWorld, TestWallet } from '../wallet/peer/support.ts';
import { found, keyForms, numberForms, textForms } from './traces.ts';
import { messagesIn, type Transfer, transfer } from './transfer.ts';

const AMOUNT = 0x1234_5678_9abc_def1n;
const HELD = 0x3456_789a_bcde_f123n;
const MEMO = 'half of the taxi to Menlo Park';

/** Apparatus 2 pays apparatus 1, in the claim's numbering. */
let two: TestWallet;
let one: TestWallet;
let first: Transfer;

const heldBy = async (wallet: TestWallet): Promise<bigint> =>
  wallet.purse.allowance.document.amount + (await wallet.ledger.added()) - (await wallet.ledger.subtracted());
const message = <Kind extends string>(side: 'payer' | 'payee', kind: Kind, of = first) =>
  messagesIn(of.seen[side], side).find((read) => read.kind === kind)!;

beforeAll(async () => {
  const world = newWorld();
  two = new TestWallet(world, 2, HELD);
  one = new TestWallet(world, 1, 0n);
  first = await transfer(two, one, { amount: AMOUNT, memo: MEMO });
});

test('"said information processing apparatus 1 and said information processing apparatus 2 mutually authenticating with each other"', async () => {
  // Each has read the other's certificate, which management has signed, of the key that the other has proven.
  for (const [side, other, place] of [
    ['payer', one, 0],
    ['payee', two, 1],
  ] as const) {
    const identity = PeerIdentity.decode(first.seen[side].opened[place]!);
    const { document } = PurseCertificate.signed.decode(identity.certificate);
    expect(document).toMatchObject({ purse: other.number, channelKey: other.purse.keys.channelKey });
  }
  // Without the key of its certificate, nobody is paid and nobody pays.
  const thief = new TestWallet(two.world, 3, 0n);
  Object.assign(thief, { purse: { ...thief.purse, certificate: one.purse.certificate } });
  await expect(transfer(two, thief, { amount: 1n })).rejects.toMatchObject({
    refusal: { code: 'channel_key_differs' },
  });
  await expect(transfer(thief, one, { amount: 1n })).rejects.toMatchObject({
    refusal: { code: 'channel_key_differs' },
  });
});

test('"and sharing a temporary key therebetween": the next time it is another', async () => {
  const [payer, payee] = [new TestWallet(newWorld(), 2, HELD), new TestWallet(newWorld(), 1, 0n)];
  const again = await transfer(payer, payee, { amount: AMOUNT, memo: MEMO });
  const [before, now] = [first, again].map(({ seen }) => seen.payee.line.map((piece) => piece.length));
  expect(now).toEqual(before);
  // The same keys, the same amount, the same words: not a run of bytes in common.
  const runs = first.seen.payee.line.flatMap((piece) =>
    Array.from({ length: Math.floor(piece.length / 16) }, (_, i) => piece.subarray(16 * i, 16 * i + 16)),
  );
  const line = Buffer.concat(again.seen.payee.line);
  expect(runs.filter((run) => run.length === 16 && line.includes(Buffer.from(run)))).toEqual([]);
});

test('"said information processing apparatus 2 encrypting a amount to be transferred, appended with a signature of said information processing apparatus 2, with said temporary key, and transmitting the same"', async () => {
  const payment = message('payee', 'payment');
  if (payment.kind !== 'payment') throw new Error('expected a payment');
  const order = readHandover(payment.order)!;
  expect(order).toMatchObject({ amount: AMOUNT, payer: two.number, payee: one.number });
  const signature = payment.order.subarray(192);
  expect(ed25519.verify(two.purse.keys.signingKey, orderSignedBytes(payment.order), signature)).toBe(true);
  // On the wire there is nothing of it.
  const secrets = [
    ...numberForms('amount', AMOUNT, 16),
    ...numberForms('payer', two.number, 16),
    ...numberForms('payee', one.number, 16),
    ...keyForms('signature', signature),
    ...keyForms('nonce', payment.nonce),
    ...textForms('memo', MEMO),
    ...[one, two].flatMap(({ purse }) => [
      ...keyForms('signing key', purse.keys.signingKey),
      ...keyForms('channel key', purse.keys.channelKey),
      ...keyForms('certificate', purse.certificate.subarray(-64)),
    ]),
  ];
  for (const side of ['payer', 'payee'] as const) {
    expect(found(secrets, [Buffer.concat(first.seen[side].line)])).toEqual([]);
  }
  expect(found(secrets, first.seen.payee.opened)).toContain('amount, little-endian');
});

test('"said information processing apparatus 1 decrypting said amount received thereby with said temporary key, and adding said amount to an amount previously held by said information processing apparatus 1"', async () => {
  expect(first.payee).toMatchObject({ received: [{ again: false, isAsked: true }], refused: [] });
  expect(await heldBy(one)).toBe(AMOUNT);
  // It has it for good, before it says so.
  expect(await one.restart().ledger.added()).toBe(AMOUNT);
});

test('"said information processing apparatus 1 encrypting said amount appended with a signature of said information processing apparatus 1 with said temporary key, and transmitting the same to said information processing apparatus 2"', () => {
  const answer = message('payer', 'receipt');
  if (answer.kind !== 'receipt') throw new Error('expected a receipt');
  const { document, signature } = answer.receipt;
  expect(document).toMatchObject({ amount: AMOUNT, payer: two.number, payee: one.number });
  expect(ed25519.verify(one.purse.keys.signingKey, TransferReceipt.signedBytes(document), signature)).toBe(
    true,
  );
  const secrets = keyForms('signature', signature);
  expect(found(secrets, [Buffer.concat(first.seen.payer.line)])).toEqual([]);
  expect(found(secrets, first.seen.payer.opened)).toContain('signature');
});

test('"and said information processing apparatus 2 decrypting said amount received thereby with said temporary key, and subtracting said amount from an amount previously held by said information processing apparatus 2"', async () => {
  expect(first.payer.paid?.receipt.document.amount).toBe(AMOUNT);
  expect(await heldBy(two)).toBe(HELD - AMOUNT);
  expect(await two.restart().ledger.subtracted()).toBe(AMOUNT);
});

test('what was received goes on to a third, who needs no server to know that it is there', async () => {
  const third = new TestWallet(one.world, 4, 0n);
  const next = await transfer(one, third, { amount: AMOUNT - 1n });
  expect(next.payee.received).toHaveLength(1);
  expect([await heldBy(two), await heldBy(one), await heldBy(third)]).toEqual([
    HELD - AMOUNT,
    1n,
    AMOUNT - 1n,
  ]);
});
