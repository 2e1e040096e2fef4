// Why settlement refuses a message, beside the refusals that all roles have (src/roles/common). New ones go to the end.
export const SETTLEMENT_REFUSALS = [
  'signature_invalid',
  'seal_key_unknown',
  'seal_invalid',
  'key_mismatch',
  'binding_mismatch',
  'amount_too_large',
  'currency_not_offered',
  'request_unknown',
  'amount_too_small',
  'account_not_chargeable',
  'request_id_reserved',
  'rejection_required',
  'rejection_invalid',
  'rejection_mismatch',
  'payouts_not_offered',
  'page_invalid',
  'payout_known',
] as const;
export type SettlementRefusal = (typeof SETTLEMENT_REFUSALS)[number];
