// The random scenarios are worth something only if they reach everything: each status that a record can get must come
// up in a run with a fixed seed.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CreateAccountStatus,
  CreateAccountStatusNames,
  CreateTransferStatus,
  CreateTransferStatusNames,
  SetOrderTermsStatus,
  SetOrderTermsStatusNames,
} from '../../src/layout/generated.ts';
import { scenario } from './arbitraries.ts';
import { type BatchKind, play } from './player.ts';

test('the random scenarios produce every status', async () => {
  const accounts = new Map<string, number>(Object.keys(CreateAccountStatus).map((name) => [name, 0]));
  const transfers = new Map<string, number>(Object.keys(CreateTransferStatus).map((name) => [name, 0]));
  // A record as an object has no reserved fields.
  const terms = new Map<string, number>(
    Object.keys(SetOrderTermsStatus).flatMap((name) => (name === 'reserved_field' ? [] : [[name, 0]])),
  );
  const tallies: { readonly [kind in BatchKind]: [Map<string, number>, ReadonlyMap<number, string>] } = {
    accounts: [accounts, CreateAccountStatusNames],
    transfers: [transfers, CreateTransferStatusNames],
    orders: [transfers, CreateTransferStatusNames],
    terms: [terms, SetOrderTermsStatusNames],
  };
  await fc.assert(
    fc.asyncProperty(scenario, async (steps) => {
      await play(steps, undefined, {
        observe: (kind, { status }) => {
          const [counts, names] = tallies[kind];
          const name = names.get(status)!;
          counts.set(name, counts.get(name)! + 1);
        },
      });
    }),
    { seed: 20260701, numRuns: 2000 },
  );
  const report = (title: string, counts: Map<string, number>) =>
    `${title}\n${[...counts].map(([name, count]) => `${String(count).padStart(8)} ${name}`).join('\n')}`;
  console.log(
    `${report('accounts', accounts)}\n${report('transfers', transfers)}\n${report('terms', terms)}`,
  );
  const missing = [...accounts, ...transfers, ...terms]
    .filter(([, count]) => count === 0)
    .map(([name]) => name);
  expect(missing).toEqual([]);
});
