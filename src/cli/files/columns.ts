// What the columns of an accounts file and of a transfers file mean. Names are the records' fields, in snake_case or
// camelCase: `debit_account_id` and `debitAccountId` are one column.
import {
  type Account,
  AccountFlags,
  type Transfer,
  TransferFlags,
  writeAccount,
  writeTransfer,
} from '../../layout/generated.ts';
import { type Amount, AmountError } from '../../shared/amount.ts';
import { encodeBalanceLimit } from '../../shared/balance-limit.ts';
import type { Currencies } from '../../shared/currency.ts';
import {
  type AmountUnit,
  FieldError,
  parseFlags,
  parseId,
  parseInteger,
  parseInteger64,
  parseLedger,
  parseMoney,
  parseTimestamp,
  snakeCase,
} from './fields.ts';

export interface ReadOptions {
  readonly currencies: Currencies;
  readonly amountUnit: AmountUnit;
}

type Fields = Record<string, bigint | number>;
type Parse = (text: string, options: ReadOptions) => bigint | number;

export interface Column {
  /** snake_case. */
  readonly name: string;
  /** Name in the record object. */
  readonly field: string;
  readonly parse: Parse;
  /** Amounts are read last: they depend on the record's ledger. */
  readonly money?: (amount: Amount) => bigint | number;
}

export interface RecordKind {
  readonly name: 'accounts' | 'transfers';
  readonly columns: ReadonlyMap<string, Column>;
  write(view: DataView, offset: number, record: Fields): void;
}

const UINT32_MAX = 0xffff_ffff;
const UINT16_MAX = 0xffff;
const integer =
  (max: number): Parse =>
  (text) =>
    parseInteger(text, max);
const noMoney: Parse = () => 0n;
const asIs = (amount: Amount): bigint => amount;

const SHARED: Record<string, Parse> = {
  id: parseId,
  userData128: parseId,
  userData64: parseInteger64,
  userData32: integer(UINT32_MAX),
  ledger: (text, { currencies }) => parseLedger(text, currencies),
  code: integer(UINT16_MAX),
  timestamp: parseTimestamp,
};

function columns(
  parsers: Record<string, Parse>,
  money: Record<string, (amount: Amount) => bigint | number>,
): Map<string, Column> {
  const list: Column[] = [
    ...Object.entries(parsers).map(([field, parse]) => ({ field, name: snakeCase(field), parse })),
    ...Object.entries(money).map(([field, convert]) => ({
      field,
      name: snakeCase(field),
      parse: noMoney,
      money: convert,
    })),
  ];
  return new Map(list.map((column) => [column.name, column]));
}

export const ACCOUNTS: RecordKind = {
  name: 'accounts',
  columns: columns(
    { ...SHARED, flags: (text) => parseFlags(text, AccountFlags) },
    {
      debitsPending: asIs,
      debitsPosted: asIs,
      creditsPending: asIs,
      creditsPosted: asIs,
      balanceLimit: encodeBalanceLimit,
    },
  ),
  write: (view, offset, record) => writeAccount(view, offset, record as Partial<Account>),
};

export const TRANSFERS: RecordKind = {
  name: 'transfers',
  columns: columns(
    {
      ...SHARED,
      debitAccountId: parseId,
      creditAccountId: parseId,
      pendingId: parseId,
      timeout: integer(UINT32_MAX),
      flags: (text) => parseFlags(text, TransferFlags),
    },
    { amount: asIs },
  ),
  write: (view, offset, record) => writeTransfer(view, offset, record as Partial<Transfer>),
};

/** The kind of record that a set of column names describes: transfers name the account that is debited. */
export function kindOf(names: Iterable<string>): RecordKind {
  for (const name of names) {
    if (snakeCase(name.trim()) === 'debit_account_id' || snakeCase(name.trim()) === 'pending_id')
      return TRANSFERS;
  }
  return ACCOUNTS;
}

/** The column of a name as written in the file. @throws FieldError naming those that there are. */
export function columnOf(kind: RecordKind, name: string): Column {
  const column = kind.columns.get(snakeCase(name.trim()));
  if (!column) {
    throw new FieldError(
      `expected columns of ${kind.name} (${[...kind.columns.keys()].join(', ')}), got "${name.trim()}"`,
    );
  }
  return column;
}

/**
 * Reads one record's texts. Empty texts are fields left out.
 * @throws FieldError that names the column.
 */
export function readFields(
  columns: readonly (Column | undefined)[],
  texts: readonly string[],
  options: ReadOptions,
): Fields {
  const record: Fields = {};
  let money = false;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    const text = texts[i];
    if (column === undefined || text === undefined || text === '') continue;
    if (column.money !== undefined) money = true;
    else {
      const trimmed = text.trim();
      if (trimmed === '') continue;
      try {
        record[column.field] = column.parse(trimmed, options);
      } catch (error) {
        throw inColumn(column, error);
      }
    }
  }
  if (money) readMoney(columns, texts, options, record);
  return record;
}

function readMoney(
  columns: readonly (Column | undefined)[],
  texts: readonly string[],
  options: ReadOptions,
  record: Fields,
): void {
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i];
    const text = texts[i];
    if (column?.money === undefined || text === undefined || text.trim() === '') continue;
    try {
      const ledger = (record.ledger as number | undefined) ?? 0;
      const { amount, currency } = parseMoney(text, ledger, options.amountUnit, options.currencies);
      if (currency !== undefined && ledger === 0) record.ledger = currency.ledger;
      record[column.field] = column.money(amount);
    } catch (error) {
      throw inColumn(column, error);
    }
  }
}

function inColumn(column: Column, error: unknown): unknown {
  if (error instanceof FieldError || error instanceof AmountError) {
    return new FieldError(`${column.name}: ${error.message}`);
  }
  return error;
}
