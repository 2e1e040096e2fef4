// The cryptographic kernels: loads build/crypto-simd.wasm or build/crypto-scalar.wasm into shared memory. The memory
// belongs to a CryptoMemory, so that the threads of a pool can live in the same one: what one thread writes there,
// another computes on in place.
//
//     ┌──────────┬───────────────────────────┬──────────────────────────┬───────────┐
//     │ constant │ instance: workspace │ io  │ instance: workspace │ io │ allocated │ …
//     │ statics  │ (one thread)              │ (another thread)         │           │
//     └──────────┴───────────────────────────┴──────────────────────────┴───────────┘
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import type { CryptoExports } from './crypto-exports.ts';
import { KernelAbort } from './kernel-abort.ts';

export type CryptoBuild = 'simd' | 'scalar';

const WASM_PAGE_SIZE = 65_536;
/** What asconfig.json imports: 4 MiB to begin with. */
const MEMORY_PAGES_INITIAL = 64;
const MEMORY_PAGES_MAX = 65_536;

/** Scratch memory of one instance: the largest batch of signatures needs most of it. */
export const WORKSPACE_BYTES = 6 << 20;
/** Where the host puts what it hands to one call, and reads the answer. */
export const IO_BYTES = 2 << 20;

/** Memory that the instances of one or more threads share. Allocation is for one thread: the one that made it. */
export class CryptoMemory {
  readonly memory: WebAssembly.Memory;
  #top: number;

  constructor(build: CryptoBuild) {
    this.memory = new WebAssembly.Memory({
      initial: MEMORY_PAGES_INITIAL,
      maximum: MEMORY_PAGES_MAX,
      shared: true,
    });
    const { exports } = new WebAssembly.Instance(compile(build), imports(this.memory));
    const base = (exports as unknown as CryptoExports).staticEnd();
    this.#top = (base + 63) & ~63;
  }

  /** A 64-byte aligned address of `bytes` zeroed bytes that are never given back. Throws RangeError when exhausted. */
  allocate(bytes: number): number {
    const address = this.#top;
    const end = address + Math.ceil(bytes / 64) * 64;
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      try {
        this.memory.grow(Math.ceil(missing / WASM_PAGE_SIZE));
      } catch (cause) {
        throw new RangeError(`expected ${bytes} bytes of kernel memory, got none`, { cause });
      }
    }
    this.#top = end;
    return address;
  }
}

const compiled = new Map<CryptoBuild, WebAssembly.Module>();

/** Throws WebAssembly.CompileError where the engine does not know what the build needs. */
function compile(build: CryptoBuild): WebAssembly.Module {
  let module = compiled.get(build);
  if (module === undefined) {
    // Node 20 has relaxed SIMD behind this flag; later ones have it always and know no such flag.
    if (build === 'simd' && Number(process.versions.node.split('.')[0]) < 22) {
      setFlagsFromString('--experimental-wasm-relaxed-simd');
    }
    module = new WebAssembly.Module(
      readFileSync(new URL(`../../build/crypto-${build}.wasm`, import.meta.url)),
    );
    compiled.set(build, module);
  }
  return module;
}

function imports(
  memory: WebAssembly.Memory,
  abort: (...place: number[]) => never = () => {
    throw new KernelAbort('aborted', 'crypto');
  },
): WebAssembly.Imports {
  return { env: { memory, abort } };
}

export interface CryptoKernelOptions {
  readonly build: CryptoBuild;
  /** Memory to live in; made when left out. */
  readonly memory?: CryptoMemory;
}

/** Where another thread lets its instance live: made by `CryptoKernel.reserve`, posted, and taken by `CryptoKernel.attach`. */
export interface CryptoSeat {
  readonly build: CryptoBuild;
  readonly memory: WebAssembly.Memory;
  readonly address: number;
}

export class CryptoKernel {
  readonly build: CryptoBuild;
  readonly exports: CryptoExports;
  readonly memory: WebAssembly.Memory;
  /** IO_BYTES bytes for what one call takes and answers. */
  readonly io: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #aborted = false;

  /** An instance in its own memory, or in one that this thread allocates from. */
  static instantiate({ build, memory = new CryptoMemory(build) }: CryptoKernelOptions): CryptoKernel {
    return new CryptoKernel(CryptoKernel.reserve(build, memory));
  }

  /** Room for the instance of another thread. */
  static reserve(build: CryptoBuild, memory: CryptoMemory): CryptoSeat {
    return { build, memory: memory.memory, address: memory.allocate(WORKSPACE_BYTES + IO_BYTES) };
  }

  /** In that thread: the instance in its seat. */
  static attach(seat: CryptoSeat): CryptoKernel {
    return new CryptoKernel(seat);
  }

  private constructor({ build, memory, address }: CryptoSeat) {
    this.build = build;
    this.memory = memory;
    const instance = new WebAssembly.Instance(compile(build), imports(memory, this.#abort.bind(this)));
    this.exports = instance.exports as unknown as CryptoExports;
    this.exports.initialise(address, WORKSPACE_BYTES);
    this.io = address + WORKSPACE_BYTES;
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /** Whether a call ended in a KernelAbort: what it had taken of the workspace is lost, so use another instance. */
  get aborted(): boolean {
    return this.#aborted;
  }

  /** All of the memory as it is now. Typed as it must be for the host's own copies; it is shared memory. */
  get bytes(): Uint8Array<ArrayBuffer> {
    if (this.#bytes.buffer !== this.memory.buffer) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes;
  }

  /** A copy of `length` bytes at `address`, in memory of its own. */
  copy(address: number, length: number): Uint8Array<ArrayBuffer> {
    return this.bytes.slice(address, address + length);
  }

  /** Overwrites secrets: `length` bytes at `address` with zeroes, eight times as fast as `bytes.fill` on shared memory. */
  wipe(address: number, length: number): void {
    this.exports.wipe(address, length);
  }

  #abort(message: number, file: number, line: number, column: number): never {
    this.#aborted = true;
    throw new KernelAbort(this.#string(message), `${this.#string(file)}:${line}:${column}`);
  }

  /** A string of the kernel: UTF-16, its length in bytes before it. */
  #string(address: number): string {
    if (address === 0) return 'aborted';
    const length = new DataView(this.memory.buffer).getUint32(address - 4, true);
    return String.fromCharCode(...new Uint16Array(this.memory.buffer.slice(address, address + length)));
  }
}
