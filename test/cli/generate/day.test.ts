import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  NEW_ACCOUNT_COLUMNS,
  NEW_TRANSFER_COLUMNS,
  recordText,
} from '../../../src/cli/files/write-records.ts';
import { AccountCode, TransferCode } from '../../../src/cli/generate/codes.ts';
import { Arrivals, DAY_MS, intensity } from '../../../src/cli/generate/curve.ts';
import { type GeneratedTransfer, SettlementDay } from '../../../src/cli/generate/day.ts';
import { dayParameters } from '../../../src/cli/generate/parameters.ts';
import { CreateTransferStatusNames } from '../../../src/layout/generated.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import { Currencies } from '../../../src/shared/currency.ts';
import { Random } from '../../../src/shared/random.ts';
import { LedgerModel } from '../../model/ledger-model.ts';

const DAY = dayParameters({ seed: 7n, transfers: 40_000, devices: 4000, shops: 200 });
const day = new SettlementDay(DAY);
const transfers = [...day.transfers()];
const created = (code: number): GeneratedTransfer[] =>
  transfers.filter(({ record, expected }) => record.code === code && expected === 'created');
const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

describe('a sample day', () => {
  test('has as many transfers as asked for, in the order of their times, within the day', () => {
    expect(transfers.length).toBe(40_000);
    const times = transfers.map(({ record }) => record).filter((record) => record.code !== 0);
    let last = DAY.dayStartMs;
    const seen = new Set<bigint>();
    for (const { id, userData64 } of times) {
      // Retries carry the time of what they repeat.
      if (seen.has(id)) continue;
      seen.add(id);
      const time = Number(id >> 80n);
      expect(time >= last && time < DAY.dayStartMs + DAY_MS).toBe(true);
      expect(userData64).toBe(BigInt(time) * 1_000_000n);
      last = time;
    }
  });

  test('repeats for a seed, and differs for another', () => {
    const small = dayParameters({ ...DAY, transfers: 500 });
    const run = (seed: bigint) => {
      const again = new SettlementDay({ ...small, seed });
      return { accounts: [...again.accounts()], transfers: [...again.transfers()] };
    };
    expect(run(7n)).toEqual(run(7n));
    expect(run(8n).transfers[0]).not.toEqual(run(7n).transfers[0]);
    const twice = new SettlementDay(small);
    expect([...twice.transfers()]).toEqual([...twice.transfers()]);
  });

  test('has the same bytes on every machine', () => {
    const options = { format: 'csv', amountUnit: 'minor', currencies: new Currencies() } as const;
    const hash = createHash('sha256');
    for (const account of day.accounts()) hash.update(recordText(account, NEW_ACCOUNT_COLUMNS, options));
    for (const { record } of transfers) hash.update(recordText(record, NEW_TRANSFER_COLUMNS, options));
    expect(hash.digest('hex')).toBe('8cc0d6a4b0472131cb97daae366ce8abb7c8e350be558aa4adffee724cc0f566');
  });

  test('is answered by an independent ledger exactly as foretold', () => {
    const model = new LedgerModel();
    const accounts = [...day.accounts()];
    expect(accounts.length).toBe(day.accountCount);
    const opened = model.createAccounts(1_000_000_000n, accounts);
    expect(opened.every(({ status }) => CreateTransferStatusNames.get(status) === 'created')).toBe(true);
    let timestamp = 2_000_000_000n;
    for (let at = 0; at < transfers.length; ) {
      let end = Math.min(at + 1000, transfers.length);
      while (end < transfers.length && (transfers[end - 1]!.record.flags & 1) !== 0) end++;
      const batch = transfers.slice(at, end);
      timestamp += 1_000_000n;
      const answers = model.createTransfers(
        timestamp,
        batch.map(({ record }) => record),
      );
      expect(answers.map(({ status }) => CreateTransferStatusNames.get(status))).toEqual(
        batch.map(({ expected }) => expected),
      );
      at = end;
    }
  });

  test('has some of everything', () => {
    const answers = groupBy(transfers);
    for (const answer of [
      'created',
      'exists',
      'exists_with_different_amount',
      'id_already_failed',
      'linked_event_failed',
      'debit_account_not_found',
      'credit_account_not_found',
      'debit_account_already_closed',
      'exceeds_credits',
      'exceeds_credit_limit',
    ] as const) {
      expect(answers.get(answer)?.length ?? 0, answer).toBeGreaterThan(0);
    }
    const refused = transfers.length - answers.get('created')!.length;
    expect(refused / transfers.length).toBeGreaterThan(0.005);
    expect(refused / transfers.length).toBeLessThan(0.06);
    for (const code of Object.values(TransferCode)) expect(created(code).length).toBeGreaterThan(0);
    const resolved = transfers.filter((t) => t.record.pendingId !== 0n && t.expected === 'created').length;
    const held = created(TransferCode.authorisation).length;
    expect(resolved / held).toBeGreaterThan(0.85);
    expect(resolved / held).toBeLessThan(1);
  });

  test('prices are log-normal with the given median and deviation', () => {
    const purchases = transfers.filter(
      (t) => t.record.code === TransferCode.purchase || t.record.code === TransferCode.authorisation,
    );
    const logs = purchases.map((t) => Math.log(Number(t.record.amount))).sort((a, b) => a - b);
    const mean = sum(logs) / logs.length;
    const deviation = Math.sqrt(sum(logs.map((x) => (x - mean) ** 2)) / logs.length);
    // The cut at 100.00 takes the last 0.3 % off.
    expect(Math.exp(logs[Math.floor(logs.length / 2)]!) / Number(DAY.medianPrice)).toBeCloseTo(1, 1);
    expect(deviation).toBeGreaterThan(0.83);
    expect(deviation).toBeLessThan(0.95);
    const skewness = sum(logs.map((x) => ((x - mean) / deviation) ** 3)) / logs.length;
    expect(Math.abs(skewness)).toBeLessThan(0.15);
    expect(
      purchases.every((t) => t.record.amount >= DAY.priceMin && t.record.amount <= DAY.priceMax + 1n),
    ).toBe(true);
  });

  test("shops follow Zipf's law", () => {
    const counts = new Map<bigint, number>();
    for (const { record } of created(TransferCode.purchase)) {
      counts.set(record.creditAccountId, (counts.get(record.creditAccountId) ?? 0) + 1);
    }
    const ranked = [...counts.values()].sort((a, b) => b - a);
    const slope = (a: number, b: number) => Math.log(ranked[a - 1]! / ranked[b - 1]!) / Math.log(b / a);
    expect(slope(1, 10)).toBeGreaterThan(0.8);
    expect(slope(1, 10)).toBeLessThan(1.2);
    expect(slope(5, 100)).toBeGreaterThan(0.8);
    expect(slope(5, 100)).toBeLessThan(1.2);
  });

  test('lunch and evening are busy and the night is quiet', () => {
    const hours = new Array<number>(24).fill(0);
    for (const { record } of transfers) {
      hours[Math.floor((Number(record.id >> 80n) - DAY.dayStartMs) / 3_600_000)]!++;
    }
    const busiest = hours.indexOf(Math.max(...hours));
    expect([12, 17, 18]).toContain(busiest);
    expect(hours[12]! / hours[15]!).toBeGreaterThan(1.5);
    expect(hours[18]! / hours[15]!).toBeGreaterThan(1.5);
    expect(hours[8]! / hours[10]!).toBeGreaterThan(1.2);
    expect(sum(hours.slice(0, 6)) / transfers.length).toBeLessThan(0.02);
  });

  test('arrival times match the curve (Kolmogorov and Smirnov)', () => {
    const weights = intensity();
    const total = sum([...weights]);
    const arrivals = new Arrivals(new Random(5n), 20_000);
    let cumulative = 0;
    let minute = 0;
    let distance = 0;
    for (let i = 0; i < 20_000; i++) {
      const at = Math.floor(arrivals.next() / 60_000);
      while (minute < at) cumulative += weights[minute++]! / total;
      distance = Math.max(distance, Math.abs(i / 20_000 - cumulative) - weights[minute]! / total);
    }
    // 1.95 / sqrt(n): probability 0.001.
    expect(distance).toBeLessThan(1.95 / Math.sqrt(20_000));
    expect(() => arrivals.next()).toThrow('one more');
  });

  test('what devices load covers what they spend, and no device exceeds its limit', () => {
    const balances = new Map<bigint, bigint>();
    const devices = new Set(
      [...day.accounts()].filter((a) => a.code === AccountCode.device).map((a) => a.id),
    );
    const change = (id: bigint, by: bigint) => balances.set(id, (balances.get(id) ?? 0n) + by);
    for (const { record, expected } of transfers) {
      if (expected !== 'created' || record.flags > 1) continue;
      change(record.debitAccountId, -record.amount);
      change(record.creditAccountId, record.amount);
      if (devices.has(record.debitAccountId)) {
        expect(balances.get(record.debitAccountId)! >= 0n).toBe(true);
      }
    }
    for (const [id, balance] of balances) {
      // Posted authorisations, left out above, only lower a device's balance.
      if (devices.has(id)) expect(balance <= DAY.deviceLimit + 100_00n).toBe(true);
    }
  });
});

describe('parameters', () => {
  test('scale to currencies with other minor units', () => {
    const currencies = new Currencies();
    expect(dayParameters({ currency: currencies.parse('KWD') }).priceMax).toBe(100_000n);
    expect(dayParameters({ currency: currencies.parse('JPY') }).priceMax).toBe(10_000n);
    expect(dayParameters().deviceLimit).toBe(15_000n);
  });

  test.each([
    [{ transfers: 0 }, 'transfers: expected a whole number from 1'],
    [{ devices: 1.5 }, 'devices: expected a whole number'],
    [{ shopSkew: -1 }, 'shop skew: expected a number from 0 to 5'],
    [{ refundShare: 2 }, 'refundShare: expected a number from 0 to 1'],
    [{ priceMax: amountOf(20_000n) }, 'highest price <= device limit'],
    [{ loadUnit: amountOf(0n) }, 'load unit'],
    [{ dayStartMs: -5 }, 'date: expected one from 1970 on'],
  ])('%o are refused', (given, message) => {
    expect(() => dayParameters(given)).toThrow(message);
  });

  test('tiny days work', () => {
    for (let count = 1; count <= 5; count++) {
      const tiny = new SettlementDay(
        dayParameters({ transfers: count, devices: 1, shops: 1, depositShare: 1 }),
      );
      expect([...tiny.transfers()].length).toBe(count);
      expect([...tiny.accounts()].length).toBe(4);
    }
  });
});

function groupBy(list: GeneratedTransfer[]): Map<string, GeneratedTransfer[]> {
  const groups = new Map<string, GeneratedTransfer[]>();
  for (const item of list) {
    const group = groups.get(item.expected);
    if (group) group.push(item);
    else groups.set(item.expected, [item]);
  }
  return groups;
}
