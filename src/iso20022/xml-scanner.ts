// Reads XML as it comes in, and strictly: what ISO 20022 needs of XML 1.0, nothing else.
//
//     bytes ─▶ ┌─────────────────────────┐ ─▶ open, text, close
//              │ … <Amt> 12.00 </Amt> <C │
//              └─────────────────────────┘    an unfinished tag or text waits for more, up to TOKEN_BYTES_MAX
//
// Refused: document types and entities other than XML's five and characters by number, UTF-16 and 8-bit encodings,
// control characters, tags that do not match, anything behind the end. Names are those of ISO 20022: ASCII. Comments and
// processing instructions are passed over.
//
// Bytes, not text, are kept, and each value is decoded into a string of its own: a part of a string would hold the whole
// of what was read in memory.
import { isUtf8 } from 'node:buffer';
import { Iso20022Error, type Iso20022ErrorCode } from './errors.ts';
import { ATTRIBUTES_MAX, DEPTH_MAX, DOCUMENT_BYTES_MAX, TOKEN_BYTES_MAX } from './limits.ts';

export type Attributes = readonly (readonly [name: string, value: string])[];

export interface XmlHandler {
  open(name: string, attributes: Attributes): void;
  /** Told of every piece; the text of an element may come in several. */
  text(text: string): void;
  close(name: string): void;
}

const LINE_FEED = 0x0a;
const LESS = 0x3c;
const GREATER = 0x3e;
const NAME = '[A-Za-z_][A-Za-z0-9_.-]{0,127}(?::[A-Za-z_][A-Za-z0-9_.-]{0,127})?';
const START_TAG = new RegExp(`^(${NAME})(?=[\\s/]|$)`);
const END_TAG = new RegExp(`^(${NAME})\\s*$`);
const ATTRIBUTE = new RegExp(`\\s+(${NAME})\\s*=\\s*(?:"([^<"]*)"|'([^<']*)')`, 'y');
const TAG_END = /\s*$/y;
const DECLARATION =
  /^\s+version\s*=\s*["']1\.\d["'](?:\s+encoding\s*=\s*["']([A-Za-z0-9._-]+)["'])?(?:\s+standalone\s*=\s*["'](?:yes|no)["'])?\s*$/;
/** Characters that XML does not allow: control characters and two that are none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
const NOT_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;
const NAMED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);
const NO_ATTRIBUTES: Attributes = [];

export class XmlScanner {
  readonly #handler: XmlHandler;
  readonly #bytesMax: number;
  readonly #open: string[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #bytes = 0;
  #line = 1;
  #started = false;
  /** Nothing but a byte order mark was read: here a declaration may stand. */
  #fresh = true;
  #rooted = false;

  constructor(handler: XmlHandler, bytesMax = DOCUMENT_BYTES_MAX) {
    this.#handler = handler;
    this.#bytesMax = bytesMax;
  }

  /** @throws Iso20022Error */
  push(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#bytesMax) {
      this.#fail('too_large', `expected at most ${this.#bytesMax} bytes, got more`);
    }
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    this.#scan(this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]), false);
  }

  /** @throws Iso20022Error */
  end(): void {
    this.#scan(this.#rest, true);
    const { length } = this.#open;
    if (length > 0) this.#fail('bad_xml', `expected </${this.#open[length - 1]}>, got the end`);
    if (!this.#rooted) this.#fail('bad_xml', 'expected an element, got none');
  }

  #scan(bytes: Buffer, last: boolean): void {
    let at = 0;
    if (!this.#started) {
      // Enough to tell the encoding by.
      if (bytes.length < 3 && !last) {
        this.#rest = Buffer.from(bytes);
        return;
      }
      at = this.#start(bytes);
    }
    for (;;) {
      const tag = nextTag(bytes, at);
      const textEnd = tag === -1 ? bytes.length : tag;
      if (tag === -1 && !last) break;
      if (textEnd > at) {
        this.#text(this.#decode(bytes, at, textEnd));
        this.#fresh = false;
      }
      at = textEnd;
      if (tag === -1) break;
      const end = this.#markup(bytes, at);
      if (end === -1) {
        if (last) this.#fail('bad_xml', 'expected the end of a tag, got the end of the document');
        break;
      }
      this.#fresh = false;
      at = end;
    }
    if (bytes.length - at > TOKEN_BYTES_MAX) {
      this.#fail(
        'too_large',
        `expected a tag or a text of at most ${TOKEN_BYTES_MAX} bytes, got a longer one`,
      );
    }
    // A copy, so that a few bytes do not keep a whole chunk.
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  #start(bytes: Buffer): number {
    this.#started = true;
    const [first, second] = bytes;
    if (
      (first === 0xff && second === 0xfe) ||
      (first === 0xfe && second === 0xff) ||
      first === 0 ||
      second === 0
    ) {
      this.#fail('bad_encoding', 'expected UTF-8, got UTF-16 or UTF-32');
    }
    return first === 0xef && second === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  }

  /** Behind the markup that begins at `at`, or -1 where its end has not come yet. */
  #markup(bytes: Buffer, at: number): number {
    const next = bytes[at + 1];
    if (next === 0x21) return this.#declaration(bytes, at);
    if (next === 0x3f) {
      const end = bytes.indexOf('?>', at + 2, 'latin1');
      if (end === -1) return -1;
      this.#instruction(this.#decode(bytes, at + 2, end));
      return end + 2;
    }
    if (next === undefined) return -1;
    const end = tagEnd(bytes, at + 1);
    if (end === -1) return -1;
    if (next === 0x2f) {
      if (!this.#closes(bytes, at + 2, end)) this.#endTag(this.#decode(bytes, at + 2, end));
    } else this.#startTag(this.#decode(bytes, at + 1, end));
    return end + 1;
  }

  #declaration(bytes: Buffer, at: number): number {
    const head = bytes.toString('latin1', at + 2, at + 9);
    if (head.startsWith('--')) {
      const end = bytes.indexOf('--', at + 4, 'latin1');
      if (end === -1 || end + 2 === bytes.length) return -1;
      if (bytes[end + 2] !== GREATER) this.#fail('bad_xml', 'expected no "--" inside a comment, got one');
      this.#decode(bytes, at + 4, end);
      return end + 3;
    }
    if (head === '[CDATA[') {
      const end = bytes.indexOf(']]>', at + 9, 'latin1');
      if (end === -1) return -1;
      if (this.#open.length === 0) this.#fail('bad_xml', 'expected an element, got text');
      this.#handler.text(newlines(this.#decode(bytes, at + 9, end)));
      return end + 3;
    }
    if ('--'.startsWith(head) || '[CDATA['.startsWith(head)) return -1;
    this.#fail('forbidden_xml', 'expected no document type and no declarations, got "<!"');
  }

  #instruction(text: string): void {
    const target = /^\S*/.exec(text)![0];
    if (target.toLowerCase() !== 'xml') {
      if (!/^[A-Za-z_]/.test(target)) this.#fail('bad_xml', 'expected a name behind "<?", got none');
      return;
    }
    const declaration = DECLARATION.exec(text.slice(3));
    if (!this.#fresh || target !== 'xml' || declaration === null) {
      this.#fail('bad_xml', 'expected an XML declaration as it must be, at the very start, got another one');
    }
    const encoding = declaration[1];
    if (encoding !== undefined && !/^(?:utf-?8|us-ascii)$/i.test(encoding)) {
      this.#fail('bad_encoding', `expected UTF-8, got ${encoding}`);
    }
  }

  #startTag(text: string): void {
    const name = START_TAG.exec(text)?.[1];
    if (name === undefined) this.#fail('bad_xml', 'expected an element\'s name behind "<", got none');
    if (this.#open.length === 0 && this.#rooted)
      this.#fail('bad_xml', 'expected the end, got another element');
    if (this.#open.length >= DEPTH_MAX) {
      this.#fail('too_large', `expected at most ${DEPTH_MAX} elements inside each other, got more`);
    }
    const empty = text.endsWith('/');
    const attributes = this.#attributes(text, name.length, text.length - (empty ? 1 : 0));
    this.#rooted = true;
    this.#handler.open(name, attributes);
    if (empty) this.#handler.close(name);
    else this.#open.push(name);
  }

  #attributes(text: string, from: number, to: number): Attributes {
    if (from === to) return NO_ATTRIBUTES;
    const body = text.slice(0, to);
    const attributes: [string, string][] = [];
    let at = from;
    for (;;) {
      ATTRIBUTE.lastIndex = at;
      const match = ATTRIBUTE.exec(body);
      if (match === null) break;
      at = ATTRIBUTE.lastIndex;
      const name = match[1]!;
      if (attributes.some(([other]) => other === name)) {
        this.#fail('bad_xml', `expected the attribute ${name} once, got it twice`);
      }
      if (attributes.length === ATTRIBUTES_MAX) {
        this.#fail('too_large', `expected at most ${ATTRIBUTES_MAX} attributes, got more`);
      }
      attributes.push([name, this.#expand((match[2] ?? match[3])!.replace(/[\t\r\n]/g, ' '))]);
    }
    TAG_END.lastIndex = at;
    if (!TAG_END.test(body)) {
      this.#fail('bad_xml', 'expected attributes such as Ccy="EUR", got something else in a tag');
    }
    return attributes;
  }

  /** The usual end tag, told without making a text of it. */
  #closes(bytes: Buffer, start: number, end: number): boolean {
    const expected = this.#open.at(-1);
    if (expected === undefined || expected.length !== end - start) return false;
    for (let i = 0; i < expected.length; i++) if (bytes[start + i] !== expected.charCodeAt(i)) return false;
    this.#open.pop();
    this.#handler.close(expected);
    return true;
  }

  #endTag(text: string): void {
    const name = END_TAG.exec(text)?.[1];
    const expected = this.#open.pop();
    if (expected === undefined) this.#fail('bad_xml', 'expected an element, got the end of one');
    if (name !== expected) this.#fail('bad_xml', `expected </${expected}>, got the end of another element`);
    this.#handler.close(name);
  }

  #text(text: string): void {
    if (this.#open.length === 0) {
      if (/[^ \t\r\n]/.test(text)) this.#fail('bad_xml', 'expected an element, got text');
      return;
    }
    if (text.includes(']]>')) this.#fail('bad_xml', 'expected no "]]>" in a text, got one');
    this.#handler.text(this.#expand(newlines(text)));
  }

  /** Characters for their names and numbers. */
  #expand(text: string): string {
    if (!text.includes('&')) return text;
    return text.replace(/&([^;&\s]{0,32};?)/g, (_, reference: string) => {
      const name = reference.slice(0, -1);
      const number = /^#(?:(\d{1,7})|x([0-9A-Fa-f]{1,6}));$/.exec(reference);
      if (number !== null) {
        const point = number[1] === undefined ? Number.parseInt(number[2]!, 16) : Number(number[1]);
        const surrogate = point >= 0xd800 && point <= 0xdfff;
        const character = point > 0x10ffff || surrogate ? '\0' : String.fromCodePoint(point);
        if (NOT_XML.test(character))
          this.#fail('bad_xml', 'expected a character that XML allows, got another');
        return character;
      }
      const character = reference.endsWith(';') ? NAMED.get(name) : undefined;
      if (character !== undefined) return character;
      if (/^[A-Za-z_][\w.-]*;$/.test(reference)) {
        this.#fail('forbidden_xml', 'expected one of the entities lt, gt, amp, quot, apos, got another');
      }
      this.#fail('bad_xml', 'expected &amp; for an ampersand, got a bare one');
    });
  }

  #decode(bytes: Buffer, start: number, end: number): string {
    if (end - start > TOKEN_BYTES_MAX) {
      this.#fail(
        'too_large',
        `expected a tag or a text of at most ${TOKEN_BYTES_MAX} bytes, got a longer one`,
      );
    }
    // Nearly all of a message is plain, which costs no more than a look at each byte: two thirds of the time otherwise.
    let plain = true;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (byte === LINE_FEED) this.#line++;
      else if (byte >= 0x80 || (byte < 0x20 && byte !== 0x09 && byte !== 0x0d)) plain = false;
    }
    if (plain) return bytes.toString('latin1', start, end);
    if (!isUtf8(bytes.subarray(start, end))) this.#fail('bad_encoding', 'expected UTF-8, got other bytes');
    const text = bytes.toString('utf8', start, end);
    if (NOT_XML.test(text)) this.#fail('bad_xml', 'expected text, got a control character');
    return text;
  }

  #fail(code: Iso20022ErrorCode, problem: string): never {
    throw new Iso20022Error(code, '', `line ${this.#line}: ${problem}`);
  }
}

/** The next `<`, -1 where there is none. Texts are short, so that a call into the runtime takes longer than looking. */
function nextTag(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) if (bytes[at] === LESS) return at;
  return -1;
}

/** The `>` of the tag whose inside begins at `from`, passing over those in quotes; -1 where there is none yet. */
function tagEnd(bytes: Buffer, from: number): number {
  let quote = 0;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (quote !== 0) {
      if (byte === quote) quote = 0;
    } else if (byte === GREATER) return at;
    else if (byte === 0x22 || byte === 0x27) quote = byte;
  }
  return -1;
}

function newlines(text: string): string {
  return text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text;
}
