// Whether cash would pay somebody, asked before notes are held for it. A taking that cash rejects is kept for ever there and
// here, and whoever has one note could have them rejected by the thousand, at addresses that lead nowhere.
import type { SetTimer } from '../../shared/timer.ts';
import type { NotePayee } from '../documents/note-payee.ts';
import type { ReceiverCash } from './interface.ts';

/** Why not; undefined: it would, or cash has not said in time: then the taking itself finds out. */
export type NotPayable = (payee: NotePayee, currency: number) => Promise<string | undefined>;

export function payableByCash({
  cash,
  setTimer,
  withinMs,
}: {
  readonly cash: Pick<ReceiverCash, 'checkPayee'>;
  readonly setTimer: SetTimer;
  readonly withinMs: number;
}): NotPayable {
  return (payee, currency) =>
    new Promise((resolve) => {
      const cancel = setTimer(() => resolve(undefined), withinMs);
      void cash.checkPayee({ payee, currency }).then((result) => {
        cancel();
        const isAgainst = result.kind === 'ok' && result.answer.kind === 'not_payable';
        resolve(isAgainst ? result.answer.reason : undefined);
      });
    });
}
