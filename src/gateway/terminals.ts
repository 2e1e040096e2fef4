// The terminals that a gateway knows, each by the static key of its channel, on one side only.
//
//     LAN   register ─▶ waiting ── admit ──▶ open ◀── admit ── blocked
//                          ╰────── block ─────┴─── block ────────▲
//     WAN   register ─▶ open
//
//     terminals         channel key ▶ record
//     terminal-counts   side ▶ how many
import { equalBytes, toHex } from '../identity/binary-text.ts';
import { Refusal } from '../roles/common/refusal.ts';
import { publicKey } from '../roles/documents/signed.ts';
import type { GatewayRefusal } from '../roles/gateway/errors.ts';
import {
  type RegisterRequest,
  Side,
  TERMINAL_NAME_BYTES_MAX,
  type TerminalAddress,
} from '../roles/gateway/messages.ts';
import { bool, type Infer, oneOf, struct, text, u32, u64 } from '../shared/codec.ts';
import { keyOf } from '../store/key.ts';
import { RANGE_MAX, type RoleStore, type StoreReads, type StoreTransaction } from '../store/store.ts';
import { hasDeliveries } from './deliveries.ts';
import { GatewayError } from './errors.ts';
import {
  LAN_TERMINALS_MAX,
  TERMINAL_IDLE_DAYS,
  TERMINAL_UNUSED_HOURS,
  TERMINALS_PRUNED_EVERY_MS,
  WAN_TERMINALS_MAX,
} from './limits.ts';
import { forgetUsage, usageOf } from './usage.ts';

const TABLE = 'terminals';
const COUNTS = 'terminal-counts';
/** Records in memory; those of terminals that ask all the time. */
const REMEMBERED_MAX = 4_096;
const NANOSECONDS_PER_HOUR = 3_600_000_000_000n;
const NANOSECONDS_PER_DAY = 24n * NANOSECONDS_PER_HOUR;

const TerminalRecord = struct({
  side: Side,
  state: oneOf('waiting', 'open', 'blocked'),
  name: text(TERMINAL_NAME_BYTES_MAX),
  sealingKey: publicKey,
  registeredAt: u64,
  /** To the day. */
  usedAt: u64,
  /** Has sent something, or something was sent to it. */
  hasExchanged: bool,
});
export type TerminalRecord = Infer<typeof TerminalRecord>;
export type Terminal = TerminalRecord & { readonly channelKey: Uint8Array };

const NUMBER_OF_SIDE = { lan: 0, wan: 1 } as const;
const MAX_OF_SIDE = { lan: LAN_TERMINALS_MAX, wan: WAN_TERMINALS_MAX } as const;
const Count = struct({ count: u32 });

function countOf(reads: Pick<StoreReads, 'get'>, side: Side): number {
  const stored = reads.get(COUNTS, Uint8Array.of(NUMBER_OF_SIDE[side]));
  return stored === undefined ? 0 : Count.decode(stored).count;
}

function putCount(tx: StoreTransaction, side: Side, count: number): void {
  tx.put(COUNTS, Uint8Array.of(NUMBER_OF_SIDE[side]), Count.encode({ count }));
}

/** As a transaction sees it. */
export function terminalIn(
  reads: Pick<StoreReads, 'get'>,
  channelKey: Uint8Array,
): TerminalRecord | undefined {
  const stored = reads.get(TABLE, channelKey);
  return stored && TerminalRecord.decode(stored);
}

/** Whether notes can be sent there: it is open, on that side, and has that key. */
export function isOpenAt(
  reads: Pick<StoreReads, 'get'>,
  { side, channelKey, sealingKey }: TerminalAddress,
): boolean {
  const record = terminalIn(reads, channelKey);
  return record?.side === side && record.state === 'open' && equalBytes(record.sealingKey, sealingKey);
}

const utf8 = new TextEncoder();
const isName = (name: string): boolean =>
  name.length > 0 && utf8.encode(name).length <= TERMINAL_NAME_BYTES_MAX && !/\p{Cc}/u.test(name);

export interface TerminalsOptions {
  readonly store: RoleStore;
  readonly clock: () => bigint;
  /** For tests. */
  readonly max?: Partial<Record<Side, number>>;
}

export class Terminals {
  readonly #store: RoleStore;
  readonly #clock: () => bigint;
  readonly #max: Record<Side, number>;
  readonly #find: (channelKey: Uint8Array) => TerminalRecord | undefined;
  #prunedAt = 0n;

  constructor({ store, clock, max }: TerminalsOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#max = { ...MAX_OF_SIDE, ...max };
    this.#find = store.remember(TABLE, (stored) => TerminalRecord.decode(stored), REMEMBERED_MAX);
  }

  /** Why it may not; undefined: it is open, on that side. */
  refusalOf(side: Side, channelKey: Uint8Array): Refusal<GatewayRefusal> | undefined {
    return refusalFor(this.#find(channelKey), side);
  }

  /** May come again. */
  async register(
    side: Side,
    channelKey: Uint8Array,
    { name, sealingKey }: RegisterRequest,
  ): Promise<{ readonly state: TerminalRecord['state'] } | Refusal<GatewayRefusal>> {
    if (!isName(name)) {
      return new Refusal<GatewayRefusal>('malformed', 'name: expected one line of text, got something else');
    }
    return this.#store.transaction((tx) => {
      const now = this.#clock();
      const known = terminalIn(tx, channelKey);
      if (known !== undefined) {
        if (known.side !== side) {
          return new Refusal<GatewayRefusal>(
            'key_taken',
            `expected a key that is not known on the ${known.side}`,
          );
        }
        if (!equalBytes(known.sealingKey, sealingKey)) {
          return new Refusal<GatewayRefusal>(
            'request_differs',
            'sealingKey: expected the one that the terminal has registered, got another',
          );
        }
        return { state: known.state };
      }
      if (countOf(tx, side) >= this.#max[side]) this.#prune(tx, side, now);
      const count = countOf(tx, side);
      if (count >= this.#max[side]) {
        return new Refusal<GatewayRefusal>(
          'terminals_exhausted',
          `expected at most ${this.#max[side]} terminals, got one more`,
        );
      }
      const state = side === 'lan' ? 'waiting' : 'open';
      const times = { registeredAt: now, usedAt: now, hasExchanged: false };
      tx.put(TABLE, channelKey, TerminalRecord.encode({ side, state, name, sealingKey, ...times }));
      putCount(tx, side, count + 1);
      return { state } as const;
    });
  }

  /** Somebody of the organisation opens or closes it. @throws GatewayError terminal_unknown */
  async set(channelKey: Uint8Array, state: 'open' | 'blocked'): Promise<Terminal> {
    return this.#store.transaction((tx) => {
      const known = terminalIn(tx, channelKey);
      if (known === undefined) {
        throw new GatewayError(
          'terminal_unknown',
          `terminal ${toHex(channelKey)}: expected one that has registered, got none`,
        );
      }
      const record = { ...known, state };
      tx.put(TABLE, channelKey, TerminalRecord.encode(record));
      return { ...record, channelKey };
    });
  }

  /** In the order of their keys. @param after the last one of the page before */
  page(after: Uint8Array | undefined, limit: number): Terminal[] {
    const from = after && keyOf(after, Uint8Array.of(0));
    const records = this.#store.range(TABLE, { ...(from !== undefined && { from }), limit });
    return records.map(({ key, value }) => ({
      ...TerminalRecord.decode(value),
      channelKey: Uint8Array.from(key),
    }));
  }

  /** The one whose key begins so, in hex; undefined: none or several. */
  find(start: string): Terminal | undefined {
    if (!/^[0-9a-f]{4,64}$/.test(start)) return undefined;
    let found: Terminal | undefined;
    for (let after: Uint8Array | undefined; ; ) {
      const page = this.page(after, 1_024);
      for (const terminal of page) {
        if (!toHex(terminal.channelKey).startsWith(start)) continue;
        if (found !== undefined) return undefined;
        found = terminal;
      }
      if (page.length < 1_024) return found;
      after = page.at(-1)!.channelKey;
    }
  }

  count(side: Side): number {
    return countOf(this.#store, side);
  }

  /** It has come: written down once a day. */
  used(channelKey: Uint8Array): void {
    const now = this.#clock();
    const record = this.#find(channelKey);
    if (record === undefined || now < record.usedAt + NANOSECONDS_PER_DAY) return;
    void this.#store
      .transaction((tx) => {
        const known = terminalIn(tx, channelKey);
        if (known !== undefined) tx.put(TABLE, channelKey, TerminalRecord.encode({ ...known, usedAt: now }));
      })
      // The store says itself that it fails; the day is written with the next call.
      .catch(() => {});
  }

  /** Those that may go, go: all at once, as finding them walks over every one. */
  #prune(tx: StoreTransaction, side: Side, now: bigint): void {
    if (now < this.#prunedAt + BigInt(TERMINALS_PRUNED_EVERY_MS) * 1_000_000n) return;
    this.#prunedAt = now;
    let left = countOf(tx, side);
    for (let from: Uint8Array | undefined; ; ) {
      const records = tx.range(TABLE, { ...(from !== undefined && { from }), limit: RANGE_MAX });
      for (const { key, value } of records) {
        const record = TerminalRecord.decode(value);
        if (record.side !== side || record.state === 'blocked') continue;
        const hours = record.hasExchanged ? BigInt(TERMINAL_IDLE_DAYS) * 24n : BigInt(TERMINAL_UNUSED_HOURS);
        const isAdmitted = side === 'lan' && record.state === 'open';
        if (isAdmitted || now < record.usedAt + hours * NANOSECONDS_PER_HOUR) continue;
        if (hasDeliveries(tx, key) || usageOf(tx, key).open > 0) continue;
        tx.remove(TABLE, Uint8Array.from(key));
        forgetUsage(tx, Uint8Array.from(key));
        left--;
      }
      if (records.length < RANGE_MAX) break;
      from = keyOf(records.at(-1)!.key, Uint8Array.of(0));
    }
    putCount(tx, side, left);
  }
}

/** Why it may not send or fetch; undefined: it is open. */
export function refusalFor(
  record: TerminalRecord | undefined,
  side: Side,
): Refusal<GatewayRefusal> | undefined {
  if (record === undefined || record.side !== side) {
    return new Refusal<GatewayRefusal>(
      'terminal_unknown',
      `expected a terminal that is known on the ${side}`,
    );
  }
  if (record.state === 'open') return undefined;
  return record.state === 'waiting'
    ? new Refusal<GatewayRefusal>(
        'terminal_waiting',
        'expected a terminal that was admitted, got one that waits',
      )
    : new Refusal<GatewayRefusal>('terminal_blocked', 'expected an open terminal, got one that is blocked');
}

/** What an exchange changes of those who take part in it. */
export function putExchanged(
  reads: Pick<StoreReads, 'get'>,
  put: (table: string, key: Uint8Array, value: Uint8Array) => void,
  channelKeys: readonly Uint8Array[],
  now: bigint,
): void {
  for (const channelKey of channelKeys) {
    const known = terminalIn(reads, channelKey);
    if (known === undefined || (known.hasExchanged && now < known.usedAt + NANOSECONDS_PER_DAY)) continue;
    put(TABLE, channelKey, TerminalRecord.encode({ ...known, usedAt: now, hasExchanged: true }));
  }
}
