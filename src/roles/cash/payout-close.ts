// The operation `close_window`: fixes where a settlement window ends.
//
//     ledger's time   ──┬───────────── window ─────────────┬───────▶
//                     from                              cutoff   a batch after it, flushed
//
// The cutoff is a time of the ledger that is executed; the batch after it is flushed before the cutoff is written, and with
// it all that came before. No later batch gets an earlier time, not even after a crash, so what a window holds never
// changes, however many payments come while it is closed.
import { Refusal } from '../common/refusal.ts';
import { type CashRefused, currencyNotOffered } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import type { CloseWindowAnswer, CloseWindowRequest } from './payout-messages.ts';
import { NO_FEE } from './payout-position.ts';
import { findHead, findWindow, putHead, putWindow, type WindowRecord } from './payout-windows.ts';
import { moveTimeOn } from './statement.ts';

type Answer = CloseWindowAnswer | CashRefused;

/** One after the other: a currency has one window that is being closed. @throws RequestError, StoreError */
export async function closeWindows(
  requests: readonly CloseWindowRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const request of requests) answers.push(await closeWindow(request, parts));
  return answers;
}

async function closeWindow({ window, currency }: CloseWindowRequest, parts: CashParts): Promise<Answer> {
  const { ledger, store, terms } = parts;
  const offered = terms.get(currency);
  if (offered === undefined) return currencyNotOffered([...terms.keys()], currency);
  const known = findWindow(store, window);
  if (known !== undefined) return answerOf(known, currency);
  const { timestamp: cutoff } = ledger.status();
  await moveTimeOn(parts);
  return store.transaction((tx): Answer => {
    const stored = findWindow(tx, window);
    if (stored !== undefined) return answerOf(stored, currency);
    const before = findHead(tx, currency);
    const last = before === undefined ? undefined : findWindow(tx, before)!;
    // Its bookings are told apart from refunds by standing in the next window, all of them.
    if (last !== undefined && (!last.isBooked || cutoff <= last.cutoff)) {
      return new Refusal<CashRefusal>(
        'window_open',
        `window ${window}: expected window ${before} to be booked first, got one whose shops are not all booked`,
      );
    }
    const record: WindowRecord = {
      currency,
      number: (last?.number ?? 0n) + 1n,
      from: last?.cutoff ?? 0n,
      cutoff,
      before,
      terms: { ...(offered.payouts ?? NO_FEE) },
      bookedTo: undefined,
      isBooked: false,
    };
    putWindow(tx, window, record);
    putHead(tx, currency, window);
    return answerOf(record, currency);
  });
}

function answerOf({ currency, number, from, cutoff }: WindowRecord, asked: number): Answer {
  if (currency === asked) return { number, from, cutoff };
  return new Refusal<CashRefusal>(
    'request_differs',
    `currency: expected ${currency} as before, got ${asked}`,
  );
}
