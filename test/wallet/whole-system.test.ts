// The wallet in a whole system: a real shop, management, cash. It buys, has an amount reserved, gets money back, and finds
// out what a shop that is gone does not say.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import { NoteOrder } from '../../src/roles/documents/note-order.ts';
import { decodeNotePayee } from '../../src/roles/documents/note-payee.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { id } from '../../src/shared/id.ts';
import { askForCertificate, makeShop, type OpenShop, openShop } from '../../src/shop/index.ts';
import type { ShopHome } from '../../src/shop/node/shop-home.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { signedBy, soon } from '../claims/device.ts';
import { accountNumber, answerOf, System } from '../claims/system.ts';

const CATALOGUE = {
  kind: 'specie catalogue',
  version: 1,
  currency: 'EUR',
  articles: [
    { id: 'coffee', name: 'Coffee', price: '3.20' },
    { id: 'fuel', name: 'Fuel', price: '50.00' },
  ],
};

let system: System;
let wallet: Wallet;
let shop: OpenShop;
let card: string;
let shopKeys: Awaited<ReturnType<ShopHome['keys']>>;
let shopNumber: bigint;

beforeAll(async () => {
  system = await System.start();
  const path = join(system.folder, 'shop');
  const home = await makeShop({
    home: path,
    name: 'Cafe Ada',
    account: 'DE89370400440532013000',
    directory: directoryFileText(system.directory().signed),
    root: system.fingerprint,
    port: 0,
  });
  writeFileSync(home.cataloguePath, JSON.stringify(CATALOGUE));
  const settings = JSON.parse(home.files.read(home.settingsPath)) as object;
  writeFileSync(home.settingsPath, JSON.stringify({ ...settings, authorisationSecondsMax: 3600 }));
  const operator = managementClient(await system.asOperator('management'));
  await askForCertificate(home, {
    patienceMs: 20_000,
    onWaiting: (_, number) => {
      shopNumber = number;
      void operator.approveShop({ shop: number }).then(answerOf, () => {});
    },
  });
  shop = await openShop({ home: path });
  card = home.files.read(home.cardPath);
  shopKeys = await home.keys(async () => undefined);
  wallet = await system.wallet('ada');
  await wallet.enrol({ userData: 'Ada', accountNumber: accountNumber(1) });
  await wallet.load({ amount: amountOf(10_000n), onFile: true });
});
afterAll(async () => {
  await shop?.close();
  await system?.close();
});

test('a sale, a charge of a till, a refund, a reservation of which a part is taken, a shop that is gone', async () => {
  const { available, ...sale } = await wallet.buy({
    shop: card,
    articles: [{ article: 'coffee', quantity: 2 }],
  });
  expect(sale).toMatchObject({ state: { kind: 'paid' }, amount: 640n, balance: 9360n });
  expect(available).toBe(9360n);

  const charge = shop.till('1').charge([{ article: 'coffee' }]);
  expect(await wallet.buy({ shop: charge.uri })).toMatchObject({ state: { kind: 'paid' }, balance: 9040n });
  expect(await charge.paid).toMatchObject({ amount: 320n });

  const fuel = await wallet.buy({ shop: card, articles: [{ article: 'fuel' }], kind: 'authorisation' });
  expect(fuel).toMatchObject({ state: { kind: 'reserved' }, balance: 9040n, available: 4040n });
  const many = wallet.buy({ shop: card, articles: [{ article: 'fuel' }] });
  await expect(many).rejects.toMatchObject({ code: 'insufficient_funds' });
  await shop.till('1').refund(sale.request, 320n);
  await shop.till('1').capture(fuel.request, 4200n);
  const { entries, online } = await wallet.sync();
  expect(entries.map(({ event, amount }) => [event, amount])).toEqual([
    ['refunded', 320n],
    ['captured', 4200n],
  ]);
  expect(online).toMatchObject({ balance: 5160n, reserved: 0n, verdict: 'agrees' });

  // What was sold becomes notes, and notes that were taken in become money of the wallet.
  const noteOrder = (fields: Pick<NoteOrder, 'action' | 'source' | 'amount'>) =>
    signedBy(
      NoteOrder,
      {
        ...{ request: id(), shop: shopNumber, currency: 978, applyBy: soon(), ...fields },
        reference: new Uint8Array(32).fill(fields.action === 'issue' ? 1 : 0),
      },
      shopKeys.signing,
    );
  const issuer = new CashClient(await system.asRole('issuer', 'cash'));
  for (const order of [
    noteOrder({ action: 'fund', source: 'exchange', amount: 300n }),
    noteOrder({ action: 'issue', source: 'exchange', amount: 200n }),
    noteOrder({ action: 'issue', source: 'sales', amount: 800n }),
  ])
    expect(answerOf(await issuer.noteOrder({ order })).kind).toBe('done');
  const payee = decodeNotePayee(await wallet.payeeAddress());
  const receiver = new CashClient(await system.asRole('receiver', 'cash'));
  const taken = { request: id(), payee, amount: 840n, currency: 978, applyBy: soon() };
  const reference = new Uint8Array(32).fill(2);
  expect(answerOf(await receiver.receiveNotes({ ...taken, reference })).kind).toBe('done');
  expect(await wallet.sync()).toMatchObject({
    entries: [{ event: 'credited', detail: 'note_receipt', amount: 840n, balance: 6000n }],
    online: { verdict: 'agrees' },
  });

  await shop.close();
  const gone = wallet.buy({
    shop: card,
    articles: [{ article: 'coffee', price: amountOf(320n) }],
    patienceMs: 1000,
  });
  await expect(gone).rejects.toMatchObject({ code: 'unreachable' });
  expect(await wallet.verify()).toMatchObject({ problems: [], balance: 6000n });
  expect(await system.audit()).toMatchObject({ passed: true });
});
