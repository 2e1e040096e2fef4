/** What HMAC and HKDF need of a hash. */
export interface ReferenceHash {
  digest(message: Uint8Array): Uint8Array;
  readonly digestBytes: number;
  readonly blockBytes: number;
}
