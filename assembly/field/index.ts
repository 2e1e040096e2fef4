// What the host calls of the field: for its tests and for the self-test at load.
export {
  add as fieldAdd,
  fromBytes as fieldFromBytes,
  gather as fieldGather,
  mul as fieldMul,
  mulSmall as fieldMulSmall,
  reduce as fieldReduce,
  scatter as fieldScatter,
  sqr as fieldSqr,
  sub as fieldSub,
  swapIf as fieldSwapIf,
  swapLanes as fieldSwapLanes,
  toBytes as fieldToBytes,
} from "./pair";
export { invert as fieldInvert, power252 as fieldPower252 } from "./power";
