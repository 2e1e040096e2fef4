// Who has accounts at cash, and whose key moves them: devices, and shops, each kind in a table of its own.
//
//     <table>      number    ─▶ signing key, accounts (currency, ledger account, opened at)
//     counters     '<table>' ─▶ how many there are
//
// One is written here only after the ledger has opened its account, so that an account named here exists.
import { ed25519, type PreparedKey } from '../../crypto/index.ts';
import { type Infer, list, struct, u32, u64, u128 } from '../../shared/codec.ts';
import { idOfKey } from '../../store/key.ts';
import type { RoleStore, StoreReads } from '../../store/store.ts';
import { publicKey } from '../documents/signed.ts';
import { keyIdNumberOf } from './key-ids.ts';

/** Currencies that a holder may have accounts in; a few in practice. Beyond: openCash refuses its configuration. */
export const CURRENCIES_MAX = 32;

const HolderRecord = struct({
  signingKey: publicKey,
  accounts: list(struct({ currency: u32, account: u128, openedAt: u64 }), CURRENCIES_MAX),
});
type HolderRecord = Infer<typeof HolderRecord>;

const utf8 = new TextEncoder();

export interface HeldAccount {
  /** In the ledger. */
  readonly account: bigint;
  /** Nanoseconds. */
  readonly openedAt: bigint;
}

export interface Holder {
  /** Of the device or the shop. */
  readonly number: bigint;
  readonly signingKey: Uint8Array;
  /** As the ledger's accounts name it. */
  readonly signingKeyId: bigint;
  /** Ready for verification: saves a fifth of it in a batch. */
  readonly preparedKey: PreparedKey;
  /** By currency. */
  readonly accounts: ReadonlyMap<number, HeldAccount>;
}

export interface OpenedAccount {
  readonly number: bigint;
  readonly signingKey: Uint8Array;
  readonly currency: number;
  readonly account: bigint;
  readonly openedAt: bigint;
}

export interface HolderLimits {
  /** Kept in memory with their keys ready, about 600 bytes each. Beyond: those not asked for lately go. */
  readonly inMemoryMax: number;
  /** With accounts. Beyond: there is no room for one more. */
  readonly holdersMax: number;
}

export class Holders<Kind extends Holder> {
  readonly #store: RoleStore;
  readonly #table: string;
  readonly #counter: Uint8Array;
  readonly #kindOf: (holder: Holder) => Kind;
  readonly #halfMax: number;
  readonly holdersMax: number;
  /** Those that are written, and those whose accounts are being opened. */
  #count: bigint;
  // Two halves: one asked for stands in the newer half, which becomes the older one when it is full. So a hit, of which
  // payments make a hundred thousand a second, writes nothing; a list in order of use would at each.
  #newer = new Map<bigint, Kind>();
  #older = new Map<bigint, Kind>();

  constructor(
    store: RoleStore,
    table: string,
    { inMemoryMax, holdersMax }: HolderLimits,
    kindOf: (holder: Holder) => Kind,
  ) {
    this.#store = store;
    this.#table = table;
    this.#counter = utf8.encode(table);
    this.#kindOf = kindOf;
    this.#halfMax = Math.max(1, Math.floor(inMemoryMax / 2));
    this.holdersMax = holdersMax;
    this.#count = this.#countIn(store);
  }

  /** @throws StoreError store_corrupt */
  find(number: bigint): Kind | undefined {
    const recent = this.#newer.get(number);
    if (recent !== undefined) return recent;
    let known = this.#older.get(number);
    if (known === undefined) {
      const stored = this.#store.get(this.#table, number);
      if (stored === undefined) return undefined;
      known = this.#kindOf(holderOf(number, HolderRecord.decode(stored)));
    }
    this.#remember(known);
    return known;
  }

  /** Numbers in their order, after that one. */
  numbers(after: bigint | undefined, limit: number): bigint[] {
    const from = after === undefined ? 0n : after + 1n;
    return this.#store.range(this.#table, { from, limit }).map(({ key }) => idOfKey(key));
  }

  /** Room for one more, until it is left again; false: there is none. */
  takeRoom(): boolean {
    if (this.#count >= BigInt(this.holdersMax)) return false;
    this.#count++;
    return true;
  }

  /** What was taken; those that are written by now have room of their own. */
  leaveRoom(count: number): void {
    this.#count -= BigInt(count);
  }

  /**
   * Writes accounts that the ledger has opened, and says of each when, or `differs` where another key is registered for its
   * holder. Written again, they are what they were.
   */
  async opened(accounts: readonly OpenedAccount[]): Promise<(bigint | 'differs')[]> {
    let added = 0n;
    const results = await this.#store.transaction((tx) => {
      const before = this.#countIn(tx);
      const written = accounts.map(({ number, signingKey, currency, account, openedAt }) => {
        const stored = tx.get(this.#table, number);
        const known = stored === undefined ? { signingKey, accounts: [] } : HolderRecord.decode(stored);
        if (Buffer.compare(known.signingKey, signingKey) !== 0) return 'differs' as const;
        const there = known.accounts.find((other) => other.currency === currency);
        if (there !== undefined) return there.openedAt;
        const after = { signingKey, accounts: [...known.accounts, { currency, account, openedAt }] };
        if (stored === undefined) added++;
        tx.put(this.#table, number, HolderRecord.encode(after));
        return openedAt;
      });
      if (added > 0n) tx.put('counters', this.#counter, u64.encode(before + added));
      return written;
    });
    this.#count += added;
    // What is in memory may lack an account that is stored now.
    for (const { number } of accounts) {
      this.#newer.delete(number);
      this.#older.delete(number);
    }
    return results;
  }

  #remember(holder: Kind): void {
    if (this.#newer.size >= this.#halfMax) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(holder.number, holder);
  }

  #countIn(reads: StoreReads): bigint {
    const stored = reads.get('counters', this.#counter);
    return stored === undefined ? 0n : u64.decode(stored);
  }
}

function holderOf(number: bigint, { signingKey, accounts }: HolderRecord): Holder {
  return {
    number,
    signingKey,
    signingKeyId: keyIdNumberOf(signingKey),
    preparedKey: ed25519.prepare(signingKey),
    accounts: new Map(accounts.map(({ currency, account, openedAt }) => [currency, { account, openedAt }])),
  };
}
