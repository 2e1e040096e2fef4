// The simulator's HTTP interface: routes, refusals, long statements.
import { expect, onTestFinished, test } from 'vitest';
import {
  checkDigit,
  hasCheckDigit,
  maskAccountNumber,
  testAccountNumbers,
} from '../../src/institution/account-number.ts';
import { AdminServer } from '../../src/institution/simulator/admin.ts';
import { adapter, anOrder, simulator } from './support.ts';

async function admin() {
  const bank = await simulator({}, { accounts: 2_500, balance: 10n ** 9n });
  const server = await AdminServer.listen({ institution: bank, port: 0 });
  onTestFinished(() => server.close());
  return { bank, url: server.url };
}

const JSON_TYPE = { 'content-type': 'application/json' };

test('faults: read, replaced, added to', async () => {
  const { url } = await admin();
  const send = async (method: string, body: unknown) =>
    (await fetch(`${url}/faults`, { method, headers: JSON_TYPE, body: JSON.stringify(body) })).json();
  expect(await (await fetch(`${url}/faults`)).json()).toEqual({ latency: { ms: 0 }, faults: [] });
  await send('PUT', { latency: { ms: 1 }, faults: [{ do: 'twice' }] });
  expect(await send('POST', { faults: [{ do: 'garbage', nth: 2 }] })).toEqual({
    latency: { ms: 1 },
    faults: [
      { do: 'twice', seen: 0, fired: 0 },
      { do: 'garbage', nth: 2, seen: 0, fired: 0 },
    ],
  });
  expect(await send('PUT', {})).toEqual({ latency: { ms: 0 }, faults: [] });
});

test('refusals name what was expected', async () => {
  const { url } = await admin();
  const put = (init: RequestInit) => fetch(`${url}/faults`, { method: 'PUT', headers: JSON_TYPE, ...init });
  const cases: [Promise<Response>, number, RegExp][] = [
    [fetch(`${url}/nothing`), 404, /expected GET/],
    [fetch(`${url}/statement`, { method: 'DELETE' }), 404, /expected GET/],
    [fetch(`${url}/statement?from=x`), 400, /from: expected/],
    [put({ body: '{' }), 400, /expected JSON/],
    [put({ body: '{"faults":[{"do":"no"}]}' }), 400, /faults\.0\.do/],
    [put({ body: '{}', headers: { 'content-type': 'text/plain' } }), 415, /application\/json/],
    [put({ body: `"${'x'.repeat(300_000)}"` }), 413, /at most/],
  ];
  for (const [response, status, message] of cases) {
    const answer = await response;
    expect(answer.status).toBe(status);
    expect(((await answer.json()) as { error: string }).error).toMatch(message);
  }
});

test('a statement and accounts of several pages, whole and in order', async () => {
  const { bank, url } = await admin();
  const cards = adapter(bank.port);
  await Promise.all(Array.from({ length: 2_345 }, () => cards.authorise(anOrder())));
  const text = await (await fetch(`${url}/statement`)).text();
  const rows = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { sequence: string });
  expect(rows.map(({ sequence }) => Number(sequence))).toEqual(
    Array.from({ length: 2_345 }, (_, i) => i + 1),
  );
  const tail = await (await fetch(`${url}/statement?from=2345`)).text();
  expect(tail.trimEnd().split('\n')).toHaveLength(1);
  const accounts = (await (await fetch(`${url}/accounts`)).text()).trimEnd().split('\n');
  expect(accounts).toHaveLength(2_503);
  expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: 'ok', accounts: 2_500 });
});

test('it listens on loopback only', async () => {
  const bank = await simulator();
  expect(() => AdminServer.listen({ institution: bank, host: '0.0.0.0', port: 0 })).toThrow(/loopback/);
});

test('check digits: the usual example, and every single wrong digit is found', () => {
  // 7992739871, with check digit 3, stands in most descriptions of Luhn's formula.
  expect(checkDigit('7992739871')).toBe('3');
  const numberOf = testAccountNumbers(3n);
  const number = numberOf(12);
  expect(hasCheckDigit(number)).toBe(true);
  for (let at = 0; at < number.length; at++) {
    for (let digit = 0; digit < 10; digit++) {
      const other = number.slice(0, at) + digit + number.slice(at + 1);
      expect(hasCheckDigit(other)).toBe(other === number);
    }
  }
});

test('test account numbers are different from each other and the same for the same seed', () => {
  for (const seed of [0n, 1n, 2n ** 64n - 1n]) {
    const numberOf = testAccountNumbers(seed);
    const numbers = Array.from({ length: 5_000 }, (_, i) => numberOf(i));
    expect(new Set(numbers).size).toBe(5_000);
    expect(numbers.every((number) => /^999900\d{10}$/.test(number) && hasCheckDigit(number))).toBe(true);
    expect(testAccountNumbers(seed)(4_999)).toBe(numbers[4_999]);
  }
});

test('masks', () => {
  expect(maskAccountNumber('9999001234567890')).toBe('999900******7890');
  expect(maskAccountNumber('1234567890123456789')).toBe('123456*********6789');
  expect(maskAccountNumber('1234567890123')).toBe('123456***0123');
  expect(maskAccountNumber('123456789012')).toBe('********9012');
});
