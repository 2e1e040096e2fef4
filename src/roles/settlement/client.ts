// Calls to settlement. A call that ends `unknown` or `pending` is made again with the same message: an account is charged
// once for a request.
import type { ListRequestsAnswer, LookupRequestAnswer } from '../common/request-report.ts';
import { type CallResult, type MessageTransport, RoleClient } from '../common/role-client.ts';
import type { SettlementRefusal } from './errors.ts';
import {
  type ChargeAnswer,
  type ChargeRequest,
  type ReverseAnswer,
  type ReverseRequest,
  type SettlementOperations,
  settlementProtocol,
} from './messages.ts';
import type {
  ListOutcomesAnswer,
  ListOutcomesRequest,
  PayOutAnswer,
  PayOutRequest,
} from './payout-messages.ts';

export class SettlementClient {
  readonly #client: RoleClient<SettlementOperations, SettlementRefusal>;

  constructor(transport: MessageTransport) {
    this.#client = new RoleClient({ protocol: settlementProtocol, transport });
  }

  charge(request: ChargeRequest): Promise<CallResult<ChargeAnswer, SettlementRefusal>> {
    return this.#client.call('charge', request);
  }

  reverse(request: ReverseRequest): Promise<CallResult<ReverseAnswer, SettlementRefusal>> {
    return this.#client.call('reverse', request);
  }

  payOut(request: PayOutRequest): Promise<CallResult<PayOutAnswer, SettlementRefusal>> {
    return this.#client.call('pay_out', request);
  }

  listOutcomes(request: ListOutcomesRequest): Promise<CallResult<ListOutcomesAnswer, SettlementRefusal>> {
    return this.#client.call('list_outcomes', request);
  }

  /** Operators only. */
  lookupRequest(request: bigint): Promise<CallResult<LookupRequestAnswer, SettlementRefusal>> {
    return this.#client.call('lookup_request', { request });
  }

  /** Operators only: up to `limit` (1 to REPORTS_PAGE_MAX) requests in the order of their ids, after that one. */
  listRequests(
    after: bigint | undefined,
    limit: number,
  ): Promise<CallResult<ListRequestsAnswer, SettlementRefusal>> {
    return this.#client.call('list_requests', { after, limit });
  }
}
