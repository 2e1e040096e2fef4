// What must hold of a page of cash's statement before anything of it is booked. One function a rule, in this order; each
// returns what is wrong, or undefined.
import {
  type SignedStatement,
  Statement,
  type Statement as StatementContent,
  type StatementQuery,
} from '../../roles/documents/statement.ts';
import type { WalletCrypto } from './ports.ts';
import { idText } from './records.ts';

export interface StatementExpectation {
  readonly device: bigint;
  readonly query: StatementQuery;
  /** Of the newest statement that was seen before: the ledger does not go back. */
  readonly asOf: bigint;
}

type Rule = (statement: StatementContent, expected: StatementExpectation) => string | undefined;

const checkDevice: Rule = ({ device }, expected) =>
  device === expected.device
    ? undefined
    : `statement: expected one of device ${idText(expected.device)}, got one of device ${idText(device)}`;

const checkCurrency: Rule = ({ currency }, { query }) =>
  currency === query.currency
    ? undefined
    : `statement: expected one in currency ${query.currency}, got one in ${currency}`;

const checkAge: Rule = ({ asOf }, expected) =>
  asOf >= expected.asOf
    ? undefined
    : `statement: expected one as of ${expected.asOf} or later, got one as of ${asOf}`;

const checkBounds: Rule = ({ after, until, more, entries }, { query }) => {
  if (after !== query.after) return `statement: expected entries after ${query.after}, got after ${after}`;
  if (until < after) return `statement: expected entries until ${after} or later, got until ${until}`;
  return more && entries.length === 0
    ? 'statement: expected entries where there are more to come, got none'
    : undefined;
};

const checkOrder: Rule = ({ after, until, entries }) => {
  let last = after;
  for (const { timestamp } of entries) {
    if (timestamp <= last || timestamp > until) {
      return `statement: expected entries one after the other from ${after} to ${until}, got one at ${timestamp}`;
    }
    last = timestamp;
  }
  return undefined;
};

const checkPurchases: Rule = ({ purchases }, { query }) =>
  purchases.length === query.purchases.length &&
  purchases.every(({ request }, i) => request === query.purchases[i])
    ? undefined
    : 'statement: expected the purchases that were asked for, in their order, got others';

const RULES: readonly Rule[] = [
  checkDevice,
  checkCurrency,
  checkAge,
  checkBounds,
  checkOrder,
  checkPurchases,
];

/** @param cashKey cash's signing key with the id that the statement names */
export function checkStatement(
  { document, signature }: SignedStatement,
  expected: StatementExpectation,
  cashKey: Uint8Array,
  { verify }: WalletCrypto,
): string | undefined {
  if (!verify(cashKey, Statement.signedBytes(document), signature))
    return 'statement: expected what cash has signed, got something else';
  for (const rule of RULES) {
    const wrong = rule(document, expected);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
