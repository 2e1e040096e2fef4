// Opens sealed account numbers, many at a time: one HPKE batch for each sealing key. The plaintext's bytes are wiped here;
// the number itself becomes a string, which JavaScript cannot wipe: whoever gets it keeps it no longer than one call.
import { type CryptoPool, hpke } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import {
  type AccountBinding,
  type AccountContent,
  AccountContentError,
  accountSealAad,
  accountSealInfo,
  decodeAccountContent,
  type SealedAccount,
} from '../documents/account-seal.ts';
import type { SettlementRefusal } from './errors.ts';
import type { KeyPair } from './interface.ts';

/** The key that opens what was sealed to that key id, in use or retired; undefined: none of settlement's. */
export type FindSealingKey = (keyId: Uint8Array) => KeyPair | undefined;

export interface Seal {
  readonly account: SealedAccount;
  readonly binding: AccountBinding;
}

export type Opened = AccountContent | Refusal<SettlementRefusal>;

/** Each seal's content, in order; a bad one leaves the others as they are. */
export type OpenSeals = (seals: readonly Seal[]) => Promise<Opened[]>;

/** @param pool computes the batches; left out: they are computed here and now */
export function sealOpener(findKey: FindSealingKey, pool?: Pick<CryptoPool, 'openBatch'>): OpenSeals {
  return async (seals) => {
    const results: Opened[] = new Array(seals.length);
    const groups = new Map<string, number[]>();
    seals.forEach(({ account }, place) => {
      const group = groups.get(hex(account.keyId));
      if (group === undefined) groups.set(hex(account.keyId), [place]);
      else group.push(place);
    });
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const { keyId } = seals[group[0]!]!.account;
        const key = findKey(keyId);
        const opened =
          key === undefined
            ? undefined
            : await (pool ?? hpke).openBatch({
                recipientPrivateKey: key.secretKey,
                recipientPublicKey: key.publicKey,
                info: accountSealInfo(keyId),
                items: group.map((place) => itemOf(seals[place]!)),
              });
        group.forEach((place, i) => {
          results[place] = contentOf(opened === undefined ? undefined : opened[i]!, keyId);
        });
      }),
    );
    return results;
  };
}

function itemOf({ account, binding }: Seal) {
  return {
    enc: account.encapsulatedKey,
    ciphertext: account.ciphertext,
    aad: accountSealAad(binding),
  };
}

function contentOf(plaintext: Uint8Array | Error | undefined, keyId: Uint8Array): Opened {
  if (plaintext === undefined) {
    return new Refusal(
      'seal_key_unknown',
      `account: expected a seal to a sealing key of settlement, got one to ${hex(keyId)}`,
    );
  }
  if (plaintext instanceof Error) {
    return new Refusal(
      'seal_invalid',
      'account: expected a seal that was made for this binding, got another or a changed one',
    );
  }
  try {
    return decodeAccountContent(plaintext);
  } catch (error) {
    if (!(error instanceof AccountContentError)) throw error;
    return new Refusal('seal_invalid', error.message);
  } finally {
    plaintext.fill(0);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
