// What the host calls of the field: for its tests and for the self-test at load.
export {
  add as fieldAdd,
  fromBytes as fieldFromBytes,
  gather as fieldGather,
  lanesSubMulAdd as fieldLanesSubMulAdd,
  mul as fieldMul,
  mulAddSub as fieldMulAddSub,
  mulLanesAddSub as fieldMulLanesAddSub,
  mulSmall as fieldMulSmall,
  reduce as fieldReduce,
  scatter as fieldScatter,
  sqr as fieldSqr,
  sqrAddSub as fieldSqrAddSub,
  sqrEither as fieldSqrEither,
  sub as fieldSub,
  subMulAdd as fieldSubMulAdd,
  swapIf as fieldSwapIf,
  swapLanes as fieldSwapLanes,
  toBytes as fieldToBytes,
} from "./pair";
export { invert as fieldInvert, power252 as fieldPower252 } from "./power";
