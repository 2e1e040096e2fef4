// Open pending transfers that expire, soonest first: a heap with four children a node, ordered by (expires_at, ref).
//
//     place   3       4       5       6       7       8 … 11         12 … 15
//             ┌───────┬───────┬───────┬───────┬───────┬──────╌╌──────┬──────╌╌──────┐
//             │ root  │ its four children             │ children of 4│ children of 5│   …
//             └───────┴───────┴───────┴───────┴───────┴──────╌╌──────┴──────╌╌──────┘
//     node (16 bytes)                                  children of p: 4 (p - 2) … + 3
//     ┌──────────────────┬───────────┬─────────┐       parent of p:   p / 4 + 2
//     │ expires_at       │ slot      │ 0       │
//     └──────────────────┴───────────┴─────────┘       places[slot] = p (0: not in the heap)
//
// Counting from 3 puts four siblings on one cache line. A node carries its time, so that sifting reads rows only where
// two times are equal. Nodes and places live in chunks, as rows do.
//
// Places are kept beside the rows, not in them. A removal moves a dozen other nodes; were their places in their rows,
// each would dirty a page that has not changed otherwise and copy it if it is due, and an event could need a dozen
// images in the snapshot arena instead of at most one. It also leaves the state of two engines with the same history
// equal to the byte, whatever shape their heaps have: (expires_at, ref) is a total order, so what is taken out is the same.

import { allocate } from "../memory/arena";
import { Globals, PendingTail, Transfer } from "../layout";
import { globals } from "./globals";
import { SLOTS_MAX, pendingRow } from "./pages";

const ROOT: u32 = 3;
const TAIL: usize = offsetof<Transfer>();

const NODE_SIZE: u32 = 16;
const NODES_BITS: u32 = 12;
const NODES_MASK: u32 = (1 << NODES_BITS) - 1;
const NODE_CHUNKS_MAX: u32 = ((SLOTS_MAX + ROOT) >> NODES_BITS) + 1;
const PLACES_BITS: u32 = 14;
const PLACES_MASK: u32 = (1 << PLACES_BITS) - 1;
const PLACE_CHUNKS_MAX: u32 = (SLOTS_MAX >> PLACES_BITS) + 1;

let nodeDirectory: usize = 0;
let placeDirectory: usize = 0;
let nodeChunks: u32 = 0;
let placeChunks: u32 = 0;
// Place after the last node.
let end: u32 = ROOT;

/** Makes the empty heap; false when memory is exhausted. */
export function initialiseExpiry(): bool {
  nodeDirectory = allocate(NODE_CHUNKS_MAX * 4);
  placeDirectory = allocate(PLACE_CHUNKS_MAX * 4);
  return nodeDirectory != 0 && placeDirectory != 0;
}

/** Makes room for that many further pending rows, all of which may expire; false when memory is exhausted. */
export function expiryReserve(extra: u32): bool {
  const slots = <u32>load<u64>(globals(), offsetof<Globals>("pending_slots")) + extra;
  while (nodeChunks << NODES_BITS < slots + ROOT) {
    if (nodeChunks == NODE_CHUNKS_MAX || !chunkAppend(nodeDirectory, nodeChunks, NODE_SIZE << NODES_BITS)) return false;
    nodeChunks += 1;
  }
  while (placeChunks << PLACES_BITS < slots) {
    if (placeChunks == PLACE_CHUNKS_MAX || !chunkAppend(placeDirectory, placeChunks, 4 << PLACES_BITS)) return false;
    placeChunks += 1;
  }
  return true;
}

function chunkAppend(directory: usize, chunk: u32, bytes: u32): bool {
  const address = allocate(bytes);
  if (address == 0) return false;
  store<u32>(directory + (chunk << 2), address);
  return true;
}

/** Puts the row in, by its expires_at and ref, both set already; rows that never expire are left out. */
export function expiryInsert(slot: u32): void {
  const time = load<u64>(pendingRow(slot) + TAIL, offsetof<PendingTail>("expires_at"));
  if (time == 0) return;
  end += 1;
  siftUp(end - 1, time, slot);
}

/** Takes the row out if it is in; before it is freed. */
export function expiryRemove(slot: u32): void {
  const place = load<u32>(placeOf(slot));
  if (place == 0) return;
  store<u32>(placeOf(slot), 0);
  end -= 1;
  if (place == end) return;
  const last = nodeAt(end);
  const time = load<u64>(last);
  const moved = load<u32>(last, 8);
  if (place > ROOT && before(time, moved, nodeAt(parentOf(place)))) siftUp(place, time, moved);
  else siftDown(place, time, moved);
}

/** Slot of the row that expires next, -1 if none does. */
export function expiryPeek(): i32 {
  return end == ROOT ? -1 : <i32>load<u32>(nodeAt(ROOT), 8);
}

/** When it expires; u64.MAX_VALUE if none does. */
export function nextExpiry(): u64 {
  return end == ROOT ? u64.MAX_VALUE : load<u64>(nodeAt(ROOT));
}

/**
 * Number of rows with expires_at <= timestamp, at most `max`. Looks at no more than four nodes for each counted one:
 * in preorder, leaving out what lies below a node that is not due.
 */
export function expiriesDue(timestamp: u64, max: u32): u32 {
  let count: u32 = 0;
  let place: u32 = end == ROOT ? 0 : ROOT;
  while (place != 0 && count < max) {
    if (load<u64>(nodeAt(place)) > timestamp) {
      place = successor(place);
      continue;
    }
    count += 1;
    const child = childOf(place);
    place = child < end ? child : successor(place);
  }
  return count;
}

// Next node in preorder that is not below this one; 0 when there is none.
function successor(place: u32): u32 {
  while (place != ROOT) {
    if ((place & 3) != 3 && place + 1 < end) return place + 1;
    place = parentOf(place);
  }
  return 0;
}

// @ts-ignore: decorator
@inline
function nodeAt(place: u32): usize {
  return load<u32>(nodeDirectory + ((place >> NODES_BITS) << 2)) + (place & NODES_MASK) * NODE_SIZE;
}

// @ts-ignore: decorator
@inline
function placeOf(slot: u32): usize {
  return load<u32>(placeDirectory + ((slot >> PLACES_BITS) << 2)) + ((slot & PLACES_MASK) << 2);
}

// @ts-ignore: decorator
@inline
function parentOf(place: u32): u32 {
  return (place >> 2) + 2;
}

// @ts-ignore: decorator
@inline
function childOf(place: u32): u32 {
  return (place - 2) << 2;
}

// @ts-ignore: decorator
@inline
function before(time: u64, slot: u32, node: usize): bool {
  const other = load<u64>(node);
  return time != other ? time < other : refOf(slot) < refOf(load<u32>(node, 8));
}

function refOf(slot: u32): u64 {
  return load<u64>(pendingRow(slot) + TAIL, offsetof<PendingTail>("ref"));
}

// @ts-ignore: decorator
@inline
function put(place: u32, time: u64, slot: u32): void {
  const node = nodeAt(place);
  store<u64>(node, time);
  store<u32>(node, slot, 8);
  store<u32>(placeOf(slot), place);
}

function siftUp(place: u32, time: u64, slot: u32): void {
  while (place > ROOT) {
    const parent = nodeAt(parentOf(place));
    if (!before(time, slot, parent)) break;
    put(place, load<u64>(parent), load<u32>(parent, 8));
    place = parentOf(place);
  }
  put(place, time, slot);
}

function siftDown(place: u32, time: u64, slot: u32): void {
  for (;;) {
    const first = childOf(place);
    if (first >= end) break;
    const last = min(first + 4, end);
    let least = first;
    let node = nodeAt(first);
    for (let child = first + 1; child < last; child += 1) {
      const other = nodeAt(child);
      if (before(load<u64>(other), load<u32>(other, 8), node)) {
        least = child;
        node = other;
      }
    }
    if (before(time, slot, node)) break;
    put(place, load<u64>(node), load<u32>(node, 8));
    place = least;
  }
  put(place, time, slot);
}
