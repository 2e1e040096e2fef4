// Who may ask cash for what, and what is done about it. A batch that the ledger or the store cannot take now is refused whole with a code that says
// to come again: nothing is known of its requests until then.

import { StoreError, type StoreErrorCode } from '../../store/errors.ts';
import { RequestError } from '../../wire/errors.ts';
import type { Peer } from '../../wire/peer.ts';
import type { RequestStatusName } from '../../wire/status.ts';
import { type CommonRefusal, Refusal } from '../common/refusal.ts';
import type { Handler, Handlers } from '../common/role-engine.ts';
import { balances } from './balances.ts';
import type { CashRefused } from './check.ts';
import { credit } from './credit.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import type { CashOperations } from './messages.ts';
import { openAccounts } from './open-accounts.ts';
import { isManagement, isOperator } from './peers.ts';
import { lookupRequests } from './requests.ts';

export function cashHandlers(parts: CashParts): Handlers<CashOperations, Peer, CashRefusal> {
  return {
    open_account: handler(isManagement, openAccounts, parts),
    credit: handler(isManagement, credit, parts),
    get_balance: handler(isManagement, balances, parts),
    lookup_request: handler(isOperator, lookupRequests, parts),
  };
}

function handler<Request, Answer>(
  allowed: (peer: Peer) => boolean,
  run: (requests: readonly Request[], parts: CashParts) => Promise<readonly (Answer | CashRefused)[]>,
  parts: CashParts,
): Handler<Request, Answer, Peer, CashRefusal> {
  return {
    allowed,
    async handle(messages) {
      try {
        return await run(messages, parts);
      } catch (error) {
        const refusal = refusalOf(error, parts);
        return messages.map(() => refusal);
      }
    },
  };
}

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

function refusalOf(error: unknown, { log }: CashParts): CashRefused {
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
