// Why the receiver refuses a message, beside the refusals that all roles have (src/roles/common). New ones go to the end.
export const RECEIVER_REFUSALS = [
  'currency_not_offered',
  'notes_seal_invalid',
  'amounts_mismatch',
  'payee_not_permitted',
  'expired',
  'keyset_unknown',
  'note_invalid',
  'seal_key_unknown',
] as const;
export type ReceiverRefusal = (typeof RECEIVER_REFUSALS)[number];
