// What an operator reads of a device's purses.
import { expect, test } from 'vitest';
import { exposureSums, exposureText, plainExposure } from '../../src/cli/exposure.ts';
import type { PurseExposure } from '../../src/roles/cash/purse-messages.ts';
import { Currencies } from '../../src/shared/currency.ts';

const DAY = 86_400_000_000_000n;
const NOW = 1_772_323_200_000_000_000n;
const purse: PurseExposure = {
  ...{ purse: 7n, currency: 978, state: 'open', epoch: 1, allowance: 5_000n, received: 200n, settled: 700n },
  ...{ left: 4_500n, waiting: 100n, covered: 0n, disputed: 0n, coverMax: 5_000n, payments: 2 },
  ...{ expiresAt: NOW + 7n * DAY, reportBy: NOW + 37n * DAY },
};

test.each<[string, Partial<PurseExposure>, bigint, bigint]>([
  ['open', {}, 4_400n, 5_000n],
  ['more is waiting than is left', { waiting: 9_000n }, 0n, 5_000n],
  ['its allowance has ended', { expiresAt: NOW - 1n }, 0n, 5_000n],
  ['nothing of it is settled any more', { expiresAt: NOW - 2n, reportBy: NOW }, 0n, 0n],
  ['closed: it can have lied', { state: 'closed' }, 0n, 5_000n],
  ['ended', { state: 'ended' }, 0n, 0n],
  ['cheated, and part of it is paid for', { state: 'cheated', covered: 4_000n }, 4_400n, 1_000n],
])('%s', (_, change, payable, loss) => {
  expect(exposureSums([{ ...purse, ...change }], NOW)).toEqual([{ currency: 978, payable, loss }]);
});

test('purses of one currency are added up', () => {
  const other = { ...purse, purse: 8n, currency: 840 };
  expect(exposureSums([purse, { ...purse, purse: 9n }, other], NOW)).toEqual([
    { currency: 978, payable: 8_800n, loss: 10_000n },
    { currency: 840, payable: 4_400n, loss: 5_000n },
  ]);
});

const proof = {
  signingKey: new Uint8Array(32).fill(1),
  evidence: { kind: 'orders' as const, first: new Uint8Array(256), second: new Uint8Array(256) },
};
const answer = {
  purses: [purse],
  frauds: [{ purse: 7n, kind: 'same_sequence', provenAt: NOW, proof }],
  blockListSerial: 5n,
  purseCount: 3,
};

test('as a person reads it', () => {
  const text = exposureText(0xabcn, answer, NOW, new Currencies());
  expect(text).toContain(
    'device 0x00000000000000000000000000000abc: 3 purses, on the block list (serial 5)\n',
  );
  expect(text).toContain('EUR: can still pay 44.00; if it cheats, costs at most 50.00\n');
  expect(text).toContain('purse 0x00000000000000000000000000000007: same sequence, proven 2026-03-01');
  expect(text).toMatch(/0x0+7 +open +EUR +50\.00 +2\.00 +7\.00 +45\.00 +1\.00 +0\.00 +0\.00 +2 +2026-03-08/);
  const none = { purses: [], frauds: [], blockListSerial: 0n, purseCount: 0 };
  expect(exposureText(1n, none, NOW, new Currencies())).toBe(
    'device 0x00000000000000000000000000000001: 0 purses, not on the block list\n',
  );
});

test('as a program reads it: the proof is there for whoever wants to check it', () => {
  const { frauds, sums } = plainExposure(0xabcn, answer, NOW);
  expect(frauds[0]!.proof).toMatch(/^(01){32}/);
  expect(sums).toEqual([{ currency: 978, payable: 4_400n, loss: 5_000n }]);
});
