// NDJSON: one JSON object a line.

/** Longest line, in characters; beyond it the line is refused and the next one read. */
export const NDJSON_LINE_CHARS_MAX = 65_536;

export type NdjsonRow =
  | { readonly line: number; readonly entries: [string, string][] }
  | { readonly line: number; readonly error: string; readonly text: string };

export class NdjsonParser {
  #text = '';
  #line = 1;
  #discarding = false;

  push(text: string): NdjsonRow[] {
    this.#text += text;
    return this.#read(false);
  }

  end(): NdjsonRow[] {
    return this.#read(true);
  }

  #read(last: boolean): NdjsonRow[] {
    const rows: NdjsonRow[] = [];
    const text = this.#text;
    let position = 0;
    while (position < text.length) {
      const feed = text.indexOf('\n', position);
      const end = feed === -1 ? text.length : feed;
      if (this.#discarding) {
        if (feed !== -1) {
          this.#discarding = false;
          this.#line++;
        }
        position = Math.min(end + 1, text.length);
        continue;
      }
      if (end - position > NDJSON_LINE_CHARS_MAX) {
        rows.push({
          line: this.#line,
          error: `expected a line of at most ${NDJSON_LINE_CHARS_MAX} characters, got a longer one`,
          text: text.slice(position, position + NDJSON_LINE_CHARS_MAX),
        });
        if (feed === -1) {
          this.#discarding = true;
          position = text.length;
          break;
        }
      } else if (feed === -1 && !last) break;
      else {
        const line = text.slice(position, end).trim();
        if (line !== '') rows.push(readLine(this.#line, line));
      }
      if (feed !== -1) this.#line++;
      position = Math.min(end + 1, text.length);
    }
    this.#text = last ? '' : text.slice(position);
    return rows;
  }
}

function readLine(line: number, text: string): NdjsonRow {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return {
      line,
      error: `expected one JSON object, got text that is no JSON: ${(error as Error).message}`,
      text,
    };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { line, error: `expected a JSON object, got ${describe(value)}`, text };
  }
  const entries: [string, string][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item === null) continue;
    if (typeof item === 'string') entries.push([key, item]);
    else if (typeof item === 'number') {
      // A larger or broken number has lost digits before this code could see it.
      if (!Number.isSafeInteger(item) || Object.is(item, -0)) {
        return {
          line,
          error: `${key}: expected a string for a value beyond 2^53-1 or with decimals, got the number ${item}`,
          text,
        };
      }
      entries.push([key, String(item)]);
    } else if (Array.isArray(item) && item.every((part) => typeof part === 'string')) {
      entries.push([key, item.join('|')]);
    } else return { line, error: `${key}: expected a string or a whole number, got ${describe(item)}`, text };
  }
  return { line, entries };
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'an array' : `a value of type ${typeof value}`;
}
