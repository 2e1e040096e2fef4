// A group of changes on its way to the write thread, as one piece of memory:
//
//     ┌────────────────┬──────────────────────┬─────┬───────┬───
//     │ value size u32 │ key size u32         │ key │ value │ …     value size 2^32-1: the record is removed
//     └────────────────┴──────────────────────┴─────┴───────┴───
import type { Changes } from './backend.ts';
import type { StoreErrorCode } from './errors.ts';

export interface WriterData {
  readonly path: string;
  readonly mapSizeBytes: number;
}

/** Errors lose their class between threads, so a failure is an answer. */
export type WriteAnswer = { readonly code: StoreErrorCode; readonly what: string } | undefined;

const HEADER_SIZE = 8;
const REMOVED = 0xffff_ffff;

export function packChanges(changes: Changes): Uint8Array {
  let size = 0;
  for (const [at, value] of changes) size += HEADER_SIZE + at.length + (value?.length ?? 0);
  const packed = Buffer.allocUnsafeSlow(size);
  let offset = 0;
  for (const [at, value] of changes) {
    packed.writeUInt32LE(value?.length ?? REMOVED, offset);
    packed.writeUInt32LE(at.length, offset + 4);
    offset += HEADER_SIZE;
    offset += packed.write(at, offset, 'latin1');
    if (value === undefined) continue;
    packed.set(value, offset);
    offset += value.length;
  }
  return packed;
}

export interface PackedChange {
  readonly key: Buffer;
  readonly value: Buffer | undefined;
  /** The key's size, key and value: what a record's checksum is over. */
  readonly summed: Buffer;
}

/** Bytes of each change's value; 0 where its record is removed. */
export function valueSizes(bytes: Uint8Array): number[] {
  const packed = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sizes: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    const valueSize = packed.getUint32(at, true);
    const size = valueSize === REMOVED ? 0 : valueSize;
    sizes.push(size);
    at += HEADER_SIZE + packed.getUint32(at + 4, true) + size;
  }
  return sizes;
}

/** The changes, in place. */
export function* unpackChanges(bytes: Uint8Array): Generator<PackedChange> {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < packed.length; ) {
    const valueSize = packed.readUInt32LE(at);
    const keyEnd = at + HEADER_SIZE + packed.readUInt32LE(at + 4);
    const key = packed.subarray(at + HEADER_SIZE, keyEnd);
    const value = valueSize === REMOVED ? undefined : packed.subarray(keyEnd, keyEnd + valueSize);
    const end = keyEnd + (value?.length ?? 0);
    yield { key, value, summed: packed.subarray(at + 4, end) };
    at = end;
  }
}
