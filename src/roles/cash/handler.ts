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
import type { NoteOrderRequest, NotesBookedAnswer } from './note-messages.ts';
import { checkHandedIn, noteOrders } from './note-order.ts';
import { openAccounts, openShops } from './open-accounts.ts';
import { payer } from './pay.ts';
import { bookPayouts } from './payout-book.ts';
import { closeWindows } from './payout-close.ts';
import { bookOutcomes } from './payout-outcomes.ts';
import { windowReports } from './payout-report.ts';
import { isManagement, isOperator, isReceiver, mayOrderNotes } from './peers.ts';
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
    note_order: noteOrderHandler(parts),
    receive_notes: handler(isReceiver, notesReceiver(parts), parts),
    check_payee: handler(isReceiver, checkPayees, parts),
    lookup_request: handler(isOperator, lookupRequests, parts),
  };
}

const isManagementOrOperator = (peer: Peer): boolean => isManagement(peer) || isOperator(peer);

/** What shops hand in themselves, and may not, does not get to the batch. */
function noteOrderHandler(parts: CashParts): Handler<NoteOrderRequest, NotesBookedAnswer, Peer, CashRefusal> {
  const run = noteOrders(parts);
  return {
    allowed: mayOrderNotes,
    async handle(messages, peers) {
      const refused = messages.map(({ order }, i) => checkHandedIn(order.document, peers[i]!));
      const rest = messages.filter((_, i) => refused[i] === undefined);
      const booked = rest.length === 0 ? [] : await orRefuseAll(rest, run, parts);
      let next = 0;
      return refused.map((refusal) => refusal ?? booked[next++]!);
    },
  };
}

function handler<Request, Answer>(
  allowed: (peer: Peer) => boolean,
  run: (requests: readonly Request[], parts: CashParts) => Promise<readonly (Answer | CashRefused)[]>,
  parts: CashParts,
): Handler<Request, Answer, Peer, CashRefusal> {
  return {
    allowed,
    handle: (messages) => orRefuseAll(messages, run, parts),
  };
}

async function orRefuseAll<Request, Answer>(
  messages: readonly Request[],
  run: (requests: readonly Request[], parts: CashParts) => Promise<readonly (Answer | CashRefused)[]>,
  parts: CashParts,
): Promise<readonly (Answer | CashRefused)[]> {
  try {
    return await run(messages, parts);
  } catch (error) {
    const refusal = refusalOf(error, parts.log);
    return messages.map(() => refusal);
  }
}
