// New keys for every role while the system runs: nothing restarts, no request fails; what was sealed to old keys opens as
// long as it should, what they have signed counts as long as it should, and not a moment longer.
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeviceCertificate } from '../../src/identity/device-certificate.ts';
import { HomePaths } from '../../src/identity/home.ts';
import { type KeySet, keyIdOf } from '../../src/identity/key-set.ts';
import { retireKeys } from '../../src/identity/retire-keys.ts';
import type { RoleName } from '../../src/identity/roles.ts';
import { rotateKeys } from '../../src/identity/rotate-keys.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import { ChargeReceipt, type SignedChargeReceipt } from '../../src/roles/documents/receipts.ts';
import { SettlementClient } from '../../src/roles/settlement/client.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Wallet } from '../../src/wallet/index.ts';
import { Device, now, sealTo, signedBy } from './device.ts';
import { accountNumber, answerOf, EUR, eventually, refusalOf, System, toldBy } from './system.ts';

let system: System;
let wallet: Wallet;
let device: Device;
/** Each role's first keys. */
const first = new Map<RoleName, KeySet>();
const passphrase = async () => undefined;
const keyId = (publicKey: Uint8Array) => keyIdOf(publicKey, systemCrypto.sha256);

beforeAll(async () => {
  system = await System.start();
  wallet = await system.wallet('ada');
  await wallet.enrol({ userData: 'Ada', accountNumber: accountNumber(1) });
  device = await Device.enrolled(system, accountNumber(2));
  for (const role of system.startOrder) first.set(role, await system.stolenKeys(role));
});
afterAll(() => system?.close());

const load = (more: object = { onFile: true }) => wallet.load({ amount: amountOf(500n), ...more } as never);

/** Every role has the directory of now. */
async function known(serial: bigint): Promise<void> {
  await eventually(() =>
    system.startOrder.every((role) =>
      system.logs[role].some((line) => line.includes('directory changed') && line.includes(`'${serial}'`)),
    ),
  );
}

test('while loads go on, each role gets new keys: none of them fails, nothing restarts', async () => {
  let isOver = false;
  const outcomes: string[] = [];
  const traffic = [wallet, await system.wallet('grace')].map(async (one, i) => {
    if (i > 0) await one.enrol({ userData: 'Grace', accountNumber: accountNumber(3) });
    while (!isOver) {
      const given = outcomes.length % 2 === 0 ? { onFile: true } : { accountNumber: accountNumber(4) };
      const { state } = await one.load({ amount: amountOf(100n), ...given } as never);
      outcomes.push(state.kind);
    }
  });
  for (const role of ['settlement', 'cash', 'management'] as const) {
    const before = outcomes.length;
    const { number, serial } = await rotateKeys({ home: system.home, role, passphrase });
    expect(number).toBe(2);
    await known(serial);
    await eventually(() => outcomes.length >= before + 4);
  }
  isOver = true;
  await Promise.all(traffic);
  expect(new Set(outcomes)).toEqual(new Set(['loaded']));
  for (const role of system.startOrder) {
    expect(system.logs[role].filter((line) => line.startsWith('error'))).toEqual([]);
  }
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});

test('what was sealed to settlement’s old key still opens', async () => {
  const old = first.get('settlement')!.sealing.publicKey;
  // On file since before, and given anew by a wallet that has not heard of the new key.
  expect(await load()).toMatchObject({ state: { kind: 'loaded' } });
  const order = device.orderGiven(700n);
  const binding = { purpose: 'load', request: order.document.request } as const;
  const account = sealTo(old, accountNumber(2), binding, device.signing.publicKey);
  const management = await device.management();
  await eventually(async () => toldBy(await management.load({ order, account })) === 'loaded');
  // What is sealed from now on is sealed to the new one.
  expect(keyId((await system.stolenKeys('settlement', 2)).sealing.publicKey)).toEqual(
    device.seal(accountNumber(2), binding).keyId,
  );
});

test('old certificates and old channels still count; new certificates are signed by the new key', async () => {
  expect(device.certificate!.document.issuer).toEqual(keyId(first.get('management')!.signing.publicKey));
  // With its old certificate, to the old key of management's channel.
  const oldServer = {
    ...device.identity(),
    remoteStaticKey: first.get('management')!.channel.publicKey,
  };
  expect(await refusalOf(system.connect('management', oldServer))).toBe('connected');
  expect(await refusalOf(device.connect())).toBe('connected');
  const newcomer = await Device.enrolled(system);
  const second = await system.stolenKeys('management', 2);
  expect(newcomer.certificate!.document.issuer).toEqual(keyId(second.signing.publicKey));
  expect(DeviceCertificate.verify(newcomer.certificate!, second.signing.publicKey, systemCrypto)).toBe(true);
});

test('new receipts are signed by the new keys, old ones still count', async () => {
  const credit = (await wallet.receipts()).map(({ receipt }) => receipt.document.keyId);
  const cashKeys = [first.get('cash')!, await system.stolenKeys('cash', 2)].map(({ signing }) => signing);
  expect(credit.at(-1)).toEqual(keyId(cashKeys[1]!.publicKey));
  expect(await wallet.verify()).toMatchObject({ balance: (await wallet.balance()).balance });

  // A charge receipt of settlement's old key, as one that was under way at the rotation.
  const settlement = new SettlementClient(await system.asRole('management', 'settlement', 2));
  const order = device.orderGiven(800n);
  const binding = { purpose: 'load', request: order.document.request } as const;
  const charge = { order, account: device.seal(accountNumber(2), binding), binding };
  let receipt: SignedChargeReceipt | undefined;
  await eventually(async () => {
    const answer = answerOf(await settlement.charge(charge));
    if (answer.kind === 'charged') receipt = answer.receipt;
    return receipt !== undefined;
  });
  const { signing } = first.get('settlement')!;
  const old = signedBy(ChargeReceipt, { ...receipt!.document, keyId: keyId(signing.publicKey) }, signing);
  const cash = new CashClient(await system.asRole('management', 'cash', 2));
  expect(toldBy(await cash.credit({ device: device.number, order, receipt: old }))).toBe('credited');
  const management = await device.management();
  await eventually(
    async () => toldBy(await management.load({ order, account: charge.account })) !== 'pending',
  );
});

test('the old keys of a role still open its channels to others, as long as they overlap', async () => {
  for (const [from, to] of [
    ['management', 'settlement'],
    ['management', 'cash'],
    ['cash', 'management'],
  ] as const) {
    const { channel } = first.get(from)!;
    const identity = {
      pattern: 'KK',
      staticKey: channel.secretKey,
      remoteStaticKey: system.channelKey(to),
    } as const;
    expect(await refusalOf(system.connect(to, identity))).toBe('connected');
  }
});

test('keys in wrong hands are taken out: they neither open nor count from that moment on', async () => {
  await wallet.fileAccount({ accountNumber: accountNumber(1) });
  const before = await system.money();
  let serial = 0n;
  for (const role of system.startOrder) {
    ({ serial } = await rotateKeys({ home: system.home, role, passphrase, compromised: true }));
  }
  await known(serial);
  await system.renewOperator();
  const second = await system.stolenKeys('management', 2).catch(() => undefined);
  const { removed } = await retireKeys({ home: system.home, passphrase });
  expect(removed.map(({ role, number }) => `${role} ${number}`).sort()).toEqual(
    system.startOrder.flatMap((role) => [`${role} 1`, `${role} 2`]).sort(),
  );
  for (const { path } of removed) expect(existsSync(path)).toBe(false);
  expect(existsSync(new HomePaths(system.home).keySet('settlement', 3))).toBe(true);

  // Channels: neither the first set nor the second.
  for (const keys of [first.get('management')!, second!]) {
    for (const to of ['settlement', 'cash'] as const) {
      const identity = {
        pattern: 'KK',
        staticKey: keys.channel.secretKey,
        remoteStaticKey: system.channelKey(to),
      } as const;
      expect(await refusalOf(system.connect(to, identity))).toBe('handshake_failed');
    }
  }
  // Certificates that they have signed.
  expect(await refusalOf(device.connect())).toBe('untrusted_certificate');

  // Receipts that they have signed, and what is sealed to them: with management's new keys, which are its own.
  const settlement = new SettlementClient(await system.asRole('management', 'settlement', 3));
  const cash = new CashClient(await system.asRole('management', 'cash', 3));
  const order = device.orderGiven(900n);
  const { request } = order.document;
  const binding = { purpose: 'load', request } as const;
  const { signing, sealing } = first.get('settlement')!;
  const account = sealTo(sealing.publicKey, accountNumber(2), binding, device.signing.publicKey);
  expect(toldBy(await settlement.charge({ order, account, binding }))).toBe('refused: seal_key_unknown');
  const receipt = signedBy(
    ChargeReceipt,
    {
      keyId: keyId(signing.publicKey),
      request,
      orderDigest: systemCrypto.sha256(new Uint8Array(1)),
      amount: 900n,
      currency: EUR,
      institutionReference: 'A00001',
      chargedAt: now(),
    },
    signing,
  );
  expect(toldBy(await cash.credit({ device: device.number, order, receipt }))).toMatch(
    /^refused: receipt_(mismatch|invalid)$/,
  );
  expect(await system.money()).toBe(before);
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});

test('the system goes on with the newest keys', async () => {
  const newcomer = await system.wallet('newcomer');
  await newcomer.enrol({ userData: 'newcomer', accountNumber: accountNumber(9) });
  expect(await newcomer.load({ amount: amountOf(600n), onFile: true })).toMatchObject({
    state: { kind: 'loaded' },
  });
  expect(await system.audit()).toMatchObject({ passed: true, open: [] });
});
