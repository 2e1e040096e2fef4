// What build/crypto-*.wasm exports; the other side is assembly/crypto/index.ts. Addresses are places in the kernel's
// memory, lengths are bytes. A boolean arrives as 0 or 1.

export interface CryptoExports {
  initialiseWorkspace(address: number, bytes: number): void;
  staticEnd(): number;
  workspaceRoom(): number;

  // seal: records of assembly/layout/hpke.ts
  hpkeOpenBatch(party: number, items: number, count: number): void;
  hpkeSealBatch(party: number, items: number, count: number): void;
  hpkeRecipientKeys(party: number, item: number, keys: number): void;
  hpkeSenderKeys(party: number, item: number, keys: number): void;
}
