// Opens the payers' numbers of transfers, many at a time, as number-seals.ts does those of purchases.
import { toHex } from '../../identity/binary-text.ts';
import { type IdentitySource, sealingKey } from '../../identity/own-keys.ts';
import { CodecError } from '../../shared/codec.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { PayerContent, payerSealInfo, type SealedPayer, TransferBinding } from '../documents/transfer.ts';

export interface PayerSeal {
  readonly payer: SealedPayer;
  readonly binding: TransferBinding;
}

export type SealProblem = 'seal_invalid' | 'seal_key_unknown';

/** Each seal's content, in order; a bad one leaves the others as they are. */
export type OpenPayers = (
  seals: readonly PayerSeal[],
  now: bigint,
) => Promise<readonly (PayerContent | SealProblem)[]>;

export function payerOpener(identity: IdentitySource, crypto: BatchCrypto): OpenPayers {
  return async (seals, now) => {
    const results = new Array<PayerContent | SealProblem>(seals.length).fill('seal_key_unknown');
    const groups = new Map<string, number[]>();
    seals.forEach(({ payer }, place) => {
      const name = toHex(payer.keyId);
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [place]);
      else group.push(place);
    });
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const { keyId } = seals[group[0]!]!.payer;
        const key = sealingKey(identity.current(), 'management', keyId, now);
        if (key === undefined) return identity.missed?.();
        const opened = await crypto.openBatch({
          recipientPrivateKey: key.secretKey,
          recipientPublicKey: key.publicKey,
          info: payerSealInfo(keyId),
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

const itemOf = ({ payer, binding }: PayerSeal) => ({
  enc: payer.encapsulatedKey,
  ciphertext: payer.ciphertext,
  aad: TransferBinding.encode(binding),
});

function contentOf(plaintext: Uint8Array | Error): PayerContent | SealProblem {
  if (plaintext instanceof Error) return 'seal_invalid';
  try {
    return PayerContent.decode(plaintext);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return 'seal_invalid';
  } finally {
    plaintext.fill(0);
  }
}
