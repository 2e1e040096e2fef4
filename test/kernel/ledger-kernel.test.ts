import { describe, expect, it } from 'vitest';
import { KernelAbort, LedgerKernel } from '../../src/kernel/ledger-kernel.ts';
import {
  AccountLayout,
  BATCH_RECORDS_MAX,
  CreateTransferStatus,
  GlobalsLayout,
  Operation,
  RECORD_SIZE,
  SLOT_RESULTS_OFFSET,
  Table,
  writeAccount,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { encode, readResults } from './kernel-target.ts';
import { MemoryLedger } from './memory-host.ts';

const HOST = {
  readRecord: () => {
    throw new Error('the host has no records');
  },
  transferAt: () => false,
  loadRun: () => {},
  readRunPage: () => 0,
};

const accounts = (first: number, count: number) =>
  encode(
    Array.from({ length: count }, (_, i) => ({ id: BigInt(first + i), ledger: 1, code: 1 })),
    writeAccount,
  );

describe('the kernel in memory', () => {
  it('lives in the memory it is given', () => {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 65_536, shared: true });
    const kernel = LedgerKernel.instantiate({ host: HOST, memory });
    expect(kernel.memory).toBe(memory.buffer);
    const address = kernel.allocate(1000);
    expect(address % 64).toBe(0);
    kernel.bytes(address, 1000).fill(7);
    expect(new Uint8Array(memory.buffer, address, 1000).every((byte) => byte === 7)).toBe(true);
  });

  it('says so when there is too little memory', () => {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 128, shared: true });
    expect(() => LedgerKernel.instantiate({ host: HOST, memory })).toThrow(KernelAbort);
    const kernel = LedgerKernel.instantiate({ host: HOST });
    expect(() => kernel.allocate(2 ** 32 - 1)).toThrow(
      'expected 4294967295 bytes of kernel memory, got none',
    );
  });

  it('renews its views when the memory grows', () => {
    const ledger = new MemoryLedger();
    const { kernel } = ledger;
    const before = kernel.memory.byteLength;
    const old = kernel.allocate(64);
    kernel.bytes(old, 4).set([1, 2, 3, 4]);
    const address = kernel.allocate(before);
    expect(kernel.memory.byteLength).toBeGreaterThan(before);
    kernel.view(address + before - 8, 8).setBigUint64(0, 5n, true);
    expect(kernel.u64(address + before - 8)).toBe(5n);
    expect(kernel.u32(old)).toBe(0x0403_0201);
    ledger.execute(Operation.create_accounts, accounts(1, 10), 10n);
    expect(ledger.lookupAccounts([3n, 11n, 4n]).map(({ id }) => id)).toEqual([3n, 4n]);
  });

  it('refuses a batch for which memory does not suffice, and stays as it was', () => {
    const memory = new WebAssembly.Memory({ initial: 64, maximum: 4096, shared: true });
    const kernel = LedgerKernel.instantiate({ host: HOST, memory, seed: 3n });
    const slot = kernel.allocateSlot();
    let op = 0;
    let first = 1;
    while (kernel.reserve(Operation.create_accounts, BATCH_RECORDS_MAX)) {
      kernel.bytes(slot, BATCH_RECORDS_MAX * RECORD_SIZE).set(accounts(first, BATCH_RECORDS_MAX));
      first += BATCH_RECORDS_MAX;
      op++;
      kernel.execute(Operation.create_accounts, op, BigInt(first) * 10n, slot, BATCH_RECORDS_MAX);
      const results = readResults(kernel.bytes(slot + SLOT_RESULTS_OFFSET, BATCH_RECORDS_MAX * 16));
      expect(results.every(({ status }) => status === CreateTransferStatus.created)).toBe(true);
    }
    expect(op).toBeGreaterThan(10);
    const count = Number(kernel.globals().getBigUint64(GlobalsLayout.accountCount, true));
    expect(count).toBe(op * BATCH_RECORDS_MAX);
    expect(kernel.pageCount(Table.accounts)).toBe(Math.ceil(count / 25));
    for (const id of [1n, BigInt(count >> 1), BigInt(count)]) {
      expect(kernel.accountRow(id)!.getBigUint64(AccountLayout.id, true)).toBe(id);
    }
    expect(kernel.accountRow(BigInt(count + 1))).toBeUndefined();
  });

  it('names what it found and where when it aborts', () => {
    const kernel = LedgerKernel.instantiate({ host: HOST });
    const slot = kernel.allocateSlot();
    kernel.execute(Operation.create_accounts, 5, 10n, slot, 0);
    const attempt = () => kernel.execute(Operation.create_accounts, 5, 20n, slot, 0);
    expect(attempt).toThrow(KernelAbort);
    expect(attempt).toThrow(/expected a later operation \(assembly\/ledger\/execute\.ts:\d+:\d+\)/);
    expect(() => kernel.execute(Operation.create_accounts, 6, 10n, slot, 1)).toThrow(
      'later than the operation before',
    );
    expect(() => kernel.execute(9, 6, 20n, slot, 1)).toThrow('expected an operation that writes');
    expect(() => kernel.execute(Operation.create_accounts, 2 ** 40, 20n, slot, 1)).toThrow(RangeError);
  });

  it('lets an error of its host through', () => {
    const failing = LedgerKernel.instantiate({ host: HOST, seed: 1n });
    const slot = failing.allocateSlot();
    failing.reserve(Operation.create_accounts, 2);
    failing.bytes(slot, 2 * RECORD_SIZE).set(accounts(1, 2));
    failing.execute(Operation.create_accounts, 1, 100n, slot, 2);
    const transfer = encode(
      [{ id: 1n, debitAccountId: 1n, creditAccountId: 2n, ledger: 1, code: 1 }],
      writeTransfer,
    );
    for (const [op, expected] of [
      [2, undefined],
      [3, 'the host has no records'],
    ] as const) {
      failing.reserve(Operation.create_transfers, 1);
      failing.bytes(slot, RECORD_SIZE).set(transfer);
      const run = () => failing.execute(Operation.create_transfers, op, BigInt(op) * 100n, slot, 1);
      // The second time the id exists, and the record has to be compared.
      if (expected === undefined) run();
      else expect(run).toThrow(expected);
    }
  });
});

describe('the reply', () => {
  it('has status and timestamp of every record, and nothing of the engine', () => {
    const ledger = new MemoryLedger();
    ledger.execute(Operation.create_accounts, accounts(1, 2), 10n);
    const events = encode(
      [
        { id: 1n, debitAccountId: 1n, creditAccountId: 2n, ledger: 1, code: 1 },
        { id: 2n, debitAccountId: 1n, creditAccountId: 1n, ledger: 1, code: 1 },
      ],
      writeTransfer,
    );
    const reply = ledger.execute(Operation.create_transfers, events, 20n);
    const view = new DataView(reply.buffer);
    expect(readResults(reply)).toEqual([
      { timestamp: 19n, status: CreateTransferStatus.created },
      { timestamp: 20n, status: CreateTransferStatus.accounts_must_be_different },
    ]);
    expect([view.getUint32(12, true), view.getUint32(28, true)]).toEqual([0, 0]);
    // It is a copy: what the slot is used for next does not change it.
    ledger.execute(Operation.create_accounts, accounts(3, 2), 30n);
    expect(readResults(reply)[0]!.timestamp).toBe(19n);
  });

  it('of an empty batch is empty', () => {
    const ledger = new MemoryLedger();
    expect(ledger.execute(Operation.create_transfers, new Uint8Array(0), 1n)).toEqual(new Uint8Array(0));
    expect(ledger.execute(Operation.create_accounts, new Uint8Array(0), 2n)).toEqual(new Uint8Array(0));
    expect(ledger.pulses(1000n)).toBe(0);
  });
});
