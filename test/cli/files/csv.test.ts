import { fc, test } from '@fast-check/vitest';
import { parse as parseWithOracle } from 'csv-parse/sync';
import { describe, expect } from 'vitest';
import { CSV_RECORD_CHARS_MAX, CsvParser, type CsvRow, csvLine } from '../../../src/cli/files/csv.ts';

/** Feeds the text cut into pieces of the given sizes. */
function rowsOf(text: string, cuts: readonly number[] = [], delimiter = ','): CsvRow[] {
  const parser = new CsvParser(delimiter);
  const rows: CsvRow[] = [];
  let at = 0;
  for (const size of cuts) {
    rows.push(...parser.push(text.slice(at, at + size)));
    at += size;
  }
  rows.push(...parser.push(text.slice(at)), ...parser.end());
  return rows;
}

const fieldsOf = (rows: CsvRow[]) => rows.map((row) => ('fields' in row ? row.fields : row.error));

const field = fc.string({
  unit: fc.constantFrom('a', '1', '"', ',', ';', '\n', '\r', ' ', 'é', '😀', '\t'),
  maxLength: 8,
});
const table = fc
  .integer({ min: 2, max: 5 })
  .chain((columns) =>
    fc.array(fc.array(field, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 8 }),
  );
const cuts = fc.array(fc.integer({ min: 0, max: 7 }), { maxLength: 40 });

describe('CSV', () => {
  test.prop([table, cuts])('what is written is read back, however it is cut', (rows, pieces) => {
    const text = rows.map((row) => csvLine(row)).join('');
    expect(fieldsOf(rowsOf(text, pieces))).toEqual(rows);
  });

  test.prop([table, fc.constantFrom('\n', '\r\n'), fc.constantFrom(',', ';', '\t'), fc.boolean()])(
    'agrees with csv-parse',
    (rows, lineEnd, delimiter, endsInLineEnd) => {
      const quote = (text: string) =>
        /["\r\n,;\t]/.test(text) || text.startsWith(' ') ? `"${text.replaceAll('"', '""')}"` : text;
      const lines = rows.map((row) => row.map(quote).join(delimiter));
      const text = lines.join(lineEnd) + (endsInLineEnd ? lineEnd : '');
      const oracle = parseWithOracle(text, {
        delimiter,
        record_delimiter: lineEnd,
        relax_column_count: true,
        skip_empty_lines: true,
      });
      expect(fieldsOf(rowsOf(text, [], delimiter))).toEqual(oracle);
    },
  );

  test.prop([fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r'), maxLength: 60 }), cuts])(
    'any text gives the same rows however it is cut, and lines that ascend',
    (text, pieces) => {
      const rows = rowsOf(text, pieces);
      expect(rows).toEqual(rowsOf(text));
      for (const [i, row] of rows.entries()) {
        expect(row.line).toBeGreaterThan(rows[i - 1]?.line ?? 0);
        expect(row.line).toBeLessThanOrEqual(text.split('\n').length);
      }
    },
  );

  test('lines are numbered as an editor does', () => {
    const rows = rowsOf('a,b\r\n\r\n1,"x\ny"\r\n2,z');
    expect(rows).toEqual([
      { line: 1, fields: ['a', 'b'] },
      { line: 3, fields: ['1', 'x\ny'] },
      { line: 5, fields: ['2', 'z'] },
    ]);
  });

  test.each([
    ['a,b\n1,x"y\n2,z\n', 2, 'expected the whole field in quotes, got "x\\"y"'],
    ['a,b\n1,"x"y\n2,z\n', 2, 'after a closing quote, got "y"'],
    ['a,b\n1,"xy\n2,z\n', 2, 'expected a closing quote within 65536 characters, got none'],
  ])('%j: one bad line, and the next is read', (text, line, error) => {
    const rows = rowsOf(text);
    expect(rows[1]).toMatchObject({ line, error: expect.stringContaining(error) });
    expect(rows[2]).toEqual({ line: 3, fields: ['2', 'z'] });
  });

  test('an open quote in a large file costs one line and bounded memory', () => {
    const parser = new CsvParser();
    const rows = parser.push('a,b\n"open,1\n');
    const line = `${'x'.repeat(98)},y\n`;
    for (let i = 0; i < 2000; i++) rows.push(...parser.push(line));
    rows.push(...parser.end());
    expect(rows.filter((row) => 'error' in row).map((row) => row.line)).toEqual([2]);
    expect(rows.length).toBe(2002);
    expect(rows[2]).toMatchObject({ line: 3 });
  });

  test('an endless line is refused once', () => {
    const parser = new CsvParser();
    const rows = parser.push('a,b\n');
    for (let i = 0; i < 100; i++) rows.push(...parser.push('x'.repeat(CSV_RECORD_CHARS_MAX / 16)));
    rows.push(...parser.push('\n1,2\n'), ...parser.end());
    expect(rows.slice(1)).toMatchObject([
      {
        line: 2,
        error: `expected a record of at most ${CSV_RECORD_CHARS_MAX} characters, got a longer line`,
      },
      { line: 3, fields: ['1', '2'] },
    ]);
  });

  test.each(['', '""', '"', '\n', 'ab'])('the delimiter %j is refused', (delimiter) => {
    expect(() => new CsvParser(delimiter)).toThrow('expected one character other than a quote');
  });
});
