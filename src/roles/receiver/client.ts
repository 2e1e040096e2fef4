// Calls to the receiver. A call that ends `unknown` or `pending` is made again with the same message: notes are taken in once.
import type { ListRequestsAnswer, LookupRequestAnswer } from '../common/request-report.ts';
import { type CallResult, type MessageTransport, RoleClient } from '../common/role-client.ts';
import type {
  CirculationAnswer,
  FindSignaturesAnswer,
  FindSignaturesRequest,
  MintCall,
  MintCallAnswer,
} from '../issuer/messages.ts';
import type { ReceiverRefusal } from './errors.ts';
import {
  type ReceiverOperations,
  receiverProtocol,
  type TakeNotesAnswer,
  type TakeNotesRequest,
} from './messages.ts';

type Result<Answer> = Promise<CallResult<Answer, ReceiverRefusal>>;

export class ReceiverClient {
  readonly #client: RoleClient<ReceiverOperations, ReceiverRefusal>;

  constructor(transport: MessageTransport) {
    this.#client = new RoleClient({ protocol: receiverProtocol, transport });
  }

  /** Shops only. */
  takeNotes(request: TakeNotesRequest): Result<TakeNotesAnswer> {
    return this.#client.call('take_notes', request);
  }

  /** Cashu's interface. */
  mintCall(request: MintCall): Result<MintCallAnswer> {
    return this.#client.call('mint_call', request);
  }

  /** The issuer only. */
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
