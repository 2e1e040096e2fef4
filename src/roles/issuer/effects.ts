// Performs what the flows ask for: cash is asked, its word is checked, outputs are signed. What came together is checked, and
// signed, together.

import type { NotesBookedAnswer } from '../cash/note-messages.ts';
import { askedByOrder, type CheckCashWord } from '../common/cash-words.ts';
import type { Distrust } from '../common/distrust.ts';
import { type Again, again, type EffectItem, type Perform } from '../flow/flow.ts';
import type { IssueEffect, IssueOutcome, PayEffect, PayOutcome } from './flow.ts';
import type { IssuerCash } from './interface.ts';
import type { OutputSigner } from './sign.ts';

export interface EffectsOptions {
  readonly cash: IssuerCash;
  readonly checkWord: CheckCashWord;
  readonly signer: OutputSigner;
  readonly distrust: Distrust;
  readonly log?: { error(fields: object, message: string): void } | undefined;
}

export interface IssuerEffects {
  readonly performIssues: Perform<IssueEffect, IssueOutcome>;
  readonly performPayments: Perform<PayEffect, PayOutcome>;
}

type Distrusted = { readonly kind: 'distrusted'; readonly reason: string };

export function issuerEffects({ cash, checkWord, signer, distrust, log }: EffectsOptions): IssuerEffects {
  /** Asked again until it is credible: after a refusal cash may still do it. */
  async function ask(item: EffectItem<PayEffect>): Promise<NotesBookedAnswer | Distrusted | Again> {
    const { order } = item.effect;
    const result = await cash.noteOrder({ order });
    if (result.kind === 'unknown') return again();
    if (result.kind === 'refused') return distrust.distrust(item, result.refusal.code);
    const problem = await checkWord(result.answer, askedByOrder(order.document));
    return problem === undefined ? result.answer : distrust.distrust(item, problem);
  }

  async function issue(item: EffectItem<IssueEffect>): Promise<IssueOutcome | Again> {
    const said = await ask(item);
    if ('kind' in said && said.kind === 'rejected') signer.forget(item.id);
    if ('again' in said || said.kind !== 'done') return said;
    const signatures = await signer.signaturesFor(item.id, item.effect.outputs);
    if (signatures !== undefined) return { kind: 'issued', receipt: said.receipt, signatures };
    // They were good when it was admitted, so a seed is missing that was there then.
    log?.error({ request: String(item.id) }, 'the keyset of an issue that is paid is not here');
    return again();
  }

  async function pay(item: EffectItem<PayEffect>): Promise<PayOutcome | Again> {
    const said = await ask(item);
    if ('again' in said || said.kind !== 'done') return said;
    return { kind: 'paid', receipt: said.receipt };
  }

  return {
    performIssues: (items) => items.map((item) => distrust.noting(item.id, issue(item))),
    performPayments: (items) => items.map((item) => distrust.noting(item.id, pay(item))),
  };
}
