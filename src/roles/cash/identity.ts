// The keys that cash needs, out of the directory and its own key sets.
import { equalBytes } from '../../identity/binary-text.ts';
import type { KeyPair } from '../../identity/key-set.ts';
import { currentKeys, type IdentitySource, type IdentityState, sealingKey } from '../../identity/own-keys.ts';
import { isWithin } from '../../identity/time.ts';
import type { Clock } from '../../ledger/clock.ts';
import type { CashIdentity } from './interface.ts';

export function cashIdentity(source: IdentitySource, clock: Clock): CashIdentity {
  return {
    settlementKey(keyId) {
      const key = source.current().directory.verificationKey('settlement', keyId, clock());
      // Perhaps of a directory that has not been read yet.
      if (key === undefined) source.missed?.();
      return key;
    },
    sealingKey(keyId) {
      const key = sealingKey(source.current(), 'cash', keyId, clock());
      if (key === undefined) source.missed?.();
      return key;
    },
    operatorKey(name) {
      const now = clock();
      const listed = source.current().directory.operator(name);
      if (listed !== undefined && isWithin(now, listed.notBefore, listed.notAfter)) return listed.signingKey;
      // Perhaps of a directory that has not been read yet.
      source.missed?.();
      return undefined;
    },
    receiptKey: (timestamp) => receiptKey(source.current(), timestamp, clock()),
  };
}

/**
 * The key that was in use at the transfer's time, so that a receipt stays the same when keys are rotated; the current one
 * when signatures under that no longer count, or cash does not have it any more.
 * @throws IdentityError when there is no current one either
 */
function receiptKey(state: IdentityState, timestamp: bigint, now: bigint): KeyPair {
  const listed = state.directory
    .role('cash')
    ?.keySets.findLast(({ notBefore, notAfter }) => isWithin(timestamp, notBefore, notAfter));
  if (listed !== undefined && now <= listed.verifyUntil) {
    const own = state.keySets.find(({ signing }) => equalBytes(signing.publicKey, listed.keys.signing));
    if (own !== undefined) return own.signing;
  }
  return currentKeys(state, 'cash', now).signing;
}
