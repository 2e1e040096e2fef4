// Whom a gateway's servers let in: every terminal that proves a key of its own. Which of them may do what is for the handlers.
//
//     pattern   payload   becomes
//     IK        none      unenrolled: known by its key
//     others              refused
//
// Nothing here is of Node.
import type { ServerIdentity } from '../wire/channel-identity.ts';

/** @param channelKey of the side's listener */
export function gatewayServerIdentity(channelKey: { readonly secretKey: Uint8Array }): ServerIdentity {
  const keys = [channelKey];
  return {
    channelKeys: () => keys,
    peerKey: () => undefined,
    authorise({ pattern, staticKey, payload }) {
      if (pattern !== 'IK' || staticKey === undefined)
        return { refused: 'pattern_not_allowed', message: `expected IK at a gateway, got ${pattern}` };
      if (payload.length > 0) {
        const message = `expected no payload at a gateway, got ${payload.length} bytes`;
        return { refused: 'malformed_payload', message };
      }
      return { peer: { kind: 'unenrolled', channelKey: staticKey } };
    },
  };
}
