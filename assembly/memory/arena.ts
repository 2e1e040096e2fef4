// All memory of the kernel that is not a static: a pointer that only moves up. Nothing is ever given back, so fresh
// memory is always zero, and addresses given to the host stay valid for ever.
//
//     0          __heap_base                    top                       memory.size()   4 GiB
//     ┌──────────┬──────────────────────────────┬─────────────────────────┬╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┐
//     │ statics  │ allocated, 64-byte aligned   │ grown, zero, untouched  │ not yet grown │
//     └──────────┴──────────────────────────────┴─────────────────────────┴╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌┘

const ALIGNMENT: u64 = 64;
const WASM_PAGE_SIZE: u64 = 65536;

// Grown in steps of 16 MiB: rare enough that the host seldom has to renew its views, small enough that the tail which
// is never used does not matter. Growth only moves a limit; the system fills pages in when they are first touched.
const GROW_STEP: u64 = 16 << 20;

// First free byte; 64 bits because it may stand at 4 GiB exactly.
let top: u64 = 0;

/** Bytes at a 64-byte aligned address, all zero; 0 when memory is exhausted (nothing is taken then). */
export function allocate(bytes: u32): usize {
  if (top == 0) top = align(<u64>__heap_base);
  const start = top;
  const end = align(start + <u64>bytes);
  if (!growTo(end)) return 0;
  top = end;
  return <usize>start;
}

// @ts-ignore: decorator
@inline
function align(address: u64): u64 {
  return (address + (ALIGNMENT - 1)) & ~(ALIGNMENT - 1);
}

function growTo(end: u64): bool {
  const size = <u64>(<u32>memory.size()) * WASM_PAGE_SIZE;
  if (end <= size) return true;
  const needed = (end - size + (WASM_PAGE_SIZE - 1)) / WASM_PAGE_SIZE;
  const step = max(needed, GROW_STEP / WASM_PAGE_SIZE);
  if (<u64>(<u32>memory.size()) + needed > 65536) return false;
  // A whole step may be refused where the bare need is still granted: near 4 GiB, or near the host's maximum.
  return memory.grow(<i32>step) >= 0 || memory.grow(<i32>needed) >= 0;
}
