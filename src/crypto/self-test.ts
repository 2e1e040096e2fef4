// Known answers of the kernels, computed once when a build is loaded: a build that gets one wrong is not used. Each is
// small; together they reach every family of assembly/, and the straight and the several-at-a-time way of each.
import { type CryptoKernel, IO_BYTES } from '../kernel/crypto-kernel.ts';

export interface KnownAnswer {
  readonly name: string;
  /** Computes in the kernel's io, which is wiped afterwards. */
  holds(kernel: CryptoKernel): boolean;
}

/** The name of the answer that comes out wrong where a multiply-add rounds twice. */
export const FUSED_MULTIPLY_ADD = 'a fused multiply-add';

const P = 2n ** 255n - 19n;

/** The name of the first answer that this kernel gets wrong. */
export function wrongAnswer(
  kernel: CryptoKernel,
  answers: readonly KnownAnswer[] = KNOWN_ANSWERS,
): string | undefined {
  const wrong = answers.find((answer) => {
    try {
      return !answer.holds(kernel);
    } catch (error) {
      // A trap; anything else is a mistake here.
      if (error instanceof TypeError || error instanceof ReferenceError) throw error;
      return true;
    }
  });
  kernel.bytes.fill(0, kernel.io, kernel.io + IO_BYTES);
  return wrong?.name;
}

/** Puts bytes given as hex at `address`. */
function put(kernel: CryptoKernel, address: number, hex: string): void {
  kernel.bytes.set(Buffer.from(hex, 'hex'), address);
}

const holds = (kernel: CryptoKernel, address: number, hex: string): boolean =>
  Buffer.from(kernel.copy(address, hex.length / 2)).equals(Buffer.from(hex, 'hex'));

const littleEndian = (value: bigint): string =>
  Buffer.from(value.toString(16).padStart(64, '0'), 'hex').reverse().toString('hex');

/**
 * Modulo 2^255 - 19: products of dense elements, of which a multiply-add that rounds twice loses the low halves. Here the
 * known answer is exact arithmetic.
 */
const fusedMultiplyAdd: KnownAnswer = {
  name: FUSED_MULTIPLY_ADD,
  holds(kernel) {
    const { exports, io } = kernel;
    const [x, y, bytesA, bytesB] = [io, io + 128, io + 256, io + 320] as const;
    const pairIs = (pair: number, a: bigint, b: bigint): boolean => {
      exports.fieldToBytes(bytesA, bytesB, pair);
      return holds(kernel, bytesA, littleEndian(a)) && holds(kernel, bytesB, littleEndian(b));
    };
    let a = P - 2n ** 200n - 12_345n;
    let b = 2n ** 255n / 3n;
    for (let i = 0; i < 8; i++) {
      put(kernel, bytesA, littleEndian(a));
      put(kernel, bytesB, littleEndian(b));
      exports.fieldFromBytes(x, bytesA, bytesB);
      exports.fieldFromBytes(y, bytesB, bytesA);
      exports.fieldMul(y, x, y);
      exports.fieldSqr(x, x);
      const product = (a * b) % P;
      if (!pairIs(y, product, product) || !pairIs(x, (a * a) % P, (b * b) % P)) return false;
      [a, b] = [(a * a) % P, product];
    }
    return true;
  },
};

export const KNOWN_ANSWERS: readonly KnownAnswer[] = [fusedMultiplyAdd];
