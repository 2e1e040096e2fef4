import { CryptoError, ed25519 } from '../../crypto/index.ts';
import { Refusal } from './refusal.ts';

/** A key under which no signature can be good would open an account that nobody can use. undefined: it is one that can. */
export function checkUsableKey(signingKey: Uint8Array): Refusal<never> | undefined {
  try {
    ed25519.prepare(signingKey);
    return undefined;
  } catch (error) {
    if (!(error instanceof CryptoError) || error.code !== 'invalid_public_key') throw error;
    return new Refusal<never>('malformed', `signingKey: ${error.message}, got other bytes`);
  }
}
