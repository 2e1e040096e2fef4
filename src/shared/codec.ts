// One codec for every message, stored record, certificate and signed thing.
//
//     const Order = struct({ request: u128, amount: u128, currency: u32 });
//     type Order = Infer<typeof Order>;
//     Order.decode(Order.encode({ request: 1n, amount: 500n, currency: 978 }));
//
// Little-endian, fields one after the other in the order of the declaration, nothing between them. A value has one
// encoding and an encoding one value, so that what is encoded can be signed, and equal bytes mean equal values. Decoding
// checks everything, bounds all it allocates by the bytes that are there, and names the field that is wrong.

import { checkU64, checkU128, checkUint, readU128, writeU128 } from './bytes.ts';

/** What was decoded is not what was declared. The message names the field, what was expected and what came; never a value's bytes. */
export class CodecError extends RangeError {
  override name = 'CodecError';
}

export interface Codec<Value> {
  /** Bytes of the longest encoding. */
  readonly bytesMax: number;
  /** @throws RangeError when a value does not fit its field */
  encode(value: Value): Uint8Array<ArrayBuffer>;
  /** All of `bytes` must be the value. Byte fields are copies. @throws CodecError */
  decode(bytes: Uint8Array): Value;
  write(writer: Writer, value: Value): void;
  read(reader: Reader, field: string): Value;
}

export type Infer<Type> = Type extends Codec<infer Value> ? Value : never;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes on their way out; grows as needed. */
export class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Makes room for `size` bytes and returns where they begin in `view`. */
  reserve(size: number): number {
    const at = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }

  get view(): DataView {
    return this.#view;
  }

  /** Bytes that fit without growing. */
  get capacity(): number {
    return this.#bytes.length;
  }

  bytes(value: Uint8Array): void {
    const at = this.reserve(value.length);
    this.#bytes.set(value, at);
  }

  /** What was written; the writer begins anew, and keeps nothing of it. */
  finish(): Uint8Array<ArrayBuffer> {
    const result = this.#bytes.slice(0, this.#length);
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
    return result;
  }

  /** Gives up what was written so far, and wipes it. */
  reset(): void {
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
  }
}

/** Bytes on their way in. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // slice() of a Buffer would share its memory.
    this.#bytes =
      bytes.constructor === Uint8Array
        ? bytes
        : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** How many bytes have been read. */
  get at(): number {
    return this.#at;
  }

  /** A copy of what was read since then. */
  since(at: number): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(at, this.#at) as Uint8Array<ArrayBuffer>;
  }

  /** Takes `size` bytes and returns where they begin in `view`. @throws CodecError */
  take(size: number, field: string): number {
    if (size > this.left) throw new CodecError(`${field}: expected ${size} bytes, got ${this.left}`);
    const at = this.#at;
    this.#at += size;
    return at;
  }

  /** Takes `size` bytes of ASCII; undefined, and takes nothing: there are others among them. @throws CodecError */
  ascii(size: number, field: string): string | undefined {
    const at = this.take(size, field);
    let value = '';
    for (let i = at; i < at + size; i++) {
      const byte = this.#bytes[i]!;
      if (byte > 0x7f) {
        this.#at = at;
        return undefined;
      }
      value += String.fromCharCode(byte);
    }
    return value;
  }

  /** A copy. @throws CodecError */
  bytes(size: number, field: string): Uint8Array<ArrayBuffer> {
    const at = this.take(size, field);
    return this.#bytes.slice(at, at + size) as Uint8Array<ArrayBuffer>;
  }
}

/** A writer that has grown beyond this is not kept. */
const SPARE_BYTES_MAX = 64 * 1024;
let spare: Writer | undefined;

/** What `write` writes. */
export function written(write: (writer: Writer) => void): Uint8Array<ArrayBuffer> {
  // A new writer costs more than most messages. One that is in use (a getter of a value may encode) is not taken again.
  const writer = spare ?? new Writer();
  spare = undefined;
  try {
    write(writer);
    return writer.finish();
  } finally {
    writer.reset();
    if (writer.capacity <= SPARE_BYTES_MAX) spare = writer;
  }
}

function codec<Value>(
  bytesMax: number,
  write: (writer: Writer, value: Value) => void,
  read: (reader: Reader, field: string) => Value,
): Codec<Value> {
  return {
    bytesMax,
    write,
    read,
    encode: (value) => written((writer) => write(writer, value)),
    decode(bytes) {
      const reader = new Reader(bytes);
      const value = read(reader, '');
      if (reader.left > 0)
        throw new CodecError(`expected ${bytes.length - reader.left} bytes, got ${bytes.length}`);
      return value;
    },
  };
}

// What is read is named only when it is wrong: names put together for every field were a tenth of the time of decoding.

/** What is wrong inside a field, with the field's name before it. */
function inside(outer: string, error: unknown): unknown {
  if (outer === '' || !(error instanceof CodecError)) return error;
  const { message } = error;
  const isOfItself = message.startsWith(':') || message.startsWith('[');
  return new CodecError(isOfItself ? `${outer}${message}` : `${outer}.${message}`, { cause: error });
}

export const u8: Codec<number> = codec(
  1,
  (writer, value) => {
    checkUint(value, 0xff, 'u8');
    const at = writer.reserve(1);
    writer.view.setUint8(at, value);
  },
  (reader, field) => reader.view.getUint8(reader.take(1, field)),
);

export const u16: Codec<number> = codec(
  2,
  (writer, value) => {
    checkUint(value, 0xffff, 'u16');
    const at = writer.reserve(2);
    writer.view.setUint16(at, value, true);
  },
  (reader, field) => reader.view.getUint16(reader.take(2, field), true),
);

export const u32: Codec<number> = codec(
  4,
  (writer, value) => {
    checkUint(value, 0xffff_ffff, 'u32');
    const at = writer.reserve(4);
    writer.view.setUint32(at, value, true);
  },
  (reader, field) => reader.view.getUint32(reader.take(4, field), true),
);

export const u64: Codec<bigint> = codec(
  8,
  (writer, value) => {
    checkU64(value, 'u64');
    const at = writer.reserve(8);
    writer.view.setBigUint64(at, value, true);
  },
  (reader, field) => reader.view.getBigUint64(reader.take(8, field), true),
);

export const u128: Codec<bigint> = codec(
  16,
  (writer, value) => {
    checkU128(value, 'u128');
    const at = writer.reserve(16);
    writeU128(writer.view, at, value, 'u128');
  },
  (reader, field) => readU128(reader.view, reader.take(16, field)),
);

/** One byte, 0 or 1. */
export const bool: Codec<boolean> = codec(
  1,
  (writer, value) => {
    if (typeof value !== 'boolean') throw new RangeError(`expected a boolean, got ${typeof value}`);
    const at = writer.reserve(1);
    writer.view.setUint8(at, value ? 1 : 0);
  },
  (reader, field) => {
    const value = reader.view.getUint8(reader.take(1, field));
    if (value > 1) throw new CodecError(`${field}: expected 0 or 1, got ${value}`);
    return value === 1;
  },
);

/** Exactly `size` bytes. */
export function bytes(size: number): Codec<Uint8Array> {
  return codec(
    size,
    (writer, value) => {
      expectByteArray(value);
      if (value.length !== size) throw new RangeError(`expected ${size} bytes, got ${value.length}`);
      writer.bytes(value);
    },
    (reader, field) => reader.bytes(size, field),
  );
}

/** Up to `max` bytes behind their number (u32). */
export function bytesUpTo(max: number): Codec<Uint8Array> {
  return codec(
    4 + max,
    (writer, value) => {
      expectByteArray(value);
      if (value.length > max) throw new RangeError(`expected at most ${max} bytes, got ${value.length}`);
      u32.write(writer, value.length);
      writer.bytes(value);
    },
    (reader, field) => reader.bytes(readLength(reader, max, 'bytes', field), field),
  );
}

/** Texts that are mostly plain and this short: names, states, reasons. The system's encoder costs more than they do. */
const SHORT_TEXT_MAX = 64;

function isAscii(value: string): boolean {
  for (let i = 0; i < value.length; i++) if (value.charCodeAt(i) > 0x7f) return false;
  return true;
}

/** UTF-8 of up to `max` bytes behind their number (u32). */
export function text(max: number): Codec<string> {
  return codec(
    4 + max,
    (writer, value) => {
      if (typeof value !== 'string') throw new RangeError(`expected a text, got ${typeof value}`);
      if (value.length <= Math.min(max, SHORT_TEXT_MAX) && isAscii(value)) {
        u32.write(writer, value.length);
        const at = writer.reserve(value.length);
        for (let i = 0; i < value.length; i++) writer.view.setUint8(at + i, value.charCodeAt(i));
        return;
      }
      // A lone surrogate has no UTF-8: it would come back as another text.
      if (/\p{Surrogate}/u.test(value))
        throw new RangeError('expected a well-formed text, got a lone surrogate');
      const encoded = utf8.encode(value);
      if (encoded.length > max)
        throw new RangeError(`expected at most ${max} bytes of text, got ${encoded.length}`);
      u32.write(writer, encoded.length);
      writer.bytes(encoded);
    },
    (reader, field) => {
      const length = readLength(reader, max, 'bytes of text', field);
      const short = length <= SHORT_TEXT_MAX ? reader.ascii(length, field) : undefined;
      if (short !== undefined) return short;
      const encoded = reader.bytes(length, field);
      try {
        return fromUtf8.decode(encoded);
      } catch {
        throw new CodecError(`${field}: expected UTF-8, got other bytes`);
      }
    },
  );
}

/** Up to `max` values behind their number (u32). */
export function list<Value>(of: Codec<Value>, max: number): Codec<readonly Value[]> {
  return codec<readonly Value[]>(
    4 + max * of.bytesMax,
    (writer, values) => {
      if (!Array.isArray(values)) throw new RangeError(`expected a list, got ${typeof values}`);
      if (values.length > max) throw new RangeError(`expected at most ${max} values, got ${values.length}`);
      u32.write(writer, values.length);
      for (const value of values) of.write(writer, value);
    },
    (reader, field) => {
      const length = readLength(reader, max, 'values', field);
      const values: Value[] = [];
      try {
        while (values.length < length) values.push(of.read(reader, ''));
      } catch (error) {
        throw inside(`${field}[${values.length}]`, error);
      }
      return values;
    },
  );
}

/** Nothing (one byte 0), or a value behind a byte 1. */
export function optional<Value>(of: Codec<Value>): Codec<Value | undefined> {
  return codec<Value | undefined>(
    1 + of.bytesMax,
    (writer, value) => {
      bool.write(writer, value !== undefined);
      if (value !== undefined) of.write(writer, value);
    },
    (reader, field) => (bool.read(reader, field) ? of.read(reader, field) : undefined),
  );
}

/** One of a list of names, as its number in the list (u8). Names are only ever added at the end. */
export function oneOf<const Names extends readonly string[]>(...names: Names): Codec<Names[number]> {
  return codec<Names[number]>(
    1,
    (writer, value) => {
      const number = names.indexOf(value);
      if (number < 0) throw new RangeError(`expected one of ${names.join(', ')}, got another`);
      u8.write(writer, number);
    },
    (reader, field) => {
      const number = u8.read(reader, field);
      const name = names[number];
      if (name === undefined) {
        throw new CodecError(
          `${field}: expected 0 to ${names.length - 1} (${names.join(', ')}), got ${number}`,
        );
      }
      return name;
    },
  );
}

type ReadFields = (reader: Reader, into: Record<string, unknown>) => void;
/** Of structs: so that a union puts their fields beside its kind, and copies no object. */
const fieldReaders = new WeakMap<object, ReadFields>();

type Struct<Of> = { readonly [Name in keyof Of]: Of[Name] extends Codec<infer Value> ? Value : never };

/** Fields in the order of the declaration. */
export function struct<const Of extends Record<string, Codec<unknown>>>(fields: Of): Codec<Struct<Of>> {
  const entries = Object.entries(fields) as [string, Codec<unknown>][];
  const readFields: ReadFields = (reader, into) => {
    for (let i = 0; i < entries.length; i++) {
      const [name, part] = entries[i]!;
      into[name] = part.read(reader, name);
    }
  };
  const made = codec<Struct<Of>>(
    entries.reduce((sum, [, field]) => sum + field.bytesMax, 0),
    (writer, value) => {
      for (const [name, field] of entries) {
        try {
          field.write(writer, (value as Record<string, unknown>)[name]);
        } catch (error) {
          throw new RangeError(`${name}: ${(error as Error).message}`, { cause: error });
        }
      }
    },
    (reader, field) => {
      const value: Record<string, unknown> = {};
      try {
        readFields(reader, value);
      } catch (error) {
        throw inside(field, error);
      }
      return value as Struct<Of>;
    },
  );
  fieldReaders.set(made, readFields);
  return made;
}

type Variant<Of> = { readonly [Kind in keyof Of]: { readonly kind: Kind } & Infer<Of[Kind]> }[keyof Of];

/**
 * One of several structs, told apart by `kind`: its number in the declaration (u8), then its fields. Kinds are only ever
 * added at the end.
 */
export function union<const Of extends Record<string, Codec<object>>>(variants: Of): Codec<Variant<Of>> {
  const entries = (Object.entries(variants) as [string, Codec<object>][]).map(
    ([kind, variant]): [string, Codec<object>, ReadFields] => [kind, variant, fieldsOf(variant)],
  );
  return codec<Variant<Of>>(
    1 + Math.max(...entries.map(([, variant]) => variant.bytesMax)),
    (writer, value) => {
      const number = entries.findIndex(([kind]) => kind === value.kind);
      if (number < 0) {
        throw new RangeError(
          `kind: expected one of ${entries.map(([kind]) => kind).join(', ')}, got another`,
        );
      }
      u8.write(writer, number);
      entries[number]![1].write(writer, value as object);
    },
    (reader, field) => {
      try {
        const number = u8.read(reader, 'kind');
        const entry = entries[number];
        if (entry === undefined) {
          throw new CodecError(`kind: expected 0 to ${entries.length - 1}, got ${number}`);
        }
        const value: Record<string, unknown> = { kind: entry[0] };
        entry[2](reader, value);
        return value as unknown as Variant<Of>;
      } catch (error) {
        throw inside(field, error);
      }
    },
  );
}

function fieldsOf(variant: Codec<object>): ReadFields {
  return fieldReaders.get(variant) ?? ((reader, into) => void Object.assign(into, variant.read(reader, '')));
}

const ENCODING = Symbol('encoding');

/**
 * The same bytes; but a value that was read remembers them, and writing it copies them. For what is kept, signed for or
 * passed on as it came, several times over. Such a value must not be changed; what is made of it with a spread has fields
 * of its own, and no memory.
 */
export function remembered<Value extends object>(of: Codec<Value>): Codec<Value> {
  const encodingOf = (value: Value): Uint8Array<ArrayBuffer> | undefined =>
    (value as { [ENCODING]?: Uint8Array<ArrayBuffer> } | undefined)?.[ENCODING];
  const through = codec<Value>(
    of.bytesMax,
    (writer, value) => {
      const encoding = encodingOf(value);
      if (encoding === undefined) of.write(writer, value);
      else writer.bytes(encoding);
    },
    (reader, field) => {
      const { at } = reader;
      const value = of.read(reader, field);
      // Not enumerable: a spread leaves it behind.
      return Object.defineProperty(value, ENCODING, { value: reader.since(at) });
    },
  );
  return { ...through, encode: (value) => encodingOf(value)?.slice() ?? through.encode(value) };
}

/** No fields: for variants that say all by their kind. */
export const nothing: Codec<Record<never, never>> = struct({});

function readLength(reader: Reader, max: number, what: string, field: string): number {
  const length = u32.read(reader, field);
  if (length > max) throw new CodecError(`${field}: expected at most ${max} ${what}, got ${length}`);
  return length;
}

function expectByteArray(value: unknown): void {
  if (!(value instanceof Uint8Array)) throw new RangeError(`expected a Uint8Array, got ${typeof value}`);
}
