// What the host calls of the curve. The formulas by themselves are for their tests.
export {
  addAffine as pointsAddAffine,
  addCached as pointsAddCached,
  compress as pointsCompress,
  decompress as pointsDecompress,
  double as pointsDouble,
  normalise as pointsNormalise,
  toAffine as pointsToAffine,
  toCached as pointsToCached,
} from "./edwards";
export { PREPARED_KEY_BYTES, prepareKey as ed25519PrepareKey } from "./prepared-key";
export { VERIFY_COUNT_MAX, verifyItems as ed25519VerifyItems } from "./verify";
export { VERIFY_ITEM_BYTES } from "./verify-item";
export {
  addMod as orderAddMod,
  isCanonical as orderIsCanonical,
  mulAdd as orderMulAdd,
  mulMod as orderMulMod,
  mulMod128 as orderMulMod128,
  negate as orderNegate,
  reduce512 as orderReduce512,
  signedDigits as orderSignedDigits,
  wnaf as orderWnaf,
} from "./order";
export {
  ED25519_KEY_BYTES,
  ED25519_STREAM_BYTES,
  ed25519Key,
  ed25519Sign,
  ed25519SignOnce,
  ed25519StreamBegin,
  ed25519StreamCommit,
  ed25519StreamFinish,
  ed25519StreamUpdate,
} from "./ed25519-sign";
export { multiplyBase as baseMultiply, multiplyBaseTwice as baseMultiplyTwice } from "./fixed-base";
export { x25519, x25519Batch, x25519Pair } from "./x25519";
export { prepareKey as ed25519PrepareKey } from "./prepared-key";
export { verifyItems as ed25519VerifyItems } from "./verify";
export { x25519PublicKey, x25519PublicKeyPair } from "./x25519-base";
export { invertBytes as fieldInvertBytes, invertPair as fieldInvertPair } from "../field/divsteps";
