// One point by itself, as it is kept between steps: x and y, ELEMENT_BYTES each. Two of them make affine points.
import { ELEMENT_BYTES, gather, scatter } from "./field";
import { X, Y } from "./points";

export const STORED_BYTES: usize = 2 * ELEMENT_BYTES;

/** affine = two stored points. */
export function gatherPoints(affine: usize, storedA: usize, storedB: usize): void {
  gather(affine + X, storedA, storedB);
  gather(affine + Y, storedA + ELEMENT_BYTES, storedB + ELEMENT_BYTES);
}

export function scatterPoints(storedA: usize, storedB: usize, affine: usize): void {
  scatter(storedA, storedB, affine + X);
  scatter(storedA + ELEMENT_BYTES, storedB + ELEMENT_BYTES, affine + Y);
}
