// The gateway's own mint, as the gateway itself uses it: local notes that come in are verified, others are generated. What
// terminals ask of it (swaps, states) is src/mint's.
import type { BatchNoteCrypto, NoteCrypto } from '../crypto/index.ts';
import type { MintKeysets } from '../mint/keysets.ts';
import type { IncomingNote, SignedMessage } from '../mint/note-book.ts';
import { splitAmount } from '../notes/amounts.ts';
import type { PublicKeyset } from '../notes/keyset.ts';
import { type Note, noteIds, secretBytes } from '../notes/note.ts';
import { makeOutputs, unblindAll } from '../notes/outputs.ts';
import { type DerivedOf, secretsOf } from './derived.ts';
import type { BookedNote } from './exchange.ts';

export interface LocalMintOptions {
  readonly keysets: MintKeysets;
  readonly unit: string;
  readonly crypto: NoteCrypto;
  readonly batch: BatchNoteCrypto;
  /** 32 bytes: the secrets of what is generated come of it. */
  readonly seed: Uint8Array;
}

export interface Generated {
  readonly notes: readonly Note[];
  /** What the mint's book has to know of them. */
  readonly signed: readonly SignedMessage[];
  readonly booked: readonly BookedNote[];
}

export class LocalMint {
  readonly #options: LocalMintOptions;

  constructor(options: LocalMintOptions) {
    this.#options = options;
  }

  keysets(): readonly PublicKeyset[] {
    return this.#options.keysets.all;
  }

  keysetIds(): readonly string[] {
    return this.keysets().map(({ id }) => id);
  }

  /** What the book has of the notes, if each is one of this mint; whether they were spent is the book's to say. */
  async verify(
    notes: readonly Note[],
  ): Promise<readonly (IncomingNote & BookedNote)[] | 'keyset_unknown' | 'note_invalid'> {
    const { keysets, crypto, batch } = this.#options;
    const items = notes.map(({ keysetId, amount, secret, signature }) => {
      const secretKey = keysets.secretKey(keysetId, amount);
      return secretKey && { message: secretBytes(secret), signature, secretKey };
    });
    if (items.includes(undefined)) return 'keyset_unknown';
    const isRight = await batch.verify(items.map((item) => item!));
    if (!isRight.every((right) => right) || isRight.length !== notes.length) return 'note_invalid';
    const ids = noteIds(notes, crypto);
    return notes.map(({ keysetId, amount }, i) => ({ noteId: ids[i]!, keysetId, amount }));
  }

  /** Nothing is written: what comes back counts when the book has it. Again it comes to the same notes. */
  async generate(of: DerivedOf, amount: bigint): Promise<Generated> {
    const { keysets, unit, crypto, batch, seed } = this.#options;
    const keyset = keysets.active(unit)!;
    const amounts = splitAmount(amount, keyset);
    const outputs = makeOutputs(amounts, keyset.id, secretsOf(seed, of, amounts.length), crypto);
    const results = await batch.sign(
      outputs.map(({ message }) => ({
        blinded: message.blinded,
        secretKey: keysets.secretKey(keyset.id, message.amount)!,
      })),
    );
    const signed = results.map((result, i): SignedMessage => {
      if (result === undefined) throw new Error(`outputs[${i}]: expected a point that can be signed`);
      const { signature, dleq } = result;
      return { ...outputs[i]!.message, signature, dleq };
    });
    const notes = unblindAll(outputs, signed, keyset, {
      unblind: (items) => crypto.unblind(items),
      // Made here, a moment ago.
      verifyDleq: (items) => items.map(() => true),
    });
    const ids = noteIds(notes, crypto);
    const booked = notes.map(({ keysetId, amount }, i) => ({ noteId: ids[i]!, keysetId, amount }));
    return { notes, signed, booked };
  }
}
