// The lock of a journal's directory.
import * as shared from '../shared/store-lock.ts';
import { JournalError } from './errors.ts';

/** Takes the store in `directory`, which must exist. Throws JournalError `journal_locked` when a process has it. */
export async function lockStore(directory: string): Promise<shared.StoreLock> {
  try {
    return await shared.lockStore(directory);
  } catch (error) {
    if (!(error instanceof shared.StoreLockedError)) throw error;
    throw new JournalError('journal_locked', error.message, { cause: error.cause });
  }
}
