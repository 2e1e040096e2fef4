// What the institution does with a request: a pure function of the request, the order's record and the account.
//
// Every line of the tables in docs/institution.md is one branch here.
import { hasCheckDigit } from '../account-number.ts';
import type { Answer, CardRequest } from '../dialect.ts';
import { ResponseCode } from '../response-codes.ts';
import type { AccountRecord, AccountStateName, EntryKindName, OrderRecord } from './records.ts';

export interface Decision {
  readonly answer: Answer;
  /** Records that replace the ones given; absent: as they were. */
  readonly order?: OrderRecord;
  readonly account?: AccountRecord;
  /** What the statement says of it. */
  readonly entry?: EntryKindName;
}

const NO_APPROVAL = '      ';
const STATE_CODES: { readonly [state in Exclude<AccountStateName, 'active'>]: string } = {
  insufficient_funds: ResponseCode.insufficient_funds,
  stolen: ResponseCode.stolen_card,
  expired: ResponseCode.expired_card,
};

export interface Situation {
  readonly order: OrderRecord | undefined;
  readonly account: AccountRecord | undefined;
  /** A decline that was dialled. */
  readonly declineCode: string | undefined;
  /** The next approval code. */
  readonly approvalCode: () => string;
}

export function decide(request: CardRequest, situation: Situation): Decision {
  const { order } = situation;
  if (order !== undefined) {
    const code = inconsistency(request, order);
    if (code !== undefined) return { answer: { responseCode: code } };
  }
  const { declineCode } = situation;
  // A dialled decline of an authorisation is booked like any other; of the rest, nothing is done.
  if (declineCode !== undefined && (request.kind !== 'authorise' || order !== undefined)) {
    return { answer: { responseCode: declineCode } };
  }
  switch (request.kind) {
    case 'authorise':
      return order === undefined ? authorise(request, situation) : { answer: authorisedBefore(order) };
    case 'capture':
      return capture(request, situation);
    case 'reverse':
      return reverse(request, situation);
    case 'inquire':
      return { answer: inquire(order) };
  }
}

/** Code for a request that is not about the order that its reference names. */
function inconsistency(request: CardRequest, order: OrderRecord): string | undefined {
  if (request.accountNumber !== order.accountNumber || request.currency !== order.currency) {
    return ResponseCode.inconsistent;
  }
  if (request.amount === order.amount) return undefined;
  return request.kind === 'capture' ? ResponseCode.amount_differs : ResponseCode.inconsistent;
}

function authorise(request: CardRequest, situation: Situation): Decision {
  const { account } = situation;
  const code = situation.declineCode ?? declineCode(request, account);
  if (code !== undefined || account === undefined) {
    const responseCode = code ?? ResponseCode.unknown_card;
    return {
      answer: { responseCode },
      order: orderOf(request, 'declined', responseCode, NO_APPROVAL),
      entry: 'decline',
    };
  }
  const approvalCode = situation.approvalCode();
  return {
    answer: { responseCode: ResponseCode.approved, approvalCode },
    order: orderOf(request, 'authorised', ResponseCode.approved, approvalCode),
    account: {
      ...account,
      available: account.available - request.amount,
      held: account.held + request.amount,
    },
    entry: 'authorise',
  };
}

function declineCode(request: CardRequest, account: AccountRecord | undefined): string | undefined {
  if (account === undefined || !hasCheckDigit(request.accountNumber)) return ResponseCode.unknown_card;
  if (account.state !== 'active') return STATE_CODES[account.state];
  if (request.currency !== account.currency) return ResponseCode.not_permitted;
  if (request.amount === 0n) return ResponseCode.invalid_amount;
  return request.amount > account.available ? ResponseCode.insufficient_funds : undefined;
}

function authorisedBefore({ standing, responseCode, approvalCode }: OrderRecord): Answer {
  switch (standing) {
    case 'authorised':
    case 'captured':
      return { responseCode: ResponseCode.approved, approvalCode };
    case 'reversed':
      return { responseCode: ResponseCode.reversed };
    case 'declined':
      return { responseCode };
  }
}

function capture(request: CardRequest, { order, account }: Situation): Decision {
  if (order === undefined) return { answer: { responseCode: ResponseCode.not_found } };
  const { standing, approvalCode } = order;
  if (standing === 'reversed') return { answer: { responseCode: ResponseCode.reversed } };
  // Only an account can have been authorised.
  if (standing === 'declined' || account === undefined) {
    return { answer: { responseCode: ResponseCode.invalid_transaction } };
  }
  if (request.approvalCode !== approvalCode) return { answer: { responseCode: ResponseCode.inconsistent } };
  const answer = { responseCode: ResponseCode.approved, approvalCode };
  if (standing === 'captured') return { answer };
  return {
    answer,
    order: { ...order, standing: 'captured' },
    account: { ...account, held: account.held - order.amount, captured: account.captured + order.amount },
    entry: 'capture',
  };
}

function reverse(request: CardRequest, { order, account }: Situation): Decision {
  const answer = { responseCode: ResponseCode.approved };
  if (order === undefined) {
    return {
      answer,
      order: orderOf(request, 'reversed', ResponseCode.approved, NO_APPROVAL),
      entry: 'block',
    };
  }
  // Declined or reversed: nothing is held, and nothing can follow.
  if (account === undefined || order.standing === 'declined' || order.standing === 'reversed')
    return { answer };
  const isHeld = order.standing === 'authorised';
  return {
    answer,
    order: { ...order, standing: 'reversed' },
    account: {
      ...account,
      available: account.available + order.amount,
      held: account.held - (isHeld ? order.amount : 0n),
      captured: account.captured - (isHeld ? 0n : order.amount),
    },
    entry: isHeld ? 'release' : 'refund',
  };
}

function inquire(order: OrderRecord | undefined): Answer {
  if (order === undefined) return { responseCode: ResponseCode.not_found };
  const { standing, responseCode, approvalCode } = order;
  const isApproved = standing === 'authorised' || standing === 'captured';
  return {
    responseCode: ResponseCode.approved,
    approvalCode: isApproved ? approvalCode : undefined,
    standing: standing === 'declined' ? `DECLINED ${responseCode}` : standing.toUpperCase(),
  };
}

function orderOf(
  { accountNumber, amount, currency }: CardRequest,
  standing: OrderRecord['standing'],
  responseCode: string,
  approvalCode: string,
): OrderRecord {
  return { standing, currency, amount, responseCode, approvalCode, accountNumber };
}
