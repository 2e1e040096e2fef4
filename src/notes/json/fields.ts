// What the members of a body are, read and written by one declaration.
//
//     const blindSignature = members<BlindSignature>({
//       amount: ['amount', amount],
//       keysetId: ['id', keysetId],
//       signature: ['C_', point],
//       dleq: ['dleq', optional(signatureDleq)],
//     });
//
// Members that are not declared are passed over (Cashu adds some over time); `null` is as good as absent.
import { type MintErrorName, NotesError, type NotesErrorCode } from '../errors.ts';
import { fromHex, toHex } from '../hex.ts';
import { keysetIdVersion } from '../keyset.ts';
import { AMOUNT_MAX, QUOTE_ID_CHARS_MAX, SECRET_BYTES_MAX, WITNESS_BYTES_MAX } from '../limits.ts';
import { isPointForm, isScalar } from '../point.ts';
import { type JsonOut, type JsonValue, parseJson, writeJson } from './value.ts';

export interface Field<Value> {
  /** @throws NotesError */
  read(value: JsonValue, name: string): Value;
  write(value: Value): JsonOut;
}

export interface OptionalField<Value> extends Field<Value> {
  readonly isOptional: true;
}

/** A whole body. */
export interface JsonBody<Value> {
  /** @throws NotesError naming the member that is wrong, never what it holds */
  decode(body: string | Uint8Array): Value;
  encode(value: Value): string;
  readonly field: Field<Value>;
}

export const body = <Value>(field: Field<Value>): JsonBody<Value> => ({
  field,
  decode: (text) => field.read(parseJson(text), 'body'),
  encode: (value) => writeJson(field.write(value)),
});

export function wrong(
  name: string,
  expected: string,
  code: NotesErrorCode = 'malformed',
  mintError?: MintErrorName,
): NotesError {
  return new NotesError(code, `${name}: expected ${expected}`, mintError === undefined ? {} : { mintError });
}

const field = <Value>(
  read: (value: JsonValue, name: string) => Value,
  write: (value: Value) => JsonOut,
): Field<Value> => ({ read, write });

export const optional = <Value>(of: Field<Value>): OptionalField<Value> => ({ ...of, isOptional: true });

export const boolean: Field<boolean> = field(
  (value, name) => {
    if (typeof value !== 'boolean') throw wrong(name, 'true or false');
    return value;
  },
  (value) => value,
);

/** Unsigned, of up to 64 bits, as a plain integer: no fraction, no exponent, no quotes. */
export const amount: Field<bigint> = field(
  (value, name) => {
    if (typeof value !== 'bigint' || value < 0n || value > AMOUNT_MAX)
      throw wrong(name, 'an integer from 0 to 2^64-1');
    return value;
  },
  (value) => {
    if (typeof value !== 'bigint' || value < 0n || value > AMOUNT_MAX)
      throw new RangeError('amount: expected a bigint from 0 to 2^64-1');
    return value;
  },
);

/** Unix seconds. */
export const seconds: Field<bigint> = amount;

/** An integer that is a count or a rate, never money. */
export const integer = (max: number): Field<number> =>
  field(
    (value, name) => {
      if (typeof value !== 'bigint' || value < 0n || value > BigInt(max))
        throw wrong(name, `an integer from 0 to ${max}`);
      return Number(value);
    },
    (value) => BigInt(value),
  );

export const text = (charsMax: number): Field<string> =>
  field(
    (value, name) => {
      if (typeof value !== 'string') throw wrong(name, 'a text');
      if (value.length > charsMax) throw wrong(name, `at most ${charsMax} characters`, 'too_large');
      return value;
    },
    (value) => value,
  );

/** Text that goes by its bytes. */
export const utf8Text = (bytesMax: number): Field<string> =>
  field(
    (value, name) => {
      const short = text(bytesMax).read(value, name);
      // Three bytes a character at most.
      if (3 * short.length > bytesMax && new TextEncoder().encode(short).length > bytesMax)
        throw wrong(name, `at most ${bytesMax} bytes`, 'too_large');
      return short;
    },
    (value) => value,
  );

export const secret: Field<string> = utf8Text(SECRET_BYTES_MAX);
export const witness: Field<string> = utf8Text(WITNESS_BYTES_MAX);

/** A name of which a path or a key is made. */
export const quoteId: Field<string> = field(
  (value, name) => {
    const id = text(QUOTE_ID_CHARS_MAX).read(value, name);
    if (id === '') throw wrong(name, 'a quote');
    return id;
  },
  (value) => value,
);

export const hex = (size: number): Field<Uint8Array> =>
  field(
    (value, name) => {
      const bytes = typeof value === 'string' ? fromHex(value, size) : undefined;
      if (bytes === undefined) throw wrong(name, `${size} bytes in lower-case hex`);
      return bytes;
    },
    (value) => toHex(value),
  );

/** Has the form of a compressed point; the arithmetic finds out whether it is one. */
export const point: Field<Uint8Array> = field(
  (value, name) => {
    const bytes = hex(33).read(value, name);
    if (!isPointForm(bytes)) throw wrong(name, 'a compressed point');
    return bytes;
  },
  (value) => toHex(value),
);

export const scalar: Field<Uint8Array> = field(
  (value, name) => {
    const bytes = hex(32).read(value, name);
    if (!isScalar(bytes)) throw wrong(name, 'a scalar from 1 to n-1');
    return bytes;
  },
  (value) => toHex(value),
);

export const keysetId: Field<string> = field(
  (value, name) => {
    if (typeof value !== 'string' || keysetIdVersion(value) === undefined)
      throw wrong(name, 'a keyset id of version 00 or 01', 'unsupported');
    return value;
  },
  (value) => value,
);

/** One of a list of words. */
export const oneOf = <Word extends string>(...words: Word[]): Field<Word> =>
  field(
    (value, name) => {
      const found = words.find((word) => word === value);
      if (found === undefined) throw wrong(name, `one of ${words.join(', ')}`);
      return found;
    },
    (value) => value,
  );

/** @param mintError what a mint answers to a longer one */
export const list = <Value>(
  of: Field<Value>,
  max: number,
  mintError?: MintErrorName,
): Field<readonly Value[]> =>
  field(
    (value, name) => {
      if (!Array.isArray(value)) throw wrong(name, 'a list');
      if (value.length > max) throw wrong(name, `at most ${max} entries`, 'too_large', mintError);
      return value.map((entry: JsonValue, i) => of.read(entry, `${name}[${i}]`));
    },
    (values) => values.map((value) => of.write(value)),
  );

/** An entry of a list that may be empty: `null`. */
export const orNull = <Value>(of: Field<Value>): Field<Value | undefined> =>
  field(
    (value, name) => (value === null ? undefined : of.read(value, name)),
    (value) => (value === undefined ? null : of.write(value)),
  );

/** Any object of bounded depth: what others extend as they like. */
export const anyObject: Field<ReadonlyMap<string, JsonValue>> = field(
  (value, name) => {
    if (!(value instanceof Map)) throw wrong(name, 'an object');
    return value as ReadonlyMap<string, JsonValue>;
  },
  (value) => value as JsonOut,
);

export const object = (value: JsonValue, name: string): ReadonlyMap<string, JsonValue> =>
  anyObject.read(value, name);

/** Our name of each member: [Cashu's name, what it is]. */
export type Members<Value> = {
  readonly [Key in keyof Value]-?: readonly [
    string,
    undefined extends Value[Key]
      ? OptionalField<Exclude<Value[Key], undefined>>
      : Record<never, never> extends Pick<Value, Key>
        ? OptionalField<Exclude<Value[Key], undefined>>
        : Field<Value[Key]>,
  ];
};

export function members<Value extends object>(declared: Members<Value>): Field<Value> {
  const entries = Object.entries(declared) as [string, readonly [string, Field<unknown>]][];
  return field(
    (value, name) => {
      const given = object(value, name);
      const result: Record<string, unknown> = {};
      for (const [ours, [theirs, of]] of entries) {
        const member = given.get(theirs) ?? null;
        if (member !== null) result[ours] = of.read(member, `${name}.${theirs}`);
        else if (!('isOptional' in of)) throw wrong(`${name}.${theirs}`, 'it to be there');
      }
      return result as Value;
    },
    (value) => {
      const result: Record<string, JsonOut> = {};
      for (const [ours, [theirs, of]] of entries) {
        const member = (value as Record<string, unknown>)[ours];
        if (member !== undefined) result[theirs] = of.write(member);
      }
      return result;
    },
  );
}
