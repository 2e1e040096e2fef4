// The block list as wallets get it: the purses of purse-standing.ts in parts that management signs.
//
//     a wallet has serial s (0: none) ─▶ asks for part 0, 1 … ─▶ nothing, if s is the newest; otherwise that part
//
// Parts of different serials are no list: a wallet that finds another serial begins again with part 0, and keeps its old
// list until it has the new one whole.
import { keyIdOf } from '../../identity/key-set.ts';
import type { Signer } from '../../identity/signed.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import type { RoleStore } from '../../store/store.ts';
import {
  BLOCK_LIST_PART_MAX,
  BLOCK_LIST_PARTS_MAX,
  BlockList,
  type BlockListQuery,
  type SignedBlockList,
} from '../documents/block-list.ts';
import { write } from './devices.ts';
import type { ManagementLog } from './interface.ts';
import {
  type ListSerial,
  listSerial,
  putListAnew,
  type StoppedPurses,
  stoppedPurses,
} from './purse-standing.ts';

/** What has ended leaves after so long, if nothing else changes the list: an allowance that has ended is refused anyway. */
const ENDED_STAY_NS = 3_600_000_000_000n;

export interface BlockListsOptions {
  readonly store: RoleStore;
  /** Management's current signing key, which may be rotated. */
  readonly signer: () => Signer;
  readonly clock: () => bigint;
  readonly log: ManagementLog;
  /** Purses of a part. Beyond BLOCK_LIST_PARTS_MAX parts: those that end first are left out, and the log says so. */
  readonly partMax?: number;
}

interface Ready extends ListSerial, StoppedPurses {
  readonly signer: Signer;
  /** Signed when somebody asks. */
  readonly parts: (SignedBlockList | undefined)[];
}

export class BlockLists {
  readonly #options: BlockListsOptions;
  readonly #partMax: number;
  #ready: Ready | undefined;
  #isRenewing = false;

  constructor(options: BlockListsOptions) {
    this.#options = options;
    this.#partMax = options.partMax ?? BLOCK_LIST_PART_MAX;
  }

  /** undefined: the caller has the newest list, or asks for a part beyond its last one. */
  part({ serial, part }: BlockListQuery): SignedBlockList | undefined {
    const current = listSerial(this.#options.store);
    if (current.serial === serial || current.serial === 0n) return undefined;
    const ready = this.#current(current);
    this.#renewAfter(ready);
    if (part >= ready.parts.length) return undefined;
    ready.parts[part] ??= signedPart(ready, part, this.#partMax);
    return ready.parts[part];
  }

  #current(current: ListSerial): Ready {
    const signer = this.#options.signer();
    if (this.#ready?.serial === current.serial && this.#ready.signer === signer) return this.#ready;
    const { store, log } = this.#options;
    const max = this.#partMax * BLOCK_LIST_PARTS_MAX;
    const stopped = stoppedPurses(store, current, max);
    const count = stopped.purses.length;
    if (count === max) log.error({ count }, 'the block list is full: what ends first is left out');
    const parts = new Array<undefined>(Math.max(1, Math.ceil(count / this.#partMax))).fill(undefined);
    this.#ready = { ...current, ...stopped, signer, parts };
    return this.#ready;
  }

  #renewAfter({ since, firstEnd }: Ready): void {
    const { store, clock, log } = this.#options;
    const now = clock();
    if (this.#isRenewing || firstEnd === undefined || now < firstEnd || now < since + ENDED_STAY_NS) return;
    this.#isRenewing = true;
    store
      .transaction((tx) => {
        for (const put of putListAnew(tx, now)) write(tx, put);
      })
      .catch((error) => log.error({ error: String(error) }, 'the block list could not be renewed'))
      .finally(() => {
        this.#isRenewing = false;
      });
  }
}

function signedPart(
  { serial, since, purses, parts, signer }: Ready,
  part: number,
  max: number,
): SignedBlockList {
  const document: BlockList = {
    keyId: keyIdOf(signer.publicKey, systemCrypto.sha256),
    serial,
    part,
    parts: parts.length,
    issuedAt: since,
    purses: purses.slice(part * max, (part + 1) * max),
  };
  return { document, signature: signer.sign(BlockList.signedBytes(document)) };
}
