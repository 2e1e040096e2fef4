// Notes sealed with HPKE to the one who may read them, for one use, one request and one amount
// (src/roles/documents/notes.ts has the form).
import { CryptoError, hpke, sha256 } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import { type KeyPair, keyIdOf } from '../../identity/key-set.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import {
  NotesBinding,
  notesSealInfo,
  padded,
  type SealedNotes,
  type SealUse,
  unpadded,
} from '../documents/notes.ts';

export interface SealedFor extends NotesBinding {
  readonly use: SealUse;
}

export type DrawBytes = (length: number) => Uint8Array;

/** @param recipient X25519 @throws CryptoError invalid_public_key */
export function sealNotes<Value>(
  codec: Codec<Value>,
  value: Value,
  recipient: Uint8Array,
  { use, request, amount }: SealedFor,
  randomBytes?: DrawBytes,
): SealedNotes {
  const keyId = keyIdOf(recipient, sha256);
  const plaintext = padded(codec, value);
  try {
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: recipient,
      info: notesSealInfo(use, keyId),
      aad: NotesBinding.encode({ request, amount }),
      plaintext,
      ...(randomBytes && { randomBytes }),
    });
    return { keyId, encapsulatedKey: enc, ciphertext };
  } finally {
    plaintext.fill(0);
  }
}

/** undefined: it is sealed to another key, for something else, or holds something else. */
export function openNotes<Value>(
  codec: Codec<Value>,
  sealed: SealedNotes,
  keys: readonly KeyPair[],
  { use, request, amount }: SealedFor,
): Value | undefined {
  const key = keys.find(({ publicKey }) => equalBytes(keyIdOf(publicKey, sha256), sealed.keyId));
  if (key === undefined) return undefined;
  let plaintext: Uint8Array | undefined;
  try {
    plaintext = hpke.open({
      recipientPublicKey: key.publicKey,
      recipientPrivateKey: key.secretKey,
      info: notesSealInfo(use, sealed.keyId),
      aad: NotesBinding.encode({ request, amount }),
      enc: sealed.encapsulatedKey,
      ciphertext: sealed.ciphertext,
    });
    return unpadded(codec, plaintext);
  } catch (error) {
    if (error instanceof CryptoError || error instanceof CodecError) return undefined;
    throw error;
  } finally {
    plaintext?.fill(0);
  }
}
