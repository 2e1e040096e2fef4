// Management's signing key, as the directory says which one is in use now.
import { ed25519, type SigningKey } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import { currentKeys, type IdentitySource } from '../../identity/own-keys.ts';
import type { Clock } from '../../identity/time.ts';

export interface RoleSigner {
  /** @throws IdentityError when the role has no key that is in use now */
  current(): SigningKey;
  /** Wipes the key. */
  close(): void;
}

/** Keeps the key ready, which halves the time of a signature, until another takes its place. */
export function roleSigner(identity: IdentitySource, clock: Clock): RoleSigner {
  let ready: SigningKey | undefined;
  return {
    current() {
      const { publicKey, secretKey } = currentKeys(identity.current(), 'management', clock()).signing;
      if (ready === undefined || !equalBytes(ready.publicKey, publicKey)) {
        ready?.close();
        ready = ed25519.signingKey(secretKey);
      }
      return ready;
    },
    close() {
      ready?.close();
      ready = undefined;
    },
  };
}
