// LMDB maps its file and trusts every byte of it: a file that was cut short ends the process with SIGBUS at the first
// read past the end, a flipped bit in a page number or offset with SIGSEGV. So the file is read here first, with plain
// reads, and each structure is checked that LMDB would follow. What the values say is for others to check.
//
//     page 0, 1: meta, written in turn; the higher transaction counts
//
//     0      8      16  18    20    22    24     28      32      40       48     96     144      152
//     ┌──────┬──────┬───┬─────┬─────┬─────┬──────┬───────┬───────┬────────┬──────┬──────┬────────┬─────┐
//     │number│txn   │   │flags│     │     │magic │version│       │map size│free  │main  │last    │txn  │
//     └──────┴──────┴───┴─────┴─────┴─────┴──────┴───────┴───────┴────────┴──────┴──────┴────────┴─────┘
//
//     free, main, and each named database: a tree of pages
//
//     0          4      6      8         16      24         32       40     48
//     ┌──────────┬──────┬──────┬─────────┬───────┬──────────┬────────┬──────┐
//     │page size │flags │depth │branches │leaves │overflows │entries │root  │     page size: in `free` alone
//     └──────────┴──────┴──────┴─────────┴───────┴──────────┴────────┴──────┘
//
//     branch and leaf pages: places of the nodes ──▶ free room ◀── nodes; places count from byte 24
//
//     0      8      16  18    20    22    24
//     ┌──────┬──────┬───┬─────┬─────┬─────┬─────────┬───────────┬──────┬──────┐
//     │number│txn   │   │flags│lower│upper│u16 …    │           │ node │ node │
//     └──────┴──────┴───┴─────┴─────┴─────┴─────────┴───────────┴──────┴──────┘
//
//     node:  0          4     6        8      8 + key size
//            ┌──────────┬─────┬────────┬──────┬────────────────────────────────────┐
//            │size      │flags│key size│ key  │ leaf: value, database or           │
//            │or child page (48 bits)│        │       {page, txn, pages} elsewhere │
//            └──────────┴─────┴────────┴──────┴────────────────────────────────────┘
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** Pages of every environment here. */
const PAGE_BYTES = 4096;
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const PAGE_HEADER_BYTES = 24;
const META_PAGES = 2;
const NODE_HEADER_BYTES = 8;
const DATABASE_BYTES = 48;
const OVERFLOW_NODE_BYTES = 24;
const NO_PAGE = 0xffff_ffff_ffff_ffffn;
const DEPTH_MAX = 32;

const PageFlag = { branch: 0x01, leaf: 0x02, meta: 0x08 } as const;
const NodeFlag = { overflow: 0x01, database: 0x02 } as const;

const META_FREE_OFFSET = 48;
const META_MAIN_OFFSET = 96;
const META_LAST_PAGE_OFFSET = 144;
const META_TRANSACTION_OFFSET = 152;
const INTEGER_KEY = 0x08;

/** The data file is not what LMDB may be given; `start` and `end` bound the bytes in it. */
export class LmdbFileError extends Error {
  override readonly name = 'LmdbFileError';
  readonly start: number;
  readonly end: number;

  constructor(file: string, start: number, end: number, what: string) {
    super(`${file}: bytes ${start} to ${end}: ${what}`);
    this.start = start;
    this.end = end;
  }
}

export interface LmdbFileReport {
  readonly bytes: number;
  /** Number of the last page in use, and of the transaction that wrote the newest state. */
  readonly lastPage: number;
  readonly transaction: number;
  /** Branch and leaf pages read, overflow pages named by them, pages in the free list. */
  readonly treePages: number;
  readonly overflowPages: number;
  readonly freePages: number;
  /** Of all databases. */
  readonly entries: number;
}

interface Tree {
  readonly name: string;
  readonly flags: number;
  readonly depth: number;
  readonly entries: bigint;
  readonly root: bigint;
}

interface Page {
  readonly number: number;
  readonly bytes: Buffer;
  readonly nodes: number;
}

class Checker {
  readonly #file: string;
  readonly #descriptor: number;
  readonly #size: number;
  #lastPage = 0;
  #transaction = 0n;
  #used: Uint8Array = new Uint8Array(0);
  #treePages = 0;
  #overflowPages = 0;
  #freePages = 0;
  #entries = 0;
  // One buffer a level: a page stays in place while its children are read.
  readonly #levels: Buffer[] = [];

  constructor(file: string, descriptor: number) {
    this.#file = file;
    this.#descriptor = descriptor;
    this.#size = fstatSync(descriptor).size;
  }

  check(): LmdbFileReport {
    const meta = this.#newestMeta();
    const main = this.#tree('main', meta, META_MAIN_OFFSET);
    const free = this.#tree('free list', meta, META_FREE_OFFSET);
    this.#walkTree(main, 0);
    this.#walkTree(free, 0);
    return {
      bytes: this.#size,
      lastPage: this.#lastPage,
      transaction: Number(this.#transaction),
      treePages: this.#treePages,
      overflowPages: this.#overflowPages,
      freePages: this.#freePages,
      entries: this.#entries,
    };
  }

  #fail(page: number, offset: number, length: number, what: string): never {
    const start = page * PAGE_BYTES + offset;
    throw new LmdbFileError(this.#file, start, start + length, `page ${page}: ${what}`);
  }

  #read(page: number, target: Buffer): Buffer {
    const got = readSync(this.#descriptor, target, 0, PAGE_BYTES, page * PAGE_BYTES);
    if (got !== PAGE_BYTES)
      this.#fail(page, got, PAGE_BYTES - got, `expected ${PAGE_BYTES} bytes, got ${got}`);
    return target;
  }

  #newestMeta(): Buffer {
    if (this.#size < META_PAGES * PAGE_BYTES) {
      const what = `expected at least ${META_PAGES * PAGE_BYTES} bytes, got ${this.#size}: the file was cut short`;
      throw new LmdbFileError(this.#file, this.#size, META_PAGES * PAGE_BYTES, what);
    }
    const metas = [0, 1].map((page) => this.#checkMeta(page, this.#read(page, Buffer.alloc(PAGE_BYTES))));
    const [even, odd] = metas.map((meta) => meta.readBigUInt64LE(META_TRANSACTION_OFFSET)) as [
      bigint,
      bigint,
    ];
    // Transaction n writes page n modulo 2; so neighbours, or a newly made file.
    const isTurn = even % 2n === 0n && odd % 2n === 1n && (even === odd + 1n || odd === even + 1n);
    if (!isTurn && !(even === 0n && odd === 0n)) {
      this.#fail(
        0,
        META_TRANSACTION_OFFSET,
        PAGE_BYTES + 8,
        `transactions of the two meta pages: expected an even one and its odd neighbour, got ${even} and ${odd}`,
      );
    }
    const newest = even > odd ? 0 : 1;
    const meta = metas[newest]!;
    this.#transaction = meta.readBigUInt64LE(META_TRANSACTION_OFFSET);
    const lastPage = meta.readBigUInt64LE(META_LAST_PAGE_OFFSET);
    const expected = (lastPage + 1n) * BigInt(PAGE_BYTES);
    if (lastPage < 1n || expected > BigInt(this.#size)) {
      throw new LmdbFileError(
        this.#file,
        this.#size,
        lastPage < 2n ** 40n ? Number(expected) : this.#size,
        `expected at least ${expected} bytes (last page ${lastPage} of transaction ${this.#transaction}), got ${this.#size}: the file was cut short`,
      );
    }
    this.#lastPage = Number(lastPage);
    this.#used = new Uint8Array(Math.ceil((this.#lastPage + 1) / 8));
    return meta;
  }

  #checkMeta(page: number, bytes: Buffer): Buffer {
    const number = bytes.readBigUInt64LE(0);
    if (number !== BigInt(page)) this.#fail(page, 0, 8, `expected page number ${page}, got ${number}`);
    const flags = bytes.readUInt16LE(18);
    if (flags !== PageFlag.meta)
      this.#fail(page, 18, 2, `expected a meta page (flags 8), got flags ${flags}`);
    const magic = bytes.readUInt32LE(24);
    if (magic !== MAGIC) this.#fail(page, 24, 4, `expected the magic of LMDB, got ${magic.toString(16)}`);
    const version = bytes.readUInt32LE(28);
    if (version !== DATA_VERSION) this.#fail(page, 28, 4, `expected version ${DATA_VERSION}, got ${version}`);
    const size = bytes.readUInt32LE(META_FREE_OFFSET);
    if (size !== PAGE_BYTES)
      this.#fail(page, META_FREE_OFFSET, 4, `expected pages of ${PAGE_BYTES}, got ${size}`);
    const freeFlags = bytes.readUInt16LE(META_FREE_OFFSET + 4);
    // These are also the flags of the environment; any other would change how LMDB treats the file.
    if (freeFlags !== INTEGER_KEY) {
      this.#fail(page, META_FREE_OFFSET + 4, 2, `expected flags ${INTEGER_KEY}, got ${freeFlags}`);
    }
    return bytes;
  }

  #tree(name: string, bytes: Buffer, offset: number): Tree {
    return {
      name,
      flags: bytes.readUInt16LE(offset + 4),
      depth: bytes.readUInt16LE(offset + 6),
      entries: bytes.readBigUInt64LE(offset + 32),
      root: bytes.readBigUInt64LE(offset + 40),
    };
  }

  /** Marks pages as used by one structure; two of them must not share a page. */
  #claim(from: number, first: bigint, pages: bigint, what: string): void {
    const end = first + pages;
    if (first < BigInt(META_PAGES) || pages < 1n || end > BigInt(this.#lastPage) + 1n) {
      this.#fail(
        from,
        0,
        PAGE_BYTES,
        `${what}: expected pages up to ${this.#lastPage}, got ${pages} from ${first}`,
      );
    }
    for (let page = Number(first); page < Number(end); page++) {
      if ((this.#used[page >> 3]! & (1 << (page & 7))) !== 0) {
        this.#fail(from, 0, PAGE_BYTES, `${what}: expected page ${page} to be used once, got a second use`);
      }
      this.#used[page >> 3]! |= 1 << (page & 7);
    }
  }

  #walkTree(tree: Tree, level: number): void {
    if (tree.root === NO_PAGE) {
      if (tree.entries !== 0n || tree.depth !== 0)
        this.#fail(0, 0, PAGE_BYTES, `${tree.name}: expected a root`);
      return;
    }
    if (tree.depth < 1 || level + tree.depth > DEPTH_MAX) {
      this.#fail(0, 0, PAGE_BYTES, `${tree.name}: expected a depth of 1 to ${DEPTH_MAX}, got ${tree.depth}`);
    }
    const entries = this.#walkPage(tree, tree.root, 0, level, 1, undefined, undefined);
    if (BigInt(entries) !== tree.entries) {
      this.#fail(
        Number(tree.root),
        0,
        PAGE_BYTES,
        `${tree.name}: expected ${tree.entries} entries, got ${entries}`,
      );
    }
  }

  #compare(tree: Tree, a: Buffer, b: Buffer): number {
    if ((tree.flags & INTEGER_KEY) === 0) return Buffer.compare(a, b);
    const [x, y] = [a.readBigUInt64LE(0), b.readBigUInt64LE(0)];
    return x < y ? -1 : x > y ? 1 : 0;
  }

  /** Checks a page and all below it: keys rise and lie in [low, high). Returns the number of entries. */
  #walkPage(
    tree: Tree,
    number: bigint,
    from: number,
    level: number,
    depth: number,
    low: Buffer | undefined,
    high: Buffer | undefined,
  ): number {
    this.#claim(from, number, 1n, tree.name);
    this.#levels[level] ??= Buffer.alloc(PAGE_BYTES);
    const page = this.#checkPage(
      tree,
      Number(number),
      this.#read(Number(number), this.#levels[level]),
      depth,
    );
    this.#treePages++;
    let entries = 0;
    let previous: Buffer | undefined;
    for (let i = 0; i < page.nodes; i++) {
      const node = this.#node(page, i);
      const isBranch = depth < tree.depth;
      // LMDB never looks at the first key of a branch.
      const key = isBranch && i === 0 ? low : this.#key(tree, page, node);
      const isOutside =
        (key !== undefined && low !== undefined && this.#compare(tree, key, low) < 0) ||
        (key !== undefined && high !== undefined && this.#compare(tree, key, high) >= 0);
      const isBehind = key !== undefined && previous !== undefined && this.#compare(tree, key, previous) <= 0;
      if (isOutside || isBehind) {
        this.#fail(page.number, node, PAGE_BYTES - node, `${tree.name}: node ${i}: expected keys in order`);
      }
      if (isBranch) {
        const next = i + 1 < page.nodes ? this.#key(tree, page, this.#node(page, i + 1)) : high;
        const child = BigInt(page.bytes.readUIntLE(node, 6));
        entries += this.#walkPage(tree, child, page.number, level + 1, depth + 1, key, next);
      } else {
        this.#checkLeafNode(tree, page, node, level);
        entries++;
      }
      previous = key;
    }
    return entries;
  }

  #checkPage(tree: Tree, number: number, bytes: Buffer, depth: number): Page {
    const stored = bytes.readBigUInt64LE(0);
    if (stored !== BigInt(number)) {
      this.#fail(number, 0, 8, `${tree.name}: expected page number ${number}, got ${stored}`);
    }
    const transaction = bytes.readBigUInt64LE(8);
    if (transaction > this.#transaction) {
      this.#fail(
        number,
        8,
        8,
        `${tree.name}: expected a transaction up to ${this.#transaction}, got ${transaction}`,
      );
    }
    const flags = bytes.readUInt16LE(18);
    const expected = depth < tree.depth ? PageFlag.branch : PageFlag.leaf;
    if (flags !== expected)
      this.#fail(number, 18, 2, `${tree.name}: expected page flags ${expected}, got ${flags}`);
    const lower = bytes.readUInt16LE(20);
    const upper = bytes.readUInt16LE(22);
    const nodesMin = expected === PageFlag.branch ? 2 : 1;
    if (lower % 2 !== 0 || lower < nodesMin * 2 || upper < lower || upper > PAGE_BYTES - PAGE_HEADER_BYTES) {
      this.#fail(number, 20, 4, `${tree.name}: expected free room inside the page, got ${lower} to ${upper}`);
    }
    return { number, bytes, nodes: lower / 2 };
  }

  /** Offset of node `index` in its page. */
  #node(page: Page, index: number): number {
    const place = PAGE_HEADER_BYTES + index * 2;
    const node = PAGE_HEADER_BYTES + page.bytes.readUInt16LE(place);
    const upper = PAGE_HEADER_BYTES + page.bytes.readUInt16LE(22);
    if (node % 2 !== 0 || node < upper || node + NODE_HEADER_BYTES > PAGE_BYTES) {
      this.#fail(
        page.number,
        place,
        2,
        `node ${index}: expected it at ${upper} to ${PAGE_BYTES}, got ${node}`,
      );
    }
    return node;
  }

  #key(tree: Tree, page: Page, node: number): Buffer {
    const size = page.bytes.readUInt16LE(node + 6);
    const start = node + NODE_HEADER_BYTES;
    const isWrong = (tree.flags & INTEGER_KEY) !== 0 ? size !== 8 : size === 0;
    if (isWrong || start + size > PAGE_BYTES) {
      this.#fail(page.number, node + 6, 2, `${tree.name}: expected a key within the page, got ${size} bytes`);
    }
    return page.bytes.subarray(start, start + size);
  }

  #checkLeafNode(tree: Tree, page: Page, node: number, level: number): void {
    const { bytes, number } = page;
    const size = bytes.readUInt32LE(node);
    const flags = bytes.readUInt16LE(node + 4);
    const start = node + NODE_HEADER_BYTES + bytes.readUInt16LE(node + 6);
    const inPage = flags === NodeFlag.overflow ? OVERFLOW_NODE_BYTES : size;
    if (start + inPage > PAGE_BYTES) {
      this.#fail(number, node, 4, `${tree.name}: expected a value within the page, got ${size} bytes`);
    }
    switch (flags) {
      case 0:
        if (tree.name === 'free list')
          this.#checkFreeList(number, start, bytes.subarray(start, start + size));
        return;
      case NodeFlag.overflow: {
        const pages = bytes.readBigUInt64LE(start + 16);
        const expected = BigInt(Math.floor((PAGE_HEADER_BYTES - 1 + size) / PAGE_BYTES) + 1);
        if (pages !== expected) {
          this.#fail(
            number,
            start + 16,
            8,
            `${tree.name}: expected ${expected} pages for ${size} bytes, got ${pages}`,
          );
        }
        const first = bytes.readBigUInt64LE(start);
        this.#claim(number, first, pages, `${tree.name}: value`);
        this.#overflowPages += Number(pages);
        if (tree.name === 'free list') this.#checkFreeList(Number(first), 0, this.#readOverflow(first, size));
        else this.#entries++;
        return;
      }
      case NodeFlag.database: {
        if (size !== DATABASE_BYTES || tree.name !== 'main') {
          this.#fail(number, node, 8, `${tree.name}: expected no database of ${size} bytes here`);
        }
        const name = bytes.toString('latin1', node + NODE_HEADER_BYTES, start);
        this.#walkTree(this.#tree(`database ${name}`, bytes, start), level + 1);
        return;
      }
      default:
        this.#fail(number, node + 4, 2, `${tree.name}: expected node flags 0 to 2, got ${flags}`);
    }
  }

  #readOverflow(first: bigint, size: number): Buffer {
    const bytes = Buffer.alloc(size);
    const got = readSync(this.#descriptor, bytes, 0, size, Number(first) * PAGE_BYTES + PAGE_HEADER_BYTES);
    if (got !== size)
      this.#fail(Number(first), got, size - got, `free list: expected ${size} bytes, got ${got}`);
    return bytes;
  }

  /** A list of free pages: their number, then page numbers; a negative number -n says that n pages follow from the next. */
  #checkFreeList(page: number, start: number, value: Buffer): void {
    const count = value.length < 8 ? -1n : value.readBigUInt64LE(0);
    if (count < 0n || value.length % 8 !== 0 || count > BigInt(value.length / 8 - 1)) {
      this.#fail(
        page,
        start,
        value.length,
        `free list: expected ${count} numbers, got ${value.length} bytes`,
      );
    }
    let pages = 1n;
    for (let i = 1; i <= Number(count); i++) {
      const number = value.readBigInt64LE(i * 8);
      if (number < 0n) {
        pages = -number;
      } else if (number > 0n) {
        this.#claim(page, number, pages, 'free list');
        this.#freePages += Number(pages);
        pages = 1n;
      }
    }
  }
}

/**
 * Checks an LMDB data file that no one has open: its length against the last page in use, and every page of its trees.
 * Values are not read (they carry checksums of their own). Returns undefined for a file that is missing or empty, throws LmdbFileError.
 */
export function checkLmdbFile(file: string): LmdbFileReport | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    if (fstatSync(descriptor).size === 0) return undefined;
    return new Checker(file, descriptor).check();
  } finally {
    closeSync(descriptor);
  }
}
