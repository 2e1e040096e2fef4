// Claim 5: "An electronic cash storing method for previously depositing funds for possible payments in an information
// processing apparatus", the credit card number on file at management.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeviceCertificate } from '../../src/identity/device-certificate.ts';
import { CashOperation, CreditRequest } from '../../src/roles/cash/messages.ts';
import { FileAccountRequest, LoadRequest, ManagementOperation } from '../../src/roles/management/messages.ts';
import { ChargeRequest, SettlementOperation } from '../../src/roles/settlement/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Outcome, Wallet } from '../../src/wallet/index.ts';
import { expectSeparation } from './separation.ts';
import { accountNumber, EUR, System } from './system.ts';
import { found, keyForms, numberForms } from './traces.ts';

const AMOUNT = 314_159_265n;
const [FIRST, SECOND] = [accountNumber(11), accountNumber(12)];
const USER_DATA = 'Grace Hopper, Arlington 60';

let system: System;
let wallet: Wallet;
let outcome: Outcome;

beforeAll(async () => {
  system = await System.start({ limits: { loadAmountMax: '5000000', balanceMax: '20000000' } });
  wallet = await system.wallet('grace');
  // Two others, so that there is something to choose from.
  for (const [name, index] of [
    ['one', 20],
    ['other', 21],
  ] as const) {
    const other = await system.wallet(name);
    await other.enrol({ userData: name, accountNumber: accountNumber(index) });
  }
  await wallet.enrol({ userData: USER_DATA, accountNumber: FIRST });
  outcome = await wallet.load({ amount: amountOf(AMOUNT), onFile: true });
});
afterAll(() => system?.close());

const heardBy = (role: string, operation: number) =>
  system.heard.filter((heard) => heard.role === role && heard.operation === operation);

test('"mutually authenticating with a management apparatus, and sharing a temporary key therewith"', () => {
  const [load] = heardBy('management', ManagementOperation.load);
  const { document } = DeviceCertificate.signed.decode(wallet.certificate!);
  const { device, signingKey, channelKey, serial, notAfter } = document;
  expect(load!.peer).toEqual({ kind: 'device', device, signingKey, channelKey, serial, notAfter });
});

test('"encrypting an issued amount to be deposited and a device number unique to each said information processing apparatus with said temporary key, and transmitting the same to said management apparatus"', () => {
  const [load] = heardBy('management', ManagementOperation.load);
  const { order, account } = LoadRequest.decode(load!.messages[0]!);
  expect(order.document).toMatchObject({ request: outcome.request, amount: AMOUNT, currency: EUR });
  expect(account).toBeUndefined();
  // The number comes with the certificate, which only the channel's first message carries: both encrypted.
  expect(load!.peer).toMatchObject({ device: wallet.device });
  const line = system.tap('management').everything();
  const secrets = [
    ...numberForms('amount', AMOUNT, 16),
    ...numberForms('device number', wallet.device!, 16),
    ...keyForms('certificate', wallet.certificate!.subarray(-64)),
  ];
  expect(found(secrets, line)).toEqual([]);
});

test('"said management apparatus decrypting said issued amount and said unique number received thereby with said temporary key, finding a credit card number encrypted with a public key of a settlement apparatus corresponding to said device number from a storage device, and transmitting said encrypted credit card number and said issued amount to said settlement apparatus"', async () => {
  const charges = heardBy('settlement', SettlementOperation.charge);
  expect(charges.length).toBeGreaterThan(0);
  const { order, account, binding } = ChargeRequest.decode(charges[0]!.messages[0]!);
  expect(order.document.amount).toBe(AMOUNT);
  expect(binding.purpose).toBe('file');
  // "from a storage device": management has been told it once, at the enrolment, and finds it again after a restart.
  const held = system.storeOf('management').filter((file) => file.includes(Buffer.from(account.ciphertext)));
  expect(held).not.toEqual([]);
  await system.stopRole('management');
  await system.startRole('management');
  const again = await wallet.load({ amount: amountOf(AMOUNT), onFile: true });
  expect(again).toMatchObject({ state: { kind: 'loaded' }, balance: 2n * AMOUNT });
  const last = ChargeRequest.decode(heardBy('settlement', SettlementOperation.charge).at(-1)!.messages[0]!);
  expect(last.account).toEqual(account);
  expect(last.order.document.request).toBe(again.request);
});

test('"said settlement apparatus decrypting said credit card number received thereby with a secret key of said settlement apparatus, and performing a settlement based on said decrypted credit card number and said issued amount"', () => {
  expect(system.institution.books.account(FIRST)).toMatchObject({ captured: 2n * AMOUNT, held: 0n });
  for (const index of [20, 21]) {
    expect(system.institution.books.account(accountNumber(index))).toMatchObject({ captured: 0n, held: 0n });
  }
});

test('"said management apparatus also transmitting said device number and said issued amount to said electronic cash management apparatus, and said electronic cash management apparatus storing said unique number and said issued amount"', async () => {
  for (const { peer, messages } of heardBy('cash', CashOperation.credit)) {
    expect(peer).toMatchObject({ kind: 'role', role: 'management' });
    expect(CreditRequest.decode(messages[0]!)).toMatchObject({
      device: wallet.device,
      order: { document: { amount: AMOUNT } },
    });
  }
  const operator = await system.asOperator('cash');
  expect(await operator.lookupAccounts([wallet.device!])).toMatchObject([
    { id: wallet.device, creditsPosted: 2n * AMOUNT },
  ]);
  await operator.close();
});

test('another number on file takes the place of the first', async () => {
  await wallet.fileAccount({ accountNumber: SECOND });
  const [filed] = heardBy('management', ManagementOperation.file_account);
  const { document } = FileAccountRequest.decode(filed!.messages[0]!).filing;
  const loaded = await wallet.load({ amount: amountOf(AMOUNT), onFile: true });
  expect(loaded).toMatchObject({ state: { kind: 'loaded' }, balance: 3n * AMOUNT });
  const { account } = ChargeRequest.decode(
    heardBy('settlement', SettlementOperation.charge).at(-1)!.messages[0]!,
  );
  expect(account).toEqual(document.account);
  expect(system.institution.books.account(FIRST)).toMatchObject({ captured: 2n * AMOUNT });
  expect(system.institution.books.account(SECOND)).toMatchObject({ captured: AMOUNT });
});

test('what each party has not seen', async () => {
  expectSeparation(system, {
    accountNumbers: [FIRST, SECOND],
    amounts: [AMOUNT],
    devices: [wallet.device!],
    userData: [USER_DATA],
    certificates: [wallet.certificate!],
    signingKeys: [await wallet.signingKey()],
  });
  expect(await system.audit()).toMatchObject({ passed: true, open: [], float: 3n * AMOUNT, devices: 3 });
});
