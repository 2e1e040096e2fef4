import { initialise as initialiseCurve } from "../curve/edwards";
import { initialise as initialiseBase } from "../curve/fixed-base";
import { initialise as initialiseSingle } from "../curve/single";
import { initialise as initialiseStraus } from "../curve/straus";
import { initialise as initialiseField } from "../field/pair";
import { initialise as initialiseSecp } from "../secp256k1/initialise";
import { initialiseWorkspace } from "../memory/workspace";

/** Makes the instance ready to work in the 64-byte aligned `bytes` bytes at `address`; once, before anything else. */
export function initialise(address: usize, bytes: usize): void {
  initialiseWorkspace(address, bytes);
  initialiseField();
  initialiseCurve();
  initialiseBase();
  initialiseSingle();
  initialiseStraus();
  initialiseSecp();
}
