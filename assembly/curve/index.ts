// What the host calls of the curve.
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
