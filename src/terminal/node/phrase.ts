// What the twelve words give: every secret of a terminal, so that who has them has its notes and its address again.
//
//     words (BIP 39) ─▶ seed ─┬─ notes' secrets (NUT-13, as in other wallets)
//                             ├─ HKDF "channel" ─▶ X25519: its channels to gateways
//                             └─ HKDF "sealing" ─▶ X25519: notes for it are sealed to it
//
// On disk there is the entropy behind the words, in a key file (src/identity/key-file.ts): 16 bytes and 16 zeroes, or 32 bytes
// of twenty-four words.
import { entropyToMnemonic, mnemonicToEntropy, validateMnemonic } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { hkdfSha256 } from '../../crypto/index.ts';
import type { KeyPair } from '../../identity/key-set.ts';
import { keyPairOf } from '../../identity/new-key-set.ts';
import { DeterministicSecrets, seedOfPhrase } from '../../notes/secrets.ts';
import { TerminalError } from '../errors.ts';

const STORED_BYTES = 32;
const SHORT_BYTES = 16;
const SALT = new TextEncoder().encode('specie terminal v1');

export interface TerminalSecrets {
  readonly channel: KeyPair;
  readonly sealing: KeyPair;
  readonly notes: DeterministicSecrets;
}

/** @param entropy as it is stored */
export function phraseOf(entropy: Uint8Array): string {
  const isShort = entropy.subarray(SHORT_BYTES).every((byte) => byte === 0);
  return entropyToMnemonic(isShort ? entropy.slice(0, SHORT_BYTES) : Uint8Array.from(entropy), wordlist);
}

/** @throws TerminalError phrase_invalid, which does not hold the phrase */
export function entropyOf(phrase: string): Uint8Array {
  const words = phrase.trim().toLowerCase().split(/\s+/);
  const text = words.join(' ');
  if ((words.length !== 12 && words.length !== 24) || !validateMnemonic(text, wordlist)) {
    throw new TerminalError(
      'phrase_invalid',
      `words: expected 12 or 24 English words of BIP 39 with their checksum, got ${words.length} others`,
    );
  }
  const stored = new Uint8Array(STORED_BYTES);
  const entropy = mnemonicToEntropy(text, wordlist);
  stored.set(entropy);
  entropy.fill(0);
  return stored;
}

export function newEntropy(randomBytes: (size: number) => Uint8Array): Uint8Array {
  const stored = new Uint8Array(STORED_BYTES);
  stored.set(randomBytes(SHORT_BYTES));
  return stored;
}

export function secretsOf(entropy: Uint8Array): TerminalSecrets {
  const seed = seedOfPhrase(phraseOf(entropy));
  const key = (use: 'channel' | 'sealing'): KeyPair =>
    keyPairOf(use, hkdfSha256(seed, SALT, new TextEncoder().encode(use), STORED_BYTES));
  try {
    return { channel: key('channel'), sealing: key('sealing'), notes: new DeterministicSecrets(seed) };
  } finally {
    seed.fill(0);
  }
}
