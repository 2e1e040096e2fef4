// What build/crypto-*.wasm exports; the other side is assembly/crypto/index.ts. Addresses are places in the kernel's
// memory, lengths are bytes. A boolean arrives as 0 or 1.

export interface CryptoExports {
  initialiseWorkspace(address: number, bytes: number): void;
  staticEnd(): number;
  workspaceRoom(): number;

  // cipher: ChaCha20-Poly1305 (assembly/cipher)
  chacha20(key: number, counter: number, nonce: number, input: number, length: number, output: number): void;
  chachaState(state: number, key: number, counter: number, nonce: number): void;
  chachaBlock(state: number, output: number): void;
  poly1305(key: number, message: number, length: number, tag: number): void;
  /** Writes length + 16 bytes. */
  aeadSeal(
    key: number,
    nonce: number,
    aad: number,
    aadLength: number,
    input: number,
    length: number,
    output: number,
  ): void;
  /** The length holds the tag. 0: refused, and nothing was written. */
  aeadOpen(
    key: number,
    nonce: number,
    aad: number,
    aadLength: number,
    input: number,
    length: number,
    output: number,
  ): number;
  /** `count` records of aeadItemBytes(); each gets its verdict. */
  aeadSealBatch(items: number, count: number): void;
  aeadOpenBatch(items: number, count: number): void;
  aeadItemBytes(): number;
  /** Fills with zeroes, faster than the host can. */
  cipherWipe(address: number, length: number): void;
  /** A message in pieces, in a context of aeadContextBytes(), which the caller wipes. */
  aeadContextBytes(): number;
  aeadStart(context: number, key: number, nonce: number): void;
  aeadAad(context: number, aad: number, length: number): void;
  aeadAadEnd(context: number): void;
  aeadEncrypt(context: number, input: number, length: number, output: number): void;
  aeadAuthenticate(context: number, input: number, length: number): void;
  aeadDecrypt(context: number, input: number, length: number, output: number): void;
  aeadTag(context: number, tag: number): void;
  aeadVerify(context: number, tag: number): number;
}
