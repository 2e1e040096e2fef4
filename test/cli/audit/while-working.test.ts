// The audit while loads run: it finds nothing, however the moments fall at which it asks the parties. With
// charges among them that are given back.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runAudit } from '../../../src/cli/audit/audit.ts';
import { amountOf } from '../../../src/shared/amount.ts';
import type { Wallet } from '../../../src/wallet/index.ts';
import { accountNumber, System } from '../../claims/system.ts';

const WALLETS = 8;
const AUDITS = 8;
const TIMEOUT_MS = 120_000;
const silent = { write: () => {}, note: () => {}, interactive: false };

let system: System;
const wallets: Wallet[] = [];

beforeAll(async () => {
  system = await System.start({
    deaf: true,
    limits: { loadAmountMax: '10', balanceMax: '50', deviceRequestsPerMinute: 1_000_000 },
  });
  for (let i = 0; i < WALLETS; i++) {
    const wallet = await system.wallet(`wallet ${i}`);
    await wallet.enrol({ userData: `wallet ${i}`, accountNumber: accountNumber(i) });
    wallets.push(wallet);
  }
}, TIMEOUT_MS);
afterAll(() => system?.close());

function audit(statement: () => Promise<string[]>) {
  const { operator } = system;
  return runAudit({ operator, statement, wallets: [], allWallets: false, notes: false }, silent);
}

test('finds nothing while loads run, and counts more each time', { timeout: TIMEOUT_MS }, async () => {
  let ended = false;
  const states = new Map<string, number>();
  const loading = wallets.map(async (wallet, i) => {
    for (let round = 0; !ended; round++) {
      // The first fills its balance soon: what is charged beyond is reversed.
      const amount = amountOf(i === 0 ? 900n : 1n + BigInt(round % 7));
      const {
        state: { kind },
      } = await wallet.load({ amount, onFile: true });
      states.set(kind, (states.get(kind) ?? 0) + 1);
    }
  });
  const counts: number[] = [];
  let asked = 0;
  try {
    for (let i = 0; i < AUDITS; i++) {
      const report = await audit(async () => {
        asked++;
        return system.statement();
      });
      expect(report.checks.filter(({ findings }) => findings.length > 0)).toEqual([]);
      counts.push(report.loads.cash!);
    }
  } finally {
    ended = true;
    await Promise.all(loading);
  }
  expect(counts.at(-1)).toBeGreaterThan(counts[0]!);
  // Some did not agree at first.
  expect(asked).toBeGreaterThan(AUDITS);
  expect(states.get('reversed')).toBeGreaterThan(0);
  const last = await audit(async () => system.statement());
  expect(last).toMatchObject({ passed: true, open: [] });
});

test('what the institution does not have is found, by a second look too', {
  timeout: TIMEOUT_MS,
}, async () => {
  const lines = system.statement();
  const entries = lines.map((line) => JSON.parse(line) as { kind: string; reference: string });
  const refunded = new Set(entries.filter(({ kind }) => kind === 'refund').map(({ reference }) => reference));
  const { reference } = entries.find((entry) => entry.kind === 'capture' && !refunded.has(entry.reference))!;
  let asked = 0;
  const report = await audit(async () => {
    asked++;
    return lines.filter((line) => !line.includes(`"${reference}"`));
  });
  expect(asked).toBe(2);
  expect(report.passed).toBe(false);
  expect(report.checks.flatMap(({ findings }) => findings).map(({ request }) => request)).toContain(
    BigInt(`0x${reference}`),
  );
});
