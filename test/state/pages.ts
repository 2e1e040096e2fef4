// Page images whose content follows from what they are, so that any of them can be checked without keeping it.
import { PAGE_HEADER_SIZE, PAGE_SIZE } from '../../src/layout/generated.ts';

export interface PageName {
  readonly table: number;
  readonly page: number;
  /** Which content: any number. */
  readonly version: number;
}

export function fillPage(bytes: Uint8Array, { table, page, version }: PageName): void {
  bytes.fill(0, 0, PAGE_HEADER_SIZE);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setUint32(0, table, true);
  view.setUint32(4, page, true);
  let state = (table * 0x9e3779b1 + page * 0x85ebca6b + version * 0xc2b2ae35) >>> 0;
  for (let at = PAGE_HEADER_SIZE; at < PAGE_SIZE; at += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    view.setUint32(at, state, true);
  }
}

export function makePages(names: readonly PageName[]): Uint8Array {
  const bytes = new Uint8Array(names.length * PAGE_SIZE);
  names.forEach((name, i) => {
    fillPage(bytes.subarray(i * PAGE_SIZE, (i + 1) * PAGE_SIZE), name);
  });
  return bytes;
}

const expected = new Uint8Array(PAGE_SIZE);

/** Whether an image as it is read back has this page's rows. */
export function isPage(image: Uint8Array, name: PageName): boolean {
  fillPage(expected, name);
  return (
    Buffer.compare(image.subarray(PAGE_HEADER_SIZE), expected.subarray(PAGE_HEADER_SIZE)) === 0 &&
    Buffer.compare(image.subarray(0, 8), expected.subarray(0, 8)) === 0
  );
}
