// Whether the shop that asks is one of the registry, with the keys that it has there: looked up once a batch.
import { equalBytes } from '../../identity/binary-text.ts';
import { type Refused, refuse } from './check.ts';
import type { ShopPeer } from './peers.ts';
import type { ShopRecord } from './shop-registry.ts';

/** `closing`: closed here, and cash does not know it yet. */
export type ShopStanding = 'open' | 'closing' | 'closed';
export type FindShop = (shop: bigint) => ShopRecord | undefined;

export function shopStandings(findShop: FindShop): (peer: ShopPeer) => ShopStanding | Refused {
  const known = new Map<ShopPeer, ShopStanding | Refused>();
  return (peer) => {
    let standing = known.get(peer);
    if (standing === undefined) {
      standing = standingOf(findShop(peer.shop), peer);
      known.set(peer, standing);
    }
    return standing;
  };
}

/** The channel has proven the keys of a certificate; the registry says whose they are. */
function standingOf(
  record: ShopRecord | undefined,
  { shop, signingKey, channelKey }: ShopPeer,
): ShopStanding | Refused {
  const isIts =
    record?.certified !== undefined &&
    equalBytes(record.signingKey, signingKey) &&
    equalBytes(record.channelKey, channelKey);
  if (!isIts) return refuse('shop_unknown', `shop: expected one of the registry, got ${shop}`);
  if (record.closed === undefined) return 'open';
  return record.closed.enforced ? 'closed' : 'closing';
}
