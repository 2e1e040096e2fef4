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
export { prepareKey as ed25519PrepareKey } from "./prepared-key";
export { verifyItems as ed25519VerifyItems, verifyTune } from "./verify";
