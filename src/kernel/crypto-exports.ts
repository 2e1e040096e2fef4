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

  // scalars modulo the order of the base point: assembly/curve/order.ts; 32 bytes each
  orderReduce512(out: number, wide: number): void;
  orderMulAdd(out: number, a: number, b: number, c: number): void;
  orderMulMod(out: number, a: number, b: number): void;
  orderMulMod128(out: number, a: number, b: number): void;
  orderAddMod(out: number, a: number, b: number): void;
  orderNegate(out: number, a: number): void;
  orderIsCanonical(scalar: number): number;
  orderSignedDigits(out: number, scalar: number, width: number): void;
  orderWnaf(out: number, scalar: number, width: number): number;

  // curve: assembly/curve/edwards.ts; points, affine and cached hold two points and are 16-byte aligned
  pointsDecompress(out: number, bytesA: number, bytesB: number): number;
  pointsCompress(bytesA: number, bytesB: number, p: number): void;
  pointsDouble(out: number, p: number): void;
  pointsAddAffine(out: number, p: number, affine: number): void;
  pointsAddCached(out: number, p: number, cached: number): void;
  pointsToAffine(out: number, p: number): void;
  pointsToCached(out: number, p: number): void;
  pointsNormalise(p: number): void;

  // Ed25519 signatures: assembly/curve/ed25519-sign.ts
  readonly ED25519_KEY_BYTES: WebAssembly.Global;
  readonly ED25519_STREAM_BYTES: WebAssembly.Global;
  ed25519Key(key: number, seed: number): void;
  ed25519Sign(
    signature: number,
    message: number,
    bytes: number,
    domain: number,
    domainBytes: number,
    key: number,
  ): void;
  ed25519SignOnce(
    signature: number,
    message: number,
    bytes: number,
    domain: number,
    domainBytes: number,
    seed: number,
  ): void;
  ed25519StreamBegin(stream: number, domain: number, domainBytes: number, key: number): void;
  ed25519StreamUpdate(stream: number, address: number, bytes: number, round: number): void;
  ed25519StreamCommit(
    stream: number,
    signature: number,
    domain: number,
    domainBytes: number,
    key: number,
  ): void;
  ed25519StreamFinish(stream: number, signature: number, key: number): number;
}
