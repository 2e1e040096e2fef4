// Opens sealed notes, many messages at a time: one HPKE batch for each sealing key. The plaintext's bytes are wiped here.
import { toHex } from '../../identity/binary-text.ts';
import { CodecError } from '../../shared/codec.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { perKey } from '../common/per-key.ts';
import { Refusal } from '../common/refusal.ts';
import {
  NotesBinding,
  notesSealInfo,
  type PlainNote,
  PlainNotes,
  type SealedNotes,
  unpadded,
} from '../documents/notes.ts';
import type { ReceiverRefusal } from './errors.ts';
import type { KeyPair } from './interface.ts';

export interface Seal {
  readonly request: bigint;
  readonly amount: bigint;
  readonly notes: SealedNotes;
}

export type Opened = readonly PlainNote[] | Refusal<ReceiverRefusal>;

/** Each seal's notes, in order; a bad one leaves the others as they are. */
export type OpenSeals = (seals: readonly Seal[]) => Promise<Opened[]>;

/** @param findKey opens what was sealed to that key id, in use or retired; undefined: none of the receiver's */
export function sealOpener(
  findKey: (keyId: Uint8Array) => KeyPair | undefined,
  crypto: Pick<BatchCrypto, 'openBatch'>,
): OpenSeals {
  return async (seals) => {
    const results: Opened[] = seals.map(({ notes }) => keyUnknown(notes.keyId));
    const keyOf = perKey(findKey);
    const groups = new Map<string, number[]>();
    seals.forEach(({ notes }, place) => {
      const name = toHex(notes.keyId);
      if (keyOf(notes.keyId) === undefined) return;
      groups.set(name, [...(groups.get(name) ?? []), place]);
    });
    await Promise.all(
      [...groups.values()].map(async (places) => {
        const { keyId } = seals[places[0]!]!.notes;
        const key = keyOf(keyId)!;
        const opened = await crypto.openBatch({
          recipientPrivateKey: key.secretKey,
          recipientPublicKey: key.publicKey,
          info: notesSealInfo('receive', keyId),
          items: places.map((place) => {
            const { request, amount, notes } = seals[place]!;
            const aad = NotesBinding.encode({ request, amount });
            return { enc: notes.encapsulatedKey, ciphertext: notes.ciphertext, aad };
          }),
        });
        places.forEach((place, i) => {
          results[place] = contentOf(opened[i]!);
        });
      }),
    );
    return results;
  };
}

function contentOf(plaintext: Uint8Array | Error): Opened {
  if (plaintext instanceof Error) return invalid('made for this request and amount');
  try {
    return unpadded(PlainNotes, plaintext);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    // Its words name fields and lengths, never what stood there.
    return invalid('with a list of notes in it');
  } finally {
    plaintext.fill(0);
  }
}

const invalid = (expected: string): Refusal<ReceiverRefusal> =>
  new Refusal('notes_seal_invalid', `notes: expected a seal ${expected}, got another`);

const keyUnknown = (keyId: Uint8Array): Refusal<ReceiverRefusal> =>
  new Refusal(
    'seal_key_unknown',
    `notes: expected a seal to a sealing key of the receiver, got one to ${toHex(keyId)}`,
  );
