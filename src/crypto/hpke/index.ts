import { open, openBatch, seal, sealBatch } from './batch.ts';
import { createRecipient, createSender } from './context.ts';
import { deriveKeyPair, generateKeyPair } from './keys.ts';

export type { OpenItem, Sealed, SealItem, SealOptions } from './batch.ts';
export type { RecipientContext, RecipientOptions, SenderContext, SenderOptions } from './context.ts';
export type { HpkeKeyPair, RandomBytes } from './keys.ts';
export type { RecipientKey, SenderKey } from './party.ts';

/** Hybrid Public Key Encryption (RFC 9180), base mode: X25519, HKDF-SHA256, ChaCha20-Poly1305. */
export const hpke = {
  generateKeyPair,
  deriveKeyPair,
  seal,
  open,
  sealBatch,
  openBatch,
  createSender,
  createRecipient,
} as const;
