// Reasons of rejections and returns: those of ISO 20022's external code sets (ExternalStatusReason1Code,
// ExternalReturnReason1Code) that are met with credit transfers. The sets grow every quarter, so that readers take any
// code of four characters.

export const REASONS = {
  AC01: 'account number incorrect',
  AC02: "debtor's account number invalid",
  AC03: "creditor's account number invalid",
  AC04: 'account closed',
  AC05: "debtor's account closed",
  AC06: 'account blocked',
  AC07: "creditor's account closed",
  AG01: 'transaction forbidden on this account',
  AG02: 'operation not offered on this account',
  AM01: 'amount is zero',
  AM02: 'amount larger than allowed',
  AM03: 'currency not processed',
  AM04: 'insufficient funds',
  AM05: 'duplication',
  AM09: 'amount differs from what was agreed',
  AM10: 'control sum differs from the sum',
  AM11: 'currency invalid or missing',
  AM12: 'amount invalid or missing',
  AM14: 'amount exceeds the limit of the account',
  AM18: 'number of transactions differs',
  BE04: "creditor's address missing",
  CH21: 'a required element is missing',
  DT01: 'date invalid',
  DT04: 'future date not supported',
  DUPL: 'duplicate of another message or payment',
  ED05: 'settlement failed',
  FF01: 'file format incomplete or invalid',
  FOCR: 'returned after a request for cancellation',
  MD07: 'account holder deceased',
  MS02: 'refused by the customer, no reason given',
  MS03: 'refused by the agent, no reason given',
  NARR: 'reason is given as text',
  RC01: 'bank identifier incorrect',
  RR04: 'regulatory reason',
  TM01: 'received after the cut-off time',
} as const;
export type ReasonCode = keyof typeof REASONS;

export function isReasonCode(code: string): code is ReasonCode {
  return Object.hasOwn(REASONS, code);
}
