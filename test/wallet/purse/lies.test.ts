// What management, cash's answers on their way, and other wallets can do to a purse; and what becomes of it.
import { expect, test } from 'vitest';
import { Refusal } from '../../../src/roles/common/refusal.ts';
import { ManagementOperation } from '../../../src/roles/management/messages.ts';
import {
  OpenPurseAnswer,
  ReportTransferAnswer,
  ReportTransferRequest,
} from '../../../src/roles/management/purse-messages.ts';
import { handoverOf } from '../../../src/wallet/core/index.ts';
import { readAnswer } from '../../../src/wallet/core/judge.ts';
import { encode } from '../management.ts';
import { eur } from '../support.ts';
import { left, meet, paid, reopened, reserved, twoWallets } from './support.ts';

const { open_purse, report_transfer, get_block_list } = ManagementOperation;
const SHORT = { patienceMs: 1_000 };

/** Changes an honest answer. */
function lie<Answer extends object>(
  codec: Parameters<typeof readAnswer<Answer>>[0],
  change: (answer: Answer) => Answer,
) {
  return {
    answer: (honest: () => Uint8Array) => {
      const answer = readAnswer(codec, honest());
      if (answer instanceof Refusal) throw new Error('expected an answer');
      return encode(codec, change(answer));
    },
  };
}

test('an opening whose answer is lost is told by the statement, and its certificate comes later', async () => {
  const { ada, worlds } = await twoWallets();
  worlds[0].management.behaviour = ({ operation }) => (operation === open_purse ? 'lost' : 'answer');
  await expect(ada.reserve({ amount: eur(3_000), ...SHORT })).rejects.toMatchObject({ code: 'unreachable' });
  expect(await ada.balance()).toMatchObject({ balance: 10_000n, available: 7_000n });
  await ada.sync();
  expect(await ada.balance()).toMatchObject({ balance: 7_000n, open: [], purse: { state: 'opening' } });
  expect((await meet(ada, ada)).sent).toMatchObject({ code: 'no_purse' });
  worlds[0].management.behaviour = () => 'answer';
  const again = await reopened(worlds[0]);
  expect((await again.resume()).finished).toMatchObject([{ kind: 'reserve', state: { kind: 'opened' } }]);
  expect(await again.purse()).toMatchObject({ state: 'open', left: 3_000n });
  expect(await again.verify()).toMatchObject({ problems: [], balance: 7_000n });
});

test('that nothing was reserved is not true: the statement says so, and it is asked for again', async () => {
  const { ada, worlds } = await twoWallets();
  worlds[0].management.behaviour = ({ operation }) =>
    operation === open_purse
      ? lie(OpenPurseAnswer, (): OpenPurseAnswer => ({ kind: 'rejected', reason: 'purse_open' }))
      : 'answer';
  const { request, state } = await ada.reserve({ amount: eur(3_000) });
  expect(state).toMatchObject({ kind: 'refused', code: 'purse_open' });
  expect(await ada.balance()).toMatchObject({ balance: 10_000n, available: 10_000n });
  await ada.sync();
  expect((await ada.balance()).balance).toBe(7_000n);
  worlds[0].management.behaviour = () => 'answer';
  expect((await ada.resume({ request })).finished).toMatchObject([{ state: { kind: 'opened' } }]);
  expect(await ada.purse()).toMatchObject({ state: 'open', left: 3_000n });
  expect(await ada.verify()).toMatchObject({ problems: [] });
});

test.each([
  ['amount', { amount: 1n }],
  ['currency', { currency: 840 }],
  ['purse', { purse: 5n }],
  ['reportBy', { reportBy: 1n }],
])('an allowance that cash has not signed so: %s', async (_, change) => {
  const { ada, worlds } = await twoWallets();
  worlds[0].management.behaviour = ({ operation }) =>
    operation === open_purse
      ? lie(OpenPurseAnswer, (answer) => {
          if (answer.kind !== 'opened') throw new Error('expected it opened');
          const { allowance } = answer;
          return { ...answer, allowance: { ...allowance, document: { ...allowance.document, ...change } } };
        })
      : 'answer';
  await expect(ada.reserve({ amount: eur(3_000), ...SHORT })).rejects.toMatchObject({
    code: 'answer_invalid',
  });
  expect(await ada.balance()).toMatchObject({ open: [{ state: { kind: 'in_doubt' } }] });
  worlds[0].management.behaviour = () => 'answer';
  expect((await ada.resume()).unfinished).toEqual([]);
  expect(await ada.purse()).toMatchObject({ state: 'open', left: 3_000n });
});

test('a receipt that cash has not signed settles nothing', async () => {
  const { ada, bob, worlds } = await reserved();
  await paid(ada, bob, 500n);
  await paid(ada, bob, 200n);
  const [first] = await bob.transfers();
  const isFirst = (message: Uint8Array): boolean =>
    handoverOf(ReportTransferRequest.decode(message).transfer).request === first!.request;
  worlds[1].management.behaviour = ({ operation, message }) =>
    operation === report_transfer && isFirst(message)
      ? lie(ReportTransferAnswer, (answer) => {
          if (answer.kind !== 'reported' || answer.outcome.outcome.kind !== 'settled')
            throw new Error('expected it settled');
          const { receipt } = answer.outcome.outcome;
          const document = { ...receipt.document, amount: 501n };
          const outcome = { ...answer.outcome.outcome, receipt: { ...receipt, document } };
          return { ...answer, outcome: { ...answer.outcome, outcome } };
        })
      : 'answer';
  await expect(bob.reportTransfers(SHORT)).rejects.toMatchObject({ code: 'answer_invalid' });
  // The other one is settled all the same.
  expect((await bob.balance()).unsettled).toMatchObject([{ state: 'received', amount: first!.amount }]);
  worlds[1].management.behaviour = () => 'answer';
  expect((await bob.reportTransfers()).transfers).toMatchObject([{ state: 'settled' }]);
});

test('a block list of somebody else is not believed', async () => {
  const { ada, bob, purses, worlds } = await reserved();
  purses.blocked = { serial: 3n, purses: [(await ada.purse())!.purse] };
  worlds[1].management.behaviour = ({ operation }) =>
    operation === get_block_list
      ? {
          answer: (honest) => {
            const bytes = honest();
            bytes[bytes.length - 1]! ^= 1;
            return bytes;
          },
        }
      : 'answer';
  await bob.sync();
  expect(worlds[1].events.at(-1)).toMatchObject({ type: 'warning' });
  await paid(ada, bob, 100n);
});

test('a copy of a store that pays again is found out by the payee, who reports the proof', async () => {
  const two = await reserved();
  const { ada, bob, purses, worlds } = two;
  const old = new Map(worlds[0].disk);
  await paid(ada, bob, 400n);
  await ada.close();
  worlds[0].disk.clear();
  for (const [key, value] of old) worlds[0].disk.set(key, value);
  const copy = await reopened(worlds[0]);
  const { sent, received } = await meet(copy, bob);
  expect(sent).toMatchObject({ code: 'refused', refusal: { code: 'contradiction' } });
  expect(received).toBeInstanceOf(Error);
  expect(await left(bob)).toBe(400n);
  expect(await bob.reportTransfers()).toMatchObject({ frauds: 1, transfers: [{ state: 'settled' }] });
  expect(purses.proofs).toHaveLength(1);
  expect(await bob.reportTransfers()).toEqual({ frauds: 0, transfers: [] });
  // It stays spent, as the copy has it in doubt; and the two orders show the operator who has cheated.
  expect((await copy.balance()).unsettled).toMatchObject([
    { state: 'in_doubt', reason: expect.stringMatching(/honest/) },
  ]);
});

test('one who was paid with money that was spent twice is covered', async () => {
  const two = await reserved();
  const { ada, bob, purses, worlds } = two;
  const old = new Map(worlds[0].disk);
  await paid(ada, bob, 400n);
  await bob.reportTransfers();
  await ada.close();
  worlds[0].disk.clear();
  for (const [key, value] of old) worlds[0].disk.set(key, value);
  const copy = await reopened(worlds[0]);
  // Bob has forgotten what he has seen: as another payee would not know it.
  for (const key of worlds[1].disk.keys()) if (key.startsWith('seen/')) worlds[1].disk.delete(key);
  await paid(copy, bob, 300n);
  expect((await bob.reportTransfers()).transfers).toMatchObject([{ state: 'covered', amount: 300n }]);
  expect(purses.covered).toBe(300n);
  await bob.sync();
  expect(await left(bob)).toBe(700n);
  expect(await bob.verify()).toMatchObject({ problems: [] });
});

test('near the end the owner is warned; after it nobody takes its payments', async () => {
  const { ada, bob, clock } = await reserved();
  clock.advance(6n * 86_400_000_000_000n + 3_600_000_000_000n);
  expect((await ada.purse())!.warnings).toEqual(['the purse expires within a day: reserve anew when online']);
  await paid(ada, bob, 100n);
  clock.advance(86_400_000_000_000n);
  expect((await ada.purse())!.warnings).toEqual(['the purse has expired: go online and reserve anew']);
  expect((await meet(ada, bob)).received).toBeInstanceOf(Error);
  expect(await left(ada)).toBe(4_900n);
  clock.advance(24n * 86_400_000_000_000n);
  expect((await bob.purse())!.warnings.at(-1)).toBe('to be reported within a week, payments: 1');
  await bob.closePurse();
  expect(await ada.closePurse()).toMatchObject({ balance: 9_900n });
});

test('what was never reported in time comes back at the end', async () => {
  const { ada, bob, clock } = await reserved();
  await paid(ada, bob, 100n);
  clock.advance(40n * 86_400_000_000_000n);
  expect((await bob.reportTransfers()).transfers).toMatchObject([
    { state: 'lapsed', reason: 'order_expired' },
  ]);
  expect(await left(bob)).toBe(0n);
  expect((await ada.reportTransfers()).transfers).toMatchObject([{ state: 'lapsed' }]);
  for (const wallet of [ada, bob]) expect(await wallet.verify()).toMatchObject({ problems: [] });
});
