// A gateway in a whole system, over real channels: enrolled and approved, wide notes bought at a counter with a wallet, carried in
// by a terminal on the WAN, out again by one on the LAN, and what its operator sees of it at the desk.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Output } from '../../src/cli/output.ts';
import { run } from '../../src/cli/program.ts';
import { GatewayHome, type OpenGateway, openGatewayNode } from '../../src/gateway/index.ts';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { PrivateFiles } from '../../src/identity/private-files.ts';
import { exchangeAccountId } from '../../src/roles/cash/accounts.ts';
import { managementClient } from '../../src/roles/management/client.ts';
import { amountOf } from '../../src/shared/amount.ts';
import { askForCertificate, makeShop, type OpenShop, openShop } from '../../src/shop/index.ts';
import { makeTerminal, OpenTerminal } from '../../src/terminal/index.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { accountNumber, answerOf, eventually, System } from '../claims/system.ts';

const IBAN = 'DE89370400440532013000';

let system: System;
let wallet: Wallet;
let counter: OpenShop;
let gateway: OpenGateway;
let visitor: OpenTerminal;
let till: OpenTerminal;
let home: string;

/** As an operator does it, of everything that waits. */
async function approve(): Promise<void> {
  const operator = managementClient(await system.asOperator('management'));
  await eventually(async () => {
    const { shops } = answerOf(await operator.listShops({ after: undefined, limit: 10 }));
    const waiting = shops.filter(({ state }) => state === 'awaiting_approval');
    for (const { shop } of waiting) answerOf(await operator.approveShop({ shop }));
    return waiting.length > 0;
  });
}

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
  return { code: await run(['gateway', ...args, '--home', home], output), text, notes };
}

async function terminal(name: string, side: 'lan' | 'wan'): Promise<OpenTerminal> {
  const path = join(system.folder, name);
  const mint = { directory: system.directoryBytes(), root: system.fingerprint };
  await makeTerminal({
    ...{ home: path, side },
    gateways: [{ name: 'campus', url: gateway.urls![side], key: gateway.key }],
    ...(side === 'wan' && { mint }),
  });
  const open = await OpenTerminal.open({ home: path });
  system.whenClosing(() => open.close());
  return open;
}

beforeAll(async () => {
  system = await System.start({ notes: true });
  home = join(system.folder, 'gateway');
  wallet = await system.wallet('ada');
  await wallet.enrol({ userData: 'Ada', accountNumber: accountNumber(1) });
  await wallet.load({ amount: amountOf(5_000n), onFile: true });
  const shopHome = await makeShop({
    ...{ home: join(system.folder, 'counter'), name: 'Counter', account: IBAN, port: 0 },
    directory: directoryFileText(system.directory().signed),
    root: system.fingerprint,
  });
  const asking = askForCertificate(shopHome, { patienceMs: 20_000 });
  await approve();
  await asking;
  counter = await openShop({ home: shopHome.path });
  system.whenClosing(() => counter.close());

  const directory = join(system.folder, 'directory.json');
  writeFileSync(directory, directoryFileText(system.directory().signed));
  const made = await specie(
    ...['init', '--organisation', 'campus', '--lan', '127.0.0.1', '--wan', '127.0.0.1'],
    ...['--fee-basis-points', '100', '--fee-fixed', '0.01'],
  );
  expect(made).toMatchObject({ code: 0 });
  const enrolled = specie('enrol', '--directory', directory, '--root', system.fingerprint, '--account', IBAN);
  await approve();
  expect(await enrolled).toMatchObject({ code: 0 });
  gateway = await openGatewayNode({ home, lanPort: 0, wanPort: 0 });
  system.whenClosing(() => gateway.close());
  [visitor, till] = [await terminal('visitor', 'wan'), await terminal('till', 'lan')];
}, 120_000);

afterAll(() => system?.close());

test('terminals register; one on the LAN is admitted at the desk', async () => {
  expect(await visitor.register('Visitor')).toMatchObject({ state: 'open' });
  expect(await till.register('Till 1')).toMatchObject({ state: 'waiting' });
  const listed = JSON.parse((await specie('terminals', '--json')).text);
  expect(listed.map(({ name, side, state }: Record<string, string>) => [name, side, state]).sort()).toEqual([
    ['Till 1', 'lan', 'waiting'],
    ['Visitor', 'wan', 'open'],
  ]);
  const { terminal: key } = listed.find(({ side }: { side: string }) => side === 'lan');
  expect(await specie('admit', key.slice(0, 16))).toMatchObject({ code: 0 });
  expect(await till.register('Till 1')).toMatchObject({ state: 'open' });
  expect((await specie('admit', 'ffff')).code).not.toBe(0);
});

test('a visitor buys wide notes, carries them in, and the till carries a part out again', async () => {
  const { operation, request } = await visitor.withdraw(2_000n);
  const charge = await counter.counter.sell(request.replace('specie-quote:', ''));
  await wallet.buy({ shop: charge.uri });
  expect(await visitor.finishWithdrawal(operation)).toBe(2_000n);

  // In: 10.00, and 0.11 for the gateway.
  await visitor.send({ destination: till.address, amount: 1_000n, feeMax: 11n });
  await eventually(async () => (await till.receive()).received.length > 0);
  expect(till.balance().free).toBe(1_000n);
  expect(visitor.balance().free).toBe(989n);
  expect(gateway.status()).toMatchObject({ local: { outstanding: 1_000n }, backing: 1_011n });

  // Out: 5.00, and 0.06.
  await till.send({ destination: visitor.address, amount: 500n, feeMax: 6n });
  await eventually(async () => (await visitor.receive()).received.length > 0);
  expect(visitor.balance().free).toBe(1_489n);
  expect(till.balance().free).toBe(494n);
  await eventually(async () => gateway.status().underWay === 0);
  expect(gateway.status()).toMatchObject({
    local: { outstanding: 494n, held: 0n },
    counters: { taken: 1_011n, issued: 500n, fees: 17n, delivered: 2n },
    backing: 511n,
  });
});

/** What cash's ledger says. */
async function heldAtCash(): Promise<bigint> {
  const operator = await system.asOperator('cash');
  const { shop } = new GatewayHome(home, new PrivateFiles()).shop.certificate()!.document;
  const [account] = await operator.lookupAccounts([exchangeAccountId(shop, system.currency.ledger)]);
  return account!.creditsPosted - account!.debitsPosted;
}

test('what is the organisation’s own is taken back, and put there again; what is owed stays', async () => {
  expect((await specie('withdraw', '0.18')).code).not.toBe(0);
  expect((await specie('fund', '1.00')).code).not.toBe(0);
  expect(await specie('withdraw', '0.17')).toMatchObject({ code: 0 });
  expect(gateway.status()).toMatchObject({ backing: 494n, own: 0n });
  expect(await heldAtCash()).toBe(494n);
  expect(await specie('fund', '0.17')).toMatchObject({ code: 0 });
  expect(gateway.status()).toMatchObject({ backing: 511n, own: 17n });
});

test('what the operator sees: status, exchanges, and the same when the gateway is closed and opened again', async () => {
  const { text } = await specie('status');
  expect(text).toMatch(/local notes outstanding\s+4\.94 EUR/);
  expect(text).toMatch(/own\s+0\.17 EUR/);
  expect(text).toMatch(/the account at cash holds\s+5\.11 EUR/);
  expect(await heldAtCash()).toBe(511n);
  const exchanges = JSON.parse((await specie('exchanges', '--json')).text);
  expect(
    exchanges.map(({ direction, state }: Record<string, string>) => `${direction} ${state}`).sort(),
  ).toEqual(['in delivered', 'out delivered']);
  expect((await specie('funds')).text).toMatch(/withdraw\s+0\.17 EUR\s+moved/);
  const [delivered] = exchanges;
  const one = await specie('exchanges', '--request', `0x${delivered.exchange}`);
  expect(one.text).toContain('delivered');
  expect((await specie('show')).text).toContain(gateway.key);
  const before = JSON.parse((await specie('status', '--json')).text);
  const { lan, wan } = gateway.urls!;
  await gateway.close();
  const closed = JSON.parse((await specie('status', '--json')).text);
  expect(closed).toEqual({ ...before, urls: undefined });
  const port = (url: string): number => Number(new URL(url).port);
  gateway = await openGatewayNode({ home, lanPort: port(lan), wanPort: port(wan) });
  await eventually(async () => (await till.terms().catch(() => undefined)) !== undefined);
  await till.send({ destination: visitor.address, amount: 100n, feeMax: 2n });
  await eventually(async () => (await visitor.receive()).received.length > 0);
  expect(visitor.balance().free).toBe(1_589n);
  expect(new GatewayHome(home, new PrivateFiles()).settings().organisation).toBe('campus');
});
