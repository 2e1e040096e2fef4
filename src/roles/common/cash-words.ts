// Cash's word on notes: whether it says what it should, signed by a key of cash that counts. What does not is never believed.
// Signatures that come in one turn are checked as one batch.
import { sha256 } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import { TurnBatch } from '../../mint/turn-batch.ts';
import type { NotesBookedAnswer } from '../cash/note-messages.ts';
import { NoteOrder, NoteReceipt, NoteRejection } from '../documents/note-order.ts';
import type { BatchCrypto } from './batch-crypto.ts';
import { perKey } from './per-key.ts';

/** What is wrong with a receipt or a rejection, as it stands in a state and in the log. */
export type WordProblem =
  | 'word_of_other_request'
  | 'word_of_other_order'
  | 'word_of_other_action'
  | 'word_of_other_amount'
  | 'word_of_other_currency'
  | 'word_of_unknown_key'
  | 'word_signature_invalid';

/** What cash was asked for. */
export type Asked = Pick<NoteReceipt, 'request' | 'action' | 'amount' | 'currency' | 'reference'> & {
  /** Of its rejection. */
  readonly orderDigest: Uint8Array;
};

export const askedByOrder = (order: NoteOrder): Asked => ({
  ...order,
  orderDigest: sha256(NoteOrder.codec.encode(order)),
});

interface SignedWord {
  readonly keyId: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface CashWordsOptions {
  /** Ed25519: cash's signing key of that id, as long as its signatures count. */
  readonly cashKey: (keyId: Uint8Array) => Uint8Array | undefined;
  readonly crypto: BatchCrypto;
}

/** undefined: cash has said so, and it is an answer to what it was asked. */
export type CheckCashWord = (answer: NotesBookedAnswer, asked: Asked) => Promise<WordProblem | undefined>;

export function cashWords({ cashKey, crypto }: CashWordsOptions): CheckCashWord {
  const batches = new TurnBatch<SignedWord, WordProblem | undefined>({
    compute: async (words) => {
      const keyOf = perKey(cashKey);
      const keys = words.map(({ keyId }) => keyOf(keyId));
      const known = [...words.keys()].filter((i) => keys[i] !== undefined);
      const verdicts = await crypto.verifyBatch(
        known.map((i) => ({
          publicKey: keys[i]!,
          message: words[i]!.message,
          signature: words[i]!.signature,
        })),
      );
      const problems: (WordProblem | undefined)[] = words.map(() => 'word_of_unknown_key');
      known.forEach((i, n) => {
        problems[i] = verdicts[n] === true ? undefined : 'word_signature_invalid';
      });
      return problems;
    },
  });

  return async (answer, asked) => {
    const problem = problemOf(answer, asked);
    return problem ?? (await batches.run([signedWord(answer)]))[0];
  };
}

function problemOf(answer: NotesBookedAnswer, asked: Asked): WordProblem | undefined {
  if (answer.kind === 'rejected') {
    const { request, orderDigest } = answer.rejection.document;
    if (request !== asked.request) return 'word_of_other_request';
    return equalBytes(orderDigest, asked.orderDigest) ? undefined : 'word_of_other_order';
  }
  const { request, action, amount, currency, reference } = answer.receipt.document;
  if (request !== asked.request) return 'word_of_other_request';
  if (action !== asked.action) return 'word_of_other_action';
  if (amount !== asked.amount) return 'word_of_other_amount';
  if (currency !== asked.currency) return 'word_of_other_currency';
  return equalBytes(reference, asked.reference) ? undefined : 'word_of_other_order';
}

function signedWord(answer: NotesBookedAnswer): SignedWord {
  if (answer.kind === 'rejected') {
    const { document, signature } = answer.rejection;
    return { keyId: document.keyId, message: NoteRejection.signedBytes(document), signature };
  }
  const { document, signature } = answer.receipt;
  return { keyId: document.keyId, message: NoteReceipt.signedBytes(document), signature };
}
