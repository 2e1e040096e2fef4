// docs/chart-of-accounts.md against src/roles/cash/accounts.ts, and the scheme of ids.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { AccountFlags } from '../../../src/layout/generated.ts';
import {
  ACCOUNT_FLAGS,
  AccountCode,
  type AccountKind,
  DEVICE_NUMBER_MAX,
  DEVICE_NUMBER_MIN,
  deviceAccount,
  exchangeAccountId,
  furtherAccountId,
  SYSTEM_ACCOUNTS,
  systemAccountId,
  systemAccounts,
  TRANSFER_SIDES,
  TransferCode,
  type TransferReason,
  transferReason,
} from '../../../src/roles/cash/accounts.ts';
import { amountOf } from '../../../src/shared/amount.ts';

const text = readFileSync(new URL('../../../docs/chart-of-accounts.md', import.meta.url), 'utf8');

/** The rows of the table below a heading, as trimmed cells, without its head. */
function table(heading: string): string[][] {
  const part = text.split(new RegExp(`^## ${heading}$`, 'm'))[1]?.split(/^## /m)[0];
  if (part === undefined) throw new Error(`expected a heading "${heading}", got none`);
  const lines = part.slice(part.indexOf('|')).split('\n');
  const end = lines.findIndex((line) => !line.startsWith('|'));
  return lines.slice(2, end).map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

const flagNames = (flags: number): string =>
  Object.entries(AccountFlags)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([name]) => name)
    .join(', ');

const kinds = Object.keys(AccountCode) as AccountKind[];
const reasons = Object.keys(TransferCode) as TransferReason[];

describe('the document says what the code does', () => {
  test('accounts', () => {
    const rows = table('Accounts').map(([code, kind, , , count, flags]) => [
      code,
      kind,
      count!.split(' a ')[1],
      flags,
    ]);
    expect(rows).toEqual(
      kinds.map((kind) => [
        String(AccountCode[kind]),
        kind,
        (SYSTEM_ACCOUNTS as readonly string[]).includes(kind)
          ? 'currency'
          : kind === 'device'
            ? 'device and currency'
            : kind === 'exchange'
              ? 'shop and currency'
              : kind,
        flagNames(ACCOUNT_FLAGS[kind]),
      ]),
    );
  });

  test('numbers of system accounts', () => {
    const rows = table('Numbers of accounts');
    expect(rows).toEqual(
      SYSTEM_ACCOUNTS.map((kind) => [
        kind,
        `currency × 1000 + ${AccountCode[kind]}`,
        String(systemAccountId(kind, 978)),
      ]),
    );
  });

  test('transfers', () => {
    const rows = table('Transfers').map(([code, reason, debit, credit]) => [code, reason, debit, credit]);
    const either = (sides: readonly string[]) => sides.join(', ').replace(/, (\w+)$/, ' or $1');
    expect(rows).toEqual(
      reasons.map((reason) => [
        String(TransferCode[reason]),
        reason,
        either(TRANSFER_SIDES[reason].debit),
        either(TRANSFER_SIDES[reason].credit),
      ]),
    );
  });
});

test('codes are unique, and lead back to their reasons', () => {
  expect(new Set(Object.values(AccountCode)).size).toBe(kinds.length);
  for (const reason of reasons) expect(transferReason(TransferCode[reason])).toBe(reason);
  expect(transferReason(40)).toBeUndefined();
});

test('ids of system accounts, device numbers and derived ids lie apart', () => {
  const largestCurrency = 0xffff_ffff;
  for (const { id } of systemAccounts(largestCurrency)) expect(id! < DEVICE_NUMBER_MIN).toBe(true);
  const ids = [978, 979, 1000, largestCurrency].flatMap((currency) =>
    systemAccounts(currency).map(({ id }) => id),
  );
  expect(new Set(ids).size).toBe(ids.length);
  for (const currency of [840, 978, largestCurrency]) {
    expect(furtherAccountId(DEVICE_NUMBER_MIN, currency) > DEVICE_NUMBER_MAX).toBe(true);
  }
  expect(furtherAccountId(DEVICE_NUMBER_MIN, 840)).not.toBe(furtherAccountId(DEVICE_NUMBER_MIN, 978));
});

test('a derived id is made as the document says', async () => {
  const { createHash } = await import('node:crypto');
  const input = Buffer.alloc(20);
  input.writeBigUInt64LE(7n, 0);
  input.writeBigUInt64LE(1n, 8);
  input.writeUInt32LE(840, 16);
  const bytes = createHash('sha256').update(input).digest().subarray(0, 16);
  bytes[15]! |= 0x80;
  const expected = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  expect(furtherAccountId((1n << 64n) + 7n, 840)).toBe(expected);
});

test('so is that of an exchange account', async () => {
  const { createHash } = await import('node:crypto');
  const input = Buffer.alloc(32);
  input.writeBigUInt64LE(7n, 0);
  input.writeBigUInt64LE(1n, 8);
  input.writeUInt32LE(978, 16);
  input.writeUInt32LE(8, 20);
  input.write('exchange', 24);
  const bytes = createHash('sha256').update(input).digest().subarray(0, 16);
  bytes[15]! |= 0x80;
  const expected = BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  expect(exchangeAccountId((1n << 64n) + 7n, 978)).toBe(expected);
});

test('a device account carries the bound of its currency', () => {
  const bounded = deviceAccount(9n, 9n, 1n, { currency: 978, balanceMax: amountOf(15_000n) });
  expect(bounded).toMatchObject({ balanceLimit: 15_000, userData128: 9n, userData64: 1n });
  expect(flagNames(bounded.flags!)).toBe('debits_must_not_exceed_credits, history, credit_balance_limited');
  const free = deviceAccount(9n, 9n, 1n, { currency: 840 });
  expect(free.balanceLimit).toBeUndefined();
  expect(free.flags).toBe(ACCOUNT_FLAGS.device);
});
