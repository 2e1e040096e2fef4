// Signed orders of shops and operators on their way to the runner: many at a time, one verification.
//
//     message ─▶ known already? ── yes ─────────────────────────────────────────▶ runner ─▶ standing
//                   └─ no ─▶ rules, whose key ─▶ all signatures at once ─ good ─▶ runner ─▶ standing
//
// One that is known was checked when it came first, and the runner compares the digest: it is answered for ever, whatever
// has become since of times and keys.
import type { SignedMessage } from '../../crypto/index.ts';
import { Refusal } from '../common/refusal.ts';
import { type CashRefused, orderSignatureInvalid } from './check.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';

export interface SignedOrder {
  /** The request. */
  readonly id: bigint;
  /** What is to be verified of one that is new, or why it is refused before that. Nothing remembers that it was. */
  check(): SignedMessage | CashRefused;
}

export type Finding = CashRefused | 'known' | 'new';

/** What is to be done about each, in order. @throws CryptoError */
export async function examine(
  orders: readonly SignedOrder[],
  { runner, verifyBatch, log }: Pick<CashParts, 'runner' | 'verifyBatch' | 'log'>,
): Promise<Finding[]> {
  const items: SignedMessage[] = [];
  const places: number[] = [];
  const findings = orders.map(({ id, check }, i): Finding => {
    try {
      if (runner.lookup(id) !== undefined) return 'known';
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      log.error({ request: String(id), error: text }, 'a request could not be read');
      return new Refusal<CashRefusal>(
        'internal_error',
        `request ${id}: expected its record, got a damaged one`,
      );
    }
    const checked = check();
    if (checked instanceof Refusal) return checked;
    items.push(checked);
    places.push(i);
    return 'new';
  });
  const verdicts = items.length === 0 ? [] : await verifyBatch(items);
  places.forEach((place, n) => {
    if (!verdicts[n]) findings[place] = orderSignatureInvalid();
  });
  return findings;
}

/** How long a caller waits for its order to be through, which takes two flushes. Beyond: `busy`, and it asks again. */
export const ORDER_WAIT_MS = 2_000;

export function stillUnderWay(): CashRefused {
  return new Refusal<CashRefusal>('busy', 'expected the order to be through by now: ask again');
}
