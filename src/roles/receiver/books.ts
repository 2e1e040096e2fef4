// The receiver's note book as takings change it. Of a melt, its quote changes in the same transaction: it holds the notes.
import {
  type BookReads,
  type BookWrites,
  type IncomingNote,
  type NoteBook,
  recordPuts,
} from '../../mint/note-book.ts';
import type { MeltQuotes } from '../../mint/quotes.ts';
import type { Taking, TakingBooks } from './flow.ts';

export function takingBooks(book: NoteBook, quotes: MeltQuotes): TakingBooks {
  /** As they were held: what a taking stores of its notes is only their names. */
  function held(reads: BookReads, { notes }: Taking, request: bigint): IncomingNote[] {
    return notes.map((noteId) => {
      const taken = book.taken(reads, noteId);
      if (taken?.state !== 'held' || taken.request !== request)
        throw new Error(`request ${request}: expected its notes to be held, got one that is not`);
      return { noteId, ...taken };
    });
  }
  return {
    spend: (reads, taking, request, now) =>
      recordPuts(reads, (tx: BookWrites) => {
        if (taking.quote !== undefined) quotes.end(tx, taking.quote, 'paid', now);
        else book.spend(tx, held(tx, taking, request), request, now);
      }),
    release: (reads, taking, request, now) =>
      recordPuts(reads, (tx: BookWrites) => {
        if (taking.quote !== undefined) quotes.end(tx, taking.quote, 'failed', now);
        else book.release(tx, taking.notes, request);
      }),
  };
}
