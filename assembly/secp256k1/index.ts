// What the host calls of secp256k1. The arithmetic by itself is for its tests.
export {
  add as secpAdd,
  addTimes as secpAddTimes,
  doublingTerms as secpDoublingTerms,
  fromBytes as secpFromBytes,
  mul as secpMul,
  mulAdd as secpMulAdd,
  mulSmall as secpMulSmall,
  mulSub as secpMulSub,
  sqr as secpSqr,
  sqrAdd as secpSqrAdd,
  sub as secpSub,
  toBytes as secpToBytes,
} from "./field";
export { invert as secpInvert, squareRoot as secpSquareRoot } from "./power";
export { multiplyBase as secpMultiplyBase } from "./base";
export { blindItems as secpBlindItems, hashItems as secpHashItems, unblindItems as secpUnblindItems } from "./blind";
export { decode as secpDecode, normalise as secpNormalise, storeCoordinates as secpStoreCoordinates } from "./encoding";
export { TABLE_BYTES as SECP_TABLE_BYTES, buildTable as secpBuildTable, multiply as secpMultiply } from "./multiply";
export { mulAdd as secpOrderMulAdd, split as secpOrderSplit } from "./order";
export { add as secpPointsAdd, addAffine as secpPointsAddAffine, double as secpPointsDouble } from "./points";
export { signItems as secpSignItems } from "./sign";
export { NOTE_COUNT_MAX, verifyNotes as secpVerifyNotes } from "./verify";
export { verifyNoteProofs as secpVerifyNoteProofs, verifyProofs as secpVerifyProofs } from "./verify-dleq";
