// What a gateway has refused, it remembers, and refuses again whenever it is asked what became of it.
import { expect, test } from 'vitest';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { Device, errorOf, World } from './support.ts';

for (const code of ['destination_unknown', 'exceeds_day_limit', 'expired'] as const) {
  test(`${code}, and the same to a look-up: the notes come back`, async () => {
    const world = new World();
    const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
    await ada.give(7n);
    world.gateway.tamper = (name, result) =>
      name === 'send_out' || name === 'lookup_exchange'
        ? { kind: 'refused', refusal: new Refusal(code, 'for good') }
        : result;
    world.gateway.refusal = code;
    expect(await ada.terminal.send({ destination: bob.terminal.address, amount: 3n })).toMatchObject({
      state: 'rejected',
      reason: `${code}: for good`,
    });
    expect(ada.terminal.balance()).toMatchObject({ free: 7n, sent: 0n, open: [] });
  });
}

test('busy is no such no: it is asked again', async () => {
  const world = new World();
  const [ada, bob] = [new Device(world, 'lan'), new Device(world, 'wan')];
  await ada.give(7n);
  world.gateway.tamper = (name, result) =>
    name === 'send_out' || name === 'lookup_exchange'
      ? { kind: 'refused', refusal: new Refusal('busy', 'for now') }
      : result;
  const send = ada.terminal.send({ destination: bob.terminal.address, amount: 3n });
  expect(await errorOf(send)).toBe('unreachable');
  world.gateway.tamper = undefined;
  await ada.terminal.resume();
  expect(ada.terminal.balance()).toMatchObject({ sent: 3n, open: [{ state: 'waiting' }] });
});
