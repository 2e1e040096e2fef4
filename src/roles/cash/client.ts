// Calls to cash. A call that ends `unknown` is made again with the same message: the same request counts once.

import type { LookupRequestAnswer } from '../common/request-report.ts';
import { type CallResult, type MessageTransport, RoleClient } from '../common/role-client.ts';
import type { CashRefusal } from './errors.ts';
import {
  type CashOperations,
  type CloseShopAnswer,
  type CloseShopRequest,
  type CreditAnswer,
  type CreditRequest,
  cashProtocol,
  type DeviceOrderAnswer,
  type DeviceOrderRequest,
  type GetBalanceAnswer,
  type GetBalanceRequest,
  type GetStatementAnswer,
  type GetStatementRequest,
  type OpenAccountAnswer,
  type OpenAccountRequest,
  type OpenShopAnswer,
  type OpenShopRequest,
  type PayAnswer,
  type PayRequest,
  type ShopOrderAnswer,
  type ShopOrderRequest,
} from './messages.ts';
import type {
  CheckPayeeAnswer,
  CheckPayeeRequest,
  NoteOrderRequest,
  NotesBookedAnswer,
  ReceiveNotesRequest,
} from './note-messages.ts';
import type {
  BookOutcomesAnswer,
  BookOutcomesRequest,
  BookPayoutsAnswer,
  BookPayoutsRequest,
  CloseWindowAnswer,
  CloseWindowRequest,
  WindowReportAnswer,
  WindowReportRequest,
} from './payout-messages.ts';
import type {
  ClosePurseAnswer,
  ClosePurseRequest,
  DeviceExposureAnswer,
  DeviceExposureRequest,
  OpenPurseAnswer,
  OpenPurseRequest,
  SettleTransferAnswer,
  SettleTransferRequest,
} from './purse-messages.ts';

export class CashClient {
  readonly #client: RoleClient<CashOperations, CashRefusal>;

  constructor(transport: MessageTransport) {
    this.#client = new RoleClient({ protocol: cashProtocol, transport });
  }

  openAccount(request: OpenAccountRequest): Promise<CallResult<OpenAccountAnswer, CashRefusal>> {
    return this.#client.call('open_account', request);
  }

  credit(request: CreditRequest): Promise<CallResult<CreditAnswer, CashRefusal>> {
    return this.#client.call('credit', request);
  }

  getBalance(request: GetBalanceRequest): Promise<CallResult<GetBalanceAnswer, CashRefusal>> {
    return this.#client.call('get_balance', request);
  }

  openShop(request: OpenShopRequest): Promise<CallResult<OpenShopAnswer, CashRefusal>> {
    return this.#client.call('open_shop', request);
  }

  closeShop(request: CloseShopRequest): Promise<CallResult<CloseShopAnswer, CashRefusal>> {
    return this.#client.call('close_shop', request);
  }

  pay(request: PayRequest): Promise<CallResult<PayAnswer, CashRefusal>> {
    return this.#client.call('pay', request);
  }

  shopOrder(request: ShopOrderRequest): Promise<CallResult<ShopOrderAnswer, CashRefusal>> {
    return this.#client.call('shop_order', request);
  }

  deviceOrder(request: DeviceOrderRequest): Promise<CallResult<DeviceOrderAnswer, CashRefusal>> {
    return this.#client.call('device_order', request);
  }

  getStatement(request: GetStatementRequest): Promise<CallResult<GetStatementAnswer, CashRefusal>> {
    return this.#client.call('get_statement', request);
  }

  closeWindow(request: CloseWindowRequest): Promise<CallResult<CloseWindowAnswer, CashRefusal>> {
    return this.#client.call('close_window', request);
  }

  bookPayouts(request: BookPayoutsRequest): Promise<CallResult<BookPayoutsAnswer, CashRefusal>> {
    return this.#client.call('book_payouts', request);
  }

  bookOutcomes(request: BookOutcomesRequest): Promise<CallResult<BookOutcomesAnswer, CashRefusal>> {
    return this.#client.call('book_outcomes', request);
  }

  windowReport(request: WindowReportRequest): Promise<CallResult<WindowReportAnswer, CashRefusal>> {
    return this.#client.call('window_report', request);
  }

  openPurse(request: OpenPurseRequest): Promise<CallResult<OpenPurseAnswer, CashRefusal>> {
    return this.#client.call('open_purse', request);
  }

  settleTransfer(request: SettleTransferRequest): Promise<CallResult<SettleTransferAnswer, CashRefusal>> {
    return this.#client.call('settle_transfer', request);
  }

  closePurse(request: ClosePurseRequest): Promise<CallResult<ClosePurseAnswer, CashRefusal>> {
    return this.#client.call('close_purse', request);
  }

  deviceExposure(request: DeviceExposureRequest): Promise<CallResult<DeviceExposureAnswer, CashRefusal>> {
    return this.#client.call('device_exposure', request);
  }

  /** The issuer only. */
  noteOrder(request: NoteOrderRequest): Promise<CallResult<NotesBookedAnswer, CashRefusal>> {
    return this.#client.call('note_order', request);
  }

  /** The receiver only. */
  receiveNotes(request: ReceiveNotesRequest): Promise<CallResult<NotesBookedAnswer, CashRefusal>> {
    return this.#client.call('receive_notes', request);
  }

  /** The receiver only. */
  checkPayee(request: CheckPayeeRequest): Promise<CallResult<CheckPayeeAnswer, CashRefusal>> {
    return this.#client.call('check_payee', request);
  }

  /** Operators only. */
  lookupRequest(request: bigint): Promise<CallResult<LookupRequestAnswer, CashRefusal>> {
    return this.#client.call('lookup_request', { request });
  }
}
