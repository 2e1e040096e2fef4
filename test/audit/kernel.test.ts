import { describe, expect, test } from 'vitest';
import { kernelTarget } from '../kernel/kernel-target.ts';
import { auditTarget } from './audit-target.ts';

describe('the auditor finds nothing in the kernel', () => {
  for (const seed of [1n, 2n, 3n]) {
    test(`seed ${seed}`, async () => {
      const summary = await auditTarget(kernelTarget(), { seed });
      expect(summary.transfers).toBeGreaterThan(500);
      expect(summary.expiries).toBeGreaterThan(5);
      expect(summary.refusals).toBeGreaterThan(50);
    });
  }
});
