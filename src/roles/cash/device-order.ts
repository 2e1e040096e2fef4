// Orders of operators about devices: block, unblock, replace, limits, revoke.
//
//     examine (signed-orders.ts) ─▶ runner: rules of time and registry, then the flow (device-order-flow.ts) ─▶ answer
//
// The operator's signature is checked here too, with the key that the directory lists: management alone can block nothing
// and move nothing.
import { sha256 } from '../../crypto/index.ts';
import type { StoreReads } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import { DeviceOrder, type SignedDeviceOrder } from '../documents/device-order.ts';
import type { Standing, Submission } from '../flow/flow.ts';
import {
  type CashRefused,
  checkDeviceOrder,
  currencyNotOffered,
  deviceBlocked,
  deviceReplaced,
  deviceUnknown,
  expired,
  operatorUnknown,
} from './check.ts';
import { type DeviceOrderState, deviceOrderFlow } from './device-order-flow.ts';
import { deviceTerms, successorOf } from './device-terms.ts';
import type { CashRefusal } from './errors.ts';
import type { CashParts } from './interface.ts';
import type { DeviceOrderAnswer, DeviceOrderRequest } from './messages.ts';
import type { Device } from './registry.ts';
import { examine, ORDER_WAIT_MS, stillUnderWay } from './signed-orders.ts';

type Answer = DeviceOrderAnswer | CashRefused;

/**
 * One answer a request, in order.
 * @throws RequestError, CryptoError: nothing is known of any of them; the same requests may come again
 */
export async function deviceOrders(
  requests: readonly DeviceOrderRequest[],
  parts: CashParts,
): Promise<Answer[]> {
  const orders = requests.map(({ order }) => order);
  const findings = await examine(
    orders.map((order) => ({ id: order.document.request, check: () => check(order, parts) })),
    parts,
  );
  const digests = sha256.batch(orders.map(({ document }) => DeviceOrder.codec.encode(document)));
  const standings = orders.map((order, i): Promise<Answer> | Answer => {
    const finding = findings[i]!;
    if (finding instanceof Refusal) return finding;
    const item = submission(order, digests[i]!, parts);
    return parts.runner.submit(deviceOrderFlow, [item], ORDER_WAIT_MS)[0]!.then(answerOf);
  });
  return Promise.all(standings);
}

function check({ document, signature }: SignedDeviceOrder, { identity }: CashParts) {
  const refused = checkDeviceOrder(document);
  if (refused !== undefined) return refused;
  const publicKey = identity.operatorKey(document.operator);
  if (publicKey === undefined) return operatorUnknown(document.operator);
  return { publicKey, message: DeviceOrder.signedBytes(document), signature };
}

function submission(
  order: SignedDeviceOrder,
  digest: Uint8Array,
  parts: CashParts,
): Submission<DeviceOrderState, CashRefusal> {
  const { document } = order;
  return {
    id: document.request,
    digest,
    admit: (tx) =>
      checkTime(document, parts) ?? checkAction(document, tx, parts) ?? { kind: 'setting', order },
  };
}

/** A revocation is for good, so it may come late: management tells it until cash has it. */
function checkTime({ applyBy, action }: DeviceOrder, { clock }: CashParts): CashRefused | undefined {
  const now = clock();
  if (action.kind === 'revoke') return undefined;
  return applyBy > now ? undefined : expired(applyBy, now);
}

function checkAction(
  { device: number, action }: DeviceOrder,
  tx: StoreReads,
  { registry }: CashParts,
): CashRefused | undefined {
  const device = registry.device(number);
  if (device === undefined) return deviceUnknown(number);
  if (action.kind === 'revoke') return undefined;
  if (action.kind === 'replace') return checkReplacement(device, action.by, tx, registry.device(action.by));
  const { replacedBy } = deviceTerms(tx, number);
  if (replacedBy !== 0n) return deviceReplaced(number, replacedBy);
  if (action.kind !== 'limits' || device.accounts.has(action.currency)) return undefined;
  return currencyNotOffered([...device.accounts.keys()], action.currency);
}

/**
 * Ordered again, it moves what has become free since: to the device that stands for the old one now, and to no other. `by`
 * must be good itself, and have an account for each currency.
 */
function checkReplacement(
  old: Device,
  number: bigint,
  tx: StoreReads,
  by: Device | undefined,
): CashRefused | undefined {
  if (by === undefined) return deviceUnknown(number);
  const terms = deviceTerms(tx, number);
  if (terms.replacedBy !== 0n) return deviceReplaced(number, terms.replacedBy);
  if (terms.isBlocked || terms.isRevoked) return deviceBlocked(number);
  const successor = successorOf(tx, old.device);
  if (successor !== old.device && successor !== number) return deviceReplaced(old.device, successor);
  const missing = [...old.accounts.keys()].find((currency) => !by.accounts.has(currency));
  return missing === undefined ? undefined : currencyNotOffered([...by.accounts.keys()], missing);
}

function answerOf(standing: Standing<DeviceOrderState> | Refusal<CashRefusal>): Answer {
  if (standing instanceof Refusal) return standing;
  const { state } = standing;
  if (state.kind !== 'done') return stillUnderWay();
  return { timestamp: state.timestamp, moved: state.moved };
}
