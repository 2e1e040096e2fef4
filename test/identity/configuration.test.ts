import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  ConfigurationFile,
  newConfigurationText,
  parseConfiguration,
} from '../../src/identity/configuration.ts';

const ROOT = `SHA256:${'a'.repeat(43)}`;
const SMALLEST = { version: 1, root: ROOT };
const parse = (file: object) => parseConfiguration(JSON.stringify(file));

test('defaults', () => {
  const configuration = parse(SMALLEST);
  expect(configuration).toMatchObject({
    root: ROOT,
    currency: { code: 'EUR' },
    roles: {
      cash: { host: '127.0.0.1', port: 7878, address: 'ws://127.0.0.1:7878/v1', store: 'stores/cash' },
      management: { port: 7879, address: 'ws://127.0.0.1:7879/v1', store: 'stores/management' },
      settlement: { port: 7880, address: 'ws://127.0.0.1:7880/v1', store: 'stores/settlement' },
      issuer: { port: 7881, store: 'stores/issuer', http: { host: '127.0.0.1', port: 3338 } },
      receiver: { port: 7882, store: 'stores/receiver', http: { host: '127.0.0.1', port: 3339 } },
    },
    institution: { host: '127.0.0.1', port: 8583 },
    limits: {
      loadAmountMin: 100n,
      loadAmountMax: 50_000n,
      balanceMax: 100_000n,
      devicesMax: 1_000_000,
      deviceRequestsPerMinute: 60,
      deviceDeclinesPerDay: 20,
      certificateDays: 365,
    },
    logLevel: 'info',
  });
  expect(parseConfiguration(newConfigurationText(ROOT, 'EUR', []))).toEqual(configuration);
});

test("an operator's own currency, without decimal places", () => {
  const { currency, limits } = parseConfiguration(newConfigurationText(ROOT, 'TOK', ['1000=TOK:0']));
  expect(currency).toEqual({ ledger: 1000, code: 'TOK', exponent: 0 });
  expect(limits).toMatchObject({ loadAmountMin: 1n, loadAmountMax: 500n, balanceMax: 1000n });
});

test.each([
  [{ host: '::1' }, 'ws://[::1]:7878/v1'],
  [{ host: 'cash.example', port: 80 }, 'ws://cash.example/v1'],
  [{ host: '0.0.0.0', address: 'wss://cash.example/v1' }, 'wss://cash.example/v1'],
])('the address of %j is %s', (cash, address) => {
  expect(parse({ ...SMALLEST, roles: { cash } }).roles.cash.address).toBe(address);
});

test('a role of the mint without an interface to the outside, and another one', () => {
  const { issuer, receiver } = parse({
    ...SMALLEST,
    roles: { issuer: { http: { port: 0 } }, receiver: { http: { port: 0 } } },
  }).roles;
  expect([issuer.http.port, receiver.http.port]).toEqual([0, 0]);
});

describe('each wrong field is named, with what it should be and what came', () => {
  test.each<[object, string]>([
    [{ root: ROOT }, 'version: expected 1, got nothing'],
    [
      { version: 1 },
      'root: expected the fingerprint of the root key, SHA256: and 43 characters, got nothing',
    ],
    [
      { ...SMALLEST, root: 'hidden' },
      'root: expected the fingerprint of the root key, SHA256: and 43 characters, got a text of 6 characters',
    ],
    [
      { ...SMALLEST, passphrase: 'hidden' },
      'expected only version, root, currency, operatorCurrencies, roles, institution, payouts, offline, limits, logLevel, got "passphrase"',
    ],
    [
      { ...SMALLEST, currency: 'XYZ' },
      'currency: currency: expected an ISO 4217 code or a ledger number, got "XYZ"',
    ],
    [
      { ...SMALLEST, currency: 978 },
      'currency: expected a code of ISO 4217, or one of operatorCurrencies, got 978',
    ],
    [
      { ...SMALLEST, operatorCurrencies: '1000' },
      'operatorCurrencies: expected a list of at most 64, got a text of 4 characters',
    ],
    [
      { ...SMALLEST, operatorCurrencies: ['978=TOK'] },
      'operatorCurrencies[0]: expected a definition such as "1000=TOK:2", got "978=TOK"',
    ],
    [
      { ...SMALLEST, operatorCurrencies: ['1000=TOK', '1000=TIK'] },
      'operatorCurrencies: currency TIK (1000): expected a code and a number not in use',
    ],
    [
      { ...SMALLEST, roles: { shop: {} } },
      'roles: expected only cash, management, settlement, issuer, receiver, got "shop"',
    ],
    [{ ...SMALLEST, roles: { cash: null } }, 'roles.cash: expected an object, got null'],
    [
      { ...SMALLEST, roles: { cash: { port: 0 } } },
      'roles.cash.port: expected a whole number from 1 to 65535, got 0',
    ],
    [
      { ...SMALLEST, roles: { cash: { port: '7878' } } },
      'roles.cash.port: expected a whole number from 1 to 65535, got "7878"',
    ],
    [{ ...SMALLEST, roles: { cash: { port: 70_000.5 } } }, 'roles.cash.port: expected a whole number'],
    [
      { ...SMALLEST, roles: { cash: { host: 'a b' } } },
      'roles.cash.host: expected a host name or an IP address, got "a b"',
    ],
    [
      { ...SMALLEST, roles: { cash: { host: '1.2.3.400' } } },
      'roles.cash.host: expected one that makes an address',
    ],
    [
      { ...SMALLEST, roles: { cash: { store: '' } } },
      'roles.cash.store: expected a path of 1 to 4096 characters, got ""',
    ],
    [
      { ...SMALLEST, roles: { cash: { address: 'ws://u:hidden@x/v1' } } },
      'roles.cash.address: expected an address such as ws://cash.example:7878/v1, got a text of 18 characters',
    ],
    [
      { ...SMALLEST, roles: { cash: { port: 7879 } } },
      'roles.cash.port: expected a port of its own, got that of roles.management',
    ],
    [
      { ...SMALLEST, roles: { receiver: { http: { port: 7881 } } } },
      'roles.receiver.http.port: expected a port of its own, got that of roles.issuer',
    ],
    [
      { ...SMALLEST, roles: { issuer: { http: { keyFile: 'tls.key' } } } },
      'roles.issuer.http.certificateFile: expected one beside the other of TLS, got none',
    ],
    [
      { ...SMALLEST, roles: { cash: { http: { port: 1 } } } },
      'roles.cash: expected only host, port, address, store, got "http"',
    ],
    [
      { ...SMALLEST, institution: { port: 7878 } },
      'institution.port: expected a port of its own, got that of roles.cash',
    ],
    [
      { ...SMALLEST, limits: { loadAmountMin: 1 } },
      'limits.loadAmountMin: expected a decimal in a text, such as "500" or "12.50", got 1',
    ],
    [{ ...SMALLEST, limits: { loadAmountMin: '-1' } }, 'limits.loadAmountMin: expected a decimal in a text'],
    [{ ...SMALLEST, limits: { loadAmountMin: '0' } }, 'limits.loadAmountMin: expected more than 0, got 0'],
    [
      { ...SMALLEST, limits: { loadAmountMin: '1.234' } },
      'limits.loadAmountMin: amount: expected at most 2 decimal places in EUR, got 3',
    ],
    [
      { ...SMALLEST, limits: { loadAmountMin: '501' } },
      'limits.loadAmountMax: expected at least loadAmountMin, 501.00, got 500.00',
    ],
    [
      { ...SMALLEST, limits: { balanceMax: '499.99' } },
      'limits.balanceMax: expected at least loadAmountMax, 500.00, got 499.99',
    ],
    [
      { ...SMALLEST, limits: { balanceMax: '9'.repeat(40) } },
      'limits.balanceMax: amount: expected at most 2^128-1 minor units',
    ],
    [
      { ...SMALLEST, limits: { devicesMax: 0 } },
      'limits.devicesMax: expected a whole number from 1 to 1000000000, got 0',
    ],
    [
      { ...SMALLEST, limits: { certificateDays: 4000 } },
      'limits.certificateDays: expected a whole number from 1 to 3650, got 4000',
    ],
    [
      { ...SMALLEST, logLevel: 'loud' },
      'logLevel: expected one of trace, debug, info, warn, error, silent, got "loud"',
    ],
    [
      { ...SMALLEST, logLevel: [] },
      'logLevel: expected one of trace, debug, info, warn, error, silent, got a list of 0',
    ],
  ])('%j', (file, message) => {
    let error: unknown;
    try {
      parse(file);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: 'configuration',
      message: expect.stringContaining(`specie.json: ${message}`),
    });
    expect(String(error)).not.toContain('hidden');
  });

  test('all of them at once, a line each', () => {
    expect(() => parse({ version: 2, root: 5, logLevel: 'x' })).toThrow(
      /version: .*\n.*root: .*\n.*logLevel: /,
    );
  });

  test('what is no JSON is not quoted', () => {
    expect(() => parseConfiguration('{ "passphrase": hidden }')).toThrow(
      'specie.json: expected JSON, got something else',
    );
  });
});

/** Every field of the schema: its path, what it should be, its default. */
function described(schema: z.ZodType, path = '', byDefault: unknown = undefined): string[][] {
  if (schema instanceof z.ZodPrefault) return described(schema.unwrap() as z.ZodType, path);
  if (schema instanceof z.ZodOptional) return described(schema.unwrap() as z.ZodType, path, null);
  if (schema instanceof z.ZodDefault) {
    return described(schema.unwrap() as z.ZodType, path, schema.def.defaultValue);
  }
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([name, part]) =>
      described(part as z.ZodType, path === '' ? name : `${path}.${name}`),
    );
  }
  const expected =
    schema instanceof z.ZodArray
      ? `a list: each ${(schema.element as z.ZodType).meta()?.expected}`
      : String(schema.meta()?.expected);
  const value =
    byDefault === undefined
      ? 'required'
      : byDefault === null
        ? path.endsWith('.address')
          ? 'made of host and port'
          : 'none'
        : `\`${JSON.stringify(byDefault)}\``;
  return [[`\`${path}\``, expected, value]];
}

test('docs/configuration.md has every field, what it should be, and its default', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
  const rows = text
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    );
  expect(rows.map(([path, expected, value]) => [path, expected, value])).toEqual(
    described(ConfigurationFile),
  );
  for (const row of rows) expect(row[3]?.length).toBeGreaterThan(5);
});
