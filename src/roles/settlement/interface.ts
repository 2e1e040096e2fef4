// What settlement is given from outside.

export interface KeyPair {
  readonly publicKey: Uint8Array;
  readonly secretKey: Uint8Array;
}

/** Settlement's own keys, and those of cash. Asked anew each time, so that a rotation needs no restart. */
export interface SettlementKeys {
  /** Ed25519: what receipts are signed with at `now`, nanoseconds. */
  signing(now: bigint): KeyPair;
  /**
   * X25519: what opens seals to that key id, in use or retired; undefined: no key of settlement's, or one beyond its time.
   */
  sealing(keyId: Uint8Array, now: bigint): KeyPair | undefined;
  /** The same for charges that are stored: whatever its time, as long as settlement still has it. */
  storedSealing(keyId: Uint8Array): KeyPair | undefined;
  /** Whether signatures of that signing key of settlement's count. */
  signatureCounts(keyId: Uint8Array, now: bigint): boolean;
  /** Ed25519: cash's signing key of that id, as long as its signatures count. */
  cash(keyId: Uint8Array, now: bigint): Uint8Array | undefined;
}

/** Gets request ids, states, reasons; never account numbers or keys. An operator has to look at errors. */
export interface SettlementLog {
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
