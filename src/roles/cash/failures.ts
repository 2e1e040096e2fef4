// What the ledger or the store could not do now, as a refusal that says to come again: nothing is decided by it.
import { StoreError, type StoreErrorCode } from '../../store/errors.ts';
import { RequestError } from '../../wire/errors.ts';
import type { RequestStatusName } from '../../wire/status.ts';
import { type CommonRefusal, Refusal } from '../common/refusal.ts';
import type { CashRefused } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashLog } from './interface.ts';

const OF_LEDGER: { readonly [code in RequestStatusName]?: CommonRefusal } = {
  busy: 'busy',
  too_many_in_flight: 'busy',
  capacity_exhausted: 'storage_full',
  storage_full: 'storage_full',
  stopping: 'stopping',
};

const OF_STORE: { readonly [code in StoreErrorCode]?: CommonRefusal } = {
  store_busy: 'busy',
  store_full: 'storage_full',
  store_closed: 'stopping',
};

/** Every code of it is one after which the same request may come again. */
export function refusalOf(error: unknown, log: CashLog): CashRefused {
  if (error instanceof RequestError)
    return new Refusal<CashRefusal>(OF_LEDGER[error.code] ?? 'internal_error', error.message);
  const text = error instanceof Error ? error.message : String(error);
  log.error({ error: text }, 'messages could not be handled');
  const code = error instanceof StoreError ? OF_STORE[error.code] : undefined;
  return new Refusal<CashRefusal>(
    code ?? 'internal_error',
    'expected cash to be able to handle it now, got a failure',
  );
}
