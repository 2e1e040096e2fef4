// What management needs of others: settlement, cash, and the directory. partners.ts builds the first two from role clients;
// tests bring scripted ones.
import type { Directory } from '../../identity/directory.ts';
import type { CashRefusal } from '../cash/errors.ts';
import type {
  CloseShopAnswer,
  CloseShopRequest,
  CreditAnswer,
  CreditRequest,
  DeviceOrderAnswer,
  DeviceOrderRequest,
  GetBalanceAnswer,
  GetBalanceRequest,
  GetStatementAnswer,
  GetStatementRequest,
  OpenAccountAnswer,
  OpenAccountRequest,
  OpenShopAnswer,
  OpenShopRequest,
  PayAnswer,
  PayRequest,
  ShopOrderAnswer,
  ShopOrderRequest,
} from '../cash/messages.ts';
import type {
  ClosePurseAnswer,
  ClosePurseRequest,
  DeviceExposureAnswer,
  DeviceExposureRequest,
  OpenPurseAnswer,
  OpenPurseRequest,
  SettleTransferAnswer,
  SettleTransferRequest,
} from '../cash/purse-messages.ts';
import type { CallResult } from '../common/role-client.ts';
import type { SettlementRefusal } from '../settlement/errors.ts';
import type { ChargeAnswer, ChargeRequest, ReverseAnswer, ReverseRequest } from '../settlement/messages.ts';

// Any of these may be asked again with the same request. A promise never rejects: no answer is `unknown`.

export interface SettlementClient {
  charge(request: ChargeRequest): Promise<CallResult<ChargeAnswer, SettlementRefusal>>;
  reverse(request: ReverseRequest): Promise<CallResult<ReverseAnswer, SettlementRefusal>>;
}

export interface CashClient {
  openAccount(request: OpenAccountRequest): Promise<CallResult<OpenAccountAnswer, CashRefusal>>;
  credit(request: CreditRequest): Promise<CallResult<CreditAnswer, CashRefusal>>;
  getBalance(request: GetBalanceRequest): Promise<CallResult<GetBalanceAnswer, CashRefusal>>;
  getStatement(request: GetStatementRequest): Promise<CallResult<GetStatementAnswer, CashRefusal>>;
  openShop(request: OpenShopRequest): Promise<CallResult<OpenShopAnswer, CashRefusal>>;
  closeShop(request: CloseShopRequest): Promise<CallResult<CloseShopAnswer, CashRefusal>>;
  deviceOrder(request: DeviceOrderRequest): Promise<CallResult<DeviceOrderAnswer, CashRefusal>>;
  /** A batch; what has no answer when `signal` is aborted is `unknown`. */
  pay(
    requests: readonly PayRequest[],
    signal: AbortSignal,
  ): Promise<readonly CallResult<PayAnswer, CashRefusal>[]>;
  /** Likewise. */
  shopOrder(
    requests: readonly ShopOrderRequest[],
    signal: AbortSignal,
  ): Promise<readonly CallResult<ShopOrderAnswer, CashRefusal>[]>;
  /** Likewise. */
  settleTransfers(
    requests: readonly SettleTransferRequest[],
    signal: AbortSignal,
  ): Promise<readonly CallResult<SettleTransferAnswer, CashRefusal>[]>;
  openPurse(request: OpenPurseRequest): Promise<CallResult<OpenPurseAnswer, CashRefusal>>;
  closePurse(request: ClosePurseRequest): Promise<CallResult<ClosePurseAnswer, CashRefusal>>;
  deviceExposure(request: DeviceExposureRequest): Promise<CallResult<DeviceExposureAnswer, CashRefusal>>;
}

/** The directory, which may be replaced by a newer one at any time. */
export interface CurrentDirectory {
  current(): Pick<Directory, 'verificationKey' | 'openingKey' | 'operator' | 'bytes'>;
  /** Something came that it does not know; perhaps a newer one does. */
  missed(): void;
}

/** What pino's loggers have. Request ids, devices, states, amounts; never keys, user data or anything sealed. */
export interface ManagementLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
