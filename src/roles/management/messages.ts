// What management is asked, and what it answers. Numbers are fixed for ever.
//
// By devices: enrol (no certificate yet), file_account, load, get_balance, get_directory, renew_certificate, get_statement,
// open_purse, report_transfer, close_purse, get_purse_statement, get_block_list, report_fraud.
// By shops: enrol_shop (no certificate yet), pay, shop_order, get_directory, renew_certificate.
// By operators: lookup_request, list_requests, list_devices, device_order, list_shops, approve_shop, close_shop,
// list_shop_requests, close_window, list_windows, show_window, device_exposure.
import {
  bool,
  bytesUpTo,
  type Infer,
  list,
  nothing,
  oneOf,
  optional,
  struct,
  text,
  u16,
  u32,
  u64,
  u128,
  union,
} from '../../shared/codec.ts';
import { MovedBalance } from '../cash/messages.ts';
import { operation, protocol } from '../common/operation.ts';
import {
  ListRequests,
  ListRequestsAnswer,
  LookupRequest,
  LookupRequestAnswer,
} from '../common/request-report.ts';
import { SealedAccount } from '../documents/account-seal.ts';
import { BlockListQuery } from '../documents/block-list.ts';
import { DEVICE_CURRENCIES_MAX, DeviceOrder } from '../documents/device-order.ts';
import { AccountFiling, Enrolment, USER_DATA_BYTES_MAX } from '../documents/enrolment.ts';
import { LoadOrder } from '../documents/load-order.ts';
import {
  PaymentReceipt,
  PaymentRejection,
  ShopOrder,
  ShopOrderReceipt,
  ShopOrderRejection,
} from '../documents/payment-receipts.ts';
import { PurchaseKind, SealedNumber, SealedPayment } from '../documents/purchase.ts';
import { CreditReceipt } from '../documents/receipts.ts';
import { SHOP_NAME_BYTES_MAX, ShopEnrolment } from '../documents/shop-enrolment.ts';
import { digest, publicKey } from '../documents/signed.ts';
import { Statement, StatementQuery } from '../documents/statement.ts';
import { MANAGEMENT_REFUSALS } from './errors.ts';
import {
  CloseWindowAnswer,
  CloseWindowRequest,
  ListWindowsAnswer,
  ListWindowsRequest,
  ShowWindowAnswer,
  ShowWindowRequest,
} from './payout-messages.ts';
import {
  ClosePurseManagementAnswer,
  ClosePurseRequest,
  DeviceExposureAnswer,
  DeviceExposureRequest,
  GetBlockListAnswer,
  GetPurseStatementAnswer,
  GetPurseStatementRequest,
  OpenPurseAnswer,
  OpenPurseRequest,
  ReportFraudAnswer,
  ReportFraudRequest,
  ReportTransferAnswer,
  ReportTransferRequest,
} from './purse-messages.ts';

export const ManagementOperation = {
  enrol: 32,
  file_account: 33,
  load: 34,
  get_balance: 35,
  get_directory: 36,
  renew_certificate: 37,
  get_statement: 38,
  enrol_shop: 40,
  pay: 41,
  shop_order: 42,
  open_purse: 43,
  report_transfer: 44,
  close_purse: 45,
  get_purse_statement: 46,
  get_block_list: 47,
  lookup_request: 48,
  list_requests: 49,
  list_devices: 50,
  device_order: 52,
  list_shops: 53,
  approve_shop: 54,
  close_shop: 55,
  list_shop_requests: 56,
  close_window: 57,
  list_windows: 58,
  show_window: 59,
  report_fraud: 60,
  device_exposure: 61,
} as const;

/** Bytes of a signed device certificate, and of a signed directory, at most. */
const CERTIFICATE_BYTES_MAX = 1024;
const DIRECTORY_BYTES_MAX = 64 * 1024;
const Certificate = bytesUpTo(CERTIFICATE_BYTES_MAX);

export const EnrolRequest = struct({ enrolment: Enrolment.signed });
export type EnrolRequest = Infer<typeof EnrolRequest>;
export const EnrolAnswer = union({
  /** Not through yet: ask again with the same message. */
  pending: nothing,
  enrolled: struct({ device: u128, certificate: Certificate }),
  /** The time of the enrolment's `applyBy` has come first. Nothing was enrolled. */
  expired: nothing,
});
export type EnrolAnswer = Infer<typeof EnrolAnswer>;

export const FileAccountRequest = struct({ filing: AccountFiling.signed });
export type FileAccountRequest = Infer<typeof FileAccountRequest>;
export const FileAccountAnswer = struct({ filedAt: u64 });
export type FileAccountAnswer = Infer<typeof FileAccountAnswer>;

export const LoadRequest = struct({
  order: LoadOrder.signed,
  /** Given: claim 4 (purpose `load`, bound to the order's request). Left out: the one on file, claim 5. */
  account: optional(SealedAccount),
});
export type LoadRequest = Infer<typeof LoadRequest>;
export const LoadAnswer = union({
  /** Not through yet, or unknown as yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  loaded: struct({ receipt: CreditReceipt.signed }),
  /** The institution has declined; nothing was charged. */
  declined: struct({ reason: text(64) }),
  /** The time of the order's `applyBy` has come first. Nothing was charged. */
  expired: nothing,
  /** What was charged, or may have been, was given back. */
  reversed: struct({ reason: text(64) }),
});
export type LoadAnswer = Infer<typeof LoadAnswer>;

/** Of the device that asks. */
export const GetBalanceRequest = struct({ currency: u32 });
export type GetBalanceRequest = Infer<typeof GetBalanceRequest>;
export const GetBalanceAnswer = struct({
  /** Minor units: credits less debits, posted. */
  balance: u128,
  /** Minor units of the balance that are reserved. */
  reserved: u128,
  /** Of the ledger's state that was read, nanoseconds. */
  timestamp: u64,
});
export type GetBalanceAnswer = Infer<typeof GetBalanceAnswer>;

export const GetDirectoryRequest = nothing;
export const GetDirectoryAnswer = struct({ directory: bytesUpTo(DIRECTORY_BYTES_MAX) });
export type GetDirectoryAnswer = Infer<typeof GetDirectoryAnswer>;

/**
 * A new certificate for the same keys, when the old one nears its end or its issuer's key no longer counts. Also over a
 * channel without a certificate: what has run out is not let in.
 */
export const RenewCertificateRequest = nothing;
export const RenewCertificateAnswer = struct({ certificate: Certificate });
export type RenewCertificateAnswer = Infer<typeof RenewCertificateAnswer>;

export const DEVICES_PAGE_MAX = 1024;

export const ListDevicesRequest = struct({ after: optional(u128), limit: u16 });
export type ListDevicesRequest = Infer<typeof ListDevicesRequest>;
export const DeviceReport = struct({
  device: u128,
  signingKey: publicKey,
  enrolledAt: u64,
  userData: text(USER_DATA_BYTES_MAX),
  accountOnFile: bool,
  revoked: bool,
  /** No payment and no load until it is unblocked. */
  blocked: bool,
  /** The device that has got its balance; then it is revoked too. */
  replacedBy: optional(u128),
});
export type DeviceReport = Infer<typeof DeviceReport>;
export const ListDevicesAnswer = struct({ devices: list(DeviceReport, DEVICES_PAGE_MAX) });
export type ListDevicesAnswer = Infer<typeof ListDevicesAnswer>;

export const GetStatementRequest = struct({ query: StatementQuery });
export type GetStatementRequest = Infer<typeof GetStatementRequest>;
export const GetStatementAnswer = struct({ statement: Statement.signed });
export type GetStatementAnswer = Infer<typeof GetStatementAnswer>;

export const EnrolShopRequest = struct({ enrolment: ShopEnrolment.signed });
export type EnrolShopRequest = Infer<typeof EnrolShopRequest>;
export const EnrolShopAnswer = union({
  /** Not through yet, or waiting for an operator: ask again with the same message. */
  pending: struct({ state: text(64), shop: u128 }),
  enrolled: struct({ shop: u128, certificate: Certificate }),
  /** The time of the enrolment's `applyBy` has come before it was taken in, or an operator has turned it down. */
  closed: struct({ reason: text(128) }),
});
export type EnrolShopAnswer = Infer<typeof EnrolShopAnswer>;

/** What a shop forwards of a purchase (claim 8): the proceeds, and two parts that it cannot read. */
export const PayRequest = struct({
  request: u128,
  kind: PurchaseKind,
  /** The proceeds: what the shop expects. Minor units. */
  amount: u128,
  currency: u32,
  expiresAt: u64,
  /** Digest of the terms; the articles stay with the shop. */
  reference: digest,
  number: SealedNumber,
  payment: SealedPayment,
});
export type PayRequest = Infer<typeof PayRequest>;
export const PayAnswer = union({
  /** Unknown as yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  paid: struct({ receipt: PaymentReceipt.signed }),
  rejected: struct({ rejection: PaymentRejection.signed }),
});
export type PayAnswer = Infer<typeof PayAnswer>;

export const ShopOrderRequest = struct({ order: ShopOrder.signed });
export type ShopOrderRequest = Infer<typeof ShopOrderRequest>;
export const ShopOrderAnswer = union({
  pending: struct({ state: text(64) }),
  done: struct({ receipt: ShopOrderReceipt.signed }),
  rejected: struct({ rejection: ShopOrderRejection.signed }),
});
export type ShopOrderAnswer = Infer<typeof ShopOrderAnswer>;

export const DeviceOrderRequest = struct({ order: DeviceOrder.signed });
export type DeviceOrderRequest = Infer<typeof DeviceOrderRequest>;
export const DeviceOrderAnswer = union({
  pending: struct({ state: text(64) }),
  done: struct({
    timestamp: u64,
    /** Of a replacement: what has moved, by currency. */
    moved: list(MovedBalance, DEVICE_CURRENCIES_MAX),
  }),
});
export type DeviceOrderAnswer = Infer<typeof DeviceOrderAnswer>;

export const SHOPS_PAGE_MAX = 1024;
export const ListShopsRequest = struct({ after: optional(u128), limit: u16 });
export type ListShopsRequest = Infer<typeof ListShopsRequest>;
export const ShopReport = struct({
  shop: u128,
  name: text(SHOP_NAME_BYTES_MAX),
  signingKey: publicKey,
  enrolledAt: u64,
  state: oneOf('awaiting_approval', 'opening', 'open', 'closed'),
});
export type ShopReport = Infer<typeof ShopReport>;
export const ListShopsAnswer = struct({ shops: list(ShopReport, SHOPS_PAGE_MAX) });
export type ListShopsAnswer = Infer<typeof ListShopsAnswer>;

/** Purchases at a shop and what it ordered later, in the order of their ids, after that one. */
export const ListShopRequests = struct({ shop: u128, after: optional(u128), limit: u16 });
export type ListShopRequests = Infer<typeof ListShopRequests>;

/** From then on the shop gets its certificate. The same for a repeated request. */
export const ApproveShopRequest = struct({ shop: u128 });
export type ApproveShopRequest = Infer<typeof ApproveShopRequest>;
export const ApproveShopAnswer = struct({ approvedAt: u64 });
export type ApproveShopAnswer = Infer<typeof ApproveShopAnswer>;

/** From then on no channel of the shop is accepted, and nothing is paid to it; what it has earned is still paid out. */
export const CloseShopRequest = struct({ shop: u128, reason: text(128) });
export type CloseShopRequest = Infer<typeof CloseShopRequest>;
export const CloseShopAnswer = union({
  /** Closed here; cash does not know it yet: ask again with the same message. */
  pending: struct({ state: text(64) }),
  closed: struct({ closedAt: u64 }),
});
export type CloseShopAnswer = Infer<typeof CloseShopAnswer>;

export const managementProtocol = protocol({
  role: 'management',
  refusals: MANAGEMENT_REFUSALS,
  operations: {
    enrol: operation(ManagementOperation.enrol, EnrolRequest, EnrolAnswer),
    file_account: operation(ManagementOperation.file_account, FileAccountRequest, FileAccountAnswer),
    load: operation(ManagementOperation.load, LoadRequest, LoadAnswer),
    get_balance: operation(ManagementOperation.get_balance, GetBalanceRequest, GetBalanceAnswer),
    get_directory: operation(ManagementOperation.get_directory, GetDirectoryRequest, GetDirectoryAnswer),
    renew_certificate: operation(
      ManagementOperation.renew_certificate,
      RenewCertificateRequest,
      RenewCertificateAnswer,
    ),
    lookup_request: operation(ManagementOperation.lookup_request, LookupRequest, LookupRequestAnswer),
    list_requests: operation(ManagementOperation.list_requests, ListRequests, ListRequestsAnswer),
    list_devices: operation(ManagementOperation.list_devices, ListDevicesRequest, ListDevicesAnswer),
    get_statement: operation(ManagementOperation.get_statement, GetStatementRequest, GetStatementAnswer),
    enrol_shop: operation(ManagementOperation.enrol_shop, EnrolShopRequest, EnrolShopAnswer),
    pay: operation(ManagementOperation.pay, PayRequest, PayAnswer),
    shop_order: operation(ManagementOperation.shop_order, ShopOrderRequest, ShopOrderAnswer),
    device_order: operation(ManagementOperation.device_order, DeviceOrderRequest, DeviceOrderAnswer),
    list_shops: operation(ManagementOperation.list_shops, ListShopsRequest, ListShopsAnswer),
    approve_shop: operation(ManagementOperation.approve_shop, ApproveShopRequest, ApproveShopAnswer),
    close_shop: operation(ManagementOperation.close_shop, CloseShopRequest, CloseShopAnswer),
    list_shop_requests: operation(
      ManagementOperation.list_shop_requests,
      ListShopRequests,
      ListRequestsAnswer,
    ),
    close_window: operation(ManagementOperation.close_window, CloseWindowRequest, CloseWindowAnswer),
    list_windows: operation(ManagementOperation.list_windows, ListWindowsRequest, ListWindowsAnswer),
    show_window: operation(ManagementOperation.show_window, ShowWindowRequest, ShowWindowAnswer),
    open_purse: operation(ManagementOperation.open_purse, OpenPurseRequest, OpenPurseAnswer),
    report_transfer: operation(
      ManagementOperation.report_transfer,
      ReportTransferRequest,
      ReportTransferAnswer,
    ),
    close_purse: operation(ManagementOperation.close_purse, ClosePurseRequest, ClosePurseManagementAnswer),
    get_purse_statement: operation(
      ManagementOperation.get_purse_statement,
      GetPurseStatementRequest,
      GetPurseStatementAnswer,
    ),
    get_block_list: operation(ManagementOperation.get_block_list, BlockListQuery, GetBlockListAnswer),
    report_fraud: operation(ManagementOperation.report_fraud, ReportFraudRequest, ReportFraudAnswer),
    device_exposure: operation(
      ManagementOperation.device_exposure,
      DeviceExposureRequest,
      DeviceExposureAnswer,
    ),
  },
});
export type ManagementOperations = (typeof managementProtocol)['operations'];
