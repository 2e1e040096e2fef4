// The journal's data file, checked before LMDB maps it.
import { checkLmdbFile, LmdbFileError, type LmdbFileReport } from '../shared/lmdb-file.ts';
import { JournalError } from './errors.ts';

/** The data file is not what LMDB may be given; `start` and `end` bound the bytes in it. */
export class StoreFileError extends JournalError {
  readonly start: number;
  readonly end: number;

  constructor(error: LmdbFileError) {
    super('journal_corrupt', error.message, { cause: error });
    this.start = error.start;
    this.end = error.end;
  }
}

/** Undefined for a file that is missing or empty, throws StoreFileError. */
export function checkStoreFile(file: string): LmdbFileReport | undefined {
  try {
    return checkLmdbFile(file);
  } catch (error) {
    throw error instanceof LmdbFileError ? new StoreFileError(error) : error;
  }
}
