// What is asked of cash about purses and only passed on: statements by the device whose purse it is, exposure by operators.
import type { SetTimer } from '../../shared/timer.ts';
import type { RoleStore } from '../../store/store.ts';
import { EXPOSURE_PURSES_MAX } from '../cash/purse-messages.ts';
import { Refusal } from '../common/refusal.ts';
import { checkCurrency, checkDevice, deviceUnknown, type Refused, refuse } from './check.ts';
import type { CashClient, ManagementLog } from './interface.ts';
import type { ManagementLimits } from './limits.ts';
import type { DevicePeer } from './peers.ts';
import { ownPurse } from './purse-closing.ts';
import type {
  DeviceExposureAnswer,
  DeviceExposureRequest,
  GetPurseStatementAnswer,
  GetPurseStatementRequest,
} from './purse-messages.ts';
import { findFraud, findPurse, pursesOf } from './purse-registry.ts';
import { isStopped, listSerial } from './purse-standing.ts';
import { findDevice } from './registry.ts';
import { CASH_WAIT_MS } from './relay.ts';
import { within } from './within.ts';

export interface QuestionsOptions {
  readonly store: RoleStore;
  readonly cash: Pick<CashClient, 'getStatement' | 'deviceExposure'>;
  readonly limits: ManagementLimits;
  readonly setTimer: SetTimer;
  readonly log: ManagementLog;
}

/** As get_statement, of a purse; the signature is the wallet's to check. */
export async function getPurseStatement(
  { purse, query }: GetPurseStatementRequest,
  peer: DevicePeer,
  { store, cash, limits, setTimer, log }: QuestionsOptions,
): Promise<GetPurseStatementAnswer | Refused> {
  const device = checkDevice(store, peer);
  if (device instanceof Refusal) return device;
  const record = ownPurse(store, purse, peer);
  if (record instanceof Refusal) return record;
  const refused = checkCurrency(query.currency, limits);
  if (refused !== undefined) return refused;
  if (query.currency !== record.currency) {
    return refuse('currency_mismatch', `currency: expected ${record.currency}, got ${query.currency}`);
  }
  const result = await within(CASH_WAIT_MS, cash.getStatement({ device: purse, query }), setTimer);
  if (result?.kind !== 'ok') return refuse('busy', 'statement: expected an answer of cash, got none');
  const { document } = result.answer.statement;
  if (document.device === purse && document.currency === query.currency) return result.answer;
  log.warn({ purse: String(purse) }, 'a statement that was not asked for');
  return refuse('busy', 'statement: expected that of the purse, got another');
}

/** What cash knows of the device's purses, and what they have signed that cannot be honest. */
export async function deviceExposure(
  { device }: DeviceExposureRequest,
  { store, cash, setTimer }: QuestionsOptions,
): Promise<DeviceExposureAnswer | Refused> {
  if (findDevice(store, device) === undefined) return deviceUnknown(device);
  const result = await within(CASH_WAIT_MS, cash.deviceExposure({ device }), setTimer);
  if (result?.kind !== 'ok') return refuse('busy', 'exposure: expected an answer of cash, got none');
  const purses = pursesOf(store, device);
  const isListed = purses.some((purse) => isStopped(store, purse, findPurse(store, purse)!.expiresAt));
  const frauds = purses.flatMap((purse) => {
    const found = findFraud(store, purse);
    return found === undefined
      ? []
      : [{ purse, kind: found.kind, provenAt: found.provenAt, proof: found.proof }];
  });
  return {
    purses: result.answer.purses,
    frauds: frauds.slice(-EXPOSURE_PURSES_MAX),
    blockListSerial: isListed ? listSerial(store).serial : 0n,
    purseCount: Math.min(purses.length, 0xffff),
  };
}
