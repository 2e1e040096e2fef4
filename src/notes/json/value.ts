// JSON (RFC 8259) without loss and within bounds: integers as bigint, whatever their size, objects as maps, no name twice.
// JSON.parse would round amounts beyond 2^53 and take the last of two equal names, where another party may take the first.
import { NotesError } from '../errors.ts';
import { BODY_BYTES_MAX, DEPTH_MAX, VALUES_MAX } from '../limits.ts';

/** A `number` is one that is no integer: no field of ours takes it. */
export type JsonValue = null | boolean | number | bigint | string | readonly JsonValue[] | JsonObject;
export type JsonObject = ReadonlyMap<string, JsonValue>;

const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const malformed = (expected: string, at: number): NotesError =>
  new NotesError('malformed', `JSON: expected ${expected} at character ${at}`);

const INTEGER = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** 2^64 has 20 digits. Longer ones are refused before a bigint is made of them, which takes time by the square. */
const DIGITS_MAX = 20;
const SPACE = /[ \t\n\r]*/y;

class JsonReader {
  readonly #text: string;
  #at = 0;
  #values = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): JsonValue {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw malformed('the end', this.#at);
    return value;
  }

  #space(): void {
    // Most bodies have no spaces at all.
    if (this.#text.charCodeAt(this.#at) > 0x20) return;
    SPACE.lastIndex = this.#at;
    SPACE.test(this.#text);
    this.#at = SPACE.lastIndex;
  }

  #value(depth: number): JsonValue {
    if (depth > DEPTH_MAX) throw malformed(`at most ${DEPTH_MAX} levels`, this.#at);
    if (++this.#values > VALUES_MAX)
      throw new NotesError('too_large', `JSON: expected at most ${VALUES_MAX} values`);
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#list(depth);
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      default:
        return this.#number();
    }
  }

  #word<Value>(word: string, value: Value): Value {
    if (!this.#text.startsWith(word, this.#at)) throw malformed('a value', this.#at);
    this.#at += word.length;
    return value;
  }

  #number(): bigint | number {
    INTEGER.lastIndex = this.#at;
    const integer = INTEGER.exec(this.#text)?.[0];
    if (integer !== undefined) {
      if (integer.length > DIGITS_MAX) throw malformed(`a number of at most ${DIGITS_MAX} digits`, this.#at);
      this.#at += integer.length;
      return integer === '-0' ? -0 : BigInt(integer);
    }
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text)?.[0];
    if (number === undefined) throw malformed('a value', this.#at);
    this.#at += number.length;
    return Number(number);
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at + 1;
    let at = start;
    let isPlain = true;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === 0x22) break;
      // NaN beyond the end.
      if (!(code >= 0x20)) throw malformed('the end of a string', at);
      if (code === 0x5c) {
        isPlain = false;
        at++;
      }
      at++;
    }
    this.#at = at + 1;
    if (isPlain) return text.slice(start, at);
    let value: string;
    try {
      value = JSON.parse(text.slice(start - 1, at + 1)) as string;
    } catch {
      throw malformed('a string without a wrong escape', start);
    }
    // A lone surrogate has no UTF-8: it would be hashed as another text.
    if (/\p{Surrogate}/u.test(value)) throw malformed('well-formed text', start);
    return value;
  }

  #list(depth: number): JsonValue[] {
    const values: JsonValue[] = [];
    this.#at++;
    this.#space();
    if (this.#takes(']')) return values;
    for (;;) {
      values.push(this.#value(depth + 1));
      this.#space();
      if (this.#takes(']')) return values;
      if (!this.#takes(',')) throw malformed("',' or ']'", this.#at);
    }
  }

  #object(depth: number): JsonObject {
    const entries = new Map<string, JsonValue>();
    this.#at++;
    this.#space();
    if (this.#takes('}')) return entries;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') throw malformed('a name', this.#at);
      const at = this.#at;
      const name = this.#string();
      if (entries.has(name)) throw malformed('a name that was not there before', at);
      this.#space();
      if (!this.#takes(':')) throw malformed("':'", this.#at);
      entries.set(name, this.#value(depth + 1));
      this.#space();
      if (this.#takes('}')) return entries;
      if (!this.#takes(',')) throw malformed("',' or '}'", this.#at);
    }
  }

  #takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }
}

/** @throws NotesError */
export function parseJson(body: string | Uint8Array): JsonValue {
  // A character is one byte at least.
  if (body.length > BODY_BYTES_MAX) {
    throw new NotesError('too_large', `JSON: expected at most ${BODY_BYTES_MAX} bytes, got ${body.length}`);
  }
  let text: string;
  if (typeof body === 'string') {
    if (/\p{Surrogate}/u.test(body)) throw malformed('well-formed text', 0);
    text = body;
  } else {
    try {
      text = fromUtf8.decode(body);
    } catch {
      throw new NotesError('malformed', 'JSON: expected UTF-8, got other bytes');
    }
  }
  return new JsonReader(text).whole();
}

/** What is written; absent members are left out. */
export type JsonOut =
  | null
  | boolean
  | bigint
  | string
  | readonly JsonOut[]
  | { readonly [name: string]: JsonOut | undefined }
  | JsonObject;

/** Without spaces. Integers of any size as they are. */
export function writeJson(value: JsonOut | JsonValue): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' || typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(writeJson).join(',')}]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value as Record<string, JsonOut>);
  const written = entries
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `${JSON.stringify(name)}:${writeJson(member as JsonOut)}`);
  return `{${written.join(',')}}`;
}
