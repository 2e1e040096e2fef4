import { type CryptoBuild, CryptoKernel } from '../kernel/crypto-kernel.ts';

export interface KernelChoice {
  /** 'simd': relaxed SIMD with fused multiply-adds; 'scalar': no SIMD at all. */
  readonly build: CryptoBuild;
  /** Why this one. */
  readonly reason: string;
}

let current: CryptoKernel | undefined;
let choice: KernelChoice | undefined;

/** The kernel of this thread, loaded at the first call. */
export function kernel(): CryptoKernel {
  if (current === undefined) {
    const forced = process.env.SPECIE_CRYPTO;
    choice =
      forced === 'scalar' || forced === 'simd'
        ? { build: forced, reason: `SPECIE_CRYPTO=${forced}` }
        : { build: 'simd', reason: 'the default' };
    current = CryptoKernel.instantiate({ build: choice.build });
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
