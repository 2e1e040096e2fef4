// The seats of the pool's threads: each has a workspace and an io in the shared memory. A thread claims a free seat when
// it starts; when it is gone, the thread that owns the pool wipes the seat and makes it free again. So no number of
// deaths takes more memory.
import { threadId } from 'node:worker_threads';
import {
  type CryptoBuild,
  CryptoKernel,
  type CryptoMemory,
  type CryptoSeat,
  IO_BYTES,
  WORKSPACE_BYTES,
} from '../../kernel/crypto-kernel.ts';

/** Posted to every thread. */
export interface SeatTable {
  readonly seats: readonly CryptoSeat[];
  /** One word a seat: 0, or the thread that sits there. */
  readonly claims: Int32Array<SharedArrayBuffer>;
}

/** How long a new thread waits for the seat of one that is ending. */
const CLAIM_TIMEOUT_MS = 30_000;

export function reserveSeats(build: CryptoBuild, memory: CryptoMemory, count: number): SeatTable {
  const seats = Array.from({ length: count }, () => CryptoKernel.reserve(build, memory));
  return { seats, claims: new Int32Array(new SharedArrayBuffer(count * 4)) };
}

/** Makes the seats of a thread that has ended free, wiped. */
export function freeSeats({ seats, claims }: SeatTable, thread: number): void {
  seats.forEach((seat, i) => {
    if (Atomics.load(claims, i) !== thread) return;
    wipeSeat(seat);
    Atomics.store(claims, i, 0);
    Atomics.notify(claims, i);
  });
}

/** In a thread of the pool: a seat for as long as it lives. */
export function claimSeat({ seats, claims }: SeatTable): CryptoSeat {
  const deadline = Date.now() + CLAIM_TIMEOUT_MS;
  for (;;) {
    const i = seats.findIndex((_, seat) => Atomics.compareExchange(claims, seat, 0, threadId) === 0);
    if (i !== -1) return seats[i]!;
    if (Date.now() > deadline) throw new Error(`expected one of ${seats.length} seats, got none`);
    // Any of them may become free; looking again now and then finds the others.
    Atomics.wait(claims, 0, Atomics.load(claims, 0), 5);
  }
}

/** What a computation that did not end may have left there. */
export function wipeSeat({ memory, address }: CryptoSeat): void {
  new Uint8Array(memory.buffer, address, WORKSPACE_BYTES + IO_BYTES).fill(0);
}
