// Signatures of cash, many at a time: under its keys as the directory has them, made ready once.
import { ed25519, type PreparedKey } from '../../crypto/index.ts';
import { toHex } from '../../identity/binary-text.ts';
import type { BatchCrypto } from '../common/batch-crypto.ts';
import { perKey } from '../common/per-key.ts';
import type { ReceiptProblem } from './check-receipt.ts';
import type { CurrentDirectory } from './interface.ts';

export interface CashSigned {
  readonly keyId: Uint8Array;
  /** What the signature is over. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** For each whether it is good: undefined, or what is wrong with it. */
export type CheckCashSignatures = (items: readonly CashSigned[]) => Promise<(ReceiptProblem | undefined)[]>;

/** Keys of cash at a time: the one in use, those before. Beyond: made ready anew. */
const KEYS_MAX = 16;

export interface CashSignaturesOptions {
  readonly directory: CurrentDirectory;
  readonly crypto: BatchCrypto;
  readonly clock: () => bigint;
}

export function cashSignatures({ directory, crypto, clock }: CashSignaturesOptions): CheckCashSignatures {
  const ready = new Map<string, PreparedKey>();

  function prepared(publicKey: Uint8Array): PreparedKey {
    const name = toHex(publicKey);
    let key = ready.get(name);
    if (key === undefined) {
      if (ready.size >= KEYS_MAX) ready.clear();
      key = ed25519.prepare(publicKey);
      ready.set(name, key);
    }
    return key;
  }

  return async (items) => {
    const now = clock();
    // Whether a key counts is asked once a batch.
    const counting = perKey((keyId) => {
      const publicKey = directory.current().verificationKey('cash', keyId, now);
      if (publicKey === undefined) directory.missed();
      return publicKey && prepared(publicKey);
    });
    const keys = items.map(({ keyId }) => counting(keyId));
    const known = [...items.keys()].filter((i) => keys[i] !== undefined);
    const verdicts = await crypto.verifyBatch(
      known.map((i) => {
        const { message, signature } = items[i]!;
        return { publicKey: keys[i]!, message, signature };
      }),
    );
    const problems: (ReceiptProblem | undefined)[] = items.map(() => 'receipt_of_unknown_key');
    known.forEach((i, n) => {
      problems[i] = verdicts[n] === true ? undefined : 'receipt_signature_invalid';
    });
    return problems;
  };
}
