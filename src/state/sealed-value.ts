// Small records of the meta database: SHA-256 of the text, then the text, JSON. Readable in a dump, and a flipped bit
// is found before anything is believed.
import { createHash } from 'node:crypto';
import { StateStoreError } from './errors.ts';

const DIGEST_SIZE = 32;

export const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

export function sealValue(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  return Buffer.concat([sha256(text), text]);
}

/** Throws StateStoreError `state_corrupt` for bytes that sealValue has not made. */
export function openValue(bytes: Uint8Array, what: string): unknown {
  const text = bytes.subarray(DIGEST_SIZE);
  if (bytes.length <= DIGEST_SIZE || Buffer.compare(sha256(text), bytes.subarray(0, DIGEST_SIZE)) !== 0) {
    throw new StateStoreError(
      'state_corrupt',
      `${what}: expected a record with its SHA-256, got a damaged one`,
    );
  }
  return JSON.parse(Buffer.from(text).toString());
}
