// The books of a ledger: what its accounts add up to. In double entry, debits equal credits, always.
import type { LedgerKernel } from '../kernel/ledger-kernel.ts';
import { AccountLayout, GlobalsLayout } from '../layout/generated.ts';
import { readU128 } from '../shared/bytes.ts';

export interface Books {
  readonly ledger: number;
  readonly accounts: number;
  readonly debitsPending: bigint;
  readonly debitsPosted: bigint;
  readonly creditsPending: bigint;
  readonly creditsPosted: bigint;
}

/** One for each ledger, in order of their numbers. Ten million accounts take some seconds. */
export function sumBooks(kernel: LedgerKernel): Books[] {
  const books = new Map<number, { -readonly [key in keyof Books]: Books[key] }>();
  const accounts = Number(kernel.globals().getBigUint64(GlobalsLayout.accountCount, true));
  for (let slot = 0; slot < accounts; slot++) {
    const row = kernel.accountRowAt(slot);
    const ledger = row.getUint32(AccountLayout.ledger, true);
    let sums = books.get(ledger);
    if (sums === undefined) {
      sums = {
        ledger,
        accounts: 0,
        debitsPending: 0n,
        debitsPosted: 0n,
        creditsPending: 0n,
        creditsPosted: 0n,
      };
      books.set(ledger, sums);
    }
    sums.accounts++;
    sums.debitsPending += readU128(row, AccountLayout.debitsPending);
    sums.debitsPosted += readU128(row, AccountLayout.debitsPosted);
    sums.creditsPending += readU128(row, AccountLayout.creditsPending);
    sums.creditsPosted += readU128(row, AccountLayout.creditsPosted);
  }
  return [...books.values()].sort((a, b) => a.ledger - b.ledger);
}

/** Why these books are wrong; undefined: they are right. */
export function unbalanced(books: Books): string | undefined {
  const { ledger, debitsPending, debitsPosted, creditsPending, creditsPosted } = books;
  if (debitsPosted !== creditsPosted) {
    return `ledger ${ledger}: debits posted are ${debitsPosted}, credits posted ${creditsPosted}`;
  }
  if (debitsPending !== creditsPending) {
    return `ledger ${ledger}: debits pending are ${debitsPending}, credits pending ${creditsPending}`;
  }
  return undefined;
}
