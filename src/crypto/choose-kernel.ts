// Which build of the kernels a thread computes with: relaxed SIMD where its known answers come out right, scalar elsewhere.
// "Relaxed" leaves it to the processor whether a multiply-add rounds once or twice; the field arithmetic needs once.
import { type CryptoBuild, CryptoKernel } from '../kernel/crypto-kernel.ts';
import { CryptoError } from './errors.ts';
import { FUSED_MULTIPLY_ADD, KNOWN_ANSWERS, type KnownAnswer, wrongAnswer } from './self-test.ts';

export interface KernelChoice {
  /** 'simd': relaxed SIMD with fused multiply-adds; 'scalar': no SIMD at all. */
  readonly build: CryptoBuild;
  /** Why this one. */
  readonly reason: string;
}

export interface ChooseOptions {
  /** SPECIE_CRYPTO: 'simd' or 'scalar' takes that build, and still tests it. */
  readonly forced?: string | undefined;
  readonly instantiate?: (build: CryptoBuild) => CryptoKernel;
  readonly answers?: readonly KnownAnswer[];
}

/** Throws CryptoError `unavailable` when no build computes its known answers. */
export function chooseKernel({
  forced,
  instantiate = (build) => CryptoKernel.instantiate({ build }),
  answers = KNOWN_ANSWERS,
}: ChooseOptions): { readonly kernel: CryptoKernel; readonly choice: KernelChoice } {
  if (forced === 'simd' || forced === 'scalar') {
    return tested(forced, `SPECIE_CRYPTO=${forced}`);
  }
  if (forced !== undefined && forced !== '') {
    throw new CryptoError('invalid_argument', `expected SPECIE_CRYPTO as simd or scalar, got ${forced}`);
  }
  let simd: CryptoKernel;
  try {
    simd = instantiate('simd');
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError)) throw error;
    return tested('scalar', `scalar: this engine refused relaxed SIMD: ${error.message}`);
  }
  const wrong = wrongAnswer(simd, answers);
  if (wrong === undefined) {
    const reason = 'relaxed SIMD, fused multiply-add confirmed by known answers';
    return { kernel: simd, choice: { build: 'simd', reason } };
  }
  return tested(
    'scalar',
    wrong === FUSED_MULTIPLY_ADD
      ? 'scalar: relaxed_madd is not fused here'
      : `scalar: relaxed SIMD got the known answer of ${wrong} wrong`,
  );

  function tested(build: CryptoBuild, reason: string): ReturnType<typeof chooseKernel> {
    const kernel = instantiate(build);
    const wrong = wrongAnswer(kernel, answers);
    if (wrong !== undefined) {
      throw new CryptoError(
        'unavailable',
        `expected the known answer of ${wrong} from the ${build} build, got another`,
      );
    }
    return { kernel, choice: { build, reason } };
  }
}
