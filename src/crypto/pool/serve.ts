// One thread of the pool: a kernel in a seat of the shared memory, kept warm, that runs slots in place.
import { CryptoKernel } from '../../kernel/crypto-kernel.ts';
import { KernelAbort } from '../../kernel/kernel-abort.ts';
import { poolData } from '../../pool/pool.ts';
import { useKernel } from '../kernel.ts';
import type { Runnable } from './operation.ts';
import { claimSeat, type SeatTable, wipeSeat } from './seats.ts';
import { type BatchAnswer, type BatchTask, SLOT_HEADER_BYTES, SlotHeaders } from './slot.ts';

/** Takes a seat, and answers the task that Piscina is to run in this thread. */
export function serveBatches(operations: readonly Runnable[]): (task: BatchTask) => BatchAnswer {
  const byName = new Map(operations.map((operation) => [operation.name, operation]));
  const seat = claimSeat(poolData<SeatTable>());
  const headers = new SlotHeaders(seat.memory);
  let kernel = attach();

  function attach(): CryptoKernel {
    const attached = CryptoKernel.attach(seat);
    // An operation may also be made of the synchronous functions of specie/crypto.
    useKernel(attached, 'chosen by the thread that made the pool');
    return attached;
  }

  return ({ operation: name, address }) => {
    const count = headers.begin(address);
    try {
      const operation = byName.get(name);
      if (operation === undefined) throw new Error(`expected an operation of the pool, got ${name}`);
      operation.run(kernel, address + SLOT_HEADER_BYTES, count);
      return undefined;
    } catch (error) {
      // What it had taken of its workspace is lost with the instance, and may hold secrets.
      wipeSeat(seat);
      kernel = attach();
      const place = error instanceof KernelAbort ? error.place : 'crypto pool';
      return { trap: error instanceof Error ? error.message : String(error), place };
    }
  };
}
