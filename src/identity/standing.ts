// Whether a peer that was let in would still be let in, now that the directory is another one.
import { equalBytes } from './binary-text.ts';
import type { Directory } from './directory.ts';
import { isWithin } from './time.ts';

/** As the channel has it; of devices and shops only their kind matters here. */
export type StandingPeer =
  | { readonly kind: 'role'; readonly role: string; readonly keyId: Uint8Array }
  | { readonly kind: 'operator'; readonly channelKey: Uint8Array }
  | { readonly kind: 'device' | 'shop' | 'unenrolled' | 'unnamed' | 'local' };

/**
 * Roles and operators are judged by the directory. A peer does not say who has signed its certificate, so every device and shop has
 * lost its standing: its client connects anew within a moment, and is judged like any other.
 */
export function hasLostStanding(peer: StandingPeer, directory: Directory, now: bigint): boolean {
  switch (peer.kind) {
    case 'role':
      return directory.openingKey('channel', peer.keyId, now)?.role !== peer.role;
    case 'operator': {
      const listed = directory.operatorOfChannelKey(peer.channelKey);
      return listed === undefined || !isWithin(now, listed.notBefore, listed.notAfter);
    }
    case 'device':
    case 'shop':
      return true;
    default:
      return false;
  }
}

/** Whether a channel key of a role still opens channels. */
export function isStillKey(directory: Directory, role: string, channelKey: Uint8Array, now: bigint): boolean {
  const listed = directory.roleOfChannelKey(channelKey);
  return (
    listed?.role === role &&
    equalBytes(listed.publicKey, channelKey) &&
    isWithin(now, listed.keySet.notBefore, listed.keySet.openUntil)
  );
}
