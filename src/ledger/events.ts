import { JournalError } from '../journal/errors.ts';
import type { JournalReader } from '../journal/journal.ts';
import { RecordReader } from '../journal/readers.ts';
import { RECORD_SIZE, TransferLayout } from '../layout/generated.ts';
import type { HistoryEvent, HistorySource } from './history.ts';

/** Events of a journal by ref, as histories and change events need them. */
export class JournalEvents implements HistorySource {
  readonly journal: JournalReader;
  readonly records: RecordReader;

  constructor(journal: JournalReader) {
    this.journal = journal;
    this.records = new RecordReader(journal);
  }

  /** Valid until the next call. Throws JournalError for a ref without an event. */
  event(ref: number): HistoryEvent {
    const { view, offset } = this.records.locateRecord(ref);
    const record = new DataView(view.buffer, view.byteOffset + offset, RECORD_SIZE);
    const { timestamp } = this.records.readResult(ref);
    const effect = this.records.readEffect(ref);
    if (effect === undefined)
      throw new JournalError('journal_corrupt', `ref ${ref}: expected an effect, got none`);
    // An expiry carries the transfer that expired, which was created earlier.
    return {
      ref,
      record,
      timestamp,
      expiry: timestamp !== record.getBigUint64(TransferLayout.timestamp, true),
      effect,
    };
  }
}
