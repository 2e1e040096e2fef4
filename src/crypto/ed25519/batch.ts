// Verification of many signatures at once, by one equation: assembly/curve/verify.ts. A verdict does not depend on what
// else is in the batch, and is the one of `verify`.
import { randomBytes as secureRandomBytes } from 'node:crypto';
import { IO_BYTES } from '../../kernel/crypto-kernel.ts';
import { expectBytes, expectFunction, expectItems, expectObject } from '../errors.ts';
import { kernel } from '../kernel.ts';
import {
  COEFFICIENT_BYTES,
  expectSigned,
  hashLong,
  hasLengths,
  ITEM_BYTES,
  layItem,
  textRoom,
  type VerificationKey,
  verdictOf,
  viewsOf,
} from './verify-item.ts';

export interface SignedMessage {
  readonly publicKey: VerificationKey;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface VerifyBatchOptions {
  /**
   * The source of the coefficients, 16 bytes a signature: it must be fit for secrets. Whoever could tell them beforehand
   * could make bad signatures that pass together.
   */
  readonly randomBytes?: (length: number) => Uint8Array;
}

const NO_DOMAIN = new Uint8Array();

/** Throws invalid_argument for arguments of other types; what the items hold is not looked at. */
export function expectBatch(
  items: readonly SignedMessage[],
  options: VerifyBatchOptions,
): Required<VerifyBatchOptions> {
  expectItems('items', items);
  expectObject('options', options);
  const { randomBytes = secureRandomBytes } = options;
  expectFunction('randomBytes', randomBytes);
  return { randomBytes };
}

/**
 * For each item whether its signature is good, as `verify` without options says. Any number of items; the more of them, the
 * less each takes.
 * @throws CryptoError invalid_argument for other types
 */
export function verifyBatch(items: readonly SignedMessage[], options: VerifyBatchOptions = {}): boolean[] {
  const { randomBytes } = expectBatch(items, options);
  const countMax = kernel().exports.VERIFY_COUNT_MAX.value;
  const verdicts = new Array<boolean>(items.length).fill(false);
  let part: number[] = [];
  let room = 0;
  for (let i = 0; i < items.length; i++) {
    const { publicKey, message, signature } = items[i]!;
    expectSigned(publicKey, message, signature);
    if (!hasLengths(publicKey, signature)) continue;
    const needed = ITEM_BYTES + COEFFICIENT_BYTES + textRoom(message, NO_DOMAIN);
    if (part.length === countMax || room + needed > IO_BYTES) {
      verifyPart(items, part, verdicts, randomBytes);
      part = [];
      room = 0;
    }
    part.push(i);
    room += needed;
  }
  if (part.length > 0) verifyPart(items, part, verdicts, randomBytes);
  return verdicts;
}

/** The items of the given indices, which fit in io together. */
function verifyPart(
  items: readonly SignedMessage[],
  part: readonly number[],
  verdicts: boolean[],
  randomBytes: (length: number) => Uint8Array,
): void {
  // Hashes of long messages go through io themselves, so they come first.
  const hashed = part.map((i) => {
    const { publicKey, message, signature } = items[i]!;
    return hashLong(publicKey, message, signature, NO_DOMAIN);
  });
  const instance = kernel();
  const views = viewsOf(instance);
  const coefficients = instance.io + part.length * ITEM_BYTES;
  if (part.length > 1) {
    const random = randomBytes(part.length * COEFFICIENT_BYTES);
    expectBytes('result of randomBytes', random, part.length * COEFFICIENT_BYTES);
    views.bytes.set(random, coefficients);
  }
  let text = coefficients + part.length * COEFFICIENT_BYTES;
  for (let n = 0; n < part.length; n++) {
    const { publicKey, message, signature } = items[part[n]!]!;
    const item = instance.io + n * ITEM_BYTES;
    const long = hashed[n];
    layItem(
      views,
      item,
      text,
      long?.publicKey ?? publicKey,
      message,
      long?.signature ?? signature,
      NO_DOMAIN,
      long?.digest,
    );
    text += textRoom(message, NO_DOMAIN);
  }
  instance.exports.ed25519VerifyItems(instance.io, part.length, coefficients);
  for (let n = 0; n < part.length; n++) {
    verdicts[part[n]!] = verdictOf(views, instance.io + n * ITEM_BYTES);
  }
}
