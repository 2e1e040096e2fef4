import { initialiseBase } from "./base";
import { initialiseConstants } from "./constants";
import { initialise as initialiseField } from "./field";
import { initialisePoints } from "./points";

/** Takes what this instance keeps; once, before anything else. */
export function initialise(): void {
  initialiseField();
  initialiseConstants();
  initialisePoints();
  initialiseBase();
}
