// Checksum of what the store gives back: LMDB has none of its own. It guards against flipped bits and torn or misplaced
// pages, not against people: everything here can be rebuilt from the journal, which is hashed with SHA-256. 64 KiB take
// about 4 µs where SHA-256 takes 40, and a page of a run is checked each time it is read.

const ODD_0: u64 = 0x9e3779b97f4a7c15;
const ODD_1: u64 = 0xc2b2ae3d27d4eb4f;
const ODD_2: u64 = 0x165667b19e3779f9;
const ODD_3: u64 = 0xff51afd7ed558ccd;

// Four independent lanes hide the latency of multiplication. The rotation keeps two flips of the top bit, which a
// multiplication by an odd number leaves at the top, from cancelling out.
// @ts-ignore: decorator
@inline
function step(lane: u64, word: u64, odd: u64): u64 {
  return rotl<u64>(lane ^ word, 27) * odd;
}

/** Checksum of `bytes` (a multiple of 8) at `address`. */
export function checksum(address: usize, bytes: u32): u64 {
  let a: u64 = ODD_1;
  let b: u64 = ODD_2;
  let c: u64 = ODD_3;
  let d: u64 = ODD_0;
  const end = address + bytes;
  const blocks_end = address + (bytes & ~31);
  while (address < blocks_end) {
    a = step(a, load<u64>(address), ODD_0);
    b = step(b, load<u64>(address, 8), ODD_1);
    c = step(c, load<u64>(address, 16), ODD_2);
    d = step(d, load<u64>(address, 24), ODD_3);
    address += 32;
  }
  while (address < end) {
    a = step(a, load<u64>(address), ODD_0);
    address += 8;
  }
  let all = step(step(step(a ^ bytes, b, ODD_1), c, ODD_2), d, ODD_3);
  all ^= all >> 32;
  all *= ODD_0;
  return all ^ (all >> 29);
}
