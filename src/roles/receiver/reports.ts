// What became of a taking, for operators. There is nothing in it by which a note could be told.
import type { Describe } from '../common/flow-reports.ts';
import type { NotePayee } from '../documents/note-payee.ts';
import type { TakingState } from './flow.ts';

export const describe: Describe = ({ state }) => {
  const known = state as TakingState;
  switch (known.kind) {
    case 'taking': {
      const { amount, currency, payee, quote } = known.taking;
      return { amount, currency, detail: joined(toWhom(payee), ofMelt(quote), known.distrusted) };
    }
    case 'taken': {
      const { amount, currency } = known.acknowledgement.document;
      return { amount, currency, detail: joined(toWhom(known.payee), ofMelt(known.quote)) };
    }
    case 'rejected': {
      const { amount, currency, quote, reason } = known;
      return { amount, currency, detail: joined(ofMelt(quote), reason) };
    }
  }
};

const toWhom = (payee: NotePayee): string => (payee.kind === 'shop' ? `shop ${payee.shop}` : 'a device');
const ofMelt = (quote: bigint | undefined): string | undefined => (quote === undefined ? undefined : 'melt');
const joined = (...parts: readonly (string | undefined)[]): string =>
  parts.filter((part) => part !== undefined).join(', ');
