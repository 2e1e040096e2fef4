// What a gateway has sealed to this terminal, opened.
import { openNotes } from '../roles/common/sealed-notes.ts';
import { type NotesBinding, type PlainNote, PlainNotes, type SealedNotes } from '../roles/documents/notes.ts';
import { TerminalError } from './errors.ts';
import type { TerminalKeys } from './ports.ts';

/** @throws TerminalError delivery_invalid */
export function openDelivery(
  sealed: SealedNotes,
  { sealing }: Pick<TerminalKeys, 'sealing'>,
  binding: NotesBinding,
): readonly PlainNote[] {
  const notes = openNotes(PlainNotes, sealed, [sealing], { use: 'deliver', ...binding });
  if (notes !== undefined) return notes;
  throw new TerminalError(
    'delivery_invalid',
    'delivery: expected notes sealed to this terminal for this request and amount, got something else',
  );
}
