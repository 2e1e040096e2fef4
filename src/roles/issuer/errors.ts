// Why the issuer refuses a message, beside the refusals that all roles have (src/roles/common). New ones go to the end.
export const ISSUER_REFUSALS = [
  'order_invalid',
  'order_mismatch',
  'currency_not_offered',
  'keyset_unknown',
  'keyset_inactive',
  'amounts_mismatch',
  'output_invalid',
  'output_known',
  'quote_unknown',
  'expired',
  'reply_key_invalid',
  'quote_paid',
] as const;
export type IssuerRefusal = (typeof ISSUER_REFUSALS)[number];
