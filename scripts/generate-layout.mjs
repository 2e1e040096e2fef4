// Generates src/layout/generated.ts from assembly/layout/: sizes, offsets, flags, status codes, limits and the codecs
// of the public records. `--check` writes nothing and fails when the file is stale.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

const SOURCE = new URL('../assembly/layout/', import.meta.url);
const TARGET = new URL('../src/layout/generated.ts', import.meta.url);
const BYTES = { u8: 1, u16: 2, u32: 4, u64: 8 };

/** Records that cross the API as objects; the others are only ever read in place. */
const WITH_CODEC = new Set([
  'Account',
  'Transfer',
  'PaymentOrder',
  'OrderTerms',
  'AccountFilter',
  'AccountBalance',
  'ChangeEventsFilter',
  'ChangeEvent',
]);

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, c) => c.toUpperCase());

function parse(text, file) {
  const records = [];
  const enums = [];
  const constants = [];
  const source = text.replace(/\/\/[^\n]*/g, '');
  for (const [, name, body] of source.matchAll(/@unmanaged\s+export class (\w+) \{([^}]*)\}/g)) {
    let offset = 0;
    const fields = [];
    for (const [, field, type] of body.matchAll(/(\w+): (\w+);/g)) {
      const size = BYTES[type];
      if (!size)
        throw new Error(`${file}: ${name}.${field}: expected one of ${Object.keys(BYTES)}, got ${type}`);
      offset = Math.ceil(offset / size) * size;
      fields.push({ name: field, type, offset });
      offset += size;
    }
    const align = Math.max(...fields.map((f) => BYTES[f.type]));
    const joined = [];
    for (let i = 0; i < fields.length; i++) {
      const words = bytesFrom(fields, i);
      if (words > 1) {
        const bytes = words * BYTES.u64;
        joined.push({
          name: fields[i].name.replace(/_0$/, ''),
          type: 'bytes',
          offset: fields[i].offset,
          bytes,
        });
        i += words - 1;
        continue;
      }
      const base = fields[i].name.replace(/_lo$/, '');
      if (base !== fields[i].name && fields[i + 1]?.name === `${base}_hi`) {
        joined.push({ name: base, type: 'u128', offset: fields[i].offset });
        i++;
      } else joined.push(fields[i]);
    }
    records.push({ name, size: Math.ceil(offset / align) * align, fields: joined });
  }
  for (const [, name, body] of source.matchAll(/export enum (\w+) \{([^}]*)\}/g)) {
    const members = [...body.matchAll(/(\w+) = ([^,]+),/g)].map(([, key, value]) => {
      if (!/^[-\d\s<]+$/.test(value))
        throw new Error(`${file}: ${name}.${key}: expected a number, got ${value}`);
      return { key, value: Number(BigInt.asUintN(32, evaluate(value))) };
    });
    enums.push({ name, members });
  }
  for (const [, name, type, value] of source.matchAll(/export const (\w+): (u\d+) = (\w+);/g)) {
    constants.push({ name, value: type === 'u64' ? `${BigInt(value)}n` : String(Number(value)) });
  }
  return { records, enums, constants };
}

/** Fields x_0, x_1, x_2 … from the i-th on, which are one field of bytes; 0: none is. */
function bytesFrom(fields, i) {
  const base = fields[i].name.replace(/_0$/, '');
  if (base === fields[i].name || base === 'reserved') return 0;
  let words = 0;
  while (fields[i + words]?.name === `${base}_${words}` && fields[i + words].type === 'u64') words++;
  return words;
}

function evaluate(expression) {
  const [left, right] = expression.split('<<').map((part) => BigInt(part.trim()));
  return right === undefined ? left : left << right;
}

const READ = {
  u16: (at) => `view.getUint16(${at}, true)`,
  u32: (at) => `view.getUint32(${at}, true)`,
  u64: (at) => `view.getBigUint64(${at}, true)`,
  u128: (at) => `readU128(view, ${at})`,
  bytes: (at, length) => `readBytes(view, ${at}, ${length})`,
};
const WRITE = {
  u16: (at, v, what) => `view.setUint16(${at}, checkUint(${v}, 0xffff, '${what}'), true)`,
  u32: (at, v, what) => `view.setUint32(${at}, checkUint(${v}, 0xffffffff, '${what}'), true)`,
  u64: (at, v, what) => `view.setBigUint64(${at}, checkU64(${v}, '${what}'), true)`,
  u128: (at, v, what) => `writeU128(view, ${at}, ${v}, '${what}')`,
  bytes: (at, v, what, length) => `writeBytes(view, ${at}, ${v}, ${length}, '${what}')`,
};

function codec({ name, fields, size }) {
  const open = fields.filter((f) => !f.name.startsWith('reserved_'));
  const at = (f) => (f.offset === 0 ? 'offset' : `offset + ${f.offset}`);
  const typeOf = (f) =>
    f.type === 'bytes' ? 'Uint8Array' : f.type === 'u64' || f.type === 'u128' ? 'bigint' : 'number';
  return `
/** ${size} bytes, little-endian; see assembly/layout. */
export interface ${name} {
${open.map((f) => `  ${camel(f.name)}: ${typeOf(f)};`).join('\n')}
}

export function read${name}(view: DataView, offset: number): ${name} {
  return {
${open.map((f) => `    ${camel(f.name)}: ${READ[f.type](at(f), f.bytes)},`).join('\n')}
  };
}

/** Writes ${size} bytes at \`offset\`; fields left out are zero. Throws RangeError for a value that does not fit. */
export function write${name}(view: DataView, offset: number, record: Partial<${name}>): void {
  zero(view, offset, ${size});
${open
  .map((f) => {
    const value = `record.${camel(f.name)}`;
    return `  if (${value} !== undefined) ${WRITE[f.type](at(f), value, `${name}.${camel(f.name)}`, f.bytes)};`;
  })
  .join('\n')}
}
`;
}

function generate() {
  const parts = [
    '// Generated by scripts/generate-layout.mjs from assembly/layout/. Do not edit: `npm run layout` writes it anew.',
    '/* eslint-disable */',
    "import { checkU64, checkUint, readBytes, readU128, writeBytes, writeU128, zero } from '../shared/bytes.ts';",
    '',
  ];
  const files = readdirSync(SOURCE)
    .filter((f) => f.endsWith('.ts') && f !== 'index.ts')
    .sort();
  for (const file of files) {
    const { records, enums, constants } = parse(readFileSync(new URL(file, SOURCE), 'utf8'), file);
    parts.push(`// ---- ${file}`);
    for (const { name, value } of constants) parts.push(`export const ${name} = ${value};`);
    for (const { name, members } of enums) {
      parts.push(`export const ${name} = {`, ...members.map((m) => `  ${m.key}: ${m.value},`), '} as const;');
      parts.push(`export type ${name}Name = keyof typeof ${name};`);
      parts.push(
        `export const ${name}Names: ReadonlyMap<number, ${name}Name> = new Map<number, ${name}Name>([`,
      );
      parts.push(...members.map((m) => `  [${m.value}, '${m.key}'],`), ']);');
    }
    for (const record of records) {
      parts.push(`export const ${record.name}Layout = {`, `  size: ${record.size},`);
      parts.push(...record.fields.map((f) => `  ${camel(f.name)}: ${f.offset},`), '} as const;');
      if (WITH_CODEC.has(record.name)) parts.push(codec(record));
    }
    parts.push('');
  }
  return parts.join('\n');
}

const text = generate();
let current = '';
try {
  current = readFileSync(TARGET, 'utf8');
} catch {}
if (process.argv.includes('--check')) {
  if (current !== text) {
    console.error('src/layout/generated.ts is stale: run `npm run layout` and commit the result.');
    process.exit(1);
  }
} else if (current !== text) writeFileSync(TARGET, text);
