import { afterAll, describe, expect, it } from 'vitest';
import { emptyTally, runTable } from './runner.ts';
import type { ConformanceTarget } from './target.ts';
import { loadVectors, vectorsPath } from './vectors.ts';

/** All tables against fresh targets, one test each; skipped, and saying so, where the tables are not at hand. */
export function describeConformance(name: string, open: () => Promise<ConformanceTarget>): void {
  const vectors = loadVectors();
  if (vectors === undefined) {
    it.skip(`${name}: the reference's tables are not at ${vectorsPath} (SPECIE_VECTORS names another place)`, () => {});
    return;
  }
  describe(`${name}: the reference's tables`, () => {
    const tally = emptyTally();
    for (const test of vectors.tests) {
      for (const table of test.tables) {
        it(`${test.name}, line ${table.line}`, async () => {
          const target = await open();
          try {
            await runTable(target, table, tally);
          } finally {
            await target.close();
          }
        });
      }
    }
    it('compared everything there is', () => {
      // 241 replies less the 42 of query_accounts and query_transfers, which wait for these requests to exist.
      expect(tally).toEqual({ tables: 41, events: 477, replies: 199, pulses: 9, skippedQueries: 42 });
    });
    afterAll(() => {
      console.log(
        `${name}: ${tally.events} events, ${tally.replies} replies, ${tally.skippedQueries} queries skipped`,
      );
    });
  });
}
