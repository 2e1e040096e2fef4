// With the keys of a directory that rotates.
import { describe, expect, test } from 'vitest';
import { identityKeys } from '../../../src/roles/receiver/keys.ts';
import { keySets, OVERLAP_END, ROTATION, START, sourceOf } from '../../identity/support.ts';
import { keyIdOf } from '../settlement/support.ts';

describe('keys of a directory', () => {
  test("cash's signing keys count as long as the directory says so, and no others", () => {
    const source = sourceOf('receiver');
    const keys = identityKeys(source);
    const { signing, channel } = keySets.cash[0];
    expect(keys.cash(keyIdOf(signing.publicKey), START + 1n)).toEqual(signing.publicKey);
    expect(keys.cash(keyIdOf(signing.publicKey), OVERLAP_END + 1n)).toEqual(signing.publicKey);
    expect(source.misses).toBe(0);
    expect(keys.cash(keyIdOf(channel.publicKey), START + 1n)).toBeUndefined();
    expect(source.misses).toBe(1);
  });

  test('the one in use signs, those in use and retired open, others do not', () => {
    const source = sourceOf('receiver');
    const keys = identityKeys(source);
    const [first, second] = keySets.receiver;
    expect(keys.signing(ROTATION - 1n)).toBe(first.signing);
    expect(keys.signing(ROTATION + 1n)).toBe(second.signing);
    const idOf = ({ sealing }: typeof first) => keyIdOf(sealing.publicKey);
    expect(keys.sealing(idOf(first), ROTATION + 1n)).toBe(first.sealing);
    expect(keys.sealing(idOf(second), ROTATION + 1n)).toBe(second.sealing);
    expect(keys.signatureCounts(keyIdOf(first.signing.publicKey), ROTATION + 1n)).toBe(true);
    expect(source.misses).toBe(0);
    expect(keys.signatureCounts(keyIdOf(keySets.cash[0].signing.publicKey), START + 1n)).toBe(false);
    expect(keys.sealing(idOf(first), OVERLAP_END + 1n)).toBeUndefined();
    expect(keys.sealing(idOf(keySets.cash[0]), START + 1n)).toBeUndefined();
  });
});
