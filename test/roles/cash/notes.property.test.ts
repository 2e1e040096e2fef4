// Orders about notes and notes taken in, of any kind, repeated, changed, racing, with crashes in between: each request has one
// answer for ever, the ledger holds exactly what the answers say, and no money comes or goes.
import { expect, test } from 'vitest';
import { systemAccountId, TransferCode } from '../../../src/roles/cash/accounts.ts';
import { Random } from '../../../src/shared/random.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { type Asked, asked, held, noteOrder, notesOut, taking, toDevice, toShop } from './note-support.ts';
import { funded, openedShop } from './pay-support.ts';
import { paid } from './shop-support.ts';
import { newDevice, TestCash } from './support.ts';

const seed = BigInt(process.env.SPECIE_SEED ?? Math.floor(performance.timeOrigin) % 2 ** 31);
const STEPS = process.env.SPECIE_SLOW_TESTS === '1' ? 3_000 : 80;
const SOLD = 4_000n;

interface Known {
  readonly asked: Asked;
  /** The first that was heard and is for good; undefined: none yet. */
  answer: string | undefined;
}

test('one answer each, and the ledger agrees', async () => {
  console.log(`SPECIE_SEED=${seed}`);
  const random = new Random(seed);
  const disk = new MemoryDisk();
  let now = 1_000_000n;
  const options = { clock: () => ++now };
  const base = await TestCash.open({ ...options, store: memoryRoleStore(disk) });
  const { path, ledger } = base;
  const open = () => TestCash.open({ ...options, path, ledger, store: memoryRoleStore(disk) });
  const shops = [await openedShop(base), await openedShop(base)];
  for (const shop of shops) await paid(base, await funded(base, SOLD), shop, { amount: SOLD });
  const devices = [await base.opened(), await base.opened()];
  let cash = await open();
  const all: Known[] = [];

  const anAmount = (): bigint => BigInt(random.pick([1, 2, 10, 100, 900, 5_000]));
  const drawn = (): Asked => {
    const [shop, amount] = [random.pick(shops), anAmount()];
    const applyBy = now + BigInt(random.pick([0, 60, 2_000, 1_000_000]));
    switch (random.below(6)) {
      case 0:
        return noteOrder(shop, { action: 'fund', amount, applyBy });
      case 1:
        return noteOrder(shop, { action: 'withdraw', amount, applyBy });
      case 2:
        return noteOrder(shop, { action: 'issue', source: 'sales', amount, applyBy });
      case 3:
        return noteOrder(shop, { action: 'issue', amount, applyBy });
      case 4:
        return taking(toShop(shop), { amount, applyBy });
      default:
        return taking(toDevice(random.pick([...devices, newDevice()])), { amount, applyBy });
    }
  };
  /** The same under another amount, so that whichever comes first has the request. */
  const changed = (one: Asked): Asked => {
    if (!('document' in one)) return { ...one, amount: one.amount + 1n };
    const shop = shops.find(({ shop }) => shop === one.document.shop)!;
    return noteOrder(shop, { ...one.document, amount: one.document.amount + 1n });
  };
  const draw = (): Known => {
    if (all.length > 0 && random.below(3) === 0) return random.pick(all.slice(-12));
    const one = all.length > 0 && random.below(8) === 0 ? changed(random.pick(all.slice(-6)).asked) : drawn();
    all.push({ asked: one, answer: undefined });
    return all.at(-1)!;
  };
  const send = (some: readonly Known[]): Promise<unknown> => {
    const { life } = disk;
    return Promise.all(
      some.map(async (known) => {
        const [answer] = await asked(cash, known.asked);
        if (disk.life !== life || answer === 'unknown') return;
        known.answer ??= answer;
        expect([seed, answer]).toEqual([seed, known.answer]);
      }),
    );
  };

  for (let step = 0; step < STEPS; step++) {
    const sent = send(Array.from({ length: 1 + random.below(5) }, draw));
    if (random.below(10) === 0) {
      for (let turns = random.below(6); turns > 0; turns--) await turn();
      disk.crash(random.below(2) === 0);
      // What the dead process had given to the ledger is through.
      await Promise.race([sent, pause()]);
      cash = await open();
    } else await sent;
  }
  for (let at = 0; at < all.length; at += 64) await send(all.slice(at, at + 64));

  const requestOf = (one: Asked): bigint => ('document' in one ? one.document.request : one.request);
  const requests = [...new Set(all.map((known) => requestOf(known.asked)))];
  const transfers = new Map((await ledger.lookupTransfers(requests)).map((one) => [one.id, one]));
  let [issued, received] = [0n, 0n];
  for (const request of requests) {
    const asking = all.filter((known) => requestOf(known.asked) === request);
    const done = asking.filter(({ answer }) => answer === 'done');
    const transfer = transfers.get(request);
    expect([seed, done.length]).toEqual([seed, transfer === undefined ? 0 : 1]);
    for (const { answer } of asking)
      expect(answer).toMatch(transfer === undefined ? /^rejected: / : /^(done|refused: request_differs)$/);
    if (transfer === undefined) continue;
    const one = done[0]!.asked;
    expect(transfer.amount).toBe('document' in one ? one.document.amount : one.amount);
    if (transfer.code === TransferCode.note_issue) issued += transfer.amount;
    if (transfer.code === TransferCode.note_receipt) received += transfer.amount;
  }
  expect(await notesOut(base)).toBe(issued - received);
  const ofShops = (await Promise.all(shops.map((shop) => held(base, shop)))).flat();
  const ofDevices = await Promise.all(devices.map((device) => base.balance(device)));
  const owed = [...ofShops, ...ofDevices, await notesOut(base)].reduce((sum, one) => sum + one, 0n);
  const [float] = await ledger.lookupAccounts([systemAccountId('float', 978)]);
  expect(float!.debitsPosted - float!.creditsPosted).toBe(owed);
  const answers = new Set(all.map(({ answer }) => answer));
  for (const answer of ['done', 'rejected: expired', 'rejected: exceeds_credits', 'refused: request_differs'])
    expect([seed, ...answers]).toContain(answer);
  await cash.cash.close();
  await base.close();
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
