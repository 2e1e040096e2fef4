// Cash behind its server, over encrypted channels with the keys of a directory.
import { expect, test } from 'vitest';
import { ed25519, sha256, x25519 } from '../../../src/crypto/index.ts';
import {
  keyClientIdentity,
  roleClientIdentity,
  shopClientIdentity,
} from '../../../src/identity/client-identity.ts';
import { serverIdentity } from '../../../src/identity/server-identity.ts';
import { issueShopCertificate } from '../../../src/identity/shop-certificate.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { CashClient } from '../../../src/roles/cash/client.ts';
import { cashIdentity } from '../../../src/roles/cash/identity.ts';
import { PaymentReceipt } from '../../../src/roles/documents/payment-receipts.ts';
import { CreditReceipt } from '../../../src/roles/documents/receipts.ts';
import { readCreateTransferResults } from '../../../src/wire/results.ts';
import { afterwards, client, serve } from '../../channel/support.ts';
import { DAY, directory, keySets, operatorKeys, START, sourceOf } from '../../identity/support.ts';
import { newShop, paymentOrder, payRequest, sealedTo } from './pay-support.ts';
import { answerOf, EUR, newDevice, orderOf, receiptOf, TestCash } from './support.ts';

const clock = () => START + DAY;

test('management credits and pays, an operator sees it in the ledger; neither does the other part', async () => {
  const cash = await TestCash.open({ identity: cashIdentity(sourceOf('cash'), clock), clock });
  afterwards(() => cash.close());
  const revoked = () => false;
  const server = await serve({
    engine: cash.cash.engine,
    clock,
    identity: serverIdentity({
      role: 'cash',
      source: sourceOf('cash'),
      clock,
      crypto: systemCrypto,
      revoked,
    }),
  });
  const asRole = (role: 'management' | 'settlement') =>
    client(server, { identity: roleClientIdentity({ role, to: 'cash', source: sourceOf(role), clock }) });
  const management = await asRole('management');
  const operator = await client(server, {
    identity: keyClientIdentity({ to: 'cash', directory, clock, channelKey: operatorKeys.channel }),
  });
  const settlement = await asRole('settlement');

  const calls = new CashClient(management);
  const { device, key } = newDevice();
  const account = { device, signingKey: key.publicKey, currency: EUR };
  answerOf(await calls.openAccount(account));
  const order = orderOf({ device, key }, { amount: 2500n });
  const request = { device, order, receipt: receiptOf(order, {}, keySets.settlement[0].signing) };
  const credited = answerOf(await calls.credit(request));
  if (credited.kind !== 'credited') throw new Error('expected a receipt');
  const { document, signature } = credited.receipt;
  const { signing } = keySets.cash[0];
  expect(document.keyId).toEqual(sha256(signing.publicKey).slice(0, 8));
  expect(systemCrypto.verify(signing.publicKey, CreditReceipt.signedBytes(document), signature)).toBe(true);

  const [transfer] = await operator.lookupTransfers([order.document.request]);
  expect(transfer).toMatchObject({ creditAccountId: device, amount: 2500n, timestamp: document.timestamp });
  const ofOperator = new CashClient(operator);
  expect(answerOf(await ofOperator.lookupRequest(order.document.request)).report?.state).toBe('credited');

  // A purchase, sealed to the key that the directory lists.
  const { shop, key: shopKey } = newShop();
  const opening = { shop, signingKey: shopKey.publicKey, currency: EUR };
  answerOf(await calls.openShop(opening));
  const payment = paymentOrder({ device, key }, { shop, key: shopKey }, { amount: 700n });
  const unsealed = payRequest(payment, { device }, { shop });
  const seal = sealedTo({ request: unsealed.request, shop }, payment, keySets.cash[0].sealing);
  const purchase = { ...unsealed, payment: seal };
  const paid = answerOf(await calls.pay(purchase));
  if (paid.kind !== 'paid') throw new Error('expected a receipt');
  const { receipt } = paid;
  const paidBytes = PaymentReceipt.signedBytes(receipt.document);
  expect(systemCrypto.verify(signing.publicKey, paidBytes, receipt.signature)).toBe(true);
  expect(answerOf(await ofOperator.lookupRequest(purchase.request)).report?.state).toBe('paid');

  // Orders straight to cash, from an operator.
  const straight = await operator.createPaymentOrders(
    paymentOrder({ device, key }, { shop, key: shopKey }, { amount: 300n }),
  );
  expect(readCreateTransferResults(straight)).toMatchObject([{ status: 'created' }]);
  const [earned] = await operator.lookupAccounts([shop]);
  expect(earned?.creditsPosted).toBe(1000n);

  // And from the shop itself, to its own account, in a session: once.
  const channelKey = { secretKey: new Uint8Array(32).fill(77) };
  const certificate = issueShopCertificate(
    {
      shop,
      name: 'a shop',
      signingKey: shopKey.publicKey,
      channelKey: x25519.publicKey(channelKey.secretKey),
      serial: 1n,
      notBefore: START,
      notAfter: clock() + DAY,
    },
    ed25519.signingKey(keySets.management[0].signing.secretKey),
    systemCrypto,
  );
  const acquirer = await client(server, {
    identity: shopClientIdentity({
      to: 'cash',
      directory,
      clock,
      channelKey,
      certificate: () => certificate,
    }),
  });
  const own = paymentOrder({ device, key }, { shop, key: shopKey }, { amount: 1n });
  const [sent, again] = [await acquirer.createPaymentOrders(own), await acquirer.createPaymentOrders(own)];
  expect([sent, again].flatMap(readCreateTransferResults)).toMatchObject([
    { status: 'created' },
    { status: 'exists' },
  ]);
  const elsewhere = paymentOrder({ device, key }, { shop: device, key: shopKey }, { amount: 1n });
  await expect(acquirer.createPaymentOrders(elsewhere)).rejects.toThrow(
    /order 0: expected one to an account of/,
  );
  await expect(acquirer.lookupAccounts([shop])).rejects.toThrow(/expected an operator, got shop/);

  const ofSettlement = new CashClient(settlement);
  const refused = [
    calls.lookupRequest(1n),
    ofOperator.credit(request),
    ofOperator.openAccount(account),
    ofOperator.openShop(opening),
    ofOperator.pay(purchase),
    ofSettlement.pay(purchase),
    ofSettlement.credit(request),
    ofSettlement.getBalance({ device, currency: EUR }),
  ];
  for (const result of await Promise.all(refused)) {
    expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
  }
  for (const other of [management, settlement]) {
    await expect(other.lookupAccounts([device])).rejects.toThrow(/expected an operator, got role/);
    await expect(other.createPaymentOrders(payment)).rejects.toThrow(
      /expected a shop or an operator, got role/,
    );
    await expect(other.createAccounts([{ id: 5n, ledger: EUR, code: 1 }])).rejects.toThrow(
      /expected an operator/,
    );
  }
});
