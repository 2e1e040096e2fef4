// What operators ask management, and what nobody else may.
import { describe, expect, test } from 'vitest';
import { hpke, sha256 } from '../../../src/crypto/index.ts';
import { keyIdOf } from '../../../src/identity/key-set.ts';
import { REPORTS_PAGE_MAX } from '../../../src/roles/common/request-report.ts';
import {
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../../src/roles/documents/account-seal.ts';
import type { ManagementPeer } from '../../../src/roles/management/peers.ts';
import { directory, keySets, START } from '../../identity/support.ts';
import { Device, EUR, HOUR, NO_ANSWER, ok, refused, Stage, sealedAccount } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);

describe('what operators may', () => {
  const calls = {
    lookupRequest: { request: 1n },
    listRequests: { after: undefined, limit: 1 },
    listDevices: { after: undefined, limit: 1 },
    closeShop: { shop: 1n, reason: '' },
  } as const;
  const strangers: ManagementPeer[] = [ada.unenrolled, ada.peer(1n), { kind: 'role' }, { kind: 'unnamed' }];
  test.each(Object.keys(calls) as (keyof typeof calls)[])('%s: nobody else may', async (name) => {
    const stage = await Stage.open();
    for (const peer of strangers) {
      const call = stage.as(peer)[name] as (request: unknown) => Promise<unknown>;
      expect(await stage.settle(call(calls[name]))).toMatchObject({ refusal: { code: 'not_permitted' } });
    }
    for (const peer of [{ kind: 'operator' }, { kind: 'local' }] as const) {
      const call = stage.as(peer)[name] as (request: unknown) => Promise<unknown>;
      expect(await stage.settle(call(calls[name]))).not.toMatchObject({ refusal: { code: 'not_permitted' } });
    }
  });
});

test('the directory is for everyone', async () => {
  const stage = await Stage.open();
  for (const peer of [ada.unenrolled, { kind: 'unnamed' }, { kind: 'role' }] as const) {
    expect(await stage.settle(stage.as(peer).getDirectory({}))).toEqual({
      kind: 'ok',
      answer: { directory: directory().bytes() },
    });
  }
});

test('a report says what a request is about and how it went, and nothing of its user', async () => {
  const stage = await Stage.open();
  const device = await stage.enrolled(ada, { account: sealedAccount() });
  const order = ada.order(5_000n, { account: 101n });
  await stage.ask(() => stage.as(ada.peer(device)).load({ order, account: undefined }));
  const result = await stage.settle(stage.operator.lookupRequest({ request: 5_000n }));
  if (result.kind !== 'ok') throw new Error('expected a report');
  const { report } = result.answer;
  expect(report).toMatchObject({
    request: 5_000n,
    kind: 'load',
    state: 'loaded',
    amount: 2_500n,
    currency: EUR,
    device,
    detail: 'charge 5000',
  });
  expect(report!.history.map(({ state }) => state)).toEqual(['charging', 'crediting', 'loaded']);
  expect(report!.history[0]!.at).toBe(report!.createdAt);
  expect(report!.history.at(-1)!.at).toBe(report!.updatedAt);
  expect(await stage.settle(stage.operator.lookupRequest({ request: 1n }))).toEqual({
    kind: 'ok',
    answer: { report: undefined },
  });
});

test('requests are listed in pages, in the order of their ids, of every kind, refused ones too', async () => {
  const stage = await Stage.open();
  const device = await stage.enrolled(ada, { account: sealedAccount() });
  const peer = stage.as(ada.peer(device));
  await stage.settle(peer.fileAccount(ada.filing(7n)));
  for (const [request, amount] of [
    [1_000n, 2_500n],
    [1n << 120n, 2_500n],
    [3n, 1_000n],
  ] as const) {
    const change = request === 3n ? { amount, applyBy: START } : { amount };
    await stage.ask(() =>
      peer.load({ order: ada.order(request, { account: 7n, ...change }), account: undefined }),
    );
  }
  const pages: string[] = [];
  let after: bigint | undefined;
  for (;;) {
    const result = await stage.settle(stage.operator.listRequests({ after, limit: 2 }));
    if (result.kind !== 'ok') throw new Error('expected a page');
    const { reports } = result.answer;
    pages.push(
      ...reports.map(({ request, kind, state, detail }) => `${request} ${kind} ${state} ${detail}`.trim()),
    );
    if (reports.length < 2) break;
    after = reports.at(-1)!.request;
  }
  expect(pages).toEqual([
    '3 load refused expired',
    '7 account_filing filed',
    '101 enrolment enrolled',
    '1000 load loaded charge 1000',
    `${1n << 120n} load loaded charge ${1n << 120n}`,
  ]);
  const last = await stage.settle(stage.operator.listRequests({ after: 2n ** 128n - 1n, limit: 2 }));
  expect(last).toMatchObject({ answer: { reports: [] } });
});

test.each([0, REPORTS_PAGE_MAX + 1, 65_535])('a page of %i is refused', async (limit) => {
  const stage = await Stage.open();
  expect(await stage.settle(stage.operator.listRequests({ after: undefined, limit }))).toMatchObject({
    refusal: { code: 'malformed' },
  });
  if (limit <= 1_024) return;
  expect(await stage.settle(stage.operator.listDevices({ after: undefined, limit }))).toMatchObject({
    refusal: { code: 'malformed' },
  });
});

test('devices are listed in pages with what the registry has of them', async () => {
  const stage = await Stage.open();
  const numbers = [await stage.enrolled(ada, { account: sealedAccount() }), await stage.enrolled(bob)].sort(
    (a, b) => (a < b ? -1 : 1),
  );
  const page = async (after: bigint | undefined, limit: number) => {
    const result = await stage.settle(stage.operator.listDevices({ after, limit }));
    return result.kind === 'ok' ? result.answer.devices : [];
  };
  expect((await page(undefined, 10)).map(({ device }) => device)).toEqual(numbers);
  expect((await page(undefined, 1)).map(({ device }) => device)).toEqual(numbers.slice(0, 1));
  expect((await page(numbers[0], 10)).map(({ device }) => device)).toEqual(numbers.slice(1));
  expect(await page(2n ** 128n - 1n, 10)).toEqual([]);
  const own = (await page(undefined, 10)).find(({ userData }) => userData === 'Ada Lovelace 1');
  expect(own).toMatchObject({ signingKey: ada.signing.publicKey, accountOnFile: true, revoked: false });
  expect(own!.enrolledAt).toBeGreaterThan(START);
});

test('a device is revoked at once and for good, and cash is told until it has done it, however late', async () => {
  const stage = await Stage.open();
  const device = await stage.enrolled(ada);
  stage.partners.script = (call) => (call === 'deviceOrder' ? NO_ANSWER : undefined);
  const message = stage.revocation(device);
  const ask = () => stage.settle(stage.operator.deviceOrder(message));
  expect(await ask()).toMatchObject({ answer: { kind: 'pending', state: 'ordering' } });
  expect(stage.role!.revoked({ device } as never)).toBe(true);
  stage.crash();
  await stage.start();
  expect(stage.role!.revoked({ device } as never)).toBe(true);
  // A no of cash ends nothing: shops would reach it without management.
  stage.partners.script = (call) => (call === 'deviceOrder' ? refused('expired') : undefined);
  await stage.pass(Number((2n * HOUR) / 1_000_000n));
  expect(await ask()).toMatchObject({ answer: { kind: 'pending', state: 'ordering_distrusted' } });
  stage.partners.script = () => undefined;
  await stage.pass(60_000);
  expect(await ask()).toMatchObject({ answer: { kind: 'done' } });
  expect(stage.partners.calls.at(-1)).toEqual({ call: 'deviceOrder', request: message });
  const others = await stage.settle(stage.operator.deviceOrder(stage.revocation(device + 1n)));
  expect(others).toMatchObject({ refusal: { code: 'device_unknown' } });
});

describe('a balance', () => {
  test('is what cash says of the device that asks', async () => {
    const stage = await Stage.open();
    const device = await stage.enrolled(ada);
    const ask = (currency: number) => stage.settle(stage.as(ada.peer(device)).getBalance({ currency }));
    expect(await ask(EUR)).toEqual({
      kind: 'ok',
      answer: { balance: 2_500n, reserved: 0n, timestamp: START },
    });
    expect(stage.partners.calls.at(-1)!.request).toEqual({ device, currency: EUR });
    expect(await ask(392)).toMatchObject({ refusal: { code: 'currency_not_offered' } });
    stage.partners.script = () => refused('currency_not_offered');
    expect(await ask(EUR)).toMatchObject({ refusal: { code: 'currency_not_offered' } });
    stage.partners.script = () => refused('device_unknown');
    expect(await ask(EUR)).toMatchObject({ kind: 'unknown' });
    stage.partners.script = () => NO_ANSWER;
    expect(await ask(EUR)).toMatchObject({ kind: 'unknown' });
  });

  test('that cash does not give in time is asked for again', async () => {
    const stage = await Stage.open();
    const device = await stage.enrolled(ada);
    stage.partners.latencyMs = 3_000;
    stage.crash();
    await stage.start();
    const before = stage.world.nowMs;
    const answer = await stage.settle(stage.as(ada.peer(device)).getBalance({ currency: EUR }));
    expect(answer).toMatchObject({ kind: 'unknown' });
    expect(stage.world.nowMs - before).toBeLessThan(2_500);
  });
});

test('neither the disk nor the log ever holds an account number, and the log no user data and no key', async () => {
  const stage = await Stage.open();
  const accountNumber = '4000001234567899';
  const { publicKey } = keySets.settlement[0].sealing;
  const keyId = keyIdOf(publicKey, sha256);
  const seal = (purpose: 'load' | 'file', request: bigint): SealedAccount => {
    const aad = accountSealAad({ purpose, request });
    const plaintext = encodeAccountContent({ signingKey: ada.signing.publicKey, accountNumber });
    const info = accountSealInfo(keyId);
    const { enc, ciphertext } = hpke.seal({ recipientPublicKey: publicKey, info, plaintext, aad });
    return { keyId, encapsulatedKey: enc, ciphertext };
  };
  const device = await stage.enrolled(ada, { account: seal('file', 101n) });
  const peer = stage.as(ada.peer(device));
  const credited = (request: bigint) => ({ order: ada.order(request), account: seal('load', request) });
  await stage.ask(() => peer.load(credited(5_000n)));
  await stage.ask(() => peer.load({ order: ada.order(5_001n, { account: 101n }), account: undefined }));
  stage.partners.script = () =>
    ok({ kind: 'charged', receipt: stage.partners.charge({ order: ada.order(1n) } as never) });
  await stage.settle(peer.load(credited(5_002n)));
  await stage.revoke(device);
  const written = stage.everythingWritten();
  expect(written).toContain('Ada Lovelace 1');
  expect(written).not.toContain(accountNumber);
  const log = JSON.stringify(stage.log, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  expect(stage.log.length).toBeGreaterThan(1);
  expect(log).not.toContain('Ada');
  for (const secret of [ada.signing.publicKey, ada.channel.publicKey, seal('file', 101n).ciphertext]) {
    expect(log).not.toContain(Buffer.from(secret).toString('hex'));
    expect(log).not.toContain([...secret.subarray(0, 4)].join(','));
  }
});
