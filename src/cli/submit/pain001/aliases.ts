// The alias table: which of the ledger's accounts an account's number in a payment file means.
//
//     identifier,account,currency
//     DE02120300000000202051,1001,EUR      this number, in euros
//     DE02120300000000202051,1002,USD      the same number, in dollars
//     000-4711,0x2a,                       in every currency that has no line of its own
import { createReadStream } from 'node:fs';
import { isIban } from '../../../iso20022/index.ts';
import { U128_MAX } from '../../../shared/bytes.ts';
import { type Currencies, CurrencyError } from '../../../shared/currency.ts';
import { CommandError } from '../../exit-codes.ts';
import { CsvParser, type CsvRow } from '../../files/csv.ts';
import { FieldError, parseId } from '../../files/fields.ts';

/** About 70 bytes each in memory beside their texts; a table of everybody in a city. */
export const ALIASES_MAX = 1_000_000;
const IDENTIFIER_CHARS_MAX = 34;
const COLUMNS = ['identifier', 'account', 'currency'] as const;
type Column = (typeof COLUMNS)[number];

export class AliasTable {
  readonly #accounts = new Map<string, bigint>();

  get size(): number {
    return this.#accounts.size;
  }

  /** @param currency ISO 4217 code; empty: every currency without a line of its own. @returns whether it was new */
  add(identifier: string, currency: string, account: bigint): boolean {
    const key = keyOf(identifier, currency);
    if (this.#accounts.has(key)) return false;
    this.#accounts.set(key, account);
    return true;
  }

  find(identifier: string, currency: string): bigint | undefined {
    return this.#accounts.get(keyOf(identifier, currency)) ?? this.#accounts.get(keyOf(identifier, ''));
  }
}

/** @throws CommandError that names the line and the field, and the file system's errors */
export async function readAliases(path: string, currencies: Currencies): Promise<AliasTable> {
  const table = new AliasTable();
  const decoder = new TextDecoder();
  let parser: CsvParser | undefined;
  let head = '';
  let columns: (Column | undefined)[] | undefined;
  const take = (rows: readonly CsvRow[]) => {
    for (const row of rows) {
      if ('error' in row) throw failure(path, row.line, row.error);
      if (columns === undefined) columns = readHeader(path, row);
      else readLine(path, row, columns, table, currencies);
    }
  };
  for await (const chunk of createReadStream(path)) {
    const text = decoder.decode(chunk as Uint8Array, { stream: true });
    if (parser !== undefined) take(parser.push(text));
    else {
      head += text;
      if (!head.includes('\n')) continue;
      parser = new CsvParser(delimiterOf(head));
      take(parser.push(head));
    }
  }
  parser ??= new CsvParser(delimiterOf(head));
  if (columns === undefined) take(parser.push(head));
  take([...parser.push(decoder.decode()), ...parser.end()]);
  if (columns === undefined) throw new CommandError(`${path}: expected a header line, got an empty file`);
  return table;
}

function readHeader(path: string, { line, fields }: { line: number; fields: readonly string[] }): Column[] {
  const columns = fields.map((field) => field.trim().toLowerCase()) as Column[];
  for (const column of columns) {
    if (!COLUMNS.includes(column)) {
      throw failure(path, line, `expected the columns ${COLUMNS.join(', ')}, got "${column}"`);
    }
  }
  for (const needed of ['identifier', 'account'] as const) {
    if (columns.filter((column) => column === needed).length !== 1) {
      throw failure(path, line, `expected the column ${needed} once, got another header`);
    }
  }
  return columns;
}

function readLine(
  path: string,
  { line, fields }: { line: number; fields: readonly string[] },
  columns: readonly (Column | undefined)[],
  table: AliasTable,
  currencies: Currencies,
): void {
  if (fields.length !== columns.length) {
    throw failure(path, line, `expected ${columns.length} fields as in the header, got ${fields.length}`);
  }
  const field = (name: Column) => fields[columns.indexOf(name)]?.trim() ?? '';
  const identifier = identifierOf(field('identifier'));
  if (identifier === '' || identifier.length > IDENTIFIER_CHARS_MAX) {
    throw failure(
      path,
      line,
      `identifier: expected 1 to ${IDENTIFIER_CHARS_MAX} characters, got ${identifier.length}`,
    );
  }
  let currency = '';
  let account: bigint;
  try {
    account = parseId(field('account'));
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    throw failure(path, line, `account: ${error.message}`);
  }
  if (account === 0n || account === U128_MAX) {
    throw failure(path, line, 'account: expected a number from 1 to 2^128-2, got one that is reserved');
  }
  try {
    if (field('currency') !== '') currency = currencies.parse(field('currency')).code;
  } catch (error) {
    if (!(error instanceof CurrencyError)) throw error;
    throw failure(path, line, error.message);
  }
  if (table.size === ALIASES_MAX)
    throw failure(path, line, `expected at most ${ALIASES_MAX} aliases, got more`);
  if (!table.add(identifier, currency, account)) {
    throw failure(path, line, 'identifier: expected each once a currency, got one twice');
  }
}

/** IBANs are written in groups of four, and in small letters: in messages they are not. */
function identifierOf(text: string): string {
  const compact = text.replaceAll(' ', '').toUpperCase();
  return isIban(compact) ? compact : text;
}

function keyOf(identifier: string, currency: string): string {
  return `${currency} ${identifier}`;
}

function delimiterOf(head: string): string {
  const header = head.split('\n', 1)[0]!;
  return [',', ';', '\t'].find((delimiter) => header.includes(delimiter)) ?? ',';
}

function failure(path: string, line: number, reason: string): CommandError {
  return new CommandError(`${path}: line ${line}: ${reason}`);
}
