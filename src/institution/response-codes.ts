// DE 39 of ISO 8583:1987. 76 to 89 are for private use; 77 and 79 mean here what several networks use them for.
import type { Declined, DeclineReason, Unknown } from '../roles/settlement/institution.ts';

export const ResponseCode = {
  approved: '00',
  invalid_transaction: '12',
  invalid_amount: '13',
  unknown_card: '14',
  not_found: '25',
  format_error: '30',
  stolen_card: '43',
  insufficient_funds: '51',
  expired_card: '54',
  not_permitted: '57',
  amount_differs: '64',
  inconsistent: '77',
  reversed: '79',
} as const;

const REASONS: Readonly<Record<string, DeclineReason>> = {
  '01': 'refer_to_issuer',
  '03': 'invalid_merchant',
  '04': 'pick_up_card',
  '05': 'do_not_honour',
  '12': 'invalid_transaction',
  '13': 'invalid_amount',
  '14': 'unknown_card',
  '25': 'not_found',
  '30': 'format_error',
  '41': 'lost_card',
  '43': 'stolen_card',
  '51': 'insufficient_funds',
  '54': 'expired_card',
  '57': 'not_permitted',
  '61': 'over_limit',
  '62': 'restricted_card',
  '63': 'security_violation',
  '64': 'amount_differs',
  '77': 'inconsistent',
  '79': 'reversed',
};

/**
 * Codes that do not say that nothing was done: error, request in progress, answered too late, cut-off, issuer
 * inoperative, no route, malfunction.
 */
const UNCERTAIN = new Set(['06', '09', '68', '90', '91', '92', '96']);

/** What a code other than 00 means. */
export function refusal(responseCode: string): Declined | Unknown {
  if (UNCERTAIN.has(responseCode)) return { kind: 'unknown', why: `answered with code ${responseCode}` };
  return declined(responseCode);
}

/** An order that the institution's books have as declined, with whatever code. */
export function declined(responseCode: string): Declined {
  return { kind: 'declined', reason: REASONS[responseCode] ?? 'other', responseCode };
}
