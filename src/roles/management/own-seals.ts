// Opens what wallets have sealed for management, many at a time: one HPKE batch for each of management's sealing keys.
import { type IdentitySource, sealingKey } from '../../identity/own-keys.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { perKey } from '../common/per-key.ts';

export interface Sealed {
  /** Of management's sealing key. */
  readonly keyId: Uint8Array;
  readonly encapsulatedKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** One kind of seal: where it stands, what it is bound to, what is in it, and what to say of a bad one. */
export interface SealKind<Item, Content, Problem> {
  sealed(item: Item): Sealed;
  aad(item: Item): Uint8Array;
  info(keyId: Uint8Array): Uint8Array;
  readonly content: Codec<Content>;
  /** It does not open, or holds something else. */
  invalid(): Problem;
  /** To a key that management does not open with, or not now. */
  keyUnknown(): Problem;
}

/** Each seal's content, in order; a bad one leaves the others as they are. */
export type OpenSeals<Item, Content, Problem> = (
  items: readonly Item[],
  now: bigint,
) => Promise<(Content | Problem)[]>;

export function sealOpener<Item, Content, Problem>(
  kind: SealKind<Item, Content, Problem>,
  identity: IdentitySource,
  crypto: BatchCrypto,
): OpenSeals<Item, Content, Problem> {
  return async (items, now) => {
    const results: (Content | Problem)[] = new Array(items.length);
    const groups: number[][] = [];
    const groupOf = perKey((): number[] => {
      const group: number[] = [];
      groups.push(group);
      return group;
    });
    items.forEach((item, place) => void groupOf(kind.sealed(item).keyId).push(place));
    await Promise.all(
      groups.map(async (group) => {
        const { keyId } = kind.sealed(items[group[0]!]!);
        const key = sealingKey(identity.current(), 'management', keyId, now);
        if (key === undefined) {
          identity.missed?.();
          for (const place of group) results[place] = kind.keyUnknown();
          return;
        }
        const opened = await crypto.openBatch({
          recipientPrivateKey: key.secretKey,
          recipientPublicKey: key.publicKey,
          info: kind.info(keyId),
          items: group.map((place) => {
            const item = items[place]!;
            const { encapsulatedKey: enc, ciphertext } = kind.sealed(item);
            return { enc, ciphertext, aad: kind.aad(item) };
          }),
        });
        group.forEach((place, i) => {
          results[place] = contentOf(kind, opened[i]!);
        });
      }),
    );
    return results;
  };
}

function contentOf<Item, Content, Problem>(
  kind: SealKind<Item, Content, Problem>,
  plaintext: Uint8Array | Error,
): Content | Problem {
  if (plaintext instanceof Error) return kind.invalid();
  try {
    return kind.content.decode(plaintext);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return kind.invalid();
  } finally {
    plaintext.fill(0);
  }
}
