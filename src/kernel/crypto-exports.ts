// What build/crypto-*.wasm exports; the other side is assembly/crypto/index.ts. Addresses are places in the kernel's
// memory, lengths are bytes. A boolean arrives as 0 or 1.

export interface CryptoExports {
  initialiseWorkspace(address: number, bytes: number): void;
  staticEnd(): number;
  workspaceRoom(): number;

  // hash
  readonly SHA256_CONTEXT_BYTES: WebAssembly.Global;
  readonly SHA512_CONTEXT_BYTES: WebAssembly.Global;
  /** Bytes of a record of a batch: assembly/hash/message.ts. */
  readonly HASH_MESSAGE_BYTES: WebAssembly.Global;
  sha256(message: number, bytes: number, out: number): void;
  sha256Init(context: number): void;
  sha256Update(context: number, address: number, bytes: number): void;
  sha256Final(context: number, out: number): void;
  sha256Batch(messages: number, count: number, digests: number): void;
  sha512(message: number, bytes: number, out: number): void;
  sha512Init(context: number): void;
  sha512Update(context: number, address: number, bytes: number): void;
  sha512Final(context: number, out: number): void;
  sha512Batch(messages: number, count: number, digests: number): void;
}
