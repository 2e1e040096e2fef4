// Notes sealed to a gateway, and opened from one (src/roles/documents/notes.ts).
import { CryptoError, hpke, sha256 } from '../crypto/index.ts';
import { equalBytes } from '../identity/binary-text.ts';
import { keyIdOf } from '../identity/key-set.ts';
import {
  NotesBinding,
  notesSealInfo,
  type PlainNote,
  PlainNotes,
  padded,
  type SealedNotes,
  type SealUse,
  unpadded,
} from '../roles/documents/notes.ts';
import { CodecError } from '../shared/codec.ts';
import { TerminalError } from './errors.ts';
import type { TerminalKeys } from './ports.ts';

export interface SealNotesOptions {
  readonly use: SealUse;
  /** Of the recipient. */
  readonly sealingKey: Uint8Array;
  readonly binding: NotesBinding;
  readonly notes: readonly PlainNote[];
  readonly randomBytes: (size: number) => Uint8Array;
}

export function sealNotes({ use, sealingKey, binding, notes, randomBytes }: SealNotesOptions): SealedNotes {
  const keyId = keyIdOf(sealingKey, sha256);
  const plaintext = padded(PlainNotes, notes);
  try {
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: sealingKey,
      info: notesSealInfo(use, keyId),
      aad: NotesBinding.encode(binding),
      plaintext,
      randomBytes,
    });
    return { keyId, encapsulatedKey: enc, ciphertext };
  } finally {
    plaintext.fill(0);
  }
}

/** @throws TerminalError delivery_invalid */
export function openDelivery(
  { keyId, encapsulatedKey, ciphertext }: SealedNotes,
  { sealing }: Pick<TerminalKeys, 'sealing'>,
  binding: NotesBinding,
): readonly PlainNote[] {
  if (!equalBytes(keyId, keyIdOf(sealing.publicKey, sha256))) {
    throw new TerminalError(
      'delivery_invalid',
      'delivery: expected it sealed to this terminal, got another key',
    );
  }
  let plaintext: Uint8Array | undefined;
  try {
    plaintext = hpke.open({
      recipientPrivateKey: sealing.secretKey,
      enc: encapsulatedKey,
      ciphertext,
      info: notesSealInfo('deliver', keyId),
      aad: NotesBinding.encode(binding),
    });
    return unpadded(PlainNotes, plaintext);
  } catch (error) {
    if (!(error instanceof CryptoError || error instanceof CodecError)) throw error;
    throw new TerminalError(
      'delivery_invalid',
      'delivery: expected notes sealed for this request and amount, got something else',
      { cause: error },
    );
  } finally {
    plaintext?.fill(0);
  }
}
