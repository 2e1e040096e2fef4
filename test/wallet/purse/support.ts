// Two wallets, each with management and cash of its own, and one ledger of purses between them.
import type {
  AskOptions,
  AskReport,
  PayReport,
  SendOptions,
  Wallet,
} from '../../../src/wallet/core/index.ts';
import type { Dials, Pair } from '../peer/memory-link.ts';
import { memoryPair } from '../peer/memory-link.ts';
import { enrolledWallet, eur, NOW, newWorld, openWallet, type World } from '../support.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { TestPurses } from './test-purses.ts';

export const LOADED = 10_000n;

export interface Two {
  readonly clock: VirtualClock;
  readonly purses: TestPurses;
  readonly worlds: readonly [World, World];
  ada: Wallet;
  bob: Wallet;
}

/** Each with 100.00. */
export async function twoWallets(): Promise<Two> {
  const clock = new VirtualClock(NOW);
  const purses = new TestPurses(() => clock.now());
  const worlds: [World, World] = [newWorld(clock), newWorld(clock)];
  for (const { management } of worlds) management.purses = purses;
  const [ada, bob] = await Promise.all(
    worlds.map(async (world, i) => {
      // Device numbers differ between the two.
      world.management.firstDevice = 1000n + 100n * BigInt(i);
      const wallet = await enrolledWallet(world);
      await wallet.load({ amount: eur(LOADED), onFile: true });
      return wallet;
    }),
  );
  return { clock, purses, worlds, ada: ada!, bob: bob! };
}

export async function reserved(amounts: readonly [bigint, bigint] = [5_000n, 0n]): Promise<Two> {
  const two = await twoWallets();
  await two.ada.reserve({ amount: eur(amounts[0]) });
  await two.bob.reserve({ amount: eur(amounts[1]) });
  return two;
}

export interface Met {
  readonly sent: PayReport | Error;
  readonly received: AskReport | Error;
  readonly pair: Pair;
}

export async function meet(
  payer: Wallet,
  payee: Wallet,
  {
    ask = { amount: eur(500) },
    send = {},
    dials = {},
  }: { ask?: AskOptions; send?: SendOptions; dials?: Dials } = {},
): Promise<Met> {
  const pair = memoryPair(dials);
  const [sent, received] = await Promise.all([
    payer.send(pair.payer, send).catch((error: Error) => error),
    payee.receive(pair.payee, ask as Parameters<Wallet['receive']>[1]).catch((error: Error) => error),
  ]);
  return { sent, received, pair };
}

/** One that must come to its end. */
export async function paid(payer: Wallet, payee: Wallet, amount: bigint): Promise<void> {
  const { sent, received } = await meet(payer, payee, { ask: { amount: eur(amount) } });
  if (sent instanceof Error) throw sent;
  if (received instanceof Error) throw received;
}

/** The wallet on that world's disk, as after a crash. */
export async function reopened(world: World): Promise<Wallet> {
  world.storage.crash();
  return openWallet(world);
}

export const left = async (wallet: Wallet): Promise<bigint> => (await wallet.purse())?.left ?? 0n;

/** All that there is, wherever it is. */
export async function total({ purses, worlds }: Two): Promise<bigint> {
  const devices = worlds.map(({ management }) => management.cash.balance(management.firstDevice));
  return devices.reduce((sum, balance) => sum + balance, purses.sum) - purses.covered;
}
