// Calls to the issuer. A call that ends `unknown` or `pending` is made again with the same message: a request moves money once.
import type { ListRequestsAnswer, LookupRequestAnswer } from '../common/request-report.ts';
import { type CallResult, type MessageTransport, RoleClient } from '../common/role-client.ts';
import type { IssuerRefusal } from './errors.ts';
import {
  type CirculationAnswer,
  type FindSignaturesAnswer,
  type FindSignaturesRequest,
  type IssueNotesAnswer,
  type IssueNotesRequest,
  type IssuerOperations,
  issuerProtocol,
  type MintCall,
  type MintCallAnswer,
  type MoveFundsAnswer,
  type MoveFundsRequest,
  type PayQuoteAnswer,
  type PayQuoteRequest,
} from './messages.ts';

type Result<Answer> = Promise<CallResult<Answer, IssuerRefusal>>;

export class IssuerClient {
  readonly #client: RoleClient<IssuerOperations, IssuerRefusal>;

  constructor(transport: MessageTransport) {
    this.#client = new RoleClient({ protocol: issuerProtocol, transport });
  }

  /** Shops only. */
  issueNotes(request: IssueNotesRequest): Result<IssueNotesAnswer> {
    return this.#client.call('issue_notes', request);
  }

  /** Shops only. */
  payQuote(request: PayQuoteRequest): Result<PayQuoteAnswer> {
    return this.#client.call('pay_quote', request);
  }

  /** Shops only. */
  moveFunds(request: MoveFundsRequest): Result<MoveFundsAnswer> {
    return this.#client.call('move_funds', request);
  }

  /** Cashu's interface. */
  mintCall(request: MintCall): Result<MintCallAnswer> {
    return this.#client.call('mint_call', request);
  }

  /** The receiver only. */
  findSignatures(request: FindSignaturesRequest): Result<FindSignaturesAnswer> {
    return this.#client.call('find_signatures', request);
  }

  /** Operators only. */
  circulation(currency: number): Result<CirculationAnswer> {
    return this.#client.call('circulation', { currency });
  }

  /** Operators only. */
  lookupRequest(request: bigint): Result<LookupRequestAnswer> {
    return this.#client.call('lookup_request', { request });
  }

  /** Operators only: up to `limit` (1 to REPORTS_PAGE_MAX) requests in the order of their ids, after that one. */
  listRequests(after: bigint | undefined, limit: number): Result<ListRequestsAnswer> {
    return this.#client.call('list_requests', { after, limit });
  }
}
