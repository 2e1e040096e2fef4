// How often a property is tried: SPECIE_SLOW_TESTS=1 tries each twenty times as often.
const FACTOR = process.env.SPECIE_SLOW_TESTS === '1' ? 20 : 1;

export const runs = (count: number): number => count * FACTOR;
