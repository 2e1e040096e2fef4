// Fields of the JSON files that people read and write: configuration, directory, key files. Every refusal names the field,
// what it should be, and what came; what may be secret is only described.
import { z } from 'zod';
import { fromHex } from './binary-text.ts';
import { IdentityError, type IdentityErrorCode } from './errors.ts';
import { FOREVER, parseIsoTime } from './time.ts';

const SHOWN_CHARACTERS_MAX = 40;
const PROBLEMS_MAX = 10;

/** For fields that never hold a secret. */
export function shown(value: unknown): string {
  if (typeof value === 'string' && value.length <= SHOWN_CHARACTERS_MAX) return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return described(value);
}

/** For the others. */
export function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'string') return `a text of ${value.length} characters`;
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** `parse` gives undefined, or throws a RangeError, for what the field may not be. */
export function field<Value>(
  expected: string,
  parse: (value: unknown) => Value | undefined,
  show: (value: unknown) => string = shown,
) {
  return z
    .unknown()
    .transform((input, context): Value => {
      let value: Value | undefined;
      try {
        value = input === undefined ? undefined : parse(input);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
      }
      if (value !== undefined) return value;
      context.issues.push({ code: 'custom', message: `expected ${expected}, got ${show(input)}`, input });
      return z.NEVER;
    })
    .meta({ expected });
}

/** An object of these fields and no others. */
export function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? `expected only ${Object.keys(shape).join(', ')}, got ${(issue.keys as string[]).map((key) => shown(key)).join(', ')}`
        : `expected an object, got ${described(issue.input)}`,
  });
}

export function listOf<Item extends z.ZodType>(item: Item, max: number) {
  const error = (issue: { input?: unknown }): string =>
    `expected a list of at most ${max}, got ${described(issue.input)}`;
  return z.array(item, { error }).max(max, { error });
}

export const wholeNumber = (min: number, max: number) =>
  field(`a whole number from ${min} to ${max}`, (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : undefined,
  );

export const literal = <const Value extends string | number>(wanted: Value) =>
  field(JSON.stringify(wanted), (value) => (value === wanted ? wanted : undefined));

export const choice = <const Values extends readonly string[]>(values: Values) =>
  field(`one of ${values.join(', ')}`, (value): Values[number] | undefined =>
    values.find((one) => one === value),
  );

/** Described, never shown: it may be a key in the wrong place. */
export const hexBytes = (size: number) =>
  field(
    `${2 * size} hex digits in lower case`,
    (value) => (typeof value === 'string' ? fromHex(value, size) : undefined),
    described,
  );

export const isoTime = field('a time such as 2026-03-01T12:00:00Z', (value) =>
  typeof value === 'string' ? parseIsoTime(value) : undefined,
);

export const isoTimeOrNever = field('a time such as 2026-03-01T12:00:00Z, or null for no end', (value) =>
  value === null ? FOREVER : typeof value === 'string' ? parseIsoTime(value) : undefined,
);

/**
 * @param what stands at the beginning of every message: the file's path
 * @throws IdentityError with that code, and up to ten problems, one a line
 */
export function parseJson<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  what: string,
  code: IdentityErrorCode,
): z.output<Schema> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new IdentityError(code, `${what}: expected JSON, got something else`);
  }
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) => `${what}: ${pathText(path)}${message}`);
  const more =
    problems.length > PROBLEMS_MAX ? [`${what}: and ${problems.length - PROBLEMS_MAX} problems more`] : [];
  throw new IdentityError(code, [...problems.slice(0, PROBLEMS_MAX), ...more].join('\n'));
}

function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '';
  const text = path.reduce<string>(
    (before, key) =>
      typeof key === 'number'
        ? `${before}[${key}]`
        : before === ''
          ? String(key)
          : `${before}.${String(key)}`,
    '',
  );
  return `${text}: `;
}
