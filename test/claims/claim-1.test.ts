// Claim 1: "An electronic cash system comprising an electronic cash management apparatus, a settlement apparatus, and a
// management apparatus, for processing a payment to an amount due with previously deposited funds".
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ed25519, hpke, sha256 } from '../../src/crypto/index.ts';
import { CashOperation, CreditRequest } from '../../src/roles/cash/messages.ts';
import { RoleClient } from '../../src/roles/common/role-client.ts';
import {
  accountSealAad,
  accountSealInfo,
  decodeAccountContent,
} from '../../src/roles/documents/account-seal.ts';
import { LoadOrder } from '../../src/roles/documents/load-order.ts';
import { ChargeReceipt } from '../../src/roles/documents/receipts.ts';
import {
  EnrolRequest,
  ManagementOperation,
  managementProtocol,
} from '../../src/roles/management/messages.ts';
import { ChargeRequest, SettlementOperation } from '../../src/roles/settlement/messages.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { expectSeparation } from './separation.ts';
import { accountNumber, answerOf, EUR, System } from './system.ts';

const AMOUNT = 123_456_789n;
const ACCOUNT = accountNumber(7);
const USER_DATA = 'Ada Lovelace, St James’s Square 12';

let system: System;
let wallet: Wallet;
let device: bigint;

beforeAll(async () => {
  system = await System.start({ limits: { loadAmountMax: '5000000', balanceMax: '9000000' } });
  wallet = await system.wallet('ada');
  await wallet.enrol({ userData: USER_DATA, accountNumber: ACCOUNT });
  device = wallet.device!;
  const outcome = await wallet.load({ amount: amountOf(AMOUNT), onFile: true });
  expect(outcome).toMatchObject({ state: { kind: 'loaded' }, balance: AMOUNT });
});
afterAll(() => system?.close());

const heardBy = (role: string, operation: number) =>
  system.heard.filter((heard) => heard.role === role && heard.operation === operation);

async function atCash() {
  const operator = await system.asOperator('cash');
  const [account] = await operator.lookupAccounts([device]);
  await operator.close();
  return account;
}

test('cash: "storage means for storing information for identifying a user, and the amount of money utilized by said user based on the previously deposited funds"', async () => {
  expect(await atCash()).toMatchObject({ id: device, ledger: EUR, creditsPosted: AMOUNT, debitsPosted: 0n });
  // Stored: it is there again when the apparatus comes back.
  await system.stopRole('cash');
  await system.startRole('cash');
  expect(await atCash()).toMatchObject({ id: device, ledger: EUR, creditsPosted: AMOUNT, debitsPosted: 0n });
});

test('settlement: "settlement instructing means for instructing a payment institution to settle"', () => {
  const entries = system.institution.books.statement(1n, 10);
  expect(entries).toMatchObject([
    { kind: 'authorise', amount: AMOUNT, currency: EUR },
    { kind: 'capture', amount: AMOUNT, currency: EUR },
  ]);
  expect(system.institution.books.account(ACCOUNT)).toMatchObject({ captured: AMOUNT, held: 0n });
  // Nobody else has a line to it.
  expect(system.tap('institution').connections).toHaveLength(1);
});

test('management: "management means for managing said information for identifying a user, and an account number in the payment institution of the user, encrypted with a public key of said settlement apparatus"', async () => {
  const client = await system.asOperator('management');
  const management = new RoleClient({ protocol: managementProtocol, transport: client });
  const { devices } = answerOf(await management.call('list_devices', { after: undefined, limit: 10 }));
  expect(devices).toMatchObject([{ device, userData: USER_DATA, accountOnFile: true }]);
  await client.close();

  const [enrolled] = heardBy('management', ManagementOperation.enrol);
  const { document } = EnrolRequest.decode(enrolled!.messages[0]!).enrolment;
  const { keyId, encapsulatedKey, ciphertext } = document.account!;
  expect(system.storeOf('management').some((file) => file.includes(Buffer.from(ciphertext)))).toBe(true);
  const open = (key: { readonly secretKey: Uint8Array }) =>
    hpke.open({
      recipientPrivateKey: key.secretKey,
      info: accountSealInfo(keyId),
      aad: accountSealAad({ purpose: 'file', request: document.request }),
      enc: encapsulatedKey,
      ciphertext,
    });
  const settlement = await system.stolenKeys('settlement');
  expect(decodeAccountContent(open(settlement.sealing)).accountNumber).toBe(ACCOUNT);
  const others = [await system.stolenKeys('management'), await system.stolenKeys('cash')];
  for (const { sealing, channel } of others) {
    for (const key of [sealing, channel]) {
      expect(() => open(key)).toThrowError(expect.objectContaining({ code: 'authentication_failed' }));
    }
  }
});

test('management: "balance change instructing means for instructing said electronic cash management apparatus to change the balance of the deposited funds of said user … based on said information for identifying a user"', async () => {
  const credits = heardBy('cash', CashOperation.credit);
  expect(credits).toHaveLength(1);
  expect(credits[0]!.peer).toMatchObject({ kind: 'role', role: 'management' });
  const { device: credited, order, receipt } = CreditRequest.decode(credits[0]!.messages[0]!);
  expect(credited).toBe(device);
  // It alone cannot: the instruction carries the device's order, and settlement's receipt of that very order.
  expect(order.document).toMatchObject({ amount: AMOUNT, signingKey: await wallet.signingKey() });
  const { signing } = await system.stolenKeys('settlement');
  expect(receipt.document).toMatchObject({ request: order.document.request, amount: AMOUNT, currency: EUR });
  expect(receipt.document.orderDigest).toEqual(sha256(LoadOrder.codec.encode(order.document)));
  const signed = ChargeReceipt.signedBytes(receipt.document);
  expect(ed25519.verify(signing.publicKey, signed, receipt.signature)).toBe(true);
});

test('management: "settlement execution instructing means for instructing said settlement instructing means … to execute a settlement based on the account number in said payment institution managed by said management means"', () => {
  const charges = heardBy('settlement', SettlementOperation.charge);
  expect(charges.length).toBeGreaterThan(0);
  for (const { peer, messages } of charges) {
    expect(peer).toMatchObject({ kind: 'role', role: 'management' });
    const [enrolled] = heardBy('management', ManagementOperation.enrol);
    const { document } = EnrolRequest.decode(enrolled!.messages[0]!).enrolment;
    const { account, binding, order } = ChargeRequest.decode(messages[0]!);
    expect(account).toEqual(document.account);
    expect(binding).toEqual({ purpose: 'file', request: document.request });
    expect(order.document.amount).toBe(AMOUNT);
  }
});

test('each apparatus has seen what it needs, and nothing of the others’', async () => {
  expectSeparation(system, {
    accountNumbers: [ACCOUNT],
    amounts: [AMOUNT],
    devices: [device],
    userData: [USER_DATA],
    certificates: [wallet.certificate!],
    signingKeys: [await wallet.signingKey()],
  });
});

test('all five agree on what was paid', async () => {
  expect(await system.audit()).toMatchObject({ passed: true, open: [], float: AMOUNT, devices: 1 });
});
