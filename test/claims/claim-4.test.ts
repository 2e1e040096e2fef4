// Claim 4: "An electronic cash storing method for previously depositing funds for possible payments in an information
// processing apparatus", the credit card number given with each deposit.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hpke } from '../../src/crypto/index.ts';
import { generateKeySet } from '../../src/identity/new-key-set.ts';
import { CashOperation, CreditRequest } from '../../src/roles/cash/messages.ts';
import {
  accountSealAad,
  accountSealInfo,
  decodeAccountContent,
} from '../../src/roles/documents/account-seal.ts';
import { EnrolRequest, LoadRequest, ManagementOperation } from '../../src/roles/management/messages.ts';
import { ChargeRequest, SettlementOperation } from '../../src/roles/settlement/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Outcome, Wallet } from '../../src/wallet/index.ts';
import { expectSeparation } from './separation.ts';
import { ACCOUNT_BALANCE, accountNumber, EUR, refusalOf, System } from './system.ts';
import { accountNumberForms, found } from './traces.ts';

const AMOUNT = 271_828_182n;
const ACCOUNT = accountNumber(4);
const USER_DATA = 'Charles Babbage, Dorset Street 1';

let system: System;
let wallet: Wallet;
let outcome: Outcome;
/** Messages on the line to management before the load. */
let before: number;

beforeAll(async () => {
  system = await System.start({ limits: { loadAmountMax: '5000000', balanceMax: '9000000' } });
  wallet = await system.wallet('charles');
  await wallet.enrol({ userData: USER_DATA });
  before = system.tap('management').messages('up').length;
  outcome = await wallet.load({ amount: amountOf(AMOUNT), accountNumber: ACCOUNT });
});
afterAll(() => system?.close());

const heardBy = (role: string, operation: number) =>
  system.heard.filter((heard) => heard.role === role && heard.operation === operation);
const load = () => LoadRequest.decode(heardBy('management', ManagementOperation.load)[0]!.messages[0]!);

test('"mutually authenticating with a management apparatus, and sharing a temporary key therewith"', async () => {
  // Management knows the device by its certificate, the device management by the key of its directory.
  expect(heardBy('management', ManagementOperation.load)[0]!.peer).toMatchObject({
    kind: 'device',
    device: wallet.device,
    signingKey: await wallet.signingKey(),
  });
  const stranger = generateKeySet().channel;
  const identity = {
    pattern: 'IK',
    staticKey: stranger.secretKey,
    remoteStaticKey: stranger.publicKey,
  } as const;
  expect(await refusalOf(system.connect('management', identity))).toBe('handshake_failed');
  // The key is of this connection: each begins with a public key of its own, and no two are the same.
  const ephemerals = system.tap('management').connections.map((connection) => {
    const [first] = connection.messages('up');
    return first!.subarray(24, 56).toString('hex');
  });
  expect(ephemerals.length).toBeGreaterThanOrEqual(2);
  expect(new Set(ephemerals).size).toBe(ephemerals.length);
});

test('"encrypting an issued amount to be deposited with said temporary key, encrypting a credit card number with a public key of a settlement apparatus, and transmitting said issued amount and said credit card number to said management apparatus"', async () => {
  const { order, account } = load();
  expect(order.document).toMatchObject({ amount: AMOUNT, currency: EUR, request: outcome.request });
  // One message on the line is that: as long as what management has read, a frame's header and a tag around it.
  const { messages } = heardBy('management', ManagementOperation.load)[0]!;
  const sent = system.tap('management').messages('up').slice(before);
  const carrier = sent.find(({ length }) => length >= messages[0]!.length + 48);
  expect(carrier).toBeDefined();
  expect(found([{ name: 'order', bytes: messages[0]!.subarray(0, 24) }], [carrier!])).toEqual([]);
  // The number is under settlement's key already when it leaves the device: not even its disk has it otherwise.
  const { keys } = system.directory().currentKeySet('settlement', BigInt(Date.now()) * 1_000_000n);
  const settlement = await system.stolenKeys('settlement');
  expect(settlement.sealing.publicKey).toEqual(keys.sealing);
  expect(opened(account!, settlement.sealing)).toBe(ACCOUNT);
  expect(found(accountNumberForms(ACCOUNT), system.walletRecords())).toEqual([]);
});

test('"said management apparatus receiving said issued amount and said credit card number, decrypting said issued amount with said temporary key, and transmitting said encrypted credit card number and said issued amount to said settlement apparatus"', () => {
  const charges = heardBy('settlement', SettlementOperation.charge);
  expect(charges.length).toBeGreaterThan(0);
  const { order, account, binding } = ChargeRequest.decode(charges[0]!.messages[0]!);
  expect(charges[0]!.peer).toMatchObject({ kind: 'role', role: 'management' });
  expect(account).toEqual(load().account);
  expect(order).toEqual(load().order);
  expect(binding).toEqual({ purpose: 'load', request: outcome.request });
});

test('"said settlement apparatus decrypting said credit card number received thereby with a secret key of said settlement apparatus": with no other', async () => {
  const { account } = load();
  const settlement = await system.stolenKeys('settlement');
  expect(opened(account!, settlement.sealing)).toBe(ACCOUNT);
  const management = await system.stolenKeys('management');
  const cash = await system.stolenKeys('cash');
  const elsewhere = generateKeySet();
  for (const keys of [management, cash, elsewhere]) {
    for (const key of [keys.sealing, keys.channel])
      expect(opened(account!, key)).toBe('authentication_failed');
  }
  expect(opened(account!, settlement.channel)).toBe('authentication_failed');
  // Nor does the right key for another load, or for the registry.
  for (const binding of [
    { purpose: 'load', request: outcome.request + 1n },
    { purpose: 'file', request: outcome.request },
  ] as const) {
    expect(opened(account!, settlement.sealing, binding)).toBe('authentication_failed');
  }
});

test('"and performing a settlement based on said decrypted credit card number and said issued amount"', () => {
  expect(system.institution.books.account(ACCOUNT)).toMatchObject({
    captured: AMOUNT,
    held: 0n,
    available: ACCOUNT_BALANCE - AMOUNT,
  });
  const kinds = system.institution.books.statement(1n, 10).map(({ kind, reference }) => [kind, reference]);
  expect(kinds).toEqual([
    ['authorise', outcome.request],
    ['capture', outcome.request],
  ]);
});

test('"said management apparatus transmitting said issued amount to an electronic cash management apparatus, and said electronic cash management apparatus storing said issued amount together with a device number unique to each said information processing apparatus"', async () => {
  const [credit] = heardBy('cash', CashOperation.credit);
  expect(CreditRequest.decode(credit!.messages[0]!)).toMatchObject({
    device: wallet.device,
    order: { document: { amount: AMOUNT } },
  });
  const operator = await system.asOperator('cash');
  expect(await operator.lookupAccounts([wallet.device!])).toMatchObject([{ creditsPosted: AMOUNT }]);
  await operator.close();
  // "unique to each": another apparatus gets another, and an account of its own.
  const other = await system.wallet('augusta');
  await other.enrol({ userData: 'Augusta' });
  expect(other.device).not.toBe(wallet.device);
  expect((await other.balance({ online: true })).online!.balance).toBe(0n);
});

test('the apparatus stores the money: its own record, cash’s and management’s word agree', async () => {
  expect(outcome).toMatchObject({ state: { kind: 'loaded' }, balance: AMOUNT });
  expect(await wallet.balance({ online: true })).toMatchObject({
    balance: AMOUNT,
    online: { balance: AMOUNT, verdict: 'agrees' },
  });
  expect(await wallet.receipts()).toMatchObject([
    { receipt: { document: { request: outcome.request, device: wallet.device, amount: AMOUNT } } },
  ]);
});

test('what each party has not seen', async () => {
  expectSeparation(system, {
    accountNumbers: [ACCOUNT],
    amounts: [AMOUNT],
    devices: [wallet.device!],
    userData: [USER_DATA],
    certificates: [wallet.certificate!],
    signingKeys: [await wallet.signingKey()],
  });
  // Nothing is on file: the number served this one load.
  const { document } = EnrolRequest.decode(
    heardBy('management', ManagementOperation.enrol)[0]!.messages[0]!,
  ).enrolment;
  expect(document.account).toBeUndefined();
  await expect(wallet.load({ amount: amountOf(1_000n), onFile: true })).resolves.toMatchObject({
    state: { kind: 'refused', code: 'account_not_on_file' },
  });
  expect(await system.audit()).toMatchObject({ passed: true, open: [], float: AMOUNT });
});

/** The number, or the code with which it does not open. */
function opened(
  { keyId, encapsulatedKey, ciphertext }: NonNullable<LoadRequest['account']>,
  { secretKey }: { readonly secretKey: Uint8Array },
  binding: Parameters<typeof accountSealAad>[0] = { purpose: 'load', request: outcome.request },
): string {
  try {
    const plaintext = hpke.open({
      recipientPrivateKey: secretKey,
      info: accountSealInfo(keyId),
      aad: accountSealAad(binding),
      enc: encapsulatedKey,
      ciphertext,
    });
    return decodeAccountContent(plaintext).accountNumber;
  } catch (error) {
    return (error as { code: string }).code;
  }
}
