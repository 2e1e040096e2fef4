// Whom a shop's server lets in: everybody who knows its key, and nobody by name.
//
//     pattern   payload   becomes
//     NK        none      unnamed
//     others              refused: a wallet that names itself would undo what the sealed device number hides
//
// Nothing here is of Node.
import type { ServerIdentity } from '../wire/channel-identity.ts';

/** @param channelKey the shop's, whose public half is in its certificate */
export function shopServerIdentity(channelKey: { readonly secretKey: Uint8Array }): ServerIdentity {
  const keys = [channelKey];
  return {
    channelKeys: () => keys,
    peerKey: () => undefined,
    authorise({ pattern, staticKey, payload }) {
      if (pattern !== 'NK' || staticKey !== undefined) {
        return { refused: 'pattern_not_allowed', message: `expected NK at a shop, got ${pattern}` };
      }
      if (payload.length > 0) {
        const message = `expected no payload in NK, got ${payload.length} bytes`;
        return { refused: 'malformed_payload', message };
      }
      return { peer: { kind: 'unnamed' } };
    },
  };
}
