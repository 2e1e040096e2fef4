// Cash behind its server, over encrypted channels with the keys of a directory.
import { expect, test } from 'vitest';
import { sha256 } from '../../../src/crypto/index.ts';
import { keyClientIdentity, roleClientIdentity } from '../../../src/identity/client-identity.ts';
import { serverIdentity } from '../../../src/identity/server-identity.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { CashClient } from '../../../src/roles/cash/client.ts';
import { cashIdentity } from '../../../src/roles/cash/identity.ts';
import { CreditReceipt } from '../../../src/roles/documents/receipts.ts';
import { afterwards, client, serve } from '../../channel/support.ts';
import { DAY, directory, keySets, operatorKeys, START, sourceOf } from '../../identity/support.ts';
import { answerOf, EUR, newDevice, orderOf, receiptOf, TestCash } from './support.ts';

const clock = () => START + DAY;

test('management credits, an operator sees it in the ledger; neither does the other part', async () => {
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

  const ofSettlement = new CashClient(settlement);
  const refused = [
    calls.lookupRequest(1n),
    ofOperator.credit(request),
    ofOperator.openAccount(account),
    ofSettlement.credit(request),
    ofSettlement.getBalance({ device, currency: EUR }),
  ];
  for (const result of await Promise.all(refused)) {
    expect(result).toMatchObject({ kind: 'refused', refusal: { code: 'not_permitted' } });
  }
  for (const other of [management, settlement]) {
    await expect(other.lookupAccounts([device])).rejects.toThrow(/expected an operator, got role/);
    await expect(other.createAccounts([{ id: 5n, ledger: EUR, code: 1 }])).rejects.toThrow(
      /expected an operator/,
    );
  }
});
