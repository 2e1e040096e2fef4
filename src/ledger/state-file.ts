import { existsSync } from 'node:fs';
import { dataFile } from '../journal/environment.ts';
import { JournalError } from '../journal/errors.ts';
import { checkStoreFile } from '../journal/store-file.ts';
import { StateStoreError } from '../state/errors.ts';

/**
 * Checks the data file of the state in `path` before LMDB maps it; false: there is none. Throws StateStoreError
 * `state_corrupt`.
 */
export function checkStateFile(path: string): boolean {
  const file = dataFile(path);
  if (!existsSync(file)) return false;
  try {
    checkStoreFile(file);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    throw new StateStoreError('state_corrupt', error.what, { cause: error });
  }
  return true;
}
