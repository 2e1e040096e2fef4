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
  fieldMulAddSub(outSum: number, outDifference: number, a: number, b: number, c: number, d: number): void;
  fieldSqrAddSub(outSum: number, outDifference: number, a: number, c: number, d: number): void;
  fieldSqrEither(out: number, a: number, b: number, maskA: bigint, maskB: bigint): void;
  fieldSubMulAdd(outDifference: number, outSum: number, a: number, b: number, factor: number): void;
  fieldMulSmall(out: number, a: number, factor: number): void;
  fieldReduce(out: number, a: number): void;
  fieldInvert(out: number, a: number): void;
  fieldPower252(out: number, a: number): void;
  fieldMulLanesAddSub(out: number, a: number, b: number): void;
  fieldLanesSubMulAdd(outA: number, outB: number, a: number, factor: number): void;
  fieldSwapLanes(out: number, a: number): void;
  fieldSwapIf(a: number, b: number, maskA: bigint, maskB: bigint): void;
  fieldGather(out: number, elementA: number, elementB: number): void;
  fieldScatter(elementA: number, elementB: number, a: number): void;

  // x25519: assembly/curve/x25519.ts; an item of a batch is assembly/curve/x25519-item.ts. Answers tell all-zero results.
  x25519(out: number, scalar: number, u: number): number;
  x25519Pair(outA: number, outB: number, scalarA: number, uA: number, scalarB: number, uB: number): number;
  x25519Base(out: number, scalar: number): void;
  x25519Batch(items: number, count: number): void;
}
