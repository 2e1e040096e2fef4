// CSV as of RFC 4180, read as it comes in: a carriage return before the line feed or none, quoted fields with doubled
// quotes, delimiters and line feeds inside. Stricter than most readers where a guess could change money: a quote in the
// middle of a bare field is an error, never text.
//
//     text pushed ─▶ ┌──────────────────────────────┐
//                    │ done │ record │ record │ par…│ ─▶ the rest waits for more text
//                    └──────────────────────────────┘
//
// A line without a quote is split at once (about a million lines a second); only records with quotes are read
// character by character. An error costs one line: reading goes on behind it, also where a quote is never closed.

/** Longest record, in characters. A transfer takes about 200; what exceeds this is no record but an open quote. */
export const CSV_RECORD_CHARS_MAX = 65_536;

const TOO_LONG = `expected a record of at most ${CSV_RECORD_CHARS_MAX} characters, got a longer line`;

export type CsvRow =
  | { readonly line: number; readonly fields: string[] }
  | { readonly line: number; readonly error: string; readonly text: string };

type Quoted = { end: number; fields: string[] } | { end: number; error: string; cut: boolean } | undefined;

export class CsvParser {
  readonly #delimiter: string;
  #text = '';
  #line = 1;
  #discarding = false;

  constructor(delimiter = ',') {
    if (delimiter.length !== 1 || /["\r\n]/.test(delimiter)) {
      throw new RangeError(
        `CSV delimiter: expected one character other than a quote, got ${JSON.stringify(delimiter)}`,
      );
    }
    this.#delimiter = delimiter;
  }

  /** Rows that are complete with this text. */
  push(text: string): CsvRow[] {
    this.#text += text;
    return this.#read(false);
  }

  /** Rows of what is left: the last line needs no line feed. */
  end(): CsvRow[] {
    return this.#read(true);
  }

  #read(last: boolean): CsvRow[] {
    const rows: CsvRow[] = [];
    const text = this.#text;
    let position = 0;
    let quote = text.indexOf('"');
    while (position < text.length) {
      const feed = text.indexOf('\n', position);
      const lineEnd = feed === -1 ? text.length : feed;
      if (this.#discarding) {
        position = Math.min(lineEnd + 1, text.length);
        if (feed !== -1) {
          this.#discarding = false;
          this.#line++;
        }
        continue;
      }
      if (quote !== -1 && quote < position) quote = text.indexOf('"', position);
      if (quote !== -1 && quote < lineEnd) {
        const record = this.#quoted(text, position, last);
        if (record === undefined) break;
        if ('error' in record) {
          rows.push({ line: this.#line, error: record.error, text: text.slice(position, record.end) });
          this.#discarding = record.cut;
        } else rows.push({ line: this.#line, fields: record.fields });
        this.#line += countFeeds(text, position, record.end);
        position = record.end;
        continue;
      }
      if (feed === -1 && !last) {
        if (text.length - position > CSV_RECORD_CHARS_MAX) {
          rows.push(this.#tooLong(text, position));
          this.#discarding = true;
          position = text.length;
        }
        break;
      }
      if (lineEnd - position > CSV_RECORD_CHARS_MAX) rows.push(this.#tooLong(text, position));
      else {
        const end = text.charCodeAt(lineEnd - 1) === 13 && lineEnd > position ? lineEnd - 1 : lineEnd;
        if (end > position) {
          rows.push({ line: this.#line, fields: text.slice(position, end).split(this.#delimiter) });
        }
      }
      if (feed !== -1) this.#line++;
      position = lineEnd + 1;
    }
    this.#text = last ? '' : text.slice(position);
    return rows;
  }

  #tooLong(text: string, position: number): CsvRow {
    return { line: this.#line, error: TOO_LONG, text: text.slice(position, position + CSV_RECORD_CHARS_MAX) };
  }

  /** The record from `start`, or undefined where more text is needed. `end` is behind its line feed. */
  #quoted(text: string, start: number, last: boolean): Quoted {
    const fields: string[] = [];
    /** Gives up the line at `from`; waits for its end, within bounds, so that the outcome never depends on the cuts. */
    const fault = (from: number, error: string): Quoted => {
      const feed = text.indexOf('\n', from);
      if (feed !== -1) return { end: feed + 1, error, cut: false };
      if (!last && text.length - start <= CSV_RECORD_CHARS_MAX) return undefined;
      return { end: text.length, error, cut: !last };
    };
    let at = start;
    for (;;) {
      let field: string;
      if (text[at] === '"') {
        const close = closingQuote(text, at + 1);
        const undecided = close === -1 || close === text.length - 1;
        if (undecided && !last && text.length - start <= CSV_RECORD_CHARS_MAX) return undefined;
        if (close === -1 || close - start >= CSV_RECORD_CHARS_MAX) {
          return fault(start, `expected a closing quote within ${CSV_RECORD_CHARS_MAX} characters, got none`);
        }
        field = text.slice(at + 1, close).replaceAll('""', '"');
        at = close + 1;
      } else {
        let end = at;
        while (end < text.length && text[end] !== this.#delimiter && text[end] !== '\n') end++;
        if (end - start > CSV_RECORD_CHARS_MAX) return fault(end, TOO_LONG);
        if (end === text.length && !last) return undefined;
        const carriage = text[end] !== this.#delimiter && text[end - 1] === '\r' && end > at;
        field = text.slice(at, carriage ? end - 1 : end);
        at = carriage ? end - 1 : end;
        if (field.includes('"')) {
          return fault(at, `expected the whole field in quotes, got ${JSON.stringify(field)}`);
        }
      }
      fields.push(field);
      if (text[at] === this.#delimiter) {
        at++;
        continue;
      }
      if (at === text.length) return { end: at, fields };
      if (text[at] === '\n') return { end: at + 1, fields };
      if (text[at] === '\r' && text[at + 1] === '\n') return { end: at + 2, fields };
      if (text[at] === '\r' && at + 1 === text.length) return last ? { end: at + 1, fields } : undefined;
      const expected = `${JSON.stringify(this.#delimiter)} or the line's end after a closing quote`;
      return fault(at, `expected ${expected}, got ${JSON.stringify(text[at])}`);
    }
  }
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at !== -1 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

function countFeeds(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = text.indexOf('\n', start); at !== -1 && at < end; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** One field, quoted where it must be. */
export function csvField(value: string): string {
  return /[",;\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** One line with its line feed. */
export function csvLine(values: readonly string[]): string {
  return `${values.map(csvField).join(',')}\n`;
}
