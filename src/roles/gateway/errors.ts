// Why a gateway refuses a message, beside the refusals that all roles have (src/roles/common). New ones go to the end.
export const GATEWAY_REFUSALS = [
  'terminal_unknown',
  'terminal_waiting',
  'terminal_blocked',
  'terminals_exhausted',
  'key_taken',
  'wrong_side',
  'destination_unknown',
  'notes_seal_invalid',
  'note_spent',
  'note_invalid',
  'keyset_unknown',
  'amounts_mismatch',
  'amount_too_large',
  'exceeds_day_limit',
  'fee_differs',
  'delivery_unknown',
  'exchange_unknown',
  'expired',
  /** Held by another exchange: they may be free again. */
  'note_held',
  'amount_too_small',
] as const;
export type GatewayRefusal = (typeof GATEWAY_REFUSALS)[number];
