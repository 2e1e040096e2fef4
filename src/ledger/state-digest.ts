import { createHash } from 'node:crypto';
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { PAGE_ROWS, ROW_SIZE, Table } from '../layout/generated.ts';

const PAGE_BYTES = PAGE_ROWS * ROW_SIZE;

/** SHA-256 (hex) over globals and all rows: equal states, and only those, give equal digests. 1 GB takes about a second. */
export function stateDigest(kernel: LedgerKernel): string {
  const hash = createHash('sha256').update(kernel.globalsCopy());
  const page = Buffer.alloc(PAGE_BYTES);
  for (const table of Object.values(Table)) {
    const pages = kernel.pageCount(table);
    for (let i = 0; i < pages; i++) {
      page.set(kernel.bytes(kernel.pageAddress(table, i), PAGE_BYTES));
      hash.update(page);
    }
  }
  return hash.digest('hex');
}
