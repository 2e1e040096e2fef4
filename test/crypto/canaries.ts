// Nothing outside a declared buffer changes: buffers of kernel memory between guards.
import { expect } from 'vitest';
import type { CryptoKernel } from '../../src/kernel/crypto-kernel.ts';

const GUARD_BYTES = 256;
const PATTERN = 0xa5;

/**
 * Places buffers of the given lengths in the kernel's io, each between guards, and runs `call` with their addresses.
 * Every byte of io outside the buffers must be what it was. Returns what each buffer holds afterwards.
 */
export function withCanaries(
  kernel: CryptoKernel,
  lengths: readonly number[],
  call: (addresses: number[]) => void,
): Uint8Array[] {
  const addresses: number[] = [];
  let end = kernel.io;
  for (const length of lengths) {
    addresses.push(end + GUARD_BYTES);
    end += Math.ceil((GUARD_BYTES + length) / 64) * 64;
  }
  end += GUARD_BYTES;
  const buffers = (): Uint8Array[] => lengths.map((length, i) => kernel.copy(addresses[i]!, length));
  kernel.bytes.fill(PATTERN, kernel.io, end);
  call(addresses);
  const after = buffers();
  lengths.forEach((length, i) => {
    kernel.bytes.fill(PATTERN, addresses[i]!, addresses[i]! + length);
  });
  const damaged = kernel.bytes.subarray(kernel.io, end).findIndex((byte) => byte !== PATTERN);
  expect(damaged, 'first byte outside the buffers that changed').toBe(-1);
  return after;
}
