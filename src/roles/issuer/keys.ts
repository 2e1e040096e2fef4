// What the issuer needs of the directory: which of cash's keys count.
import type { IdentitySource } from '../../identity/own-keys.ts';
import type { IssuerKeys } from './interface.ts';

export function identityKeys(identity: IdentitySource): IssuerKeys {
  return {
    cash(keyId, now) {
      const key = identity.current().directory.verificationKey('cash', keyId, now);
      // Perhaps of a directory that has not been read yet.
      if (key === undefined) identity.missed?.();
      return key;
    },
  };
}
