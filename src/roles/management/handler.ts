// Who may ask management for what, and what is done about each message.
import { equalBytes } from '../../identity/binary-text.ts';
import type { RoleStore } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import { REPORTS_PAGE_MAX } from '../common/request-report.ts';
import type { Handler, Handlers } from '../common/role-engine.ts';
import { DeviceOrder } from '../documents/device-order.ts';
import { AccountFiling, Enrolment } from '../documents/enrolment.ts';
import { LoadOrder } from '../documents/load-order.ts';
import { ShopEnrolment } from '../documents/shop-enrolment.ts';
import { KEY_BYTES } from '../documents/signed.ts';
import type { Standing } from '../flow/flow.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import {
  type AdmissionOptions,
  admitDeviceOrder,
  admitEnrolment,
  admitFiling,
  admitLoad,
  admitShop,
  checkEnrolment,
  checkNewLoad,
  checkOperator,
  checkShopEnrolment,
} from './admission.ts';
import {
  checkChannelKey,
  checkCurrency,
  checkDevice,
  checkRegistered,
  checkRequestId,
  checkSigningKey,
  type Refused,
  refuse,
} from './check.ts';
import { type DeviceOrderState, deviceOrderFlow } from './device-order-flow.ts';
import { certificateOf, type DevicesOptions } from './devices.ts';
import type { ManagementRefusal } from './errors.ts';
import {
  type EnrolState,
  enrolFlow,
  type FilingState,
  filingFlow,
  type LoadState,
  loadFlow,
} from './flow.ts';
import type { CashClient, CurrentDirectory } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import {
  DEVICES_PAGE_MAX,
  type DeviceOrderAnswer,
  DeviceOrderRequest,
  type DeviceReport,
  type EnrolAnswer,
  EnrolRequest,
  type EnrolShopAnswer,
  EnrolShopRequest,
  type FileAccountAnswer,
  FileAccountRequest,
  type GetBalanceAnswer,
  type GetBalanceRequest,
  type GetStatementAnswer,
  type GetStatementRequest,
  type LoadAnswer,
  LoadRequest,
  ManagementOperation,
  type ManagementOperations,
  SHOPS_PAGE_MAX,
} from './messages.ts';
import { type PayOptions, pay } from './pay.ts';
import { WINDOWS_PAGE_MAX } from './payout-messages.ts';
import { listWindows } from './payout-registry.ts';
import { closeWindow, type PayoutsOptions, showWindow } from './payouts.ts';
import {
  type DevicePeer,
  isAnyone,
  isDevice,
  isOperator,
  isShop,
  type ManagementPeer,
  mayEnrol,
  mayEnrolShop,
  mayRenew,
  type ShopPeer,
} from './peers.ts';
import { type PurseHandlerOptions, purseHandlers } from './purse-handlers.ts';
import { findAccount, listDevices } from './registry.ts';
import { CASH_WAIT_MS } from './relay.ts';
import { findReport, listRequests } from './report.ts';
import {
  requestDigests,
  type SignedRequest,
  type SubmitOptions,
  signedMessage,
  submitSigned,
} from './requests.ts';
import { type ShopFlowState, shopFlow } from './shop-flow.ts';
import { type ShopOrdersOptions, shopOrders } from './shop-orders.ts';
import { findShop, findShopChannelKey } from './shop-registry.ts';
import { approveShop, certificateOfShop, closeShop, reportShops, type ShopsOptions } from './shops.ts';
import { listShopTrades, tradeReport } from './trades.ts';
import { checkRequests } from './usage.ts';
import { within } from './within.ts';

/** Under which no signature is good. */
const NO_KEY = new Uint8Array(KEY_BYTES);

export interface HandlerOptions
  extends AdmissionOptions,
    DevicesOptions,
    ShopsOptions,
    SubmitOptions,
    PayOptions,
    ShopOrdersOptions,
    PayoutsOptions,
    PurseHandlerOptions {
  readonly limits: ManagementLimits;
  readonly runner: FlowRunner;
  readonly cash: CashClient;
}

export function managementHandlers(
  options: HandlerOptions,
): Handlers<ManagementOperations, ManagementPeer, ManagementRefusal> {
  const { runner, store } = options;
  const directoryBytes = bytesOfDirectory(options.directory);
  return {
    enrol: { allowed: mayEnrol, handle: (messages, peers) => enrol(messages, peers, options) },
    file_account: forDevices((messages, peers) => fileAccounts(messages, peers, options)),
    load: forDevices((messages, peers) => load(messages, peers, options)),
    get_balance: forDevices((messages, peers) =>
      messages.map((message, i) => getBalance(message, peers[i]!, options)),
    ),
    get_directory: each(isAnyone, () => ({ directory: directoryBytes() })),
    renew_certificate: {
      allowed: mayRenew,
      handle: (_, peers) => peers.map((peer) => renew(peer, options)),
    },
    lookup_request: each(isOperator, ({ request }) => ({ report: findReport(store, runner, request) })),
    list_requests: each(
      isOperator,
      ({ after, limit }) =>
        checkLimit(limit, REPORTS_PAGE_MAX) ?? { reports: listRequests(store, runner, after, limit) },
    ),
    list_devices: each(
      isOperator,
      ({ after, limit }) =>
        checkLimit(limit, DEVICES_PAGE_MAX) ?? { devices: reportDevices(store, after, limit) },
    ),
    get_statement: forDevices((messages, peers) =>
      messages.map((message, i) => getStatement(message, peers[i]!, options)),
    ),
    enrol_shop: {
      allowed: mayEnrolShop,
      handle: (messages, peers) => enrolShops(messages, peers, options),
    },
    pay: {
      allowed: isShop,
      handle: (messages, peers) => pay(messages, peers as readonly ShopPeer[], options),
    },
    shop_order: {
      allowed: isShop,
      handle: (messages, peers) => shopOrders(messages, peers as readonly ShopPeer[], options),
    },
    device_order: { allowed: isOperator, handle: (messages) => orderDevices(messages, options) },
    list_shops: each(
      isOperator,
      ({ after, limit }) => checkLimit(limit, SHOPS_PAGE_MAX) ?? { shops: reportShops(store, after, limit) },
    ),
    approve_shop: each(isOperator, ({ shop }) => approveShop(shop, options)),
    close_shop: each(isOperator, ({ shop, reason }) => closeShop(shop, reason, options)),
    list_shop_requests: each(
      isOperator,
      ({ shop, after, limit }) =>
        checkLimit(limit, REPORTS_PAGE_MAX) ?? {
          reports: listShopTrades(store, shop, after, limit).map(tradeReport),
        },
    ),
    close_window: each(isOperator, (request) => closeWindow(request, options)),
    list_windows: each(
      isOperator,
      ({ after, limit }) =>
        checkLimit(limit, WINDOWS_PAGE_MAX) ?? { windows: listWindows(store, after, limit) },
    ),
    show_window: each(isOperator, (request) => showWindow(request, options)),
    ...purseHandlers(options),
  };
}

/** Anyone may ask for it: encoded once. */
function bytesOfDirectory(directory: CurrentDirectory): () => Uint8Array {
  let encoded: { readonly of: unknown; readonly bytes: Uint8Array } | undefined;
  return () => {
    const current = directory.current();
    if (encoded?.of !== current) encoded = { of: current, bytes: current.bytes() };
    return encoded.bytes;
  };
}

type Answers<Answer> = readonly Promise<Answer | Refused>[];

/** An operation of which each message is handled by itself. */
function each<Request, Answer>(
  allowed: (peer: ManagementPeer) => boolean,
  run: (message: Request) => Answer | Refused | Promise<Answer | Refused>,
): Handler<Request, Answer, ManagementPeer, ManagementRefusal> {
  return { allowed, handle: (messages) => messages.map(async (message) => run(message)) };
}

function forDevices<Request, Answer>(
  run: (messages: readonly Request[], peers: readonly DevicePeer[]) => Answers<Answer>,
): Handler<Request, Answer, ManagementPeer, ManagementRefusal> {
  return { allowed: isDevice, handle: (messages, peers) => run(messages, peers as readonly DevicePeer[]) };
}

function checkLimit(limit: number, max: number): Refused | undefined {
  if (limit >= 1 && limit <= max) return undefined;
  return refuse('malformed', `limit: expected 1 to ${max}, got ${limit}`);
}

// ---- Enrolment

function enrol(
  messages: readonly EnrolRequest[],
  peers: readonly ManagementPeer[],
  options: HandlerOptions,
): Answers<EnrolAnswer> {
  const digests = requestDigests(ManagementOperation.enrol, EnrolRequest, messages);
  const requests = messages.map(({ enrolment }, i): SignedRequest<EnrolState> => {
    const { document } = enrolment;
    const peer = peers[i]!;
    return {
      id: document.request,
      digest: digests[i]!,
      check: () => checkRequestId(document.request) ?? checkChannelKey(peer, document),
      checkNew: () => checkEnrolment(options.store, document, options),
      signed: signedMessage(Enrolment, enrolment),
      admit: (tx) => admitEnrolment(tx, document, options),
    };
  });
  const { runner } = options;
  return submitSigned(runner, enrolFlow, requests, options).map(
    async (submitted): Promise<EnrolAnswer | Refused> => {
      const standing = await submitted;
      if (standing instanceof Refusal) return standing;
      const { state } = standing;
      if (state.kind === 'opening') return { kind: 'pending' };
      if (state.kind === 'expired') return { kind: 'expired' };
      // Not that of the state: a device that was away for long gets one that is still good.
      const certificate = await certificateOf(state.device, options);
      return certificate instanceof Refusal
        ? certificate
        : { kind: 'enrolled', device: state.device, certificate };
    },
  );
}

function enrolShops(
  messages: readonly EnrolShopRequest[],
  peers: readonly ManagementPeer[],
  options: HandlerOptions,
): Answers<EnrolShopAnswer> {
  const digests = requestDigests(ManagementOperation.enrol_shop, EnrolShopRequest, messages);
  const requests = messages.map(({ enrolment }, i): SignedRequest<ShopFlowState> => {
    const { document } = enrolment;
    const peer = peers[i]!;
    return {
      id: document.request,
      digest: digests[i]!,
      check: () => checkRequestId(document.request) ?? checkChannelKey(peer, document),
      checkNew: () => checkShopEnrolment(options.store, document, options),
      signed: signedMessage(ShopEnrolment, enrolment),
      admit: (tx) => admitShop(tx, enrolment, options),
    };
  });
  return submitSigned(options.runner, shopFlow, requests, options).map(
    async (submitted): Promise<EnrolShopAnswer | Refused> => {
      const standing = await submitted;
      if (standing instanceof Refusal) return standing;
      const { state, stateName } = standing;
      const { shop } = state;
      if (state.kind === 'closed') return { kind: 'closed', reason: state.reason };
      if (state.kind !== 'open') return { kind: 'pending', state: stateName, shop };
      // Not that of the state: a shop that was away for long gets one that is still good.
      const certificate = await certificateOfShop(shop, options);
      if (!(certificate instanceof Refusal)) return { kind: 'enrolled', shop, certificate };
      const reason = findShop(options.store, shop)?.closed?.reason;
      return reason === undefined ? certificate : { kind: 'closed', reason };
    },
  );
}

// ---- Account on file

function fileAccounts(
  messages: readonly FileAccountRequest[],
  peers: readonly DevicePeer[],
  options: HandlerOptions,
): Answers<FileAccountAnswer> {
  const digests = requestDigests(ManagementOperation.file_account, FileAccountRequest, messages);
  const requests = messages.map(({ filing }, i): SignedRequest<FilingState> => {
    const { document } = filing;
    const peer = peers[i]!;
    return {
      id: document.request,
      digest: digests[i]!,
      check: () => checkRequestId(document.request) ?? checkAsker(peer, document, options),
      checkNew: () => checkRequests(options.store, peer.device, options.clock(), options.limits),
      signed: signedMessage(AccountFiling, filing),
      admit: (tx) => admitFiling(tx, peer, document, options),
    };
  });
  const { runner } = options;
  return submitSigned(runner, filingFlow, requests, options).map(async (submitted) => {
    const standing = await submitted;
    return standing instanceof Refusal ? standing : { filedAt: standing.createdAt };
  });
}

// ---- Load

function load(
  messages: readonly LoadRequest[],
  peers: readonly DevicePeer[],
  options: HandlerOptions,
): Answers<LoadAnswer> {
  const digests = requestDigests(ManagementOperation.load, LoadRequest, messages);
  const requests = messages.map((message, i): SignedRequest<LoadState> => {
    const { document } = message.order;
    const peer = peers[i]!;
    return {
      id: document.request,
      digest: digests[i]!,
      check: () => checkRequestId(document.request) ?? checkAsker(peer, document, options),
      checkNew: () => checkNewLoad(options.store, peer, message, options),
      signed: signedMessage(LoadOrder, message.order),
      admit: (tx) => admitLoad(tx, peer, message, options),
    };
  });
  const { runner } = options;
  return submitSigned(runner, loadFlow, requests, options).map(
    async (submitted, i): Promise<LoadAnswer | Refused> => {
      const standing = await submitted;
      if (!(standing instanceof Refusal)) return loadAnswer(standing);
      return standing.code === 'device_revoked' && wasAdmitted(runner, requests[i]!)
        ? { kind: 'pending', state: standing.code }
        : standing;
    },
  );
}

/**
 * A load that was under way when its device was revoked goes to its end, so `device_revoked` would say that nothing is
 * done where something may be. The device is told nothing definite: above all it gets no receipt.
 */
function wasAdmitted(runner: FlowRunner, { id, digest }: SignedRequest<LoadState>): boolean {
  const record = runner.lookup(id);
  return record !== undefined && record.refusal === undefined && equalBytes(record.digest, digest);
}

function loadAnswer({ state, stateName }: Standing<LoadState>): LoadAnswer {
  switch (state.kind) {
    case 'loaded':
      return { kind: 'loaded', receipt: state.credit };
    case 'declined':
    case 'reversed':
      return { kind: state.kind, reason: state.reason };
    case 'expired':
      return { kind: 'expired' };
    default:
      return { kind: 'pending', state: stateName };
  }
}

// ---- What a device asks about itself

/** A device that stands in the registry, with the key of its certificate. Also asked of requests that are known. */
function checkAsker(
  peer: DevicePeer,
  { signingKey }: { readonly signingKey: Uint8Array },
  { store }: HandlerOptions,
): Refused | undefined {
  const refused = checkSigningKey(peer, signingKey);
  if (refused !== undefined) return refused;
  const device = checkDevice(store, peer);
  return device instanceof Refusal ? device : undefined;
}

async function getBalance(
  { currency }: GetBalanceRequest,
  peer: DevicePeer,
  { store, cash, limits, setTimer }: HandlerOptions,
): Promise<GetBalanceAnswer | Refused> {
  const device = checkDevice(store, peer);
  if (device instanceof Refusal) return device;
  const refused = checkCurrency(currency, limits);
  if (refused !== undefined) return refused;
  const result = await within(CASH_WAIT_MS, cash.getBalance({ device: peer.device, currency }), setTimer);
  if (result?.kind === 'ok') return result.answer;
  if (result?.kind === 'refused' && result.refusal.code === 'currency_not_offered') {
    return refuse('currency_not_offered', result.refusal.message);
  }
  return refuse('busy', 'balance: expected an answer of cash, got none');
}

/** What cash has of the device that asks; its signature is the wallet's to check. */
async function getStatement(
  { query }: GetStatementRequest,
  peer: DevicePeer,
  { store, cash, limits, setTimer, log }: HandlerOptions,
): Promise<GetStatementAnswer | Refused> {
  const { device } = peer;
  const record = checkDevice(store, peer);
  if (record instanceof Refusal) return record;
  const refused = checkCurrency(query.currency, limits);
  if (refused !== undefined) return refused;
  const result = await within(CASH_WAIT_MS, cash.getStatement({ device, query }), setTimer);
  if (result?.kind === 'refused' && result.refusal.code === 'currency_not_offered') {
    return refuse('currency_not_offered', result.refusal.message);
  }
  if (result?.kind !== 'ok') return refuse('busy', 'statement: expected an answer of cash, got none');
  const { document } = result.answer.statement;
  if (document.device === device && document.currency === query.currency) return result.answer;
  // Another's would tell what that one buys.
  log.warn({ device: String(device) }, 'a statement that was not asked for');
  return refuse('busy', 'statement: expected that of the device, got another');
}

async function renew(
  peer: ManagementPeer,
  options: HandlerOptions,
): Promise<{ certificate: Uint8Array } | Refused> {
  const shop = peer.kind === 'unenrolled' ? findShopChannelKey(options.store, peer.channelKey) : shopOf(peer);
  if (shop !== undefined) {
    const certificate = await certificateOfShop(shop, options);
    return certificate instanceof Refusal ? certificate : { certificate };
  }
  const device = deviceOf(peer, options);
  if (device instanceof Refusal) return device;
  const certificate = await certificateOf(device, options);
  return certificate instanceof Refusal ? certificate : { certificate };
}

const shopOf = (peer: ManagementPeer): bigint | undefined => (isShop(peer) ? peer.shop : undefined);

function deviceOf(peer: ManagementPeer, { store }: HandlerOptions): bigint | Refused {
  if (isDevice(peer)) {
    const record = checkDevice(store, peer);
    return record instanceof Refusal ? record : peer.device;
  }
  if (peer.kind === 'unenrolled') return checkRegistered(store, peer.channelKey);
  return refuse('not_permitted', `renew_certificate: expected a device, got ${peer.kind}`);
}

// ---- What operators ask

function reportDevices(store: RoleStore, after: bigint | undefined, limit: number): DeviceReport[] {
  return listDevices(store, after, limit).map(({ device, record }) => ({
    device,
    signingKey: record.signingKey,
    enrolledAt: record.enrolledAt,
    userData: record.userData,
    accountOnFile: findAccount(store, device) !== undefined,
    revoked: record.revoked !== undefined,
    blocked: record.blocked !== undefined,
    replacedBy: record.replacedBy,
  }));
}

// ---- What operators order

function orderDevices(
  messages: readonly DeviceOrderRequest[],
  options: HandlerOptions,
): Answers<DeviceOrderAnswer> {
  const digests = requestDigests(ManagementOperation.device_order, DeviceOrderRequest, messages);
  const requests = messages.map(({ order }, i): SignedRequest<DeviceOrderState> => {
    const { document, signature } = order;
    const operator = checkOperator(document.operator, options);
    return {
      id: document.request,
      digest: digests[i]!,
      check: () => checkRequestId(document.request),
      checkNew: () => (operator instanceof Refusal ? operator : undefined),
      signed: {
        publicKey: operator instanceof Refusal ? NO_KEY : operator.signingKey,
        message: DeviceOrder.signedBytes(document),
        signature,
      },
      admit: (tx) => admitDeviceOrder(tx, order, options),
    };
  });
  return submitSigned(options.runner, deviceOrderFlow, requests, options).map(
    async (submitted): Promise<DeviceOrderAnswer | Refused> => {
      const standing = await submitted;
      if (standing instanceof Refusal) return standing;
      const { state, stateName } = standing;
      if (state.kind === 'done') return { kind: 'done', timestamp: state.timestamp, moved: state.moved };
      if (state.kind === 'ordering') return { kind: 'pending', state: stateName };
      return state.reason === 'expired'
        ? refuse('expired', 'order: cash has got it after its applyBy')
        : refuse('order_refused', `order: cash refuses it: ${state.reason}`);
    },
  );
}
