import { expect, test } from 'vitest';
import { ledgerTarget } from '../conformance/ledger-target.ts';
import { auditTarget } from './audit-target.ts';

test('the auditor finds nothing in the journalled engine, while it seals runs and takes checkpoints', async () => {
  const target = await ledgerTarget({
    maintenance: { sealEntries: 300, checkpointBytesMin: 32_768, checkpointRatio: 0 },
  });
  try {
    const summary = await auditTarget(target, { seed: 4n, requests: 250, batchRecordsMax: 1000 });
    expect(summary.transfers).toBeGreaterThan(2000);
    expect(summary.expiries).toBeGreaterThan(5);
    expect(summary.refusals).toBeGreaterThan(50);
  } finally {
    await target.close();
  }
});
