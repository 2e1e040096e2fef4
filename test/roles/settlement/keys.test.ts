// With the keys of a directory that rotates: what was sealed to the old key still opens, what is signed is signed by the
// new one.
import { describe, expect, test } from 'vitest';
import { sealingKey } from '../../../src/identity/own-keys.ts';
import type { KeyPair } from '../../../src/roles/settlement/interface.ts';
import { identityKeys } from '../../../src/roles/settlement/keys.ts';
import { DAY, keySets, OVERLAP_END, ROTATION, START, sourceOf } from '../../identity/support.ts';
import { chargeRequest, keyIdOf, Simulation } from './support.ts';

const [first, second] = keySets.settlement;
const idOf = ({ sealing }: { sealing: KeyPair }) => keyIdOf(sealing.publicKey);

describe('keys of a directory', () => {
  test('the one in use signs', () => {
    const keys = identityKeys(sourceOf('settlement'));
    expect(keys.signing(START)).toBe(first.signing);
    expect(keys.signing(ROTATION - 1n)).toBe(first.signing);
    expect(keys.signing(ROTATION + 1n)).toBe(second.signing);
    expect(() => keys.signing(START - DAY)).toThrow('settlement');
  });

  test('those in use and retired open, others and those of others do not', () => {
    const source = sourceOf('settlement');
    const keys = identityKeys(source);
    expect(keys.sealing(idOf(first), ROTATION + 1n)).toBe(first.sealing);
    expect(keys.sealing(idOf(second), ROTATION + 1n)).toBe(second.sealing);
    expect(source.misses).toBe(0);
    expect(keys.sealing(idOf(first), OVERLAP_END + 1n)).toBeUndefined();
    expect(keys.sealing(idOf(keySets.cash[0]), START + 1n)).toBeUndefined();
    expect(keys.sealing(keyIdOf(first.channel.publicKey), START + 1n)).toBeUndefined();
    expect(source.misses).toBe(3);
    expect(sealingKey(source.current(), 'settlement', idOf(first), START)).toBe(first.sealing);
  });

  test("cash's signing keys count as long as the directory says so, and no others", () => {
    const source = sourceOf('settlement');
    const keys = identityKeys(source);
    const { signing, channel } = keySets.cash[0];
    expect(keys.cash(keyIdOf(signing.publicKey), START + 1n)).toEqual(signing.publicKey);
    expect(keys.cash(keyIdOf(signing.publicKey), OVERLAP_END + 1n)).toEqual(signing.publicKey);
    expect(source.misses).toBe(0);
    expect(keys.cash(keyIdOf(channel.publicKey), START + 1n)).toBeUndefined();
    expect(keys.cash(keyIdOf(first.signing.publicKey), START + 1n)).toBeUndefined();
    expect(source.misses).toBe(2);
  });

  test('a charge sealed to the old key, made after the rotation', async () => {
    const simulation = new Simulation({ keys: identityKeys(sourceOf('settlement')) });
    simulation.world.now = ROTATION + DAY;
    await simulation.start();
    const applyBy = simulation.world.now + DAY;
    const request = chargeRequest({ request: 7n, applyBy, to: first.sealing });
    const answer = await simulation.insist((client) => client.charge(request));
    if (answer.kind !== 'charged') throw new Error(answer.kind);
    expect(answer.receipt.document.keyId).toEqual(keyIdOf(second.signing.publicKey));

    simulation.world.now = OVERLAP_END + DAY;
    const late = chargeRequest({ request: 8n, applyBy: simulation.world.now + DAY, to: first.sealing });
    await expect(simulation.insist((client) => client.charge(late))).rejects.toThrow('seal_key_unknown');
    expect(await simulation.insist((client) => client.charge(request))).toEqual(answer);
  });

  test('a receipt is signed by the key in use when the account was charged', async () => {
    const simulation = new Simulation({ keys: identityKeys(sourceOf('settlement')) });
    simulation.world.now = ROTATION - DAY;
    await simulation.start();
    const charged = async (request: bigint) => {
      const applyBy = simulation.world.now + DAY;
      const message = chargeRequest({ request, applyBy, to: first.sealing });
      const answer = await simulation.insist((client) => client.charge(message));
      if (answer.kind !== 'charged') throw new Error(answer.kind);
      return answer.receipt.document.keyId;
    };
    expect(await charged(7n)).toEqual(keyIdOf(first.signing.publicKey));
    simulation.world.now = ROTATION + DAY;
    expect(await charged(8n)).toEqual(keyIdOf(second.signing.publicKey));
  });
});
