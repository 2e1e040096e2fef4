// What build/crypto-*.wasm exports; the other side is assembly/crypto/index.ts. Addresses are places in the kernel's
// memory, lengths are bytes. A boolean arrives as 0 or 1.

export interface CryptoExports {
  initialiseWorkspace(address: number, bytes: number): void;
  staticEnd(): number;
  workspaceRoom(): number;
}
