// What build/crypto-*.wasm exports; the other side is assembly/crypto/index.ts. Addresses are places in the kernel's
// memory, lengths are bytes. A boolean arrives as 0 or 1.

export interface CryptoExports {
  initialise(address: number, bytes: number): void;
  staticEnd(): number;
  workspaceRoom(): number;

  // field: assembly/field/pair.ts; a pair is 80 bytes, 16-byte aligned
  fieldFromBytes(out: number, bytesA: number, bytesB: number): void;
  fieldToBytes(bytesA: number, bytesB: number, a: number): void;
  fieldAdd(out: number, a: number, b: number): void;
  fieldSub(out: number, a: number, b: number): void;
  fieldMul(out: number, a: number, b: number): void;
  fieldSqr(out: number, a: number): void;
  fieldMulSmall(out: number, a: number, factor: number): void;
  fieldReduce(out: number, a: number): void;
  fieldInvert(out: number, a: number): void;
  fieldPower252(out: number, a: number): void;
  fieldSwapLanes(out: number, a: number): void;
  fieldSwapIf(a: number, b: number, maskA: bigint, maskB: bigint): void;
  fieldGather(out: number, elementA: number, elementB: number): void;
  fieldScatter(elementA: number, elementB: number, a: number): void;
}
