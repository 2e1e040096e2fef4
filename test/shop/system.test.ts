// A shop in a whole system: enrolled and approved, paid by a real wallet through management and cash over real channels;
// refunds, reservations, a restart in between; and what an operator does at its desk.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Output } from '../../src/cli/output.ts';
import { run } from '../../src/cli/program.ts';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { askForCertificate, makeShop, type OpenShop, openShop, type ShopHome } from '../../src/shop/index.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { accountNumber, answerOf, eventually, System } from '../claims/system.ts';
import { CATALOGUE } from './support.ts';

let system: System;
let wallet: Wallet;
let home: ShopHome;
let shop: OpenShop;

beforeAll(async () => {
  system = await System.start();
  wallet = await system.wallet('ada');
  await wallet.enrol({ userData: 'Ada', accountNumber: accountNumber(1) });
  await wallet.load({ amount: amountOf(5_000n), onFile: true });
  home = await makeShop({
    home: join(system.folder, 'shop'),
    name: 'Kiosk',
    account: 'DE89370400440532013000',
    directory: directoryFileText(system.directory().signed),
    root: system.fingerprint,
    port: 0,
  });
  const states: string[] = [];
  const asking = askForCertificate(home, {
    patienceMs: 20_000,
    onWaiting: (state) => void states.push(state),
  });
  await eventually(() => states.includes('awaiting_approval'));
  const operator = managementClient(await system.asOperator('management'));
  const { shops } = answerOf(await operator.listShops({ after: undefined, limit: 10 }));
  answerOf(await operator.approveShop({ shop: shops[0]!.shop }));
  expect((await asking).document).toMatchObject({ name: 'Kiosk', shop: shops[0]!.shop });
  writeFileSync(home.cataloguePath, CATALOGUE);
  writeFileSync(
    home.settingsPath,
    JSON.stringify({
      ...JSON.parse(readFileSync(home.settingsPath, 'utf8')),
      authorisationSecondsMax: 3_600,
    }),
  );
  shop = await openShop({ home: home.path });
}, 60_000);

afterAll(async () => {
  await shop?.close();
  await system?.close();
});

const balance = async (): Promise<bigint> => (await wallet.sync()).balance;

/** As at a terminal. */
async function specie(...args: string[]): Promise<{ code: number; text: string; notes: string }> {
  let [text, notes] = ['', ''];
  const output: Output = {
    write: (piece) => {
      text += piece;
    },
    note: (line) => {
      notes += `${line}\n`;
    },
    interactive: false,
  };
  return { code: await run(['shop', ...args, '--home', home.path], output), text, notes };
}

const hex = (id: bigint): string => `0x${id.toString(16).padStart(32, '0')}`;

test('self service: bought, refunded in part, and both sides agree', async () => {
  const articles = [
    { article: 'coffee', quantity: 2 },
    { article: 'tea', quantity: 1 },
  ];
  const { request, state } = await wallet.buy({ shop: shop.card(), articles });
  expect(state.kind).toBe('paid');
  expect(shop.sale(request)).toMatchObject({ amount: 780n, state: 'paid', till: '' });
  await shop.till('1').refund(request, '2.80');
  expect(await balance()).toBe(5_000n - 500n);
});

test('a till’s charge: the wallet scans, the till hears it', async () => {
  const charge = shop.till('1').charge([{ article: 'repair', price: '12.34' }]);
  const { state } = await wallet.buy({ shop: charge.uri });
  expect(state.kind).toBe('paid');
  expect(await charge.paid).toMatchObject({ till: '1', amount: 1_234n });
});

test('a reservation: captured in part; another: voided', async () => {
  const before = await balance();
  const pump = shop.till('pump');
  const [first, second] = [
    pump.charge([{ article: 'fuel', quantity: 5 }], { reserveSeconds: 600 }),
    pump.charge([{ article: 'tea' }], { reserveSeconds: 600 }),
  ];
  for (const charge of [first, second]) await wallet.buy({ shop: charge.uri, kind: 'authorisation' });
  await pump.capture((await first.paid).purchase, '3.58');
  await pump.void((await second.paid).purchase);
  expect(await balance()).toBe(before - 358n);
});

test('more than the wallet has: nothing is sold', async () => {
  const before = shop.sales().length;
  const charge = shop.till('1').charge([{ article: 'car', price: '49.99' }]);
  await expect(wallet.buy({ shop: charge.uri, patienceMs: 3_000 })).rejects.toThrow();
  expect(shop.sales().length).toBe(before);
  charge.cancel();
});

test('the desk: the same from the command line, with the shop open and closed', async () => {
  const [first] = shop.sales();
  const id = hex(first!.purchase);
  expect(await specie('refund', id, '1.00')).toMatchObject({
    code: 0,
    text: expect.stringContaining('1.00 EUR'),
  });
  expect(await specie('refund', id, '100')).toMatchObject({
    code: 2,
    notes: expect.stringContaining('expected 1 to 400'),
  });
  expect(await specie('catalogue')).toMatchObject({
    code: 0,
    text: expect.stringContaining('Fuel, a litre'),
  });
  const open = await specie('sales', '--json');
  await shop.close();
  expect(await specie('sales', '--json')).toEqual(open);
  expect(await specie('charge', 'tea')).toMatchObject({
    code: 1,
    notes: expect.stringContaining('expected an open shop'),
  });
  expect(await specie('refund', id)).toMatchObject({ code: 0, text: expect.stringContaining('4.00 EUR') });
  expect((await specie('totals')).text).toContain('refunds');
  expect((await specie('card')).text).toContain('specie-shop:');
  shop = await openShop({ home: home.path });
  expect(shop.sale(first!.purchase)?.refunded).toBe(780n);
  const charging = specie('charge', 'tea=2', '--till', '3');
  await eventually(() => shop.open.offers === 1);
  expect((await specie('void', id)).code).toBe(2);
  const [offer] = [readFileSync(home.cardPath, 'utf8').trim()];
  expect(offer).toBe(shop.card());
  await shop.close();
  expect(await charging).toMatchObject({ code: 3 });
  shop = await openShop({ home: home.path });
});
