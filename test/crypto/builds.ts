// Every test of a primitive runs over both builds of the kernels.
import { beforeAll, describe } from 'vitest';
import { useKernel } from '../../src/crypto/kernel.ts';
import { type CryptoBuild, CryptoKernel } from '../../src/kernel/crypto-kernel.ts';

const BUILDS: CryptoBuild[] = ['simd', 'scalar'];
const kernels = new Map<CryptoBuild, CryptoKernel>();

export function kernelOf(build: CryptoBuild): CryptoKernel {
  let kernel = kernels.get(build);
  if (kernel === undefined) {
    kernel = CryptoKernel.instantiate({ build });
    kernels.set(build, kernel);
  }
  return kernel;
}

/** The same tests over each build: inside, `kernel()` of src/crypto is that build's. */
export function eachBuild(name: string, tests: (kernel: CryptoKernel) => void): void {
  for (const build of BUILDS) {
    describe(`${name} (${build})`, () => {
      const kernel = kernelOf(build);
      beforeAll(() => useKernel(kernel, 'under test'));
      tests(kernel);
    });
  }
}
