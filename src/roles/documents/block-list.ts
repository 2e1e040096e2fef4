// The purses whose payments no wallet should take any more: those of devices that have cheated, and of devices that are
// blocked, revoked or replaced. A purse leaves the list when its allowance has ended anyway, so the list stays short.
//
//     list = parts 0 … parts-1, each signed by management, all of one serial
import { type Infer, list, struct, u16, u64, u128 } from '../../shared/codec.ts';
import { documentKind, keyId } from './signed.ts';

/** Purses in one part: 64 KiB. */
export const BLOCK_LIST_PART_MAX = 4_000;

const BlockListCodec = struct({
  /** Of management's signing key. */
  keyId,
  /** Grows with each change. */
  serial: u64,
  part: u16,
  parts: u16,
  /** Nanoseconds. */
  issuedAt: u64,
  purses: list(u128, BLOCK_LIST_PART_MAX),
});
export type BlockList = Infer<typeof BlockListCodec>;
export const BlockList = documentKind('blockList', BlockListCodec);
export type SignedBlockList = Infer<typeof BlockList.signed>;
export const BLOCK_LIST_PARTS_MAX = 64;

/** What a wallet has, so that management sends only what is new. */
export const BlockListQuery = struct({ serial: u64, part: u16 });
export type BlockListQuery = Infer<typeof BlockListQuery>;
