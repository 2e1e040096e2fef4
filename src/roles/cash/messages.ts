// What cash is asked beside the ledger's own operations, and what it answers. Numbers are fixed for ever.
//
// By management: open_account, credit, get_balance, open_shop, close_shop, pay, shop_order, device_order, get_statement,
// close_window, book_payouts, book_outcomes, window_report, open_purse, settle_transfer, close_purse, device_exposure.
// By the issuer: note_order. By the receiver: receive_notes, check_payee.
// By operators: lookup_request, window_report, device_exposure. Shops may submit payment orders as a batch of records: the
// ledger's operation create_payment_orders.
import { type Infer, list, struct, text, u32, u64, u128, union } from '../../shared/codec.ts';
import { operation, protocol } from '../common/operation.ts';
import { LookupRequest, LookupRequestAnswer } from '../common/request-report.ts';
import { DeviceOrder } from '../documents/device-order.ts';
import { LoadOrder } from '../documents/load-order.ts';
import {
  PaymentReceipt,
  PaymentRejection,
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
} from '../documents/payment-receipts.ts';
import { PurchaseKind, SealedPayment } from '../documents/purchase.ts';
import {
  ChargeReceipt,
  CreditReceipt,
  CreditRejection,
  REJECTION_REASON_BYTES_MAX,
} from '../documents/receipts.ts';
import { digest, publicKey } from '../documents/signed.ts';
import { Statement, StatementQuery } from '../documents/statement.ts';
import { CASH_REFUSALS } from './errors.ts';
import {
  CheckPayeeAnswer,
  CheckPayeeRequest,
  NoteOrderRequest,
  NotesBookedAnswer,
  ReceiveNotesRequest,
} from './note-messages.ts';
import {
  BookOutcomesAnswer,
  BookOutcomesRequest,
  BookPayoutsAnswer,
  BookPayoutsRequest,
  CloseWindowAnswer,
  CloseWindowRequest,
  WindowReportAnswer,
  WindowReportRequest,
} from './payout-messages.ts';
import {
  ClosePurseAnswer,
  ClosePurseRequest,
  DeviceExposureAnswer,
  DeviceExposureRequest,
  OpenPurseAnswer,
  OpenPurseRequest,
  SettleTransferAnswer,
  SettleTransferRequest,
} from './purse-messages.ts';

export const CashOperation = {
  open_account: 32,
  credit: 33,
  get_balance: 34,
  open_shop: 35,
  pay: 36,
  shop_order: 37,
  device_order: 38,
  get_statement: 39,
  close_window: 40,
  book_payouts: 41,
  book_outcomes: 42,
  window_report: 43,
  open_purse: 44,
  settle_transfer: 45,
  close_purse: 46,
  device_exposure: 47,
  lookup_request: 48,
  close_shop: 49,
  note_order: 50,
  receive_notes: 51,
  check_payee: 52,
} as const;

export const OpenAccountRequest = struct({
  device: u128,
  /** Orders of this key move the balance. */
  signingKey: publicKey,
  currency: u32,
});
export type OpenAccountRequest = Infer<typeof OpenAccountRequest>;
/** When the ledger opened the account, nanoseconds; the same for a repeated request. */
export const OpenAccountAnswer = struct({ timestamp: u64 });
export type OpenAccountAnswer = Infer<typeof OpenAccountAnswer>;

export const CreditRequest = struct({
  device: u128,
  order: LoadOrder.signed,
  receipt: ChargeReceipt.signed,
});
export type CreditRequest = Infer<typeof CreditRequest>;
export const CreditAnswer = union({
  credited: struct({ receipt: CreditReceipt.signed }),
  /**
   * For good: the ledger refuses it (a limit, a closed account) or the device has no account in that currency; its request
   * id is used up. The only answer that says so: after a refusal the same order may still be credited.
   */
  rejected: struct({ reason: text(REJECTION_REASON_BYTES_MAX), rejection: CreditRejection.signed }),
});
export type CreditAnswer = Infer<typeof CreditAnswer>;

export const GetBalanceRequest = struct({ device: u128, currency: u32 });
export type GetBalanceRequest = Infer<typeof GetBalanceRequest>;
export const GetBalanceAnswer = struct({ balance: u128, reserved: u128, timestamp: u64 });
export type GetBalanceAnswer = Infer<typeof GetBalanceAnswer>;

export const OpenShopRequest = struct({
  shop: u128,
  /** Refunds, captures and voids are signed with it. */
  signingKey: publicKey,
  currency: u32,
});
export type OpenShopRequest = Infer<typeof OpenShopRequest>;
/** When the ledger opened the account, nanoseconds; the same for a repeated request. */
export const OpenShopAnswer = struct({ timestamp: u64 });
export type OpenShopAnswer = Infer<typeof OpenShopAnswer>;

/** For good: nothing is paid to the shop from then on. What was paid before is given back, captured and paid out as ever. */
export const CloseShopRequest = struct({ shop: u128 });
export type CloseShopRequest = Infer<typeof CloseShopRequest>;
/** Since when, nanoseconds; the same for a repeated request. */
export const CloseShopAnswer = struct({ timestamp: u64 });
export type CloseShopAnswer = Infer<typeof CloseShopAnswer>;

/** What management knows of a purchase, and the payment that it cannot read. */
export const PayRequest = struct({
  request: u128,
  /** As management has opened it; the payment order inside must be of this device. */
  device: u128,
  shop: u128,
  kind: PurchaseKind,
  /** The proceeds: what the shop expects. Minor units. */
  amount: u128,
  currency: u32,
  expiresAt: u64,
  reference: digest,
  payment: SealedPayment,
});
export type PayRequest = Infer<typeof PayRequest>;
export const PayAnswer = union({
  /** The money has moved, or is reserved, and that is durable. The same receipt for the same request, for ever. */
  paid: struct({ receipt: PaymentReceipt.signed }),
  /** For good: the ledger has refused this order. After a refusal it may still be paid. */
  rejected: struct({ rejection: PaymentRejection.signed }),
});
export type PayAnswer = Infer<typeof PayAnswer>;

export const ShopOrderRequest = struct({ order: ShopOrder.signed });
export type ShopOrderRequest = Infer<typeof ShopOrderRequest>;
export const ShopOrderAnswer = union({
  done: struct({ receipt: ShopOrderReceipt.signed }),
  /** For good. */
  rejected: struct({ rejection: ShopOrderRejection.signed }),
});
export type ShopOrderAnswer = Infer<typeof ShopOrderAnswer>;

export const DeviceOrderRequest = struct({ order: DeviceOrder.signed });
export type DeviceOrderRequest = Infer<typeof DeviceOrderRequest>;
/** Minor units. What is left and what is reserved moves when the replacement is ordered again. */
export const MovedBalance = struct({
  currency: u32,
  /** To the new device's account, by this order. */
  amount: u128,
  /** Could not move: the new device may not hold so much. */
  left: u128,
  /** For purchases that shops have not captured or voided yet, and that have not run out. */
  stillReserved: u128,
});
export const DeviceOrderAnswer = struct({
  /** When it was done, nanoseconds; the same for a repeated request. */
  timestamp: u64,
  /** Of a replacement. */
  moved: list(MovedBalance, 32),
});
export type DeviceOrderAnswer = Infer<typeof DeviceOrderAnswer>;

export const GetStatementRequest = struct({ device: u128, query: StatementQuery });
export type GetStatementRequest = Infer<typeof GetStatementRequest>;
export const GetStatementAnswer = struct({ statement: Statement.signed });
export type GetStatementAnswer = Infer<typeof GetStatementAnswer>;

export const cashProtocol = protocol({
  role: 'cash',
  refusals: CASH_REFUSALS,
  operations: {
    open_account: operation(CashOperation.open_account, OpenAccountRequest, OpenAccountAnswer),
    credit: operation(CashOperation.credit, CreditRequest, CreditAnswer),
    get_balance: operation(CashOperation.get_balance, GetBalanceRequest, GetBalanceAnswer),
    open_shop: operation(CashOperation.open_shop, OpenShopRequest, OpenShopAnswer),
    pay: operation(CashOperation.pay, PayRequest, PayAnswer),
    shop_order: operation(CashOperation.shop_order, ShopOrderRequest, ShopOrderAnswer),
    device_order: operation(CashOperation.device_order, DeviceOrderRequest, DeviceOrderAnswer),
    get_statement: operation(CashOperation.get_statement, GetStatementRequest, GetStatementAnswer),
    close_window: operation(CashOperation.close_window, CloseWindowRequest, CloseWindowAnswer),
    book_payouts: operation(CashOperation.book_payouts, BookPayoutsRequest, BookPayoutsAnswer),
    book_outcomes: operation(CashOperation.book_outcomes, BookOutcomesRequest, BookOutcomesAnswer),
    window_report: operation(CashOperation.window_report, WindowReportRequest, WindowReportAnswer),
    open_purse: operation(CashOperation.open_purse, OpenPurseRequest, OpenPurseAnswer),
    settle_transfer: operation(CashOperation.settle_transfer, SettleTransferRequest, SettleTransferAnswer),
    close_purse: operation(CashOperation.close_purse, ClosePurseRequest, ClosePurseAnswer),
    device_exposure: operation(CashOperation.device_exposure, DeviceExposureRequest, DeviceExposureAnswer),
    lookup_request: operation(CashOperation.lookup_request, LookupRequest, LookupRequestAnswer),
    close_shop: operation(CashOperation.close_shop, CloseShopRequest, CloseShopAnswer),
    note_order: operation(CashOperation.note_order, NoteOrderRequest, NotesBookedAnswer),
    receive_notes: operation(CashOperation.receive_notes, ReceiveNotesRequest, NotesBookedAnswer),
    check_payee: operation(CashOperation.check_payee, CheckPayeeRequest, CheckPayeeAnswer),
  },
});
export type CashOperations = (typeof cashProtocol)['operations'];
