// What issuer and receiver of a home have in common: the same seeds, units and name make them one mint.
import { noteCrypto } from '../../crypto/index.ts';
import type { RoleHome } from '../../identity/load-home.ts';
import type { NoteSeed } from '../../identity/note-seeds.ts';
import type { MintKeysets } from '../../mint/keysets.ts';
import type { MintAbout } from '../../mint/service.ts';
import { WideUnits, wideKeysets } from '../../roles/common/wide-notes.ts';

export interface WideMint {
  readonly units: WideUnits;
  readonly keysets: MintKeysets;
  readonly about: MintAbout;
  /** There are new seeds: the keysets that the role has are those of all of them from now on. */
  renew(seeds: readonly NoteSeed[]): void;
}

export function wideMint(home: RoleHome): WideMint {
  const { currency, currencies, institution } = home.configuration;
  const units = new WideUnits([currency.ledger], currencies);
  const keysetsOf = (seeds: readonly NoteSeed[]): MintKeysets =>
    wideKeysets({ seeds, units, crypto: noteCrypto });
  const keysets = keysetsOf(home.noteSeeds());
  return {
    units,
    keysets,
    about: { name: institution.payments.name },
    renew: (seeds) => keysets.renew(keysetsOf(seeds)),
  };
}
