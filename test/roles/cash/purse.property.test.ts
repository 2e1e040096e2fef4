// Purses of honest devices and of devices that cheat, payments reported in any order, repeated, side by side, purses closed
// meanwhile, cash killed at any write. The auditor below keeps its own books of what was signed and what was heard, and says:
//
//     no money comes or goes      float + offline_loss = devices + purses, at every step
//     nothing is settled twice    a purse has what its settled payments say, and no more
//     no honest device is accused, and who has signed two payments that contradict is, when the second one has arrived
//     the cover of a purse is never exceeded; who is honest loses nothing
import { expect, test } from 'vitest';
import { ed25519, sha256 } from '../../../src/crypto/index.ts';
import { systemAccountId } from '../../../src/roles/cash/accounts.ts';
import { checkFraudProof } from '../../../src/roles/documents/fraud-proof.ts';
import { Random } from '../../../src/shared/random.ts';
import { Mortal } from './purse-mortal.ts';
import {
  closingOf,
  DAY_NS,
  handover,
  nextPurse,
  openedPurse,
  owned,
  PURSE_TERMS,
  settledAs,
  TestClock,
  type TestPurse,
} from './purse-support.ts';
import { answerOf, creditOf, EUR, nextRequest, TestCash, type TestDevice } from './support.ts';

const seed = BigInt(process.env.SPECIE_SEED ?? Math.floor(performance.timeOrigin) % 2 ** 31);
const STEPS = process.env.SPECIE_SLOW_TESTS === '1' ? 1_000 : 100;
const DEVICES = 6;

/** A payment as it was signed; `answer`: the last that was heard. */
interface Signed {
  readonly payer: Wallet;
  readonly payee: Wallet;
  readonly sequence: bigint;
  readonly amount: bigint;
  readonly total: bigint;
  readonly order: Uint8Array;
  answer: string | undefined;
}

/** A purse, and what its wallet believes to have. */
interface Wallet {
  readonly purse: TestPurse;
  readonly device: TestDevice;
  readonly cheats: boolean;
  readonly signed: Signed[];
  received: bigint;
  isClosed: boolean;
}

const contradict = (one: Signed, other: Signed): boolean => {
  if (one === other) return false;
  if (one.sequence === other.sequence) return true;
  const [earlier, later] = one.sequence < other.sequence ? [one, other] : [other, one];
  return later.total < earlier.total + later.amount;
};

const isReported = ({ answer }: Signed): boolean => answer !== undefined;
const isPaid = ({ answer }: Signed): boolean => answer !== undefined && /^(settled|covered)/.test(answer);

test('whatever is signed, and whenever it is reported', async () => {
  console.log(`SPECIE_SEED=${seed}`);
  const random = new Random(seed);
  const clock = new TestClock();
  const base = await TestCash.open({ currencies: PURSE_TERMS, clock: clock.read });
  const mortal = new Mortal(base, clock);
  await mortal.start();
  const devices: TestDevice[] = [];
  let loaded = 0n;
  for (let i = 0; i < DEVICES; i++) {
    const device = await base.opened();
    answerOf((await base.credit(creditOf(device, { amount: 3_000n })))[0]!);
    loaded += 3_000n;
    await mortal.persist((cash) => cash.opened(device));
    devices.push(device);
  }
  const wallets: Wallet[] = [];
  const orders: Signed[] = [];

  const openFor = async (device: TestDevice): Promise<void> => {
    const names = { purse: nextPurse(), request: nextRequest() };
    const amount = BigInt(random.pick([0, 50, 400, 400, 900]));
    if ((await base.balance(device)) < amount) return;
    const purse = await mortal.persist((cash) => openedPurse(cash, amount, device, names));
    // The last two devices are made to cheat.
    const cheats = devices.indexOf(device) >= DEVICES - 2;
    wallets.push({ purse, device, cheats, signed: [], received: 0n, isClosed: false });
  };
  for (const device of devices) await openFor(device);

  const openWallets = (): Wallet[] => wallets.filter(({ isClosed }) => !isClosed);

  const pay = (): void => {
    const [payer, payee] = [random.pick(openWallets()), random.pick(openWallets())];
    if (payer === payee) return;
    // One that cheats goes back to an older state of its store now and then.
    const { signed, purse } = payer;
    const known = payer.cheats && random.below(2) === 0 ? random.below(signed.length + 1) : signed.length;
    const last = signed.slice(0, known).at(-1);
    const [sequence, spent] = [(last?.sequence ?? 0n) + 1n, last?.total ?? 0n];
    const left = purse.allowance.amount + payer.received - spent;
    if (left < 1n || sequence > 64n) return;
    const amount = random.pick([1n, left / 3n + 1n, left / 4n + 1n, left / 4n + 1n, left]);
    if (amount > left) return;
    const total = spent + amount;
    const order = handover(purse, payee.purse, { amount, sequence, total });
    const one: Signed = { payer, payee, sequence, amount, total, order, answer: undefined };
    signed.push(one);
    orders.push(one);
    payee.received += amount;
  };

  const report = async (some: readonly Signed[]): Promise<void> => {
    const results = await mortal.persist((cash) => {
      const client = cash.client();
      return Promise.all(
        some.map(({ payer, order }) => client.settleTransfer({ device: payer.device.device, order })),
      );
    });
    results.forEach((result, i) => {
      const one = some[i]!;
      const answer = settledAs(result);
      expect(answer).not.toMatch(/^(refused|unknown|rejected)/);
      if (one.answer !== undefined && isPaid(one))
        expect(answer.replace('!', '')).toBe(one.answer.replace('!', ''));
      one.answer = answer;
      const { fraud } = answerOf(result);
      if (fraud === undefined) return;
      expect(one.payer.cheats).toBe(true);
      const verify = ed25519.verify;
      expect(checkFraudProof(fraud, { verify, sha256 })?.purse).toBe(one.payer.purse.purse);
    });
  };

  const some = (): Signed[] => {
    const count = 1 + random.below(8);
    return Array.from({ length: count }, () =>
      random.pick(random.below(2) === 0 ? orders.slice(-10) : orders),
    );
  };

  const close = async (wallet: Wallet): Promise<void> => {
    const { signed, purse } = wallet;
    if (wallet.cheats) return;
    if (random.below(2) === 0) await report(signed.filter((one) => !isReported(one)));
    const last = signed.at(-1);
    const closing = closingOf(purse, { lastSequence: last?.sequence ?? 0n, total: last?.total ?? 0n });
    const answer = answerOf(await mortal.persist((cash) => cash.client().closePurse({ closing })));
    if (answer.kind === 'closed') {
      wallet.isClosed = true;
      if (wallets.length < 40) await openFor(wallet.device);
    } else {
      const open = signed.filter((one) => answer.sequences.includes(Number(one.sequence)));
      expect(open.length).toBe(answer.sequences.length);
      expect(open.some(isPaid)).toBe(false);
    }
  };

  const audit = async (): Promise<void> => {
    const inDevices = await Promise.all(devices.map(({ device }) => owned(base, device)));
    const inPurses = await Promise.all(wallets.map(({ purse }) => owned(base, purse.purse)));
    const loss = -(await owned(base, systemAccountId('offline_loss', EUR)));
    const sum = (all: readonly bigint[]): bigint => all.reduce((one, other) => one + other, 0n);
    expect(sum(inDevices) + sum(inPurses)).toBe(loaded + loss);
    let covers = 0n;
    for (const device of devices) {
      const exposure = await mortal.persist((cash) => cash.client().deviceExposure(device));
      for (const one of answerOf(exposure).purses) {
        const wallet = wallets.find(({ purse }) => purse.purse === one.purse)!;
        const reported = wallet.signed.filter(isReported);
        const isProven = reported.some((first) => reported.some((second) => contradict(first, second)));
        expect(one.state === 'cheated').toBe(isProven);
        expect(one.covered <= one.coverMax).toBe(true);
        covers += one.covered;
        const total = (what: RegExp): bigint =>
          sum(reported.filter(({ answer }) => what.test(answer!)).map(({ amount }) => amount));
        // What waited may have been settled since by another's report.
        expect(one.settled + one.covered >= total(/^(settled|covered)/)).toBe(true);
        expect(one.settled + one.covered + one.waiting + one.disputed).toBe(total(/./));
      }
    }
    expect(loss).toBe(covers);
  };

  for (let step = 0; step < STEPS; step++) {
    if (random.below(5) === 0) {
      mortal.diesIn = 1 + random.below(8);
      mortal.isDone = random.below(2) === 0;
    }
    const what = random.below(20);
    if (what < 9) for (let count = 0; count < 4; count++) pay();
    else if (what < 19) {
      if (orders.length > 0) await report(some());
    } else await close(random.pick(openWallets()));
    if (step % 12 === 0) await audit();
  }
  mortal.diesIn = 0;
  // All of it, in any order, until nothing changes any more.
  for (let round = 0; round < 2; round++) {
    for (const one of [...orders].sort(() => random.below(3) - 1)) await report([one]);
  }
  await report(orders);
  await audit();
  for (const wallet of wallets) {
    // Who is honest has paid what it has signed, unless it is owed something that an operator has to decide on.
    const isOwed = orders.some((one) => one.payee === wallet && !isPaid(one));
    if (!wallet.cheats && !isOwed) expect(wallet.signed.every(isPaid)).toBe(true);
    const { allowance, purse } = wallet.purse;
    const [account] = await base.ledger.lookupAccounts([purse]);
    const paidTo = orders.filter((one) => one.payee === wallet && isPaid(one));
    const received = paidTo.reduce((sum, { amount }) => sum + amount, 0n);
    expect(account!.creditsPosted).toBe(allowance.amount + received);
  }
  clock.now += 40n * DAY_NS;
  const [queued] = orders;
  for (let pass = 0; pass < 3; pass++) {
    await mortal.pass((cash) =>
      cash.client().settleTransfer({ device: queued!.payer.device.device, order: queued!.order }),
    );
  }
  for (const { purse } of wallets) expect(await owned(base, purse.purse)).toBe(0n);
  const inDevices = await Promise.all(devices.map(({ device }) => owned(base, device)));
  const loss = -(await owned(base, systemAccountId('offline_loss', EUR)));
  expect(inDevices.reduce((sum, one) => sum + one, 0n)).toBe(loaded + loss);
  expect(mortal.deaths).toBeGreaterThan(0);
  await mortal.stop();
  await base.close();
});
