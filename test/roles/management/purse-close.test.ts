// Purses that devices close.
import { describe, expect, test } from 'vitest';
import type { ClosePurseAnswer } from '../../../src/roles/cash/purse-messages.ts';
import type { CallResult } from '../../../src/roles/common/role-client.ts';
import type { PurseClosing } from '../../../src/roles/documents/purse.ts';
import type { ManagementPeer } from '../../../src/roles/management/peers.ts';
import type { ClosePurseManagementAnswer } from '../../../src/roles/management/purse-messages.ts';
import { findPurse } from '../../../src/roles/management/purse-registry.ts';
import { START } from '../../identity/support.ts';
import { memoryRoleStore } from '../../store/memory-backend.ts';
import { Purse } from './purse.ts';
import { Device, NO_ANSWER, ok, refused, Stage } from './support.ts';

const ada = new Device(1);
const bob = new Device(2);

const codeOf = (result: CallResult<ClosePurseManagementAnswer>): string => {
  if (result.kind === 'refused') return result.refusal.code;
  if (result.kind === 'unknown') return result.kind;
  return result.answer.kind === 'pending' ? 'pending' : result.answer.answer.kind;
};

async function scene(...args: Parameters<typeof Stage.open>) {
  const stage = await Stage.open(...args);
  const device = await stage.enrolled(ada);
  const purse = new Purse(ada, 1);
  await purse.open(stage, device);
  return {
    ...{ stage, device, purse },
    close: (
      change: Partial<PurseClosing> = {},
      peer: ManagementPeer = ada.peer(device),
      key = purse.signing,
    ) => stage.settle(stage.as(peer).closePurse(purse.closing(change, key))),
    closedAs: () => findPurse(memoryRoleStore(stage.disk), purse.number)!.closed,
    says: (answer: ClosePurseAnswer) => {
      stage.partners.script = (call) => (call === 'closePurse' ? ok(answer) : undefined);
    },
  };
}

test('cash closes it; asked again, it says the same; the registry knows', async () => {
  const { stage, purse, close, closedAs } = await scene();
  const first = await close({ lastSequence: 2n, total: 900n });
  const answer = { kind: 'closed', released: 75n, timestamp: START };
  expect(first).toEqual({ kind: 'ok', answer: { kind: 'answered', answer } });
  expect(stage.partners.calls.at(-1)).toEqual({
    call: 'closePurse',
    request: purse.closing({ lastSequence: 2n, total: 900n }),
  });
  expect(closedAs()).toEqual({ at: START, released: 75n });
  const flushes = stage.disk.flushes;
  expect(await close({ lastSequence: 2n, total: 900n })).toEqual(first);
  expect(stage.disk.flushes).toBe(flushes);
});

test('what was not reported yet is named, and nothing is noted', async () => {
  const { close, says, closedAs } = await scene();
  says({ kind: 'unreported', sequences: [1, 3] });
  expect(await close({ lastSequence: 3n, total: 900n })).toEqual({
    kind: 'ok',
    answer: { kind: 'answered', answer: { kind: 'unreported', sequences: [1, 3] } },
  });
  expect(closedAs()).toBeUndefined();
});

describe('what is refused, and cash never sees', () => {
  test('what the message itself rules out', async () => {
    const { stage, close } = await scene();
    for (const change of [
      { lastSequence: 65n, total: 100n },
      { total: 1n },
      { lastSequence: 3n, total: 2n },
    ]) {
      expect(codeOf(await close(change))).toBe('malformed');
    }
    expect(codeOf(await close({}, undefined, ada.signing))).toBe('signature_invalid');
    expect(stage.partners.calls.some(({ call }) => call === 'closePurse')).toBe(false);
  });

  test('from others than the device whose purse it is', async () => {
    const { stage, device, close } = await scene();
    const other = await stage.enrolled(bob);
    expect(codeOf(await close({}, bob.peer(other)))).toBe('purse_unknown');
    expect(codeOf(await close({ purse: 5n }))).toBe('purse_unknown');
    for (const peer of [ada.unenrolled, { kind: 'operator' }, { kind: 'unnamed' }] as const) {
      expect(codeOf(await close({}, peer))).toBe('not_permitted');
    }
    expect(codeOf(await close({}, { ...ada.peer(device), channelKey: bob.channel.publicKey }))).toBe(
      'device_unknown',
    );
    expect(stage.partners.calls.some(({ call }) => call === 'closePurse')).toBe(false);
  });

  test('more than so many a minute', async () => {
    const { stage, close } = await scene({ deviceReportsPerMinute: 1 });
    expect(codeOf(await close())).toBe('closed');
    expect(codeOf(await close())).toBe('unknown');
    await stage.pass(60_000);
    expect(codeOf(await close())).toBe('closed');
  });
});

test.each(['purse_cheated', 'request_differs', 'amount_mismatch'])('cash refuses it: %s', async (code) => {
  const { stage, close, closedAs } = await scene();
  stage.partners.script = (call) => (call === 'closePurse' ? refused(code) : undefined);
  expect(codeOf(await close())).toBe(code);
  expect(closedAs()).toBeUndefined();
  expect(stage.role!.engine.health()).toMatchObject({ status: 'ok' });
});

test('a cash that does not answer, or not credibly: pending, and asked again', async () => {
  const { stage, close, says, closedAs } = await scene();
  stage.partners.script = (call) => (call === 'closePurse' ? NO_ANSWER : undefined);
  expect(codeOf(await close())).toBe('pending');
  for (const code of ['signature_invalid', 'malformed', 'device_unknown']) {
    stage.partners.script = (call) => (call === 'closePurse' ? refused(code) : undefined);
    expect(codeOf(await close())).toBe('pending');
    expect(stage.role!.engine.health()).toMatchObject({ status: 'degraded' });
  }
  for (const sequences of [[], [0], [2, 1], [1, 1], [4]]) {
    says({ kind: 'unreported', sequences });
    expect(codeOf(await close({ lastSequence: 3n, total: 900n }))).toBe('pending');
  }
  expect(closedAs()).toBeUndefined();
  stage.partners.script = () => undefined;
  expect(codeOf(await close())).toBe('closed');
  expect(stage.role!.engine.health()).toMatchObject({ status: 'ok' });
});
