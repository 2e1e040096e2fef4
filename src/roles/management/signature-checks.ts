// Signatures that are to be checked in one turn, checked together: of many, each costs less than half.
import { ed25519, type SignedMessage } from '../../crypto/index.ts';

export type CheckSignature = (item: SignedMessage) => Promise<boolean>;

interface Waiting {
  readonly item: SignedMessage;
  readonly resolve: (good: boolean) => void;
  readonly reject: (error: unknown) => void;
}

/** @param afterTurn calls back when what has come in together has been taken in */
export function signatureChecks(afterTurn: (run: () => void) => unknown = setImmediate): CheckSignature {
  let waiting: Waiting[] = [];

  const run = (): void => {
    const batch = waiting;
    waiting = [];
    try {
      const verdicts = ed25519.verifyBatch(batch.map(({ item }) => item));
      for (const [i, { resolve }] of batch.entries()) resolve(verdicts[i]!);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (waiting.length === 1) afterTurn(run);
    });
}
