// The receiver's keys as the directory has them: which one signs now, which ones still open; and cash's, which count.
import { currentKeys, type IdentitySource, sealingKey } from '../../identity/own-keys.ts';
import type { ReceiverKeys } from './interface.ts';

export function identityKeys(identity: IdentitySource): ReceiverKeys {
  return {
    signing: (now) => currentKeys(identity.current(), 'receiver', now).signing,
    sealing(keyId, now) {
      const key = sealingKey(identity.current(), 'receiver', keyId, now);
      // Perhaps of a directory that has not been read yet.
      if (key === undefined) identity.missed?.();
      return key;
    },
    signatureCounts: (keyId, now) =>
      identity.current().directory.verificationKey('receiver', keyId, now) !== undefined,
    cash(keyId, now) {
      const key = identity.current().directory.verificationKey('cash', keyId, now);
      if (key === undefined) identity.missed?.();
      return key;
    },
  };
}
