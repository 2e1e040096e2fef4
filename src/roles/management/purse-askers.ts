// Who asks about purses: devices of the registry, so often in a minute.
import type { StoreReads } from '../../store/store.ts';
import { Refusal } from '../common/refusal.ts';
import { checkDevice, type Refused, refuse } from './check.ts';
import type { DeviceRates } from './device-rates.ts';
import type { DevicePeer } from './peers.ts';

export interface AskersOptions {
  readonly store: StoreReads;
  /** Of what costs a seal or a signature. */
  readonly reportRates: DeviceRates;
}

/** For the messages of a batch, each of which counts: why it is refused, whatever it says. */
export function purseAskers(
  now: bigint,
  { store, reportRates }: AskersOptions,
): (peer: DevicePeer) => Refused | undefined {
  const known = new Map<DevicePeer, Refused | undefined>();
  return (peer) => {
    if (!known.has(peer)) {
      const record = checkDevice(store, peer);
      known.set(peer, record instanceof Refusal ? record : undefined);
    }
    const refused = known.get(peer);
    if (refused !== undefined) return refused;
    return reportRates.take(peer.device, now)
      ? undefined
      : refuse('busy', 'purses: expected fewer messages in a minute, got more: ask again later');
  };
}
