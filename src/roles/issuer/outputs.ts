// The issuer's note book, which also knows the outputs that a request under way will have signed: nobody else may have them
// signed meanwhile, or the money of one of the two would be gone for notes that there are once.
//
//     outputs-reserved   B' ▶ request id
//
// All that signs goes through this book, so who comes second finds the output taken, before money moves.
import {
  type BookReads,
  type BookWrites,
  NoteBook,
  NoteBookError,
  type SignedMessage,
} from '../../mint/note-book.ts';
import { u128 } from '../../shared/codec.ts';
import type { BlindedOutput } from '../documents/notes.ts';

const TABLE = 'outputs-reserved';

type Output = Pick<BlindedOutput, 'blinded'>;

export class ReservingBook extends NoteBook {
  constructor() {
    // The receiver, not this role, takes notes in.
    super({ isWhole: false });
  }

  /** The place of the first that was signed, or will be, for another request; undefined: they are free. */
  conflictOfOutputs(reads: BookReads, outputs: readonly Output[], request?: bigint): number | undefined {
    const place = outputs.findIndex(({ blinded }) => {
      const by = this.signed(reads, blinded)?.request ?? reservedBy(reads, blinded);
      return by !== undefined && by !== request;
    });
    return place < 0 ? undefined : place;
  }

  /** @returns the place of one that is not free: nothing was written */
  reserve(tx: BookWrites, outputs: readonly Output[], request: bigint): number | undefined {
    const place = this.conflictOfOutputs(tx, outputs);
    if (place !== undefined) return place;
    for (const { blinded } of outputs) tx.put(TABLE, blinded, u128.encode(request));
    return undefined;
  }

  /** They will not be signed for that request. */
  free(tx: BookWrites, outputs: readonly Output[], request: bigint): void {
    for (const { blinded } of outputs) if (reservedBy(tx, blinded) === request) tx.remove(TABLE, blinded);
  }

  override sign(tx: BookWrites, messages: readonly SignedMessage[], request: bigint, at: bigint): void {
    for (const [i, { blinded }] of messages.entries()) {
      const by = reservedBy(tx, blinded);
      if (by !== undefined && by !== request)
        throw new NoteBookError(
          'output_signed',
          `messages[${i}]: expected one that no other request will have`,
        );
    }
    super.sign(tx, messages, request, at);
    this.free(tx, messages, request);
  }
}

function reservedBy(reads: BookReads, blinded: Uint8Array): bigint | undefined {
  const stored = reads.get(TABLE, blinded);
  return stored && u128.decode(stored);
}
