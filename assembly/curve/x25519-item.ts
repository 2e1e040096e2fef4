// One item of a batch of X25519.
//
//     0        4        8        12       16
//     ┌────────┬────────┬────────┬────────┐
//     │ scalar │ u      │ out    │ zero   │
//     └────────┴────────┴────────┴────────┘
//
// scalar, u, out: addresses of 32 bytes each, of any alignment.
// zero:           written by the kernel: 1 if the result is all zero, so that it must be refused, else 0.

// @ts-ignore: decorator
@unmanaged
export class X25519Item {
  scalar: usize;
  u: usize;
  out: usize;
  zero: u32;
}

if (offsetof<X25519Item>() != 16) ERROR("X25519Item must be 16 bytes");
if (offsetof<X25519Item>("u") != 4) ERROR("X25519Item.u must be at 4");
if (offsetof<X25519Item>("out") != 8) ERROR("X25519Item.out must be at 8");
if (offsetof<X25519Item>("zero") != 12) ERROR("X25519Item.zero must be at 12");
