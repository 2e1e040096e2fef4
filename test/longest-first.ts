// The order of a run of all tests: what takes longest begins first, so that nothing is still at work alone when all else is
// done.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Longest first; each takes twenty seconds or more on two cores. */
export const LONGEST: readonly string[] = [
  'system/kill-roles.test.ts',
  'cli/quickstart.test.ts',
  'crash/full-disk.test.ts',
  'claims/mutations.test.ts',
  'crash/kill-loop.test.ts',
  'wallet/command.test.ts',
  'system/kill-purchases.test.ts',
  'system/payouts.test.ts',
  'cli/commands/commands.test.ts',
  'crypto/pool/death.test.ts',
  'property/ledger.test.ts',
  'conformance/ledger.test.ts',
  'channel/secure-attacks.test.ts',
  'crypto/interleaved.test.ts',
  'roles/cash/kill.test.ts',
  'roles/flow/kill.test.ts',
  'crash/damage.test.ts',
  'wallet/kill.test.ts',
  'store/lmdb-store.test.ts',
  'crypto/pool/crypto-pool.test.ts',
  'channel/resume.test.ts',
  'crash/copies.test.ts',
  'system/random-kills.test.ts',
  'system/random-purchase-kills.test.ts',
  'system/institution-faults.test.ts',
  'simulation/simulation.test.ts',
  'bench/purchases.test.ts',
  'wallet/node.test.ts',
  'shop/system.test.ts',
  'gateway/namespaces.test.ts',
  'cashu/attacks.test.ts',
  'cashu/wallets.test.ts',
  'cli/submit-pain001.test.ts',
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/test/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
