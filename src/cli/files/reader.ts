// Reads a file of accounts or transfers as a stream of rows. Memory holds one chunk of the file and its rows.
//
//     bytes ─▶ text ─▶ CSV or NDJSON ─▶ columns ─▶ rows: a record, or the reason why there is none
import { TransferFlags } from '../../layout/generated.ts';
import { type Column, columnOf, kindOf, type ReadOptions, type RecordKind, readFields } from './columns.ts';
import { CsvParser } from './csv.ts';
import { FieldError, parseFlags } from './fields.ts';
import { NdjsonParser } from './ndjson.ts';

export type FileFormat = 'csv' | 'ndjson';

export type Row =
  | { readonly line: number; readonly record: Record<string, bigint | number> }
  /** `linked`: whether the line is chained to the next one; undefined where it cannot be known. */
  | { readonly line: number; readonly reason: string; readonly linked: boolean | undefined };

export interface ReaderOptions extends ReadOptions {
  readonly format: FileFormat;
  /** Where undefined, told by the columns. */
  readonly kind?: RecordKind | undefined;
  /** CSV only; where undefined, comma, semicolon or tab as the header has it. */
  readonly delimiter?: string | undefined;
  readonly ignoreUnknownColumns?: boolean;
}

/** The whole file cannot be read, for instance for an unknown column. */
export class FileFormatError extends Error {
  override name = 'FileFormatError';
}

export class RecordReader {
  readonly #options: ReaderOptions;
  readonly #source: CsvSource | NdjsonSource;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#source = options.format === 'csv' ? new CsvSource(options) : new NdjsonSource(options);
  }

  /** Known once the header or the first record was read. */
  get kind(): RecordKind | undefined {
    return this.#source.kind ?? this.#options.kind;
  }

  /**
   * Rows of the file, those of a chunk at a time.
   * @throws FileFormatError
   */
  async *read(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Row[]> {
    const decoder = new TextDecoder();
    for await (const chunk of bytes) {
      const rows = this.#source.push(decoder.decode(chunk, { stream: true }));
      if (rows.length > 0) yield rows;
    }
    const rows = [...this.#source.push(decoder.decode()), ...this.#source.end()];
    if (rows.length > 0) yield rows;
  }
}

class CsvSource {
  kind: RecordKind | undefined;
  readonly #options: ReaderOptions;
  #parser: CsvParser | undefined;
  #columns: (Column | undefined)[] | undefined;
  #flagsAt = -1;
  #head = '';

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  push(text: string): Row[] {
    if (this.#parser === undefined) {
      this.#head += text;
      if (!/\S[^\n]*\n/.test(this.#head)) return [];
      return this.#start();
    }
    return this.#rows(this.#parser.push(text));
  }

  end(): Row[] {
    const rows = this.#parser === undefined ? this.#start() : [];
    rows.push(...this.#rows(this.#parser!.end()));
    if (this.#columns === undefined) throw new FileFormatError('expected a header line, got an empty file');
    return rows;
  }

  #start(): Row[] {
    this.#parser = new CsvParser(this.#options.delimiter ?? delimiterOf(this.#head));
    const head = this.#head;
    this.#head = '';
    return this.#rows(this.#parser.push(head));
  }

  #rows(csvRows: ReturnType<CsvParser['push']>): Row[] {
    const rows: Row[] = [];
    for (const row of csvRows) {
      if (this.#columns === undefined) {
        this.#header(row);
        continue;
      }
      if ('error' in row) {
        rows.push({ line: row.line, reason: row.error, linked: mentionsLink(row.text) });
        continue;
      }
      const { line, fields } = row;
      const columns = this.#columns;
      if (fields.length !== columns.length) {
        const reason = `expected ${columns.length} fields as in the header, got ${fields.length}`;
        rows.push({ line, reason, linked: mentionsLink(fields.join()) });
        continue;
      }
      rows.push(toRow(line, columns, fields, this.#options, fields[this.#flagsAt]));
    }
    return rows;
  }

  #header(row: ReturnType<CsvParser['push']>[number]): void {
    if ('error' in row) throw new FileFormatError(`line ${row.line} (header): ${row.error}`);
    this.kind = this.#options.kind ?? kindOf(row.fields);
    this.#columns = headerColumns(this.kind, row.fields, this.#options.ignoreUnknownColumns ?? false);
    this.#flagsAt = this.#columns.findIndex((column) => column?.name === 'flags');
  }
}

/** Shapes of objects whose columns are remembered; a file rarely has more than a handful. */
const SHAPES_MAX = 256;

class NdjsonSource {
  kind: RecordKind | undefined;
  readonly #options: ReaderOptions;
  readonly #shapes = new Map<string, (Column | undefined)[]>();
  readonly #parser = new NdjsonParser();

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  push(text: string): Row[] {
    return this.#rows(this.#parser.push(text));
  }

  end(): Row[] {
    return this.#rows(this.#parser.end());
  }

  #rows(jsonRows: ReturnType<NdjsonParser['push']>): Row[] {
    const rows: Row[] = [];
    for (const row of jsonRows) {
      if ('error' in row) {
        rows.push({ line: row.line, reason: row.error, linked: mentionsLink(row.text) });
        continue;
      }
      const names = row.entries.map(([name]) => name);
      const texts = row.entries.map(([, text]) => text);
      this.kind ??= this.#options.kind ?? kindOf(names);
      const flags = texts[names.indexOf('flags')];
      try {
        const columns = this.#columns(this.kind, names);
        rows.push(toRow(row.line, columns, texts, this.#options, flags));
      } catch (error) {
        if (!(error instanceof FileFormatError)) throw error;
        rows.push({ line: row.line, reason: error.message, linked: isLinked(flags) });
      }
    }
    return rows;
  }

  #columns(kind: RecordKind, names: readonly string[]): (Column | undefined)[] {
    const shape = JSON.stringify(names);
    let columns = this.#shapes.get(shape);
    if (columns === undefined) {
      columns = headerColumns(kind, names, this.#options.ignoreUnknownColumns ?? false);
      if (this.#shapes.size < SHAPES_MAX) this.#shapes.set(shape, columns);
    }
    return columns;
  }
}

function headerColumns(
  kind: RecordKind,
  names: readonly string[],
  ignoreUnknown: boolean,
): (Column | undefined)[] {
  const seen = new Set<string>();
  return names.map((name) => {
    try {
      const column = columnOf(kind, name);
      if (seen.has(column.name))
        throw new FileFormatError(`expected each column once, got ${column.name} twice`);
      seen.add(column.name);
      return column;
    } catch (error) {
      if (!(error instanceof FieldError)) throw error;
      if (ignoreUnknown) return undefined;
      throw new FileFormatError(error.message);
    }
  });
}

function toRow(
  line: number,
  columns: readonly (Column | undefined)[],
  texts: readonly string[],
  options: ReadOptions,
  flags: string | undefined,
): Row {
  try {
    return { line, record: readFields(columns, texts, options) };
  } catch (error) {
    if (!(error instanceof FieldError)) throw error;
    return { line, reason: error.message, linked: isLinked(flags) };
  }
}

/** The bit `linked` is the same in both kinds. */
function isLinked(flags: string | undefined): boolean | undefined {
  if (flags === undefined) return false;
  try {
    return (parseFlags(flags, TransferFlags) & TransferFlags.linked) !== 0;
  } catch {
    return mentionsLink(flags);
  }
}

function mentionsLink(text: string): true | undefined {
  return /linked/i.test(text) ? true : undefined;
}

function delimiterOf(head: string): string {
  const header = head.trimStart().split('\n', 1)[0] ?? '';
  if (header.includes(',')) return ',';
  if (header.includes(';')) return ';';
  return header.includes('\t') ? '\t' : ',';
}

/** By the file's name, else by its first character. */
export function formatOf(path: string, firstBytes: Uint8Array): FileFormat {
  if (/\.(ndjson|jsonl|json)$/i.test(path)) return 'ndjson';
  if (/\.(csv|tsv)$/i.test(path)) return 'csv';
  return new TextDecoder().decode(firstBytes).trimStart().startsWith('{') ? 'ndjson' : 'csv';
}
