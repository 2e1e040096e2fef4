// Where a holder's randomness comes from, unless it is given.
export type RandomBytes = (size: number) => Uint8Array;

export const systemRandomBytes: RandomBytes = (size) => crypto.getRandomValues(new Uint8Array(size));
