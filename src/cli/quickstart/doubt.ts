// Charges of which settlement did not know, for a while, what the institution had done.
import type { Client } from '../../channel/client.ts';
import { REPORTS_PAGE_MAX } from '../../roles/common/request-report.ts';
import { RoleClient } from '../../roles/common/role-client.ts';
import { settlementProtocol } from '../../roles/settlement/messages.ts';
import { formatId } from '../files/fields.ts';
import { Check } from './check.ts';

const FINAL: ReadonlySet<string> = new Set(['charged', 'declined', 'expired', 'reversed']);

export interface Doubt {
  /** Charges whose outcome was unknown and was inquired. */
  readonly inquired: number;
  readonly check: Check;
}

export async function chargesInDoubt(client: Client): Promise<Doubt> {
  const role = new RoleClient({ protocol: settlementProtocol, transport: client });
  const check = new Check('every charge that was unknown was resolved by inquiry at the institution');
  for (let after: bigint | undefined; ; ) {
    const result = await role.call('list_requests', { after, limit: REPORTS_PAGE_MAX });
    if (result.kind !== 'ok') {
      check.fail(`settlement: ${result.kind === 'refused' ? result.refusal.message : result.reason}`);
      break;
    }
    const { reports } = result.answer;
    for (const { request, state, history } of reports) {
      if (!history.some((step) => step.state === 'inquiring')) continue;
      check.expect(FINAL.has(state), () => `${formatId(request)}: ${state}`);
    }
    after = reports.at(-1)?.request;
    if (after === undefined) break;
  }
  return { inquired: check.compared, check };
}
