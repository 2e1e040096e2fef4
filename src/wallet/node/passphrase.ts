// Secret keys under a passphrase, as in the key files of roles: scrypt and ChaCha20-Poly1305 (src/identity/key-file.ts).
import { IdentityError } from '../../identity/errors.ts';
import { type Encryption, keyFileText, parseKeyFile } from '../../identity/key-file.ts';
import { keyPairOf } from '../../identity/new-key-set.ts';
import type { PassphraseSource } from '../../identity/passphrase.ts';
import { WalletError, type WalletErrorCode } from '../core/errors.ts';
import type { KeyProtection } from '../core/ports.ts';
import { SecretKeys } from '../core/records.ts';

const OWNER = 'wallet';
const USES = ['signing', 'channel'] as const;

/**
 * @param passphrase asked when keys are made, and when they are first needed
 * @param options lower costs for tests
 */
export function passphraseProtection(
  passphrase: PassphraseSource,
  options: Pick<Encryption, 'scryptLog2N'> = {},
): KeyProtection {
  return {
    async protect(secret) {
      const given = await passphrase();
      if (given === undefined)
        throw new WalletError('passphrase_needed', 'keys: expected a passphrase, got none');
      const { signing, channel } = SecretKeys.decode(secret);
      const keys = { signing: keyPairOf('signing', signing), channel: keyPairOf('channel', channel) };
      const content = { owner: OWNER, number: 1, createdAt: 0n, keys };
      try {
        return new TextEncoder().encode(await keyFileText(content, { ...options, passphrase: given }));
      } finally {
        signing.fill(0);
        channel.fill(0);
      }
    },
    async reveal(stored) {
      try {
        const text = new TextDecoder().decode(stored);
        const { keys } = await parseKeyFile(text, 'wallet keys', { owner: OWNER, uses: USES }, passphrase);
        return SecretKeys.encode({ signing: keys.signing!.secretKey, channel: keys.channel!.secretKey });
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error;
        const known: Readonly<Record<string, WalletErrorCode>> = {
          passphrase_needed: 'passphrase_needed',
          wrong_passphrase: 'wrong_passphrase',
        };
        throw new WalletError(known[error.code] ?? 'wallet_damaged', error.message, { cause: error });
      }
    },
  };
}
