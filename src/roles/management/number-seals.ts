// Opens the device numbers of purchases, many at a time: one HPKE batch for each of management's sealing keys.
import { type IdentitySource, sealingKey } from '../../identity/own-keys.ts';
import { CodecError } from '../../shared/codec.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { perKey } from '../common/per-key.ts';
import { NumberContent, numberSealInfo, PurchaseBinding, type SealedNumber } from '../documents/purchase.ts';
import { type Refused, refuse } from './check.ts';

export interface NumberSeal {
  readonly number: SealedNumber;
  readonly binding: PurchaseBinding;
}

/** Each seal's content, in order; a bad one leaves the others as they are. */
export type OpenNumbers = (seals: readonly NumberSeal[], now: bigint) => Promise<(NumberContent | Refused)[]>;

export function numberOpener(identity: IdentitySource, crypto: BatchCrypto): OpenNumbers {
  return async (seals, now) => {
    const results: (NumberContent | Refused)[] = new Array(seals.length);
    const groups: number[][] = [];
    const groupOf = perKey((): number[] => {
      const group: number[] = [];
      groups.push(group);
      return group;
    });
    seals.forEach(({ number }, place) => void groupOf(number.keyId).push(place));
    await Promise.all(
      groups.map(async (group) => {
        const { keyId } = seals[group[0]!]!.number;
        const key = sealingKey(identity.current(), 'management', keyId, now);
        if (key === undefined) {
          identity.missed?.();
          for (const place of group) results[place] = keyUnknown();
          return;
        }
        const opened = await crypto.openBatch({
          recipientPrivateKey: key.secretKey,
          recipientPublicKey: key.publicKey,
          info: numberSealInfo(keyId),
          items: group.map((place) => itemOf(seals[place]!)),
        });
        group.forEach((place, i) => {
          results[place] = contentOf(opened[i]!);
        });
      }),
    );
    return results;
  };
}

const itemOf = ({ number, binding }: NumberSeal) => ({
  enc: number.encapsulatedKey,
  ciphertext: number.ciphertext,
  aad: PurchaseBinding.encode(binding),
});

function contentOf(plaintext: Uint8Array | Error): NumberContent | Refused {
  if (plaintext instanceof Error) return sealInvalid();
  try {
    return NumberContent.decode(plaintext);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return sealInvalid();
  } finally {
    plaintext.fill(0);
  }
}

const sealInvalid = (): Refused =>
  refuse(
    'number_seal_invalid',
    'number: expected a seal that was made for this purchase at this shop, got another or a changed one',
  );

const keyUnknown = (): Refused =>
  refuse(
    'seal_key_unknown',
    'number: expected one sealed to a key of management that opens now, got another: fetch the directory, seal anew',
  );
