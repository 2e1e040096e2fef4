// What became of a shop's order, for operators. There is nothing in it that notes are made of.
import type { Describe } from '../common/flow-reports.ts';
import type { FundsState, IssueState, PayState } from './flow.ts';

export const describe: Describe = ({ state }) => {
  const known = state as IssueState | PayState | FundsState;
  const { amount, currency, shop } = known.order.document;
  return { amount, currency, detail: [`shop ${shop}`, ...reasonOf(known)].join(', ') };
};

function reasonOf(state: IssueState | PayState | FundsState): string[] {
  if (state.kind === 'rejected') return [state.rejection.document.reason];
  if (state.kind === 'asking' && state.distrusted !== undefined) return [state.distrusted];
  return [];
}
