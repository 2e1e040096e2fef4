// What the receiver is made of: its store with all that was ever spent, the keysets of wide notes, its connections to cash and
// to the issuer.
import { createCryptoPool } from '../../crypto/index.ts';
import { CashClient } from '../../roles/cash/client.ts';
import { IssuerClient } from '../../roles/issuer/client.ts';
import { identityKeys } from '../../roles/receiver/keys.ts';
import { openReceiver } from '../../roles/receiver/role.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import { wideMint } from './mint-parts.ts';
import { NOBODY, random, storeFailed, whole } from './opened.ts';
import { Partners } from './partners.ts';
import type { PartsOptions, RoleParts } from './parts.ts';

export function receiverParts(options: PartsOptions): Promise<RoleParts> {
  const { home, log, registry, trace } = options;
  return whole(async (opened) => {
    const store = opened.add(await openRoleStore({ path: home.storePath, failed: storeFailed(options) }));
    const partners = new Partners(home, opened);
    const pool = opened.add(createCryptoPool());
    const { renew, ...mint } = wideMint(home);
    const receiver = opened.add(
      await openReceiver({
        ...mint,
        store,
        pool,
        cash: new CashClient(partners.to('cash')),
        issuer: new IssuerClient(partners.to('issuer')),
        keys: identityKeys(home.source),
        random,
        log,
        registry,
        ...(trace && { trace }),
      }),
    );
    return {
      engine: receiver.engine,
      mint: receiver.mint,
      revoked: NOBODY,
      found: {},
      changed: (directory) => partners.changed(directory),
      noteSeedsChanged: renew,
    };
  });
}
