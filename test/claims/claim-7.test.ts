// Claim 7: "An electronic cash transfer method according to claim 6, wherein: said information processing apparatus 2 transmits
// the amount to be transferred together with a device number unique to said information processing apparatus 2 encrypted with
// a public key of a management apparatus, to said information processing apparatus 1."
import { beforeAll, expect, test } from 'vitest';
import { hpke, sha256 } from '../../src/crypto/index.ts';
import { PurseCertificate } from '../../src/identity/purse-certificate.ts';
import { orderSignedBytes } from '../../src/roles/documents/payment-order.ts';
import {
  PayerContent,
  payerSealInfo,
  readHandover,
  TransferBinding,
} from '../../src/roles/documents/transfer.ts';
import type { PaymentMessage } from '../../src/wallet/peer/messages.ts';
import { keySets } from '../identity/support.ts';
import { newWorld, openPurse, TestWallet } from '../wallet/peer/support.ts';
import { found, keyForms, numberForms, type Trace } from './traces.ts';
import { messagesIn, type Transfer, transfer } from './transfer.ts';

let payer: TestWallet;
let payee: TestWallet;
let third: TestWallet;
let direct: Transfer;
/** The payee pays on with it: the first payer's order travels along as funding. */
let onward: Transfer;

beforeAll(async () => {
  const world = newWorld();
  payer = new TestWallet(world, 2, 10_000n);
  payee = new TestWallet(world, 1, 0n);
  third = new TestWallet(world, 3, 0n);
  direct = await transfer(payer, payee, { amount: 4_321n });
  onward = await transfer(payee, third, { amount: 4_000n });
});

function paymentIn({ seen }: Transfer): PaymentMessage {
  const payment = messagesIn(seen.payee, 'payee').find(({ kind }) => kind === 'payment');
  if (payment?.kind !== 'payment') throw new Error('expected a payment');
  return payment;
}

function opened(
  { order, payer: sealed }: PaymentMessage,
  secretKey: Uint8Array,
  changes: Partial<TransferBinding> = {},
): PayerContent | undefined {
  const { request, payee: to } = readHandover(order)!;
  try {
    const content = hpke.open({
      recipientPrivateKey: secretKey,
      enc: sealed.encapsulatedKey,
      info: payerSealInfo(sealed.keyId),
      aad: TransferBinding.encode({ request, payee: to, ...changes }),
      ciphertext: sealed.ciphertext,
    });
    return PayerContent.decode(content);
  } catch (error) {
    if ((error as { code?: string }).code !== 'authentication_failed') throw error;
    return undefined;
  }
}

test('the number is there, for management alone', () => {
  const payment = paymentIn(direct);
  expect(opened(payment, keySets.management[0].sealing.secretKey)).toEqual({
    device: payer.purse.device,
    purse: payer.number,
    orderDigest: sha256(orderSignedBytes(payment.order)),
  });
  const strangers = [
    keySets.management[0].channel,
    ...[keySets.cash, keySets.settlement].flatMap(([keys]) => [keys.sealing, keys.channel]),
  ].map(({ secretKey }) => secretKey);
  const theirs = [
    payee.purse.keys.channelSecret,
    payer.purse.keys.channelSecret,
    third.purse.keys.channelSecret,
  ];
  for (const secretKey of [...strangers, ...theirs]) expect(opened(payment, secretKey)).toBeUndefined();
});

test('it stands beside no other payment', () => {
  const { sealing } = keySets.management[0];
  const payment = paymentIn(direct);
  const { request, payee: to } = readHandover(payment.order)!;
  for (const changes of [{ request: request + 1n }, { payee: to + 1n }]) {
    expect(opened(payment, sealing.secretKey, changes)).toBeUndefined();
  }
});

test('nothing that the payee has seen, decrypted or stored holds the number, nor a key of the device', () => {
  const device = numberForms('device number', payer.purse.device, 16);
  // The forms in which the search would find it, were it there.
  expect(
    found(device, [
      PayerContent.encode({ device: payer.purse.device, purse: 1n, orderDigest: new Uint8Array(32) }),
    ]),
  ).toContain('device number, little-endian');
  const knows = (wallet: TestWallet, { seen }: Transfer): Uint8Array[] => [
    ...seen.payee.opened,
    ...seen.payee.line,
    ...wallet.storage.disk.values(),
    ...[...wallet.storage.disk.keys()].map((key) => Buffer.from(key)),
    Buffer.from(
      JSON.stringify([wallet.events, direct.payee], (_, value) =>
        typeof value === 'bigint' ? value.toString(16) : value,
      ),
    ),
  ];
  const purse: Trace[] = numberForms('purse', payer.number, 16);
  expect(found(device, knows(payee, direct)), 'at the payee').toEqual([]);
  expect(found(purse, knows(payee, direct))).toContain('purse, little-endian');
  // Nor whoever is paid with it afterwards.
  const both = [...device, ...numberForms('device number', payee.purse.device, 16)];
  expect(found(both, knows(third, onward)), 'at the third').toEqual([]);
  expect(found(purse, knows(third, onward))).toContain('purse, little-endian');
});

test('two payments of one device from two purses have nothing in common that a payee could tell', async () => {
  const world = newWorld();
  const later = new TestWallet(world, 2, 10_000n);
  const { device } = later.purse;
  // The next purse of the same device: its keys, its number, its papers are others.
  Object.assign(later, { purse: { ...openPurse(40, 10_000n), device } });
  const again = await transfer(later, new TestWallet(world, 1, 0n), { amount: 4_321n });
  const [before, now] = [paymentIn(direct), paymentIn(again)];
  expect(now.payer.ciphertext.length).toBe(before.payer.ciphertext.length);
  const { document } = PurseCertificate.signed.decode(payer.purse.certificate);
  const traces = [
    ...numberForms('purse', payer.number, 16),
    ...keyForms('signing key', document.signingKey),
    ...keyForms('channel key', document.channelKey),
    ...keyForms('sealed number', before.payer.ciphertext.subarray(0, 16)),
    ...keyForms('encapsulated key', before.payer.encapsulatedKey),
    ...keyForms('reference', readHandover(before.order)!.reference),
  ];
  expect(found(traces, again.seen.payee.opened)).toEqual([]);
  expect(opened(now, keySets.management[0].sealing.secretKey)).toMatchObject({ device });
});
