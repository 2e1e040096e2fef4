// What operators order and ask about payouts.
import { sha256 } from '../../crypto/index.ts';
import type { RoleStore } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import type { Submission } from '../flow/flow.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import { checkCurrency, type Refused, refuse } from './check.ts';
import type { ManagementRefusal } from './errors.ts';
import type { ManagementLimits } from './limits.ts';
import { type WindowFlowState, windowFlow } from './payout-flow.ts';
import {
  type CloseWindowAnswer,
  CloseWindowRequest,
  type ShowWindowAnswer,
  type ShowWindowRequest,
  WINDOW_PAYOUTS_PAGE_MAX,
} from './payout-messages.ts';
import type { PayoutOutcomes } from './payout-outcomes.ts';
import { findHead, findWindow, listPayouts } from './payout-registry.ts';

export interface PayoutsOptions {
  readonly store: RoleStore;
  readonly runner: FlowRunner;
  readonly limits: ManagementLimits;
  /** Left out: no windows are closed. */
  readonly outcomes: Pick<PayoutOutcomes, 'start'> | undefined;
}

/** How long an operator waits for a window to be through. Beyond: where it stands. */
const WAIT_MS = 250;

export async function closeWindow(
  request: CloseWindowRequest,
  { runner, limits, outcomes }: PayoutsOptions,
): Promise<CloseWindowAnswer | Refused> {
  const { window, currency } = request;
  if (outcomes === undefined)
    return refuse('payouts_not_offered', 'expected a system with payouts, got none');
  const refused = checkCurrency(currency, limits);
  if (refused !== undefined) return refused;
  outcomes.start();
  const submission: Submission<WindowFlowState, ManagementRefusal> = {
    id: window,
    digest: sha256(CloseWindowRequest.encode(request)),
    admit(tx) {
      const head = findHead(tx, currency);
      const state = head === undefined ? undefined : findWindow(tx, head)?.state;
      if (state === 'closing' || state === 'booking')
        return refuse(
          'window_open',
          `window: expected the one before to be booked, got one that is ${state}`,
        );
      return { kind: 'closing', window, currency, distrusted: undefined };
    },
  };
  const [answer] = runner.submit(windowFlow, [submission], WAIT_MS);
  const standing = await answer!;
  return standing instanceof Refusal ? standing : { state: standing.stateName };
}

export function showWindow(
  { window, after, limit }: ShowWindowRequest,
  { store }: PayoutsOptions,
): ShowWindowAnswer | Refused {
  if (limit < 1 || limit > WINDOW_PAYOUTS_PAGE_MAX)
    return refuse('malformed', `limit: expected 1 to ${WINDOW_PAYOUTS_PAGE_MAX}, got ${limit}`);
  const report = findWindow(store, window);
  if (report === undefined)
    return refuse('window_unknown', `window: expected one that is known, got ${window}`);
  return { window: report, payouts: listPayouts(store, window, after, limit) };
}
