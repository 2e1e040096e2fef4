// Why cash refuses a message, beside the refusals that all roles have (src/roles/common). New ones go to the end.
export const CASH_REFUSALS = [
  'signature_invalid',
  'receipt_invalid',
  'receipt_mismatch',
  'key_mismatch',
  'device_unknown',
  'device_differs',
  'currency_not_offered',
  'amount_too_large',
  'credited_otherwise',
  'devices_exhausted',
] as const;
export type CashRefusal = (typeof CASH_REFUSALS)[number];
