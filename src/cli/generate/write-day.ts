// Writes a sample day to two files, as a stream: memory does not grow with the number of transfers.
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Currencies } from '../../shared/currency.ts';
import type { AmountUnit } from '../files/fields.ts';
import type { FileFormat } from '../files/reader.ts';
import {
  headerText,
  NEW_ACCOUNT_COLUMNS,
  NEW_TRANSFER_COLUMNS,
  type RecordColumns,
  recordText,
  type WriteOptions,
} from '../files/write-records.ts';
import { SettlementDay } from './day.ts';
import type { DayParameters } from './parameters.ts';
import type { Answer } from './wallets.ts';

/** Text collected before it is handed to the stream. */
const CHUNK_CHARS = 256 * 1024;

export interface WriteDayOptions {
  readonly directory: string;
  readonly format: FileFormat;
  readonly amountUnit: AmountUnit;
  readonly currencies: Currencies;
  /** Replace files that are there; otherwise that is an error (EEXIST). */
  readonly overwrite?: boolean;
  /** Told of each transfer's foretold answer, in order. */
  readonly onExpected?: (answer: Answer, index: number) => void;
  readonly onProgress?: (written: number) => void;
}

export interface WrittenDay {
  readonly accountsPath: string;
  readonly transfersPath: string;
  readonly accounts: number;
  readonly transfers: number;
  /** How often each answer is foretold. */
  readonly expected: Partial<Record<Answer, number>>;
}

export async function writeDay(parameters: DayParameters, options: WriteDayOptions): Promise<WrittenDay> {
  const day = new SettlementDay(parameters);
  await mkdir(options.directory, { recursive: true });
  const accountsPath = join(options.directory, `accounts.${options.format}`);
  const transfersPath = join(options.directory, `transfers.${options.format}`);
  const flags = options.overwrite === false || options.overwrite === undefined ? 'wx' : 'w';
  let accounts = 0;
  await write(accountsPath, flags, NEW_ACCOUNT_COLUMNS, options, day.accounts(), () => {
    accounts++;
  });
  const expected: Partial<Record<Answer, number>> = {};
  let transfers = 0;
  const records = function* () {
    for (const transfer of day.transfers()) {
      expected[transfer.expected] = (expected[transfer.expected] ?? 0) + 1;
      options.onExpected?.(transfer.expected, transfers);
      transfers++;
      yield transfer.record;
    }
  };
  await write(transfersPath, flags, NEW_TRANSFER_COLUMNS, options, records(), () => {
    if (transfers % 4096 === 0) options.onProgress?.(transfers);
  });
  options.onProgress?.(transfers);
  return { accountsPath, transfersPath, accounts, transfers, expected };
}

async function write(
  path: string,
  flags: string,
  columns: RecordColumns,
  options: WriteOptions,
  records: Iterable<object>,
  onRecord: () => void,
): Promise<void> {
  const stream = createWriteStream(path, { flags, encoding: 'utf8' });
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure = error;
  });
  let text = headerText(columns, options);
  for (const record of records) {
    text += recordText(record, columns, options);
    onRecord();
    if (text.length < CHUNK_CHARS) continue;
    await push(stream, text, () => failure);
    text = '';
  }
  await push(stream, text, () => failure);
  stream.end();
  await finished(stream);
}

/** Writes and waits while the stream is full. */
async function push(stream: WriteStream, text: string, failure: () => Error | undefined): Promise<void> {
  const known = failure();
  if (known !== undefined) throw known;
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
