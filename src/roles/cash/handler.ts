// Who may ask cash for what, and what is done about it. A batch that the ledger cannot take now is refused whole, with a
// code that says to come again: until then nothing is known of its requests.
import type { Peer } from '../../wire/peer.ts';
import type { Handler, Handlers } from '../common/role-engine.ts';
import { balances } from './balances.ts';
import type { CashRefused } from './check.ts';
import { closeShops } from './close-shops.ts';
import { credit } from './credit.ts';
import { deviceOrders } from './device-order.ts';
import type { CashRefusal } from './errors.ts';
import { refusalOf } from './failures.ts';
import type { CashParts } from './interface.ts';
import type { CashOperations } from './messages.ts';
import { noteOrders } from './note-order.ts';
import { openAccounts, openShops } from './open-accounts.ts';
import { payer } from './pay.ts';
import { bookPayouts } from './payout-book.ts';
import { closeWindows } from './payout-close.ts';
import { bookOutcomes } from './payout-outcomes.ts';
import { windowReports } from './payout-report.ts';
import { isIssuer, isManagement, isOperator, isReceiver } from './peers.ts';
import { closePurses } from './purse-close.ts';
import { deviceExposures } from './purse-exposure.ts';
import { openPurses } from './purse-open.ts';
import { settler } from './purse-settle.ts';
import { checkPayees, notesReceiver } from './receive-notes.ts';
import { lookupRequests } from './requests.ts';
import { shopOrders } from './shop-order.ts';
import { statements } from './statement.ts';

export function cashHandlers(parts: CashParts): Handlers<CashOperations, Peer, CashRefusal> {
  return {
    open_account: handler(isManagement, openAccounts, parts),
    credit: handler(isManagement, credit, parts),
    get_balance: handler(isManagement, balances, parts),
    open_shop: handler(isManagement, openShops, parts),
    pay: handler(isManagement, payer(parts), parts),
    shop_order: handler(isManagement, shopOrders, parts),
    device_order: handler(isManagement, deviceOrders, parts),
    get_statement: handler(isManagement, statements, parts),
    close_window: handler(isManagement, closeWindows, parts),
    book_payouts: handler(isManagement, bookPayouts, parts),
    book_outcomes: handler(isManagement, bookOutcomes, parts),
    window_report: handler(isManagementOrOperator, windowReports, parts),
    close_shop: handler(isManagement, closeShops, parts),
    open_purse: handler(isManagement, openPurses, parts),
    settle_transfer: handler(isManagement, settler(parts), parts),
    close_purse: handler(isManagement, closePurses, parts),
    device_exposure: handler(isManagementOrOperator, deviceExposures, parts),
    note_order: handler(isIssuer, noteOrders(parts), parts),
    receive_notes: handler(isReceiver, notesReceiver(parts), parts),
    check_payee: handler(isReceiver, checkPayees, parts),
    lookup_request: handler(isOperator, lookupRequests, parts),
  };
}

const isManagementOrOperator = (peer: Peer): boolean => isManagement(peer) || isOperator(peer);

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
        const refusal = refusalOf(error, parts.log);
        return messages.map(() => refusal);
      }
    },
  };
}
