// What decides, in the transaction that takes an exchange in, whether it may be: one function a rule, the first that fails counts.

import type { SendRequest, Side } from '../roles/gateway/messages.ts';
import type { StoreReads } from '../store/store.ts';
import { type Refused, refuse } from './check-notes.ts';
import { APPLY_WITHIN_SECONDS, EXCHANGES_OF_TERMINAL_MAX } from './limits.ts';
import { isOpenAt } from './terminals.ts';
import { feeFor, type GatewayTerms } from './terms.ts';
import type { Usage } from './usage.ts';

const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const AMOUNTS_MAX = 2n ** 64n;

export const otherSide = (side: Side): Side => (side === 'lan' ? 'wan' : 'lan');

/** Of the message alone: it comes to the same always. */
export function checkMessage(
  side: Side,
  { request, destination, amount, fee }: SendRequest,
): Refused | undefined {
  if (request === 0n) return refuse('malformed', 'request: expected another number than 0');
  if (destination.side === side)
    return refuse('wrong_side', `destination: expected a terminal on the ${otherSide(side)}`);
  if (amount < 1n || amount + fee >= AMOUNTS_MAX)
    return refuse('malformed', 'amount: expected 1 to 2^64 - 1, with the fee, got another');
  return undefined;
}

export interface SendRules {
  readonly terms: GatewayTerms;
  readonly reads: Pick<StoreReads, 'get'>;
  readonly now: bigint;
  /** Of the sender, today. */
  readonly usage: Usage;
}

/** undefined: it may be taken in. */
export function checkSend(message: SendRequest, rules: SendRules): Refused | undefined {
  return (
    checkTime(message, rules) ??
    checkUnderWay(rules) ??
    checkDestination(message, rules) ??
    checkAmount(message, rules) ??
    checkFee(message, rules) ??
    checkDay(message, rules)
  );
}

function checkTime({ applyBy }: SendRequest, { now }: SendRules): Refused | undefined {
  if (now >= applyBy) return refuse('expired', 'expected a request of before its applyBy');
  if (applyBy > now + BigInt(APPLY_WITHIN_SECONDS) * NANOSECONDS_PER_SECOND)
    return refuse(
      'malformed',
      `applyBy: expected it within ${APPLY_WITHIN_SECONDS} seconds, got a later one`,
    );
  return undefined;
}

function checkUnderWay({ usage }: SendRules): Refused | undefined {
  if (usage.open < EXCHANGES_OF_TERMINAL_MAX) return undefined;
  return refuse('busy', `expected at most ${EXCHANGES_OF_TERMINAL_MAX} exchanges under way, got one more`);
}

function checkDestination({ destination }: SendRequest, { reads }: SendRules): Refused | undefined {
  if (isOpenAt(reads, destination)) return undefined;
  return refuse('destination_unknown', `destination: expected an open terminal on the ${destination.side}`);
}

function checkAmount({ amount }: SendRequest, { terms }: SendRules): Refused | undefined {
  const { amountMin, amountMax } = terms;
  if (amount < amountMin)
    return refuse('amount_too_small', `amount: expected ${amountMin} at least, got ${amount}`);
  if (amount > amountMax)
    return refuse('amount_too_large', `amount: expected ${amountMax} at most, got ${amount}`);
  return undefined;
}

function checkFee({ amount, fee }: SendRequest, { terms }: SendRules): Refused | undefined {
  const expected = feeFor(amount, terms);
  return fee === expected ? undefined : refuse('fee_differs', `fee: expected ${expected}, got ${fee}`);
}

function checkDay({ amount, fee }: SendRequest, { terms, usage }: SendRules): Refused | undefined {
  const sum = usage.amount + amount + fee;
  if (sum <= terms.dayMax) return undefined;
  return refuse('exceeds_day_limit', `expected at most ${terms.dayMax} today, got ${sum}`);
}
