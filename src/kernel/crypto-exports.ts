// What build/crypto-*.wasm exports; the other side is assembly/crypto/index.ts. Addresses are places in the kernel's
// memory, lengths are bytes. A boolean arrives as 0 or 1.

export interface CryptoExports {
  initialise(address: number, bytes: number): void;
  staticEnd(): number;
  workspaceRoom(): number;
  /** See CryptoKernel.wipe. */
  wipe(address: number, length: number): void;

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
  // seal: records of assembly/layout/hpke.ts
  hpkeOpenBatch(party: number, items: number, count: number): void;
  hpkeSealBatch(party: number, items: number, count: number): void;
  hpkeRecipientKeys(party: number, item: number, keys: number): void;
  hpkeSenderKeys(party: number, item: number, keys: number): void;
  // hash
  readonly SHA256_CONTEXT_BYTES: WebAssembly.Global;
  readonly SHA512_CONTEXT_BYTES: WebAssembly.Global;
  readonly HMAC_SHA256_KEY_BYTES: WebAssembly.Global;
  readonly HMAC_SHA512_KEY_BYTES: WebAssembly.Global;
  readonly HMAC_SHA256X4_KEYS_BYTES: WebAssembly.Global;
  readonly HKDF_SHA256_EXPAND_BYTES_MAX: WebAssembly.Global;
  readonly HKDF_SHA512_EXPAND_BYTES_MAX: WebAssembly.Global;
  /** Bytes of a record of a batch: assembly/hash/message.ts. */
  readonly HASH_MESSAGE_BYTES: WebAssembly.Global;
  sha256(message: number, bytes: number, out: number): void;
  sha256Init(context: number): void;
  sha256Update(context: number, address: number, bytes: number): void;
  sha256Final(context: number, out: number): void;
  sha256Batch(messages: number, count: number, digests: number): void;
  hmacSha256Key(prepared: number, key: number, bytes: number): void;
  hmacSha256(prepared: number, message: number, bytes: number, out: number): void;
  hmacSha256Init(context: number, prepared: number): void;
  hmacSha256Final(context: number, prepared: number, out: number): void;
  hkdfSha256Expand(prepared: number, info: number, infoBytes: number, out: number, bytes: number): void;
  sha512(message: number, bytes: number, out: number): void;
  sha512Init(context: number): void;
  sha512Update(context: number, address: number, bytes: number): void;
  sha512Final(context: number, out: number): void;
  sha512Batch(messages: number, count: number, digests: number): void;
  hmacSha512Key(prepared: number, key: number, bytes: number): void;
  hmacSha512(prepared: number, message: number, bytes: number, out: number): void;
  hmacSha512Init(context: number, prepared: number): void;
  hmacSha512Final(context: number, prepared: number, out: number): void;
  hkdfSha512Expand(prepared: number, info: number, infoBytes: number, out: number, bytes: number): void;
  sha512Pieces(
    piece0: number,
    bytes0: number,
    piece1: number,
    bytes1: number,
    piece2: number,
    bytes2: number,
    piece3: number,
    bytes3: number,
    out: number,
  ): void;
  hmacSha256x4Keys(prepared: number, keys: number, stride: number, bytes: number): void;
  hmacSha256x4Share(prepared: number, key: number): void;
  hmacSha256x4(
    prepared: number,
    messages: number,
    stride: number,
    bytes: number,
    out: number,
    outStride: number,
  ): void;
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

  // x25519: assembly/curve/x25519.ts; an item of a batch is assembly/curve/x25519-item.ts. Answers tell all-zero results.
  x25519(out: number, scalar: number, u: number): number;
  x25519Pair(outA: number, outB: number, scalarA: number, uA: number, scalarB: number, uB: number): number;
  x25519Batch(items: number, count: number): void;

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

  // inverses: assembly/field/divsteps.ts; 32 bytes, and pairs without a 0
  fieldInvertBytes(out: number, a: number): void;
  fieldInvertPair(out: number, a: number): void;

  // multiples of the base point: assembly/curve/fixed-base.ts; scalars of 32 bytes, points as above
  baseMultiply(out: number, scalar: number): void;
  baseMultiplyTwice(out: number, scalarA: number, scalarB: number): void;

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

  // x25519 public keys: assembly/curve/x25519-base.ts
  x25519PublicKey(out: number, privateKey: number): void;
  x25519PublicKeyPair(outA: number, outB: number, privateKeyA: number, privateKeyB: number): void;
  // Ed25519 verification: assembly/curve/verify.ts, prepared-key.ts
  readonly VERIFY_COUNT_MAX: WebAssembly.Global;
  readonly VERIFY_ITEM_BYTES: WebAssembly.Global;
  readonly PREPARED_KEY_BYTES: WebAssembly.Global;
  ed25519PrepareKey(out: number, key: number): number;
  ed25519VerifyItems(items: number, count: number, coefficients: number): void;

  // secp256k1, the field: assembly/secp256k1/field.ts; a pair is 80 bytes, 16-byte aligned
  secpFromBytes(out: number, bytesA: number, bytesB: number): void;
  secpToBytes(bytesA: number, bytesB: number, a: number): void;
  secpAdd(out: number, a: number, b: number): void;
  secpSub(out: number, a: number, b: number): void;
  secpMul(out: number, a: number, b: number): void;
  secpSqr(out: number, a: number): void;
  secpMulAdd(out: number, a: number, b: number, c: number, d: number): void;
  secpMulSub(out: number, a: number, b: number, c: number, d: number): void;
  secpSqrAdd(out: number, a: number, c: number, d: number): void;
  secpMulSmall(out: number, a: number, factor: number): void;
  secpAddTimes(out: number, a: number, b: number, factor: number): void;
  secpDoublingTerms(eight: number, slope: number, other: number, a: number, b: number): void;
  secpInvert(out: number, a: number): void;
  secpSquareRoot(out: number, a: number): void;
  // scalars: assembly/secp256k1/order.ts; 32 bytes, little-endian
  secpOrderMulAdd(out: number, a: number, b: number, c: number): void;
  secpOrderSplit(part1: number, part2: number, k: number): number;
  // points: assembly/secp256k1/points.ts, encoding.ts, multiply.ts, base.ts
  readonly SECP_TABLE_BYTES: WebAssembly.Global;
  secpDecode(out: number, encodedA: number, encodedB: number): number;
  secpNormalise(points: number, stride: number, count: number, infinite: number): void;
  secpStoreCoordinates(coordinatesA: number, coordinatesB: number, affine: number): void;
  secpPointsAdd(out: number, p: number, q: number): void;
  secpPointsAddAffine(out: number, p: number, affine: number): void;
  secpPointsDouble(out: number, p: number): void;
  secpBuildTable(table: number, affine: number): void;
  secpMultiply(out: number, tables: number, scalarsA: number, scalarsB: number, count: number): void;
  secpMultiplyBase(out: number, scalarA: number, scalarB: number): void;
  // blind notes: records of assembly/secp256k1/items.ts
  readonly NOTE_COUNT_MAX: WebAssembly.Global;
  secpHashItems(items: number, count: number): void;
  secpBlindItems(items: number, count: number, hasTexts: number): void;
  secpUnblindItems(items: number, count: number): void;
  secpSignItems(items: number, count: number, keys: number, keyCount: number): void;
  secpVerifyNotes(items: number, count: number, keys: number, random: number): void;
  secpVerifyProofs(items: number, count: number): void;
  secpVerifyNoteProofs(items: number, count: number): void;
}
