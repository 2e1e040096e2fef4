import { describe, expect, test } from 'vitest';
import { modelTarget } from '../conformance/model-target.ts';
import { auditTarget } from './audit-target.ts';

describe('the auditor finds nothing in the model', () => {
  for (const seed of [1n, 2n, 3n]) {
    test(`seed ${seed}`, async () => {
      const summary = await auditTarget(modelTarget(), { seed });
      expect(summary.transfers).toBeGreaterThan(500);
      expect(summary.expiries).toBeGreaterThan(5);
      expect(summary.refusals).toBeGreaterThan(50);
    });
  }
});
