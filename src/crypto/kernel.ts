// The kernel of this thread.
import { CryptoKernel } from '../kernel/crypto-kernel.ts';
import { chooseKernel, type KernelChoice } from './choose-kernel.ts';

export type { KernelChoice } from './choose-kernel.ts';

let current: CryptoKernel | undefined;
let choice: KernelChoice | undefined;

/** The kernel of this thread, chosen and tested at the first call; after a KernelAbort, a new one of the same build. */
export function kernel(): CryptoKernel {
  if (current === undefined) {
    const chosen = chooseKernel({ forced: process.env.SPECIE_CRYPTO });
    current = chosen.kernel;
    choice = chosen.choice;
  } else if (current.aborted) {
    current = CryptoKernel.instantiate({ build: current.build });
  }
  return current;
}

/** Lets this thread compute with that kernel from now on. */
export function useKernel(kernel: CryptoKernel, reason: string): void {
  current = kernel;
  choice = { build: kernel.build, reason };
}

/** Which build runs in this thread, and why. */
export function kernelChoice(): KernelChoice {
  kernel();
  return choice!;
}
