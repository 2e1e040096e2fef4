// What the issuer is made of: its store, the keysets of wide notes, its connections to cash and to the receiver.
import { createCryptoPool } from '../../crypto/index.ts';
import { CashClient } from '../../roles/cash/client.ts';
import { identityKeys } from '../../roles/issuer/keys.ts';
import { openIssuer } from '../../roles/issuer/role.ts';
import { ReceiverClient } from '../../roles/receiver/client.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import { wideMint } from './mint-parts.ts';
import { NOBODY, random, storeFailed, whole } from './opened.ts';
import { Partners } from './partners.ts';
import type { PartsOptions, RoleParts } from './parts.ts';

export function issuerParts(options: PartsOptions): Promise<RoleParts> {
  const { home, log, registry, trace } = options;
  return whole(async (opened) => {
    const store = opened.add(await openRoleStore({ path: home.storePath, failed: storeFailed(options) }));
    const partners = new Partners(home, opened);
    const pool = opened.add(createCryptoPool());
    const { renew, ...mint } = wideMint(home);
    const issuer = opened.add(
      await openIssuer({
        ...mint,
        store,
        pool,
        cash: new CashClient(partners.to('cash')),
        receiver: new ReceiverClient(partners.to('receiver')),
        keys: identityKeys(home.source),
        random,
        log,
        registry,
        ...(trace && { trace }),
      }),
    );
    return {
      engine: issuer.engine,
      mint: issuer.mint,
      revoked: NOBODY,
      found: {},
      changed: (directory) => partners.changed(directory),
      noteSeedsChanged: renew,
    };
  });
}
