// Working memory of one instance of the cryptographic kernels. Several instances may live in one shared memory, one a
// thread, so nothing that changes is a static: every kernel takes what it needs here and gives it back before it returns.
//
//     0          __heap_base           address of the instance                address + bytes
//     ┌──────────┬─────────────────────┬──────────────┬───────────────────────┐
//     │ constant │ the host's own      │ taken        │ free                  │
//     │ statics  │ (tables, batches)   │              │                       │
//     └──────────┴─────────────────────┴──────────────┴───────────────────────┘
//
// A taken block is not zeroed. Who puts a secret there fills it with zeroes before giving it back.

let top: usize = 0;
let limit: usize = 0;

/** Gives this instance the `bytes` bytes at `address` to work in, both multiples of 64. */
export function initialiseWorkspace(address: usize, bytes: usize): void {
  assert(((address | bytes) & 63) == 0);
  top = address;
  limit = address + bytes;
}

/** `bytes` bytes at a 64-byte aligned address; aborts when there are fewer. */
export function take(bytes: usize): usize {
  // Before it is rounded up, which could pass 2^32. Rounded up it fits too: the room is a multiple of 64.
  assert(bytes <= limit - top, "expected room in the workspace");
  const address = top;
  top = address + ((bytes + 63) & ~(<usize>63));
  return address;
}

/** Gives back everything that was taken at `address` and after it. */
export function release(address: usize): void {
  top = address;
}

/** The first byte after the constant statics: the host's own begins there. */
export function staticEnd(): usize {
  return __heap_base;
}

/** Bytes that can still be taken. */
export function workspaceRoom(): usize {
  return limit - top;
}
