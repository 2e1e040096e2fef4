// What cash keeps beside the ledger: whose key moves which account, and what it has rejected.
//
//     devices      device number ─▶ signing key, accounts (currency, ledger account, opened at)
//     rejections   request id    ─▶ device, amount, currency, digest of the order, reason, time
//     counters     'devices'     ─▶ how many there are
//
// A device is written here only after the ledger has opened its account, so that an account named here exists.
import { ed25519, type PreparedKey } from '../../crypto/index.ts';
import { type Infer, list, struct, text, u32, u64, u128 } from '../../shared/codec.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import { REJECTION_REASON_BYTES_MAX } from '../documents/receipts.ts';
import { digest, publicKey } from '../documents/signed.ts';

/** Currencies that a device may have accounts in; a few in practice. Beyond: openCash refuses its configuration. */
export const CURRENCIES_MAX = 32;

const DeviceRecord = struct({
  signingKey: publicKey,
  accounts: list(struct({ currency: u32, account: u128, openedAt: u64 }), CURRENCIES_MAX),
});
type DeviceRecord = Infer<typeof DeviceRecord>;

const DEVICES_COUNTER = new TextEncoder().encode('devices');

const RejectionRecord = struct({
  device: u128,
  amount: u128,
  currency: u32,
  orderDigest: digest,
  reason: text(REJECTION_REASON_BYTES_MAX),
  /** Nanoseconds. */
  at: u64,
});
export type RejectionRecord = Infer<typeof RejectionRecord>;

export interface DeviceAccount {
  /** In the ledger. */
  readonly account: bigint;
  /** Nanoseconds. */
  readonly openedAt: bigint;
}

export interface Device {
  readonly device: bigint;
  readonly signingKey: Uint8Array;
  /** Ready for verification: saves a fifth of it in a batch. */
  readonly preparedKey: PreparedKey;
  /** By currency. */
  readonly accounts: ReadonlyMap<number, DeviceAccount>;
}

export interface OpenedAccount {
  readonly device: bigint;
  readonly signingKey: Uint8Array;
  readonly currency: number;
  readonly account: bigint;
  readonly openedAt: bigint;
}

export interface RegistryLimits {
  /** Devices kept in memory with their keys ready, about 600 bytes each. Beyond: the one not asked for longest goes. */
  readonly devicesInMemoryMax: number;
  /** Devices with accounts, as many as management may enrol: cash does not rely on its count. Beyond: devices_exhausted. */
  readonly devicesMax: number;
}

export class Registry {
  readonly #store: RoleStore;
  readonly #inMemoryMax: number;
  readonly devicesMax: number;
  /** Those of `devices`, and those whose accounts are being opened. */
  #deviceCount: bigint;
  /** The one asked for last stands last. */
  readonly #devices = new Map<bigint, Device>();

  constructor(store: RoleStore, { devicesInMemoryMax, devicesMax }: RegistryLimits) {
    this.#store = store;
    this.#inMemoryMax = devicesInMemoryMax;
    this.devicesMax = devicesMax;
    this.#deviceCount = countDevices(store);
  }

  /** @throws StoreError store_corrupt */
  device(device: bigint): Device | undefined {
    let known = this.#devices.get(device);
    if (known !== undefined) {
      this.#devices.delete(device);
    } else {
      const stored = this.#store.get('devices', device);
      if (stored === undefined) return undefined;
      known = deviceOf(device, DeviceRecord.decode(stored));
    }
    this.#remember(known);
    return known;
  }

  /** Room for one more device, until it is left again; false: there is none. */
  takeRoom(): boolean {
    if (this.#deviceCount >= BigInt(this.devicesMax)) return false;
    this.#deviceCount++;
    return true;
  }

  /** What was taken; devices that are written by now have room of their own. */
  leaveRoom(count: number): void {
    this.#deviceCount -= BigInt(count);
  }

  /**
   * Writes accounts that the ledger has opened, and says of each when, or `differs` where another key is registered for the
   * device. Written again, they are what they were.
   */
  async opened(accounts: readonly OpenedAccount[]): Promise<(bigint | 'differs')[]> {
    let added = 0n;
    const results = await this.#store.transaction((tx) => {
      const before = countDevices(tx);
      const written = accounts.map(({ device, signingKey, currency, account, openedAt }) => {
        const stored = tx.get('devices', device);
        const known = stored === undefined ? { signingKey, accounts: [] } : DeviceRecord.decode(stored);
        if (Buffer.compare(known.signingKey, signingKey) !== 0) return 'differs' as const;
        const there = known.accounts.find((other) => other.currency === currency);
        if (there !== undefined) return there.openedAt;
        const after = { signingKey, accounts: [...known.accounts, { currency, account, openedAt }] };
        if (stored === undefined) added++;
        tx.put('devices', device, DeviceRecord.encode(after));
        return openedAt;
      });
      if (added > 0n) tx.put('counters', DEVICES_COUNTER, u64.encode(before + added));
      return written;
    });
    this.#deviceCount += added;
    // What is in memory may lack an account that is stored now.
    for (const { device } of accounts) this.#devices.delete(device);
    return results;
  }

  rejection(request: bigint): RejectionRecord | undefined {
    const stored = this.#store.get('rejections', request);
    return stored === undefined ? undefined : RejectionRecord.decode(stored);
  }

  /** Remembers rejections and returns what is remembered of each request: the first time counts. */
  rejected(
    rejections: readonly (RejectionRecord & { readonly request: bigint })[],
  ): Promise<RejectionRecord[]> {
    return this.#store.transaction((tx) =>
      rejections.map(({ request, ...rejection }) => {
        const stored = tx.get('rejections', request);
        if (stored !== undefined) return RejectionRecord.decode(stored);
        tx.put('rejections', request, RejectionRecord.encode(rejection));
        return rejection;
      }),
    );
  }

  #remember(device: Device): void {
    this.#devices.set(device.device, device);
    if (this.#devices.size > this.#inMemoryMax) {
      for (const oldest of this.#devices.keys()) {
        this.#devices.delete(oldest);
        break;
      }
    }
  }
}

function countDevices(reads: StoreReads): bigint {
  const stored = reads.get('counters', DEVICES_COUNTER);
  return stored === undefined ? 0n : u64.decode(stored);
}

function deviceOf(device: bigint, { signingKey, accounts }: DeviceRecord): Device {
  return {
    device,
    signingKey,
    preparedKey: ed25519.prepare(signingKey),
    accounts: new Map(accounts.map(({ currency, account, openedAt }) => [currency, { account, openedAt }])),
  };
}
