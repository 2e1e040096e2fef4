import { verifyBatch } from './batch.ts';
import { generateKeyPair, publicKey, signingKey } from './keys.ts';
import { prepare } from './prepare.ts';
import { sign } from './sign.ts';
import { verify } from './verify.ts';
import { verifyRecords } from './verify-records.ts';

export type { SignedMessage, VerifyBatchOptions } from './batch.ts';
export type { Ed25519Options } from './domain.ts';
export type { Ed25519KeyPair, SigningKey } from './keys.ts';
export type { PreparedKey } from './prepare.ts';
export type { SignedRecords } from './verify-records.ts';

/** Signatures (RFC 8032). Single and batch verification accept exactly the same: docs/cryptography.md has the rule. */
export const ed25519 = {
  publicKey,
  generateKeyPair,
  signingKey,
  sign,
  verify,
  verifyBatch,
  verifyRecords,
  prepare,
} as const;
