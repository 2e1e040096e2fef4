import { MEMO_BYTES_MAX } from '../../roles/documents/transfer.ts';

/** Whether a memo is plain text that fits: people see it before they trust who wrote it, perhaps in a terminal. */
export function isMemo(memo: string): boolean {
  return !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(memo) && new TextEncoder().encode(memo).length <= MEMO_BYTES_MAX;
}
