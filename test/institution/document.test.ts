// docs/institution.md against the code: every table with names, numbers or codes, and every byte of the example.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { SPECIAL_ACCOUNTS, testAccountNumbers } from '../../src/institution/account-number.ts';
import { answerTo, networkRequest, type Operation, requestFor } from '../../src/institution/dialect.ts';
import { Element, formatOf } from '../../src/institution/iso8583/elements.ts';
import { frame } from '../../src/institution/iso8583/frames.ts';
import { encodeMessage } from '../../src/institution/iso8583/message.ts';
import { refusal } from '../../src/institution/response-codes.ts';
import { FAULT_ACTIONS } from '../../src/institution/simulator/faults.ts';
import { EntryKind } from '../../src/institution/simulator/records.ts';
import { amountOf } from '../../src/shared/amount.ts';

const text = readFileSync(new URL('../../docs/institution.md', import.meta.url), 'utf8');

/** The rows of the table whose head begins with `head`. */
function table(head: string): string[][] {
  const [, after] = text.split(`\n| ${head} |`);
  if (after === undefined) throw new Error(`expected a table that begins with "${head}", got none`);
  const rows: string[][] = [];
  for (const line of after.split('\n').slice(2)) {
    if (!line.startsWith('|')) break;
    rows.push(
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  }
  return rows;
}

test('data elements', () => {
  const rows = table('DE').map(([number, format]) => [Number(number), format]);
  const inCode = Object.values(Element)
    .sort((left, right) => left - right)
    .map((number) => {
      const { characters, lengthDigits, max } = formatOf(number)!;
      return [number, `${characters} ${'.'.repeat(lengthDigits)}${max}`];
    });
  expect(rows).toEqual(inCode);
});

const ORDER = {
  reference: 0x0190f3c0a1b200010203040506070809n,
  accountNumber: testAccountNumbers(1n)(0),
  amount: amountOf(12_345n),
  currency: 978,
  time: 1_761_000_000_000_000_000n,
};
const WHO = { acquirer: '1', terminal: 'SPECIE', merchant: 'SPECIE' };
const SENDING = { trace: '000002', transmission: '1020224001' };

test('data elements of each request', () => {
  const rows = new Map(table('message').map(([type, elements]) => [type, elements]));
  for (const operation of ['authorise', 'capture', 'reverse', 'inquire'] as Operation[]) {
    const more = operation === 'capture' ? { approvalCode: '000001' } : {};
    const { type, elements } = requestFor(operation, ORDER, SENDING, WHO, more);
    expect(rows.get(type), type).toBe(Object.keys(elements).join(' '));
  }
  const { type, elements } = networkRequest('echo', SENDING);
  expect(rows.get(type)).toBe(Object.keys(elements).join(' '));
});

test('example', () => {
  const example = text.split('### Example')[1]!.split('```')[1]!;
  const bytes = example
    .trim()
    .split('\n\n')
    .map((part) => part.replace(/\s/g, ''));
  const request = requestFor('authorise', ORDER, SENDING, WHO);
  const messages = [
    networkRequest('sign_on', { trace: '000001', transmission: '1020224000' }),
    request,
    answerTo(request, { responseCode: '00', approvalCode: '000001' }),
  ];
  expect(bytes).toEqual(messages.map((message) => frame(encodeMessage(message)).toString('hex')));
});

test('response codes', () => {
  const reasons = new Map<string, string>();
  for (const [codes, , reason] of table('DE 39'))
    for (const code of codes!.split(' ')) reasons.set(code, reason!);
  reasons.delete('00');
  for (let i = 0; i < 100; i++) {
    const code = String(i).padStart(2, '0');
    if (code === '00') continue;
    const outcome = refusal(code);
    const expected = outcome.kind === 'unknown' ? '(unknown)' : outcome.reason;
    expect(reasons.get(code) ?? 'other', code).toBe(expected);
  }
});

test('faults, kinds of the statement, special accounts', () => {
  expect(Object.fromEntries(table('fault').map(([name, does]) => [name, does]))).toEqual(FAULT_ACTIONS);
  expect(table('kind').map(([name]) => name)).toEqual(Object.keys(EntryKind));
  expect(table('account number').map(([number]) => number)).toEqual(Object.values(SPECIAL_ACCOUNTS));
});
