import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { chooseKernel } from '../../src/crypto/choose-kernel.ts';
import {
  FUSED_MULTIPLY_ADD,
  KNOWN_ANSWERS,
  type KnownAnswer,
  wrongAnswer,
} from '../../src/crypto/self-test.ts';
import { type CryptoBuild, CryptoKernel, IO_BYTES } from '../../src/kernel/crypto-kernel.ts';
import { eachBuild } from './builds.ts';

/** A known answer that only the given builds compute. */
const rightIn = (name: string, ...builds: CryptoBuild[]): KnownAnswer => ({
  name,
  holds: ({ build }) => builds.includes(build),
});

eachBuild('known answers', (kernel) => {
  for (const answer of KNOWN_ANSWERS) {
    test(answer.name, () => expect(answer.holds(kernel)).toBe(true));
  }

  test('leave nothing in io', () => {
    kernel.bytes.fill(0xa5, kernel.io, kernel.io + IO_BYTES);
    expect(wrongAnswer(kernel)).toBeUndefined();
    expect(kernel.copy(kernel.io, IO_BYTES).every((byte) => byte === 0)).toBe(true);
  });

  test('a wrong answer and a trap are found', () => {
    const right = rightIn('right', 'simd', 'scalar');
    const trap: KnownAnswer = {
      name: 'trap',
      holds({ build }) {
        CryptoKernel.instantiate({ build }).exports.initialise(1, 64);
        return true;
      },
    };
    expect(wrongAnswer(kernel, [right])).toBeUndefined();
    expect(wrongAnswer(kernel, [right, rightIn('wrong'), trap])).toBe('wrong');
    expect(wrongAnswer(kernel, [right, trap])).toBe('trap');
  });
});

test('known answers of a damaged module come out wrong', () => {
  // Damaged in its constants, one place after another; each is put right again.
  const damaged = CryptoKernel.instantiate({ build: 'simd' });
  const statics = damaged.exports.staticEnd();
  let wrong = 0;
  // No more than 300 places, however many constants there are.
  const step = Math.max(64, 8 * Math.ceil(statics / 2_400));
  for (let address = 8; address < statics; address += step) {
    const before = damaged.bytes[address]!;
    damaged.bytes[address] = before ^ 0x10;
    if (wrongAnswer(damaged) !== undefined) wrong += 1;
    damaged.bytes[address] = before;
  }
  expect(wrong).toBeGreaterThan(0);
  expect(wrongAnswer(damaged)).toBeUndefined();
});

describe('the choice', () => {
  test('relaxed SIMD where its answers are right', () => {
    const { kernel, choice } = chooseKernel({});
    expect(choice).toEqual({
      build: 'simd',
      reason: 'relaxed SIMD, fused multiply-add confirmed by known answers',
    });
    expect(kernel.build).toBe('simd');
  });

  test('scalar where a multiply-add is not fused', () => {
    const { kernel, choice } = chooseKernel({ answers: [rightIn(FUSED_MULTIPLY_ADD, 'scalar')] });
    expect(choice).toEqual({ build: 'scalar', reason: 'scalar: relaxed_madd is not fused here' });
    expect(kernel.build).toBe('scalar');
    expect(kernel.exports.staticEnd()).toBeGreaterThan(0);
  });

  test('scalar where another answer is wrong', () => {
    expect(chooseKernel({ answers: [...KNOWN_ANSWERS, rightIn('SHA-3', 'scalar')] }).choice).toEqual({
      build: 'scalar',
      reason: 'scalar: relaxed SIMD got the known answer of SHA-3 wrong',
    });
  });

  test('scalar where the engine refuses the module', () => {
    const instantiate = (build: CryptoBuild): CryptoKernel => {
      if (build === 'simd') new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 1]));
      return CryptoKernel.instantiate({ build });
    };
    expect(chooseKernel({ instantiate }).choice).toEqual({
      build: 'scalar',
      reason: expect.stringMatching(/^scalar: this engine refused relaxed SIMD: WebAssembly\.Module\(\): /),
    });
  });

  test('any other failure to load is not passed over', () => {
    const instantiate = (): never => {
      throw new RangeError('no memory');
    };
    expect(() => chooseKernel({ instantiate })).toThrow('no memory');
  });

  test('no build with the right answers', () => {
    expect(() => chooseKernel({ answers: [rightIn('SHA-3')] })).toThrow(
      expect.objectContaining({
        name: 'CryptoError',
        code: 'unavailable',
        message: 'expected the known answer of SHA-3 from the scalar build, got another',
      }),
    );
  });

  test.for(['simd', 'scalar'] as const)('forced: %s', (forced) => {
    const { kernel, choice } = chooseKernel({ forced });
    expect(choice).toEqual({ build: forced, reason: `SPECIE_CRYPTO=${forced}` });
    expect(kernel.build).toBe(forced);
    expect(() => chooseKernel({ forced, answers: [rightIn('SHA-3')] })).toThrow(`from the ${forced} build`);
  });

  test('forced to what there is not', () => {
    expect(() => chooseKernel({ forced: 'avx' })).toThrow(
      expect.objectContaining({
        code: 'invalid_argument',
        message: 'expected SPECIE_CRYPTO as simd or scalar, got avx',
      }),
    );
    expect(chooseKernel({ forced: '' }).choice.build).toBe('simd');
  });

  test.for([undefined, 'simd', 'scalar'])(
    'in a process with SPECIE_CRYPTO=%s, its pool the same',
    (forced) => {
      const module = (name: string): string => new URL(`../../dist/crypto/${name}.js`, import.meta.url).href;
      const script = `
      import { kernelChoice } from '${module('kernel')}';
      import { createCryptoPool } from '${module('pool/crypto-pool')}';
      const pool = createCryptoPool({ threads: 1 });
      process.stdout.write(JSON.stringify({ ...kernelChoice(), pool: pool.stats().build }));
      // Neither closed nor in use: the process ends by itself.
    `;
      const { SPECIE_CRYPTO: _, ...env } = process.env;
      const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        env: { ...env, ...(forced && { SPECIE_CRYPTO: forced }) },
        encoding: 'utf8',
        timeout: 30_000,
      });
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      const build = forced ?? 'simd';
      expect(JSON.parse(stdout)).toEqual({ build, pool: build, reason: expect.any(String) });
    },
  );
});
