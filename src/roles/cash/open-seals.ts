// Opens what was sealed to cash, many at a time: one HPKE batch for each of its sealing keys, the one in use and those of the
// overlap.
import type { CashParts } from './interface.ts';
import { keyIdNumber } from './key-ids.ts';

/** With HPKE's `aad`. */
export interface Seal {
  /** Of the sealing key. */
  readonly keyId: Uint8Array;
  readonly encapsulatedKey: Uint8Array;
  readonly ciphertext: Uint8Array;
  readonly aad: Uint8Array;
}

/** `key_unknown`: cash has no such key, or not yet. `invalid`: no key of cash ever opens it. */
export type Opened = Uint8Array | 'key_unknown' | 'invalid';

/** What is inside each, in order; a bad seal leaves the others as they are. @param infoOf HPKE's `info`, by the key's id */
export async function openSeals(
  seals: readonly Seal[],
  infoOf: (keyId: Uint8Array) => Uint8Array,
  { identity, openBatch }: Pick<CashParts, 'identity' | 'openBatch'>,
): Promise<Opened[]> {
  const results: Opened[] = new Array(seals.length);
  const groups = new Map<bigint, number[]>();
  seals.forEach(({ keyId }, place) => {
    const id = keyIdNumber(keyId);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, [place]);
    else group.push(place);
  });
  await Promise.all(
    [...groups.values()].map(async (group) => {
      const { keyId } = seals[group[0]!]!;
      const key = identity.sealingKey(keyId);
      if (key === undefined) {
        for (const place of group) results[place] = 'key_unknown';
        return;
      }
      const opened = await openBatch({
        recipientPrivateKey: key.secretKey,
        recipientPublicKey: key.publicKey,
        info: infoOf(keyId),
        items: group.map((place) => {
          const { encapsulatedKey: enc, ciphertext, aad } = seals[place]!;
          return { enc, ciphertext, aad };
        }),
      });
      group.forEach((place, i) => {
        const plaintext = opened[i]!;
        results[place] = plaintext instanceof Error ? 'invalid' : plaintext;
      });
    }),
  );
  return results;
}
