// What a purse has signed that cannot be honest: written down for ever, and its device blocked, in one write. Cash is asked
// for nothing: it blocks a device by what it finds itself, and believes management in this as little as anyone else.
import { equalBytes } from '../../identity/binary-text.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import type { StoreReads, StoreTransaction } from '../../store/store.ts';
import { checkFraudProof, type FraudKind, FraudProof } from '../documents/fraud-proof.ts';
import { write } from './devices.ts';
import { findFraud, findPurse, putFraud } from './purse-registry.ts';
import { putDeviceAndPurses } from './purse-standing.ts';
import { findDevice } from './registry.ts';

export interface Fraud {
  readonly purse: bigint;
  readonly device: bigint;
  readonly kind: FraudKind;
  readonly proof: FraudProof;
}

/** Whether all is as it should be with a proof that may come from anyone: under the key that the purse has here. */
export function findFraudIn(reads: StoreReads, proof: FraudProof): Fraud | undefined {
  const proven = checkFraudProof(proof, systemCrypto);
  if (proven === undefined) return undefined;
  const { purse, kind } = proven;
  const record = findPurse(reads, purse);
  if (record === undefined || !equalBytes(record.signingKey, proof.signingKey)) return undefined;
  return { purse, device: record.device, kind, proof };
}

/** A proof that was checked when it was written. */
export function isKnownProof(reads: StoreReads, purse: bigint, proof: FraudProof): boolean {
  const known = findFraud(reads, purse);
  return known !== undefined && equalBytes(FraudProof.encode(known.proof), FraudProof.encode(proof));
}

/** The first proof of a purse stays. @returns when it was proven, and whether that is now */
export function writeFraud(
  tx: StoreTransaction,
  { purse, device, kind, proof }: Fraud,
  now: bigint,
): { readonly provenAt: bigint; readonly isNew: boolean } {
  const before = findFraud(tx, purse);
  if (before !== undefined) return { provenAt: before.provenAt, isNew: false };
  write(tx, putFraud(purse, { device, kind, provenAt: now, proof }));
  const record = findDevice(tx, device)!;
  const blocked = record.blocked ?? { at: now, reason: `fraud ${kind}` };
  for (const put of putDeviceAndPurses(tx, device, { ...record, blocked }, now)) write(tx, put);
  return { provenAt: now, isNew: true };
}
