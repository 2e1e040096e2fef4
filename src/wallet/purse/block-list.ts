// The block list as a wallet has it: the parts of one serial, each signed by management, or none of them.
//
//     ask for part 0 with the serial that is there ─▶ nothing: it is the newest
//                                                  ─▶ part 0 of n ─▶ parts 1 … n-1 ─▶ all of one serial? ─▶ one write
import { equalBytes } from '../../identity/binary-text.ts';
import { Refusal } from '../../roles/common/refusal.ts';
import {
  BLOCK_LIST_PARTS_MAX,
  BlockList,
  BlockListQuery,
  type SignedBlockList,
} from '../../roles/documents/block-list.ts';
import { ManagementOperation } from '../../roles/management/messages.ts';
import { GetBlockListAnswer } from '../../roles/management/purse-messages.ts';
import { WalletError } from '../core/errors.ts';
import type { ManagementLink } from '../core/management-link.ts';
import { TransportError, type WalletClock, type WalletCrypto } from '../core/ports.ts';
import type { PurseBook } from './purse-book.ts';

/** A list that changes while it is fetched is fetched anew so often. */
const ATTEMPTS = 3;

export interface BlockListOptions {
  readonly purses: PurseBook;
  readonly link: ManagementLink;
  readonly crypto: WalletCrypto;
  readonly clock: WalletClock;
}

export class OwnBlockList {
  readonly #with: BlockListOptions;
  #blocked: Promise<ReadonlySet<bigint>> | undefined;

  constructor(options: BlockListOptions) {
    this.#with = options;
  }

  /** By the newest list that the wallet has. */
  blocked(): Promise<ReadonlySet<bigint>> {
    this.#blocked ??= this.#with.purses
      .blockList()
      .then((parts) => new Set(parts.flatMap(({ document }) => document.purses)));
    return this.#blocked;
  }

  /** @returns whether there was a newer one @throws TransportError: later; WalletError answer_invalid, refused */
  async refresh(): Promise<boolean> {
    const { purses } = this.#with;
    const known = (await purses.blockList())[0]?.document.serial ?? 0n;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const parts = await this.#fetch(known);
      if (parts === 'newest') return false;
      if (parts === 'changed') continue;
      await purses.putBlockList(parts);
      this.#blocked = undefined;
      return true;
    }
    throw new TransportError('unreachable', 'block list: expected the same one for a while, got others');
  }

  async #fetch(known: bigint): Promise<readonly SignedBlockList[] | 'newest' | 'changed'> {
    const first = await this.#part(known, 0);
    if (first === undefined) return 'newest';
    const { serial, parts: count, keyId } = first.document;
    if (serial <= known || count < 1 || count > BLOCK_LIST_PARTS_MAX) {
      throw new WalletError('answer_invalid', `block list: expected one after ${known}, got ${serial}`);
    }
    const parts = [first];
    for (let part = 1; part < count; part++) {
      const next = await this.#part(known, part);
      const document = next?.document;
      const isOfIt =
        document !== undefined &&
        document.serial === serial &&
        document.parts === count &&
        equalBytes(document.keyId, keyId);
      if (!isOfIt) return 'changed';
      parts.push(next!);
    }
    return parts;
  }

  async #part(serial: bigint, part: number): Promise<SignedBlockList | undefined> {
    const { link, crypto, clock } = this.#with;
    const message = BlockListQuery.encode({ serial, part });
    const answer = await link.ask('device', ManagementOperation.get_block_list, message, GetBlockListAnswer);
    if (answer instanceof Refusal) throw new TransportError('unreachable', `management: ${answer.code}`);
    const { list } = answer;
    if (list === undefined) return undefined;
    const { document, signature } = list;
    let key = link.trust.managementKey(document.keyId, clock.now());
    if (key === undefined) {
      await link.fetchDirectory('device');
      key = link.trust.managementKey(document.keyId, clock.now());
    }
    if (key === undefined || !crypto.verify(key, BlockList.signedBytes(document), signature)) {
      throw new WalletError('answer_invalid', 'block list: expected what management has signed, got another');
    }
    if (document.part !== part) {
      throw new WalletError('answer_invalid', `block list: expected part ${part}, got ${document.part}`);
    }
    return list;
  }
}
