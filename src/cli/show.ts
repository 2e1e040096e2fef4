// Accounts, transfers and balances as people and scripts read them.
import {
  type Account,
  type AccountBalance,
  AccountFlagsNames,
  type Transfer,
  TransferFlagsNames,
} from '../layout/generated.ts';
import { formatSigned } from '../shared/amount.ts';
import { decodeBalanceLimit } from '../shared/balance-limit.ts';
import type { Currencies } from '../shared/currency.ts';
import { formatFlags, formatId, formatTimestamp, snakeCase } from './files/fields.ts';
import { ledgerText } from './files/write-records.ts';
import { tableText } from './output.ts';

function money(minorUnits: bigint, ledger: number, currencies: Currencies): string {
  try {
    return formatSigned(minorUnits, currencies.ofLedger(ledger));
  } catch {
    return String(minorUnits);
  }
}

export function accountsTable(accounts: readonly Account[], currencies: Currencies): string {
  return tableText(
    [
      'id',
      'ledger',
      '>code',
      '>balance',
      '>held',
      '>debits_posted',
      '>credits_posted',
      '>limit',
      'flags',
      'opened',
    ],
    accounts.map((a) => {
      const show = (value: bigint) => money(value, a.ledger, currencies);
      return [
        formatId(a.id),
        ledgerText(a.ledger, currencies),
        String(a.code),
        show(a.creditsPosted - a.debitsPosted),
        show(a.debitsPending),
        show(a.debitsPosted),
        show(a.creditsPosted),
        a.balanceLimit === 0 ? '' : show(decodeBalanceLimit(a.balanceLimit)),
        formatFlags(a.flags, AccountFlagsNames),
        formatTimestamp(a.timestamp),
      ];
    }),
  );
}

export function transfersTable(transfers: readonly Transfer[], currencies: Currencies): string {
  return tableText(
    [
      'timestamp',
      'id',
      'debit_account_id',
      'credit_account_id',
      '>amount',
      'ledger',
      '>code',
      'flags',
      'pending_id',
    ],
    transfers.map((t) => [
      formatTimestamp(t.timestamp),
      formatId(t.id),
      formatId(t.debitAccountId),
      formatId(t.creditAccountId),
      money(t.amount, t.ledger, currencies),
      ledgerText(t.ledger, currencies),
      String(t.code),
      formatFlags(t.flags, TransferFlagsNames),
      t.pendingId === 0n ? '' : formatId(t.pendingId),
    ]),
  );
}

export function balancesTable(
  balances: readonly AccountBalance[],
  ledger: number,
  currencies: Currencies,
): string {
  const show = (value: bigint) => money(value, ledger, currencies);
  return tableText(
    ['timestamp', '>balance', '>debits_pending', '>debits_posted', '>credits_pending', '>credits_posted'],
    balances.map((b) => [
      formatTimestamp(b.timestamp),
      show(b.creditsPosted - b.debitsPosted),
      show(b.debitsPending),
      show(b.debitsPosted),
      show(b.creditsPending),
      show(b.creditsPosted),
    ]),
  );
}

const ID_FIELDS = new Set(['id', 'debitAccountId', 'creditAccountId', 'pendingId', 'userData128']);

/** For JSON: snake_case, ids in hex, flags as names, the rest of the bigints as decimal strings of minor units. */
export function plainRecord(
  record: object,
  flagNames: ReadonlyMap<number, string> = new Map(),
): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(record)) {
    if (ID_FIELDS.has(field)) plain[snakeCase(field)] = formatId(value as bigint);
    else if (field === 'flags')
      plain.flags = formatFlags(value as number, flagNames)
        .split('|')
        .filter(Boolean);
    else if (field === 'balanceLimit') plain.balance_limit = decodeBalanceLimit(value as number).toString();
    else plain[snakeCase(field)] = typeof value === 'bigint' ? value.toString() : value;
  }
  return plain;
}
