// Purses that devices ask for: admitted here, opened by cash, certified.
import { equalBytes } from '../../identity/binary-text.ts';
import type { Clock } from '../../identity/time.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import { checkUsableKey } from '../common/usable-key.ts';
import { PurseOpening, type SignedPurseOpening } from '../documents/purse.ts';
import type { FlowRunner } from '../flow/flow-runner.ts';
import {
  checkApplyBy,
  checkCurrency,
  checkDevice,
  checkKeysFree,
  checkNotBlocked,
  checkRequestId,
  type Refused,
  refuse,
} from './check.ts';
import { drawNumber, type RandomBytes } from './device-number.ts';
import { write } from './devices.ts';
import type { ManagementLimits } from './limits.ts';
import { ManagementOperation } from './messages.ts';
import type { DevicePeer } from './peers.ts';
import { type PurseState, purseFlow } from './purse-flow.ts';
import { type OpenPurseAnswer, OpenPurseRequest } from './purse-messages.ts';
import { pursesToday, putPurseOpened } from './purse-registry.ts';
import { isNumberTaken } from './registry.ts';
import { requestDigests, type SignedRequest, type SubmitOptions, submitSigned } from './requests.ts';
import { checkRequests, countRequest } from './usage.ts';

export interface OpeningsOptions extends SubmitOptions {
  readonly runner: FlowRunner;
  readonly store: StoreReads;
  readonly clock: Clock;
  readonly limits: ManagementLimits;
  readonly randomBytes: RandomBytes;
}

/** One promise a message, in order; none waits for another. */
export function openPurses(
  messages: readonly OpenPurseRequest[],
  peers: readonly DevicePeer[],
  options: OpeningsOptions,
): readonly Promise<OpenPurseAnswer | Refused>[] {
  const digests = requestDigests(ManagementOperation.open_purse, OpenPurseRequest, messages);
  const { runner, store, clock } = options;
  const requests = messages.map(({ opening }, i): SignedRequest<PurseState> => {
    const { document, signature } = opening;
    const peer = peers[i]!;
    return {
      id: document.request,
      digest: digests[i]!,
      check: () => checkRequestId(document.request) ?? checkAsker(store, peer, document),
      checkNew: () => checkOpening(store, document, clock(), options.limits),
      signed: { publicKey: peer.signingKey, message: PurseOpening.signedBytes(document), signature },
      admit: (tx) => admitOpening(tx, peer, opening, options),
    };
  });
  return submitSigned(runner, purseFlow, requests, options).map(
    async (submitted, i): Promise<OpenPurseAnswer | Refused> => {
      const standing = await submitted;
      if (standing instanceof Refusal) {
        // What was admitted goes on: a refusal would say that nothing is reserved where something may be.
        return standing.code === 'device_revoked' && wasAdmitted(runner, requests[i]!)
          ? { kind: 'pending', state: standing.code }
          : standing;
      }
      const { state, stateName } = standing;
      switch (state.kind) {
        case 'opening':
          return { kind: 'pending', state: stateName };
        case 'open':
          return { kind: 'opened', certificate: state.certificate, allowance: state.allowance };
        case 'rejected':
          return { kind: 'rejected', reason: state.reason };
      }
    },
  );
}

/** A device that stands in the registry, for itself. */
function checkAsker(reads: StoreReads, peer: DevicePeer, { device }: PurseOpening): Refused | undefined {
  if (device !== peer.device) {
    return refuse('not_permitted', 'device: expected that of the channel, got another');
  }
  const record = checkDevice(reads, peer);
  return record instanceof Refusal ? record : undefined;
}

/** By rules that leave nothing behind; asked again in the transaction, for what races. */
function checkOpening(
  reads: StoreReads,
  { device, signingKey, channelKey, currency }: PurseOpening,
  now: bigint,
  limits: ManagementLimits,
): Refused | undefined {
  const { devicePursesPerDay } = limits;
  const opened = pursesToday(reads, device, now);
  if (opened >= devicePursesPerDay) {
    return refuse('busy', `purses: expected fewer than ${devicePursesPerDay} opened today, got ${opened}`);
  }
  return (
    checkCurrency(currency, limits) ??
    checkRequests(reads, device, now, limits) ??
    checkKeysFree(reads, { signingKey, channelKey }) ??
    // Nothing that comes before is signed with it; cash would not have it, and the opening would stay open for ever.
    checkUsableKey(signingKey)
  );
}

function admitOpening(
  tx: StoreTransaction,
  peer: DevicePeer,
  opening: SignedPurseOpening,
  { clock, limits, randomBytes }: OpeningsOptions,
): PurseState | Refused {
  const now = clock();
  const { document } = opening;
  const refused = checkOpening(tx, document, now, limits);
  if (refused !== undefined) return refused;
  countRequest(tx, peer.device, now);
  const device = checkDevice(tx, peer);
  if (device instanceof Refusal) return device;
  const untimely = checkNotBlocked(device) ?? checkApplyBy(document.applyBy, now, limits);
  if (untimely !== undefined) return untimely;
  write(tx, putPurseOpened(tx, peer.device, now));
  const purse = drawNumber(randomBytes, (number) => isNumberTaken(tx, number));
  return { kind: 'opening', purse, opening, distrusted: undefined };
}

function wasAdmitted(runner: FlowRunner, { id, digest }: SignedRequest<PurseState>): boolean {
  const record = runner.lookup(id);
  return record !== undefined && record.refusal === undefined && equalBytes(record.digest, digest);
}
