// Settlement with a store on disk, and the institution that ships with it, over TCP: what it answers and what the
// institution's books say agree.
import { expect, onTestFinished, test } from 'vitest';
import type { Dials } from '../../../src/institution/simulator/faults.ts';
import { SettlementClient } from '../../../src/roles/settlement/client.ts';
import type { ChargeAnswer, ChargeRequest } from '../../../src/roles/settlement/messages.ts';
import { openSettlement } from '../../../src/roles/settlement/role.ts';
import { openRoleStore } from '../../../src/store/lmdb-store.ts';
import { accountNumber, adapter, expectConserved, simulator } from '../../institution/support.ts';
import { temporaryDirectory } from '../../store/support.ts';
import { chargeRequest, EUR, KEYS, MANAGEMENT, rejectedReversal, transportTo } from './support.ts';

const ACCOUNTS = 10;
const AMOUNT = 250n;

async function system(dials: Dials) {
  const institution = await simulator(dials, { accounts: ACCOUNTS });
  const store = await openRoleStore({ path: temporaryDirectory() });
  const settlement = await openSettlement({
    store,
    institution: adapter(institution.port, { timeoutMs: 400 }),
    keys: KEYS,
    limits: { amountMax: new Map([[EUR, 1000n]]), inquireForMs: 60_000 },
  });
  onTestFinished(async () => {
    await settlement.close();
    await store.close();
  });
  return { institution, client: new SettlementClient(transportTo(settlement.engine, MANAGEMENT)) };
}

async function insist(client: SettlementClient, request: ChargeRequest): Promise<ChargeAnswer> {
  for (;;) {
    const result = await client.charge(request);
    if (result.kind === 'refused') throw new Error(result.refusal.message);
    if (result.kind === 'ok' && result.answer.kind !== 'pending') return result.answer;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function requests(count: number): ChargeRequest[] {
  const applyBy = BigInt(Date.now() + 3_600_000) * 1_000_000n;
  return Array.from({ length: count }, (_, i) =>
    chargeRequest({
      request: (BigInt(Date.now()) << 80n) + BigInt(i),
      amount: AMOUNT,
      applyBy,
      accountNumber: accountNumber(i % ACCOUNTS),
    }),
  );
}

test.each<[string, number, Dials]>([
  ['all is well', 100, {}],
  [
    'everything goes wrong now and then',
    60,
    {
      faults: [
        { do: 'drop_request', probability: 0.05 },
        { do: 'drop_answer', probability: 0.05 },
        { do: 'late', ms: 600, probability: 0.05 },
        { do: 'twice', probability: 0.05 },
        { do: 'garbage', probability: 0.02 },
        { do: 'close_before', probability: 0.01 },
        { do: 'close_after', probability: 0.01 },
        { do: 'decline', code: '51', on: 'authorise', probability: 0.1 },
      ],
    },
  ],
])('%s: answers and books agree', async (_, count, dials) => {
  const { institution, client } = await system(dials);
  const charges = requests(count);
  const answers = await Promise.all(charges.map((request) => insist(client, request)));
  const charged = answers.filter(({ kind }) => kind === 'charged').length;
  const accounts = institution.books.accounts('', 1000);
  expect(accounts.reduce((sum, { captured }) => sum + captured, 0n)).toBe(BigInt(charged) * AMOUNT);
  expect(accounts.reduce((sum, { held }) => sum + held, 0n)).toBe(0n);
  expectConserved(institution);
  if (Object.keys(dials).length === 0) expect(charged).toBe(count);

  const [first] = charges;
  const wasCharged = answers[0]!.kind === 'charged';
  for (;;) {
    const result = await client.reverse(rejectedReversal(first!));
    if (result.kind === 'ok' && result.answer.kind === 'reversed') break;
  }
  const after = institution.books.accounts('', 1000).reduce((sum, { captured }) => sum + captured, 0n);
  expect(after).toBe(BigInt(charged - (wasCharged ? 1 : 0)) * AMOUNT);
  expectConserved(institution);
});
