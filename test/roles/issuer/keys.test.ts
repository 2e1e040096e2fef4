// With the keys of a directory that rotates.
import { describe, expect, test } from 'vitest';
import { identityKeys } from '../../../src/roles/issuer/keys.ts';
import { keySets, OVERLAP_END, START, sourceOf } from '../../identity/support.ts';
import { keyIdOf } from '../settlement/support.ts';

describe('keys of a directory', () => {
  test("cash's signing keys count as long as the directory says so, and no others", () => {
    const source = sourceOf('issuer');
    const keys = identityKeys(source);
    const { signing, channel } = keySets.cash[0];
    expect(keys.cash(keyIdOf(signing.publicKey), START + 1n)).toEqual(signing.publicKey);
    expect(keys.cash(keyIdOf(signing.publicKey), OVERLAP_END + 1n)).toEqual(signing.publicKey);
    expect(source.misses).toBe(0);
    expect(keys.cash(keyIdOf(channel.publicKey), START + 1n)).toBeUndefined();
    expect(source.misses).toBe(1);
  });
});
