// What the kernel asks of the host while a batch runs. Each call ends before `execute` goes on, and may not call back
// into `execute`.

/**
 * Copies the stored record at `ref` to `out`: a Transfer, or a PaymentOrder, which begins with one. Returns its bytes,
 * 128 or 256. `ref` is of an earlier operation.
 */
// @ts-ignore: decorator
@external("host", "readRecord")
export declare function readRecord(ref: u64, out: usize): u32;

/**
 * Whether a transfer with exactly this timestamp (nanoseconds) was created by an earlier operation. Asked only for
 * imported accounts that are older than the newest transfer.
 */
// @ts-ignore: decorator
@external("host", "transferAt")
export declare function transferAt(timestamp: u64): bool;
