// Performs what the flow asks for: cash is asked, its word is checked, what is done is acknowledged.
import type { CheckCashWord } from '../common/cash-words.ts';
import type { Distrust } from '../common/distrust.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import type { AcknowledgementSigner } from './acknowledgements.ts';
import { requestToCash, type TakingEffect, type TakingOutcome } from './flow.ts';
import type { ReceiverCash } from './interface.ts';

export interface EffectsOptions {
  readonly cash: ReceiverCash;
  readonly checkWord: CheckCashWord;
  readonly signer: AcknowledgementSigner;
  readonly distrust: Distrust;
}

export function performTakings({
  cash,
  checkWord,
  signer,
  distrust,
}: EffectsOptions): Perform<TakingEffect, TakingOutcome> {
  async function receive(item: EffectItem<TakingEffect>): Promise<TakingOutcome | Again> {
    const { id, effect } = item;
    const { taking } = effect;
    const { amount, currency, reference, requestDigest } = taking;
    const result = await cash.receiveNotes(requestToCash(id, taking));
    if (result.kind === 'unknown') return again();
    // The notes are not given back for it: cash may still take the request, and rejects it in the end if not.
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    const { answer } = result;
    const asked = {
      ...{ request: id, action: 'receive' as const, amount, currency, reference },
      orderDigest: reference,
    };
    const problem = await checkWord(answer, asked);
    if (problem !== undefined) return distrust.distrust(item, problem);
    if (answer.kind === 'rejected') return { kind: 'rejected', reason: answer.rejection.document.reason };
    const { timestamp } = answer.receipt.document;
    return {
      kind: 'taken',
      acknowledgement: signer.sign({ request: id, amount, currency, requestDigest, timestamp }),
    };
  }
  return (items) => items.map((item) => distrust.noting(item.id, receive(item)));
}
