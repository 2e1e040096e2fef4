// A QR code of a text (ISO/IEC 18004): byte mode, error correction level L, versions 1 to 20. Level L, as a screen is neither torn
// nor dirty, and a small code is read from farther away.
//
//     bytes ─▶ mode, length, bytes, padding ─▶ blocks, each with its Reed-Solomon codewords ─▶ interleaved ─▶ modules, masked
import { codewordsOf } from './codewords.ts';

/** Beyond: RangeError. */
export const QR_VERSION_MAX = 20;

/** `true`: dark. Rows from the top, each from the left. */
export type Modules = readonly (readonly boolean[])[];

/** @throws RangeError for what does not fit: 858 bytes do */
export function qrCode(bytes: Uint8Array): Modules {
  const { version, codewords } = codewordsOf(bytes);
  const plain = new Grid(version);
  plain.drawPatterns();
  plain.drawCodewords(codewords);
  let best: { readonly grid: Grid; readonly penalty: number } | undefined;
  for (let mask = 0; mask < MASKS.length; mask++) {
    const grid = plain.masked(mask);
    const penalty = penaltyOf(grid.dark);
    if (best === undefined || penalty < best.penalty) best = { grid, penalty };
  }
  return best!.grid.dark;
}

type Mask = (x: number, y: number) => boolean;

const MASKS: readonly Mask[] = [
  (x, y) => (x + y) % 2 === 0,
  (_, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

/** Bits of the format's two for level L. */
const LEVEL_L = 1;

class Grid {
  readonly version: number;
  readonly size: number;
  readonly dark: boolean[][];
  /** Finders, timing, alignment, format and version: no codewords there. */
  readonly #isPattern: boolean[][];

  constructor(version: number, dark?: boolean[][], isPattern?: boolean[][]) {
    this.version = version;
    this.size = 17 + 4 * version;
    const empty = (): boolean[][] =>
      Array.from({ length: this.size }, () => new Array<boolean>(this.size).fill(false));
    this.dark = dark ?? empty();
    this.#isPattern = isPattern ?? empty();
  }

  drawPatterns(): void {
    const { size, version } = this;
    for (let i = 0; i < size; i++) {
      this.#pattern(6, i, i % 2 === 0);
      this.#pattern(i, 6, i % 2 === 0);
    }
    for (const [x, y] of [
      [3, 3],
      [size - 4, 3],
      [3, size - 4],
    ] as const) {
      this.#square(x, y, 4);
    }
    const places = alignments(version);
    const last = places.length - 1;
    places.forEach((x, i) => {
      places.forEach((y, j) => {
        const isFinder = (i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0);
        if (!isFinder) this.#square(x, y, 2);
      });
    });
    this.#drawFormat(0);
    this.#drawVersion();
  }

  /** From the lower right, in columns of two, up and down. */
  drawCodewords(codewords: Uint8Array): void {
    let bit = 0;
    for (let right = this.size - 1; right >= 1; right -= 2) {
      if (right === 6) right = 5;
      const isUpward = ((right + 1) & 2) === 0;
      for (let step = 0; step < this.size; step++) {
        const y = isUpward ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.#isPattern[y]![x]! || bit >= codewords.length * 8) continue;
          this.dark[y]![x] = ((codewords[bit >> 3]! >> (7 - (bit & 7))) & 1) === 1;
          bit++;
        }
      }
    }
  }

  masked(mask: number): Grid {
    const dark = this.dark.map((row, y) =>
      row.map((isDark, x) => (this.#isPattern[y]![x]! ? isDark : isDark !== MASKS[mask]!(x, y))),
    );
    const grid = new Grid(this.version, dark, this.#isPattern);
    grid.#drawFormat(mask);
    return grid;
  }

  /** Finders reach beyond the edge by their separators. */
  #square(x: number, y: number, reach: number): void {
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const isInside = (at: number): boolean => at >= 0 && at < this.size;
        if (!isInside(x + dx) || !isInside(y + dy)) continue;
        const ring = Math.max(Math.abs(dx), Math.abs(dy));
        this.#pattern(x + dx, y + dy, reach === 4 ? ring !== 2 && ring !== 4 : ring !== 1);
      }
    }
  }

  #drawFormat(mask: number): void {
    const { size } = this;
    const data = (LEVEL_L << 3) | mask;
    const bits = ((data << 10) | remainder(data, 10, 0x537)) ^ 0x5412;
    for (let i = 0; i < 15; i++) {
      const isDark = ((bits >> i) & 1) === 1;
      if (i < 6) this.#pattern(8, i, isDark);
      else if (i < 8) this.#pattern(8, i + 1, isDark);
      else if (i === 8) this.#pattern(7, 8, isDark);
      else this.#pattern(14 - i, 8, isDark);
      if (i < 8) this.#pattern(size - 1 - i, 8, isDark);
      else this.#pattern(8, size - 15 + i, isDark);
    }
    this.#pattern(8, size - 8, true);
  }

  #drawVersion(): void {
    const { size, version } = this;
    if (version < 7) return;
    const bits = (version << 12) | remainder(version, 12, 0x1f25);
    for (let i = 0; i < 18; i++) {
      const isDark = ((bits >> i) & 1) === 1;
      const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
      this.#pattern(a, b, isDark);
      this.#pattern(b, a, isDark);
    }
  }

  #pattern(x: number, y: number, isDark: boolean): void {
    this.dark[y]![x] = isDark;
    this.#isPattern[y]![x] = true;
  }
}

/** Centres of the alignment patterns, both ways. */
function alignments(version: number): number[] {
  if (version === 1) return [];
  const count = Math.floor(version / 7) + 2;
  const step = Math.ceil((version * 4 + 4) / (count * 2 - 2)) * 2;
  const last = 10 + 4 * version;
  return [6, ...Array.from({ length: count - 1 }, (_, i) => last - (count - 2 - i) * step)];
}

/** Of a code of BCH. */
function remainder(data: number, digits: number, generator: number): number {
  let rest = data;
  for (let i = 0; i < digits; i++) rest = (rest << 1) ^ ((rest >> (digits - 1)) * generator);
  return rest;
}

/** How hard it is to read: long runs, blocks of one colour, more dark than light. */
function penaltyOf(dark: readonly (readonly boolean[])[]): number {
  const size = dark.length;
  let penalty = 0;
  let darkCount = 0;
  for (let y = 0; y < size; y++) {
    let [row, column] = [0, 0];
    for (let x = 0; x < size; x++) {
      if (dark[y]![x]!) darkCount++;
      row = x > 0 && dark[y]![x] === dark[y]![x - 1] ? row + 1 : 1;
      column = x > 0 && dark[x]![y] === dark[x - 1]![y] ? column + 1 : 1;
      for (const run of [row, column]) penalty += run === 5 ? 3 : run > 5 ? 1 : 0;
      const isBlock =
        x > 0 &&
        y > 0 &&
        dark[y]![x] === dark[y]![x - 1] &&
        dark[y]![x] === dark[y - 1]![x] &&
        dark[y]![x] === dark[y - 1]![x - 1];
      if (isBlock) penalty += 3;
    }
  }
  const share = (darkCount * 20) / (size * size);
  return penalty + Math.floor(Math.abs(share - 10)) * 10;
}
