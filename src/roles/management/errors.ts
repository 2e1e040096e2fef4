// Why management refuses a message, beside the refusals that all roles have (src/roles/common). New ones go to the end.
export const MANAGEMENT_REFUSALS = [
  'signature_invalid',
  'key_mismatch',
  'expired',
  'applies_too_late',
  'already_enrolled',
  'devices_exhausted',
  'device_unknown',
  'device_revoked',
  'amount_too_small',
  'amount_too_large',
  'currency_not_offered',
  'account_not_on_file',
  'seal_key_unknown',
  'applies_too_soon',
] as const;
export type ManagementRefusal = (typeof MANAGEMENT_REFUSALS)[number];
