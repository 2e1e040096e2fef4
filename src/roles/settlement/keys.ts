// Settlement's keys as the directory has them: which one signs now, which ones still open; and cash's, which count.
import { sha256 } from '../../crypto/index.ts';
import { currentKeys, heldSealingKey, type IdentitySource, sealingKey } from '../../identity/own-keys.ts';
import type { SettlementKeys } from './interface.ts';

export function identityKeys(identity: IdentitySource): SettlementKeys {
  return {
    signing: (now) => currentKeys(identity.current(), 'settlement', now).signing,
    sealing(keyId, now) {
      const key = sealingKey(identity.current(), 'settlement', keyId, now);
      // Perhaps of a directory that has not been read yet.
      if (key === undefined) identity.missed?.();
      return key;
    },
    storedSealing: (keyId) => heldSealingKey(identity.current(), keyId, sha256),
    signatureCounts: (keyId, now) =>
      identity.current().directory.verificationKey('settlement', keyId, now) !== undefined,
    cash(keyId, now) {
      const key = identity.current().directory.verificationKey('cash', keyId, now);
      if (key === undefined) identity.missed?.();
      return key;
    },
  };
}
