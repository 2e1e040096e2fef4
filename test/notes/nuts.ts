// The test vectors of Cashu's specifications: fenced blocks of its tests, each with its path of headings and the text before it.
// A test file says which blocks it runs; `everyBlock` fails for those that are neither run nor left out with a reason.
import { expect } from 'vitest';
import { vectorTest } from '../crypto/vectors.ts';

export interface Block {
  readonly path: readonly string[];
  readonly prose: string;
  readonly lang: string;
  readonly text: string;
}

interface Nuts {
  readonly files: readonly { readonly file: string; readonly blocks: readonly Block[] }[];
}

const FILE = 'cashu/nut_test_vectors.json';

export class Blocks {
  readonly #blocks: readonly Block[];

  constructor(blocks: readonly Block[]) {
    this.#blocks = blocks;
  }

  at(place: number): Block {
    const block = this.#blocks[place];
    expect(block, `block ${place}`).toBeDefined();
    return block!;
  }

  text(place: number): string {
    return this.at(place).text.trim();
  }

  json<Of = Record<string, unknown>>(place: number): Of {
    return JSON.parse(this.text(place)) as Of;
  }

  /** Values behind `name:`, in quotes or not, up to a comment. */
  values(place: number, name: string): string[] {
    const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    const line = new RegExp(`^${escaped}:?\\s+"?([^"#\\n]+?)"?\\s*(?:#.*)?$`, 'gm');
    return [...this.text(place).matchAll(line)].map((match) => match[1]!);
  }

  value(place: number, name: string): string {
    const [value] = this.values(place, name);
    expect(value, `${name} of block ${place}`).toBeDefined();
    return value!;
  }

  get count(): number {
    return this.#blocks.length;
  }
}

type Run = (blocks: Blocks) => void;

export interface Part {
  /** The blocks of the file that the test reads. */
  readonly blocks: readonly number[];
  readonly run: Run;
}

/**
 * A test for each part of a file, and one that no block of it is passed over.
 * @param leftOut blocks that say nothing to compute, with the reason
 */
export function nutTests(
  file: string,
  parts: Readonly<Record<string, Part>>,
  leftOut: Readonly<Record<number, string>> = {},
): void {
  const name = /^(\d+)/.exec(file)![1];
  const blocksOf = (nuts: Nuts): Blocks =>
    new Blocks(nuts.files.find((each) => each.file === `tests/${file}`)!.blocks);
  for (const [part, { run }] of Object.entries(parts))
    vectorTest<Nuts>(`NUT-${name}, ${part}`, FILE, (nuts) => run(blocksOf(nuts)));
  vectorTest<Nuts>(`NUT-${name}: every block is run or left out with a reason`, FILE, (nuts) => {
    const named = [
      ...Object.values(parts).flatMap(({ blocks }) => blocks),
      ...Object.keys(leftOut).map(Number),
    ];
    const all = Array.from({ length: blocksOf(nuts).count }, (_, place) => place);
    expect([...new Set(named)].sort((left, right) => left - right)).toEqual(all);
  });
}

/** Files of vectors that have a test beside this one. */
export const nutFiles = (run: (files: readonly string[]) => void): void =>
  vectorTest<Nuts>('every file of vectors', FILE, (nuts) => run(nuts.files.map(({ file }) => file)));
