// What simulations with notes begin with: arithmetic, accounts, addresses.
import { hpke, type NoteCrypto, noteCrypto, sha256 } from '../../../src/crypto/index.ts';
import { keyIdOf } from '../../../src/identity/key-set.ts';
import { generateKeyPair } from '../../../src/identity/new-key-set.ts';
import { encodeNotePayee, PayeeContent, payeeSealInfo } from '../../../src/roles/documents/note-payee.ts';
import { DAY, keySets, START } from '../../identity/support.ts';
import { toyCrypto } from '../../terminal/toy-crypto.ts';
import type { Ground } from '../ground.ts';
import { EUR } from './system.ts';

export const DAY_START = START + DAY;

function rememberingKeys(crypto: NoteCrypto): NoteCrypto {
  const known = new Map<string, Uint8Array>();
  return {
    ...crypto,
    publicKeys: (secretKeys) =>
      secretKeys.map((secretKey) => {
        const name = Buffer.from(secretKey).toString('hex');
        const key = known.get(name) ?? crypto.publicKeys([secretKey])[0]!;
        known.set(name, key);
        return Uint8Array.from(key);
      }),
  };
}

/** One for all seeds: the keys of keysets are points of the curve also here, and take time. */
export const toyNotes = rememberingKeys(toyCrypto());
export const realNotes = rememberingKeys(noteCrypto);

/** An address as a wallet makes it. */
export function payeeOf(device: bigint, { bytes }: Ground): string {
  const [{ sealing }] = keySets.cash;
  const keyId = keyIdOf(sealing.publicKey, sha256);
  const { enc, ciphertext } = hpke.seal({
    recipientPublicKey: sealing.publicKey,
    info: payeeSealInfo(keyId),
    aad: new Uint8Array(),
    plaintext: PayeeContent.encode({ device, currency: EUR }),
    randomBytes: bytes,
  });
  return encodeNotePayee({ kind: 'device', sealed: { keyId, encapsulatedKey: enc, ciphertext } });
}

/** Accounts at cash; nothing here is paid from one, so that their keys sign nothing. */
export const devicesOf = (people: readonly { readonly device: bigint }[], { bytes }: Ground) =>
  people.map(({ device }) => ({ device, signingKey: generateKeyPair('signing', bytes).publicKey }));
