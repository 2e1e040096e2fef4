// The block list: what is on it and when, its serials and its parts, and that no crash comes between a device and its purses.
import { describe, expect, test } from 'vitest';
import { ed25519 } from '../../../src/crypto/index.ts';
import { keyIdOf } from '../../../src/identity/key-set.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { BLOCK_LIST_PARTS_MAX, BlockList } from '../../../src/roles/documents/block-list.ts';
import { write } from '../../../src/roles/management/devices.ts';
import { managementProtocol } from '../../../src/roles/management/messages.ts';
import { BlockLists } from '../../../src/roles/management/purse-block-list.ts';
import { putPurseStanding } from '../../../src/roles/management/purse-standing.ts';
import { DAY, keySets, START } from '../../identity/support.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { deviceOrder, Purse } from './purse.ts';
import { Device, NO_ANSWER, Stage } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);
const DAY_MS = 24 * 3_600_000;

async function scene(...args: Parameters<typeof Stage.open>) {
  const stage = await Stage.open(...args);
  const device = await stage.enrolled(ada);
  const other = await stage.enrolled(bob);
  const purses = [new Purse(ada, 1), new Purse(ada, 2)];
  for (const purse of purses) await purse.open(stage, device);
  const list = async (serial = 0n, part = 0) => {
    const result = await stage.settle(stage.as(bob.peer(other)).getBlockList({ serial, part }));
    if (result.kind !== 'ok') throw new Error(`expected an answer, got ${result.kind}`);
    return result.answer.list;
  };
  const own = (of = purses) => of.map(({ number }) => number).sort((a, b) => (a < b ? -1 : 1));
  return { stage, device, other, purses, list, own };
}

test('nothing was ever stopped: there is no list to get', async () => {
  const { list } = await scene();
  expect(await list()).toBeUndefined();
  expect(await list(7n)).toBeUndefined();
});

test('a blocked device: its purses, signed by management; then nothing more for who has that serial', async () => {
  const { stage, device, list, own } = await scene();
  await stage.ask(() => stage.operator.deviceOrder(deviceOrder(device, { kind: 'block' })));
  const { document, signature } = (await list())!;
  const { publicKey } = keySets.management[0].signing;
  expect(document).toMatchObject({
    keyId: keyIdOf(publicKey, systemCrypto.sha256),
    part: 0,
    parts: 1,
    purses: own(),
  });
  expect(ed25519.verify(publicKey, BlockList.signedBytes(document), signature)).toBe(true);
  expect(await list(document.serial)).toBeUndefined();
  expect(await list(document.serial - 1n)).toEqual({ document, signature });
  expect(await list(0n, 1)).toBeUndefined();
  stage.crash();
  await stage.start();
  expect(await list()).toEqual({ document, signature });
  // Blocked once more: nothing changes.
  await stage.ask(() =>
    stage.operator.deviceOrder(deviceOrder(device, { kind: 'block' }, { request: 6_001n })),
  );
  expect(await list(document.serial)).toBeUndefined();
  await stage.ask(() =>
    stage.operator.deviceOrder(deviceOrder(device, { kind: 'unblock' }, { request: 6_002n })),
  );
  const after = (await list(document.serial))!.document;
  expect(after.purses).toEqual([]);
  expect(after.serial).toBeGreaterThan(document.serial);
});

test('a revoked device, and one that was replaced', async () => {
  const { stage, device, other, purses, list, own } = await scene();
  const third = new Purse(bob, 3);
  await third.open(stage, other);
  await stage.revoke(device);
  const first = (await list())!.document;
  expect(first.purses).toEqual(own());
  const by = await stage.enrolled(new Device(3));
  await stage.ask(() => stage.operator.deviceOrder(deviceOrder(other, { kind: 'replace', by })));
  const eve = new Device(3).peer(by);
  const result = await stage.settle(stage.as(eve).getBlockList({ serial: first.serial, part: 0 }));
  expect(result).toMatchObject({ answer: { list: { document: { purses: own([...purses, third]) } } } });
});

test('a purse that cash opens for a device that was blocked meanwhile', async () => {
  const { stage, device, purses, list, own } = await scene();
  stage.partners.script = (call) => (call === 'openPurse' ? NO_ANSWER : undefined);
  const late = new Purse(ada, 4);
  const opening = () => stage.as(ada.peer(device)).openPurse(late.opening(device));
  await stage.settle(opening());
  await stage.ask(() => stage.operator.deviceOrder(deviceOrder(device, { kind: 'block' })));
  const { serial } = (await list())!.document;
  stage.partners.script = () => undefined;
  await late.open(stage, device);
  const { document } = (await list(serial))!;
  expect(document.purses).toEqual(own([...purses, late]));
});

test('a purse leaves when its allowance has ended: with the next change, or after an hour by itself', async () => {
  const { stage, device, list } = await scene();
  await stage.ask(() => stage.operator.deviceOrder(deviceOrder(device, { kind: 'block' })));
  const { serial } = (await list())!.document;
  await stage.pass(8 * DAY_MS);
  // Whoever asks first sets it going.
  expect((await list())!.document.serial).toBe(serial);
  await stage.pass(100);
  const { document } = (await list(serial))!;
  expect(document.purses).toEqual([]);
  expect(document.serial).toBeGreaterThan(serial);
  expect([...stage.disk.records.keys()].filter((at) => at.startsWith('stopped-purses\0'))).toEqual([]);
  await stage.pass(2 * DAY_MS);
  expect(await list(document.serial)).toBeUndefined();
});

test.each(['lost', 'flushed'] as const)(
  'an end at each step of a block, writes %s: device and list agree',
  async (loss) => {
    const day = async (end: number) => {
      let first = Number.POSITIVE_INFINITY;
      const { stage, device, list, own } = await scene({}, (number) =>
        number === first + end ? loss : 'lives',
      );
      first = stage.tracePoints;
      const order = deviceOrder(device, { kind: 'block' });
      const asking = stage.operator;
      for (let isDone = false; !isDone; ) {
        const result = await stage.settle(asking.deviceOrder(order));
        isDone = result.kind === 'ok' && result.answer.kind === 'done';
        if (stage.role === undefined) {
          await stage.pass(500);
          continue;
        }
        const devices = await stage.settle(stage.operator.listDevices({ after: device - 1n, limit: 1 }));
        const isBlocked = devices.kind === 'ok' && devices.answer.devices[0]!.blocked;
        expect((await list())?.document.purses ?? []).toEqual(isBlocked ? own() : []);
        if (!isDone) await stage.pass(100);
      }
      return { stage, points: stage.tracePoints - first };
    };
    const { points } = await day(0);
    for (let end = 1; end <= points; end++) expect((await day(end)).stage.crashes).toBe(1);
  },
);

describe('many purses', () => {
  const keys = keySets.management.map(({ signing }) => ed25519.signingKey(signing.secretKey));

  async function filled(count: number) {
    const store = memoryRoleStore(new MemoryDisk());
    const numbers = Array.from({ length: count }, (_, i) => (1n << 100n) + BigInt(i) * 7n);
    await store.transaction((tx) => {
      numbers.forEach((purse, i) => {
        // Of no device: stopped. Those with larger numbers end sooner.
        const ends = { device: 5n, expiresAt: START + 2n * DAY - BigInt(i) };
        for (const put of putPurseStanding(tx, purse, ends, START)) write(tx, put);
      });
    });
    const errors: string[] = [];
    const log = {
      info: () => {},
      warn: () => {},
      error: (_: object, message: string) => void errors.push(message),
    };
    const state = { signer: keys[0]! };
    const open = () =>
      new BlockLists({ store, signer: () => state.signer, clock: () => START, log, partMax: 4 });
    return { numbers, open, errors, state };
  }

  test('come in parts, in the order of their numbers, the same before and after a restart', async () => {
    const { numbers, open } = await filled(11);
    const lists = open();
    const parts = [0, 1, 2, 3].map((part) => lists.part({ serial: 0n, part }));
    expect(parts[3]).toBeUndefined();
    const documents = parts.slice(0, 3).map((part) => part!.document);
    expect(documents.map(({ part, parts: of }) => [part, of])).toEqual([
      [0, 3],
      [1, 3],
      [2, 3],
    ]);
    expect(new Set(documents.map(({ serial, issuedAt }) => `${serial} ${issuedAt}`)).size).toBe(1);
    expect(documents.flatMap(({ purses }) => purses)).toEqual(numbers);
    const again = open();
    expect([2, 0, 1].map((part) => again.part({ serial: 0n, part }))).toEqual([parts[2], parts[0], parts[1]]);
  });

  test('with another key of management, the same list is signed anew', async () => {
    const { open, state } = await filled(5);
    const lists = open();
    const first = lists.part({ serial: 0n, part: 1 })!;
    state.signer = keys[1]!;
    const { document, signature } = lists.part({ serial: 0n, part: 1 })!;
    expect(document).toEqual({ ...first.document, keyId: keyIdOf(keys[1]!.publicKey, systemCrypto.sha256) });
    expect(ed25519.verify(keys[1]!.publicKey, BlockList.signedBytes(document), signature)).toBe(true);
  });

  test('more than there are parts for: those that end first are left out, and the log says so', async () => {
    const max = 4 * BLOCK_LIST_PARTS_MAX;
    const { numbers, open, errors } = await filled(max + 3);
    const lists = open();
    const parts = Array.from({ length: BLOCK_LIST_PARTS_MAX }, (_, part) => lists.part({ serial: 0n, part }));
    expect(parts.flatMap((part) => part!.document.purses)).toEqual(numbers.slice(0, max));
    expect(errors).toEqual(['the block list is full: what ends first is left out']);
  });

  test('the longest part is an answer that fits a frame', () => {
    expect(managementProtocol.operations.get_block_list.messagesMax).toBeGreaterThan(8);
  });
});
