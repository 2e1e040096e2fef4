// A kernel that found itself in a state that cannot be is not used again.
import { describe, expect, test } from 'vitest';
import { kernel, kernelChoice, useKernel } from '../../src/crypto/kernel.ts';
import { sha256 } from '../../src/crypto/sha256.ts';
import { type CryptoBuild, CryptoKernel } from '../../src/kernel/crypto-kernel.ts';
import { KernelAbort } from '../../src/kernel/kernel-abort.ts';

describe.each<CryptoBuild>(['simd', 'scalar'])('after a KernelAbort (%s)', (build) => {
  test('the thread goes on with another instance of the same build', () => {
    const first = CryptoKernel.instantiate({ build });
    useKernel(first, 'under test');
    expect(kernel()).toBe(first);
    expect(first.aborted).toBe(false);
    expect(() => first.exports.ed25519VerifyItems(first.io, 1_000_000, first.io)).toThrow(KernelAbort);
    expect(first.aborted).toBe(true);
    const second = kernel();
    expect(second).not.toBe(first);
    expect(second.build).toBe(build);
    expect(second.exports.workspaceRoom()).toBe(CryptoKernel.instantiate({ build }).exports.workspaceRoom());
    expect(kernel()).toBe(second);
    expect(kernelChoice().build).toBe(build);
    expect(Buffer.from(sha256(new Uint8Array())).toString('hex')).toMatch(
      /^e3b0c44298fc1c149afbf4c8996fb924/,
    );
  });
});
