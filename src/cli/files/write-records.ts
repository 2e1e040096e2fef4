// Accounts and transfers as lines of text: CSV with a header, or NDJSON. What is written reads back as the same record.
import { AccountFlagsNames, TransferFlagsNames } from '../../layout/generated.ts';
import { type Amount, formatAmount } from '../../shared/amount.ts';
import { decodeBalanceLimit } from '../../shared/balance-limit.ts';
import type { Currencies } from '../../shared/currency.ts';
import { csvLine } from './csv.ts';
import { type AmountUnit, formatFlags, formatId } from './fields.ts';
import type { FileFormat } from './reader.ts';

export interface WriteOptions {
  readonly format: FileFormat;
  readonly amountUnit: AmountUnit;
  readonly currencies: Currencies;
}

type Values = Readonly<Record<string, bigint | number>>;
type Cell = (record: Values, options: WriteOptions) => string;
export type RecordColumns = ReadonlyMap<string, Cell>;

const id =
  (field: string): Cell =>
  (record) => {
    const value = record[field] as bigint;
    return value === 0n ? '' : formatId(value);
  };
const plain =
  (field: string): Cell =>
  (record) => {
    const value = record[field]!;
    return value === 0 || value === 0n ? '' : String(value);
  };
const money =
  (field: string): Cell =>
  (record, options) =>
    moneyText(record[field] as Amount, record.ledger as number, options);
const ledger: Cell = (record, { currencies }) =>
  record.ledger === 0 ? '' : ledgerText(record.ledger as number, currencies);

function moneyText(amount: Amount, ledgerNumber: number, { amountUnit, currencies }: WriteOptions): string {
  if (amountUnit === 'minor' || ledgerNumber === 0) return String(amount);
  return formatAmount(amount, currencies.ofLedger(ledgerNumber));
}

/** The currency's code; a ledger that is no currency stays a number. */
export function ledgerText(number: number, currencies: Currencies): string {
  try {
    return currencies.ofLedger(number).code;
  } catch {
    return String(number);
  }
}

/** What the writer of a new account says: it has no balances yet. */
export const NEW_ACCOUNT_COLUMNS: RecordColumns = new Map<string, Cell>([
  ['id', id('id')],
  ['user_data_128', id('userData128')],
  ['user_data_64', plain('userData64')],
  ['user_data_32', plain('userData32')],
  [
    'balance_limit',
    (record, options) =>
      record.balanceLimit === 0
        ? ''
        : moneyText(decodeBalanceLimit(record.balanceLimit as number), record.ledger as number, options),
  ],
  ['ledger', ledger],
  ['code', plain('code')],
  ['flags', (record) => formatFlags(record.flags as number, AccountFlagsNames)],
]);

export const NEW_TRANSFER_COLUMNS: RecordColumns = new Map<string, Cell>([
  ['id', id('id')],
  ['debit_account_id', id('debitAccountId')],
  ['credit_account_id', id('creditAccountId')],
  ['amount', money('amount')],
  ['pending_id', id('pendingId')],
  ['user_data_128', id('userData128')],
  ['user_data_64', plain('userData64')],
  ['user_data_32', plain('userData32')],
  ['timeout', plain('timeout')],
  ['ledger', ledger],
  ['code', plain('code')],
  ['flags', (record) => formatFlags(record.flags as number, TransferFlagsNames)],
]);

/** The first line of a CSV file; nothing for NDJSON. */
export function headerText(columns: RecordColumns, { format }: WriteOptions): string {
  return format === 'csv' ? csvLine([...columns.keys()]) : '';
}

/** One record's line. Empty fields are left out of NDJSON. */
export function recordText(record: object, columns: RecordColumns, options: WriteOptions): string {
  const values = record as Values;
  if (options.format === 'csv') {
    const cells: string[] = [];
    for (const cell of columns.values()) cells.push(cell(values, options));
    return csvLine(cells);
  }
  const line: Record<string, string> = {};
  for (const [name, cell] of columns) {
    const text = cell(values, options);
    if (text !== '') line[name] = text;
  }
  return `${JSON.stringify(line)}\n`;
}
