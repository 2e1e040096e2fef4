// A wallet in memory, with management beside it.

import { sha256 } from '../../src/crypto/index.ts';
import { fingerprint } from '../../src/identity/key-set.ts';
import { type Amount, amountOf } from '../../src/shared/amount.ts';
import type { Currency } from '../../src/shared/currency.ts';
import {
  type CreateOptions,
  type KeyProtection,
  Wallet,
  type WalletEvent,
  type WalletOptions,
  type WalletTimes,
} from '../../src/wallet/core/index.ts';
import { nodeCrypto } from '../../src/wallet/node/crypto.ts';
import { DAY, directory, rootKeys, START } from '../identity/support.ts';
import { TestManagement } from './management.ts';
import { type Disk, MemoryStorage } from './memory-storage.ts';
import { VirtualClock } from './virtual-clock.ts';

export const EUR: Currency = { ledger: 978, code: 'EUR', exponent: 2 };
export const ROOT_FINGERPRINT = fingerprint(rootKeys.publicKey, sha256);
export const ACCOUNT = '4000001234567899';
export const NOW = START + 10n * DAY;

export const eur = (minorUnits: number | bigint): Amount => amountOf(BigInt(minorUnits));

export interface World {
  readonly clock: VirtualClock;
  readonly management: TestManagement;
  readonly disk: Disk;
  readonly events: WalletEvent[];
  /** Of the storage that was opened last. */
  storage: MemoryStorage;
}

export function newWorld(clock = new VirtualClock(NOW)): World {
  const management = new TestManagement(
    () => clock.now(),
    (milliseconds) => clock.pause(milliseconds),
  );
  const disk: Disk = new Map();
  return { clock, management, disk, events: [], storage: new MemoryStorage(disk) };
}

export interface WalletChanges {
  readonly times?: Partial<WalletTimes>;
  readonly protection?: KeyProtection;
}

export function optionsOf(world: World, { times, protection }: WalletChanges = {}): WalletOptions {
  world.storage = new MemoryStorage(world.disk);
  return {
    storage: world.storage,
    crypto: nodeCrypto,
    clock: world.clock,
    transport: world.management,
    protection,
    times: times ?? {},
    onEvent: (event) => world.events.push(event),
  };
}

export const newWallet: CreateOptions = {
  directory: directory().bytes(),
  rootFingerprint: ROOT_FINGERPRINT,
  currency: EUR,
  name: 'test',
};

export function createWallet(world: World, changes?: WalletChanges): Promise<Wallet> {
  return Wallet.create(optionsOf(world, changes), newWallet);
}

export function openWallet(world: World, changes?: WalletChanges): Promise<Wallet> {
  return Wallet.open(optionsOf(world, changes));
}

export async function enrolledWallet(world: World, changes?: WalletChanges): Promise<Wallet> {
  const wallet = await createWallet(world, changes);
  await wallet.enrol({ userData: 'Ada', accountNumber: ACCOUNT });
  return wallet;
}
