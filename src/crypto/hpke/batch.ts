// Sealing and opening: many messages for one recipient under one info, each with an enc of its own. A batch goes through
// the kernel's io in as few calls as have room for it:
//
//     io                                                                    io + IO_BYTES
//     ┌───────┬──────┬──────┬─────┬──────────────────┬─────┬──────┬─────┬──────┐
//     │ party │ item │ item │ …   │ free             │ …   │ text │ aad │ text │
//     └───────┴──────┴──────┴─────┴──────────────────┴─────┴──────┴─────┴──────┘
//
// A message that has no room even alone gets its keys from the kernel and streams through the AEAD.
import { type CryptoKernel, IO_BYTES } from '../../kernel/crypto-kernel.ts';
import {
  HPKE_ITEM_AAD_ADDRESS_OFFSET,
  HPKE_ITEM_AAD_LENGTH_OFFSET,
  HPKE_ITEM_ENC_OFFSET,
  HPKE_ITEM_SIZE,
  HPKE_ITEM_TEXT_ADDRESS_OFFSET,
  HPKE_ITEM_TEXT_LENGTH_OFFSET,
  HPKE_ITEM_VERDICT_OFFSET,
  HPKE_PARTY_SIZE,
  HpkeVerdict,
} from '../../layout/generated.ts';
import { chacha20poly1305 } from '../chacha20poly1305.ts';
import { CryptoError, expectBytes, expectItems } from '../errors.ts';
import { kernel } from '../kernel.ts';
import { drawSecret, type RandomBytes } from './keys.ts';
import { Party, type RecipientKey, type SenderKey, smallOrder, wipeKeys } from './party.ts';
import { ENC_BYTES, PRIVATE_KEY_BYTES, TAG_BYTES } from './suite.ts';

/** A sealed message. */
export interface Sealed {
  readonly enc: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface SealItem {
  /** Authenticated with the plaintext, and not in the ciphertext; empty when left out. */
  readonly aad?: Uint8Array | undefined;
  readonly plaintext: Uint8Array;
}

export interface OpenItem extends Sealed {
  readonly aad?: Uint8Array | undefined;
}

export interface SealOptions extends SenderKey {
  /** Where the ephemeral private keys come from, instead of the host's secure generator: 32 bytes an item. */
  readonly randomBytes?: RandomBytes | undefined;
}

const NOTHING = new Uint8Array(0);
const TEXT_ALIGN = 16;
const TABLE_OFFSET = Math.ceil(HPKE_PARTY_SIZE / 16) * 16;

/** One item of a batch, looked at and in order. */
interface Job {
  /** Its place in the batch. */
  readonly place: number;
  /** Sealing, the ephemeral private key. */
  readonly enc: Uint8Array;
  readonly aad: Uint8Array;
  readonly text: Uint8Array;
}

/** Where an item stands after the kernel's call. */
interface Done {
  readonly verdict: number;
  readonly enc: number;
  readonly text: number;
}

/** Seals each item for the recipient, each under an enc of its own. */
export function sealBatch(options: SealOptions & { readonly items: readonly SealItem[] }): Sealed[] {
  const party = Party.sender(options);
  const { items, randomBytes } = options;
  expectItems('items', items);
  const ephemerals = drawSecret(items.length * PRIVATE_KEY_BYTES, randomBytes);
  try {
    const jobs = items.map(({ aad = NOTHING, plaintext }, place): Job => {
      expectBytes('aad', aad);
      expectBytes('plaintext', plaintext);
      const at = place * PRIVATE_KEY_BYTES;
      return { place, enc: ephemerals.subarray(at, at + PRIVATE_KEY_BYTES), aad, text: plaintext };
    });
    const results: Sealed[] = new Array(items.length);
    const here = kernel();
    run(here, 'hpkeSealBatch', party, jobs, {
      done({ place, text }, at) {
        if (at.verdict !== HpkeVerdict.good) throw smallOrder();
        results[place] = {
          enc: here.copy(at.enc, ENC_BYTES),
          ciphertext: here.copy(at.text, text.length + TAG_BYTES),
        };
      },
      large(job) {
        results[job.place] = sealLarge(party, job);
      },
    });
    return results;
  } finally {
    ephemerals.fill(0);
  }
}

/**
 * Opens each item with the recipient's key. One verdict an item: its plaintext, or why it does not open; a bad item
 * leaves the others as they are.
 */
export function openBatch(
  options: RecipientKey & { readonly items: readonly OpenItem[] },
): (Uint8Array | CryptoError)[] {
  const party = Party.recipient(options);
  const { items } = options;
  expectItems('items', items);
  const results: (Uint8Array | CryptoError)[] = new Array(items.length);
  const jobs: Job[] = [];
  items.forEach(({ enc, aad = NOTHING, ciphertext }, place) => {
    const fault = faultOf(enc, aad, ciphertext);
    if (fault === undefined) jobs.push({ place, enc, aad, text: ciphertext });
    else results[place] = fault;
  });
  const here = kernel();
  run(here, 'hpkeOpenBatch', party, jobs, {
    done({ place, text }, at) {
      if (at.verdict === HpkeVerdict.good) results[place] = here.copy(at.text, text.length - TAG_BYTES);
      else results[place] = at.verdict === HpkeVerdict.invalid_public_key ? smallOrder() : notAuthentic();
    },
    large(job) {
      results[job.place] = orFault(() => openLarge(party, job));
    },
  });
  return results;
}

/** Seals one message (SealBase of RFC 9180, 6.1). */
export function seal(options: SealOptions & SealItem): Sealed {
  return sealBatch({ ...options, items: [options] })[0]!;
}

/** Opens one message (OpenBase of RFC 9180, 6.1), or throws. */
export function open(options: RecipientKey & OpenItem): Uint8Array {
  const result = openBatch({ ...options, items: [options] })[0]!;
  if (result instanceof CryptoError) throw result;
  return result;
}

/** Takes the jobs through the kernel, in order, as many a call as there is room for, and leaves its io clean. */
function run(
  kernel: CryptoKernel,
  call: 'hpkeOpenBatch' | 'hpkeSealBatch',
  party: Party,
  jobs: readonly Job[],
  { done, large }: { done(job: Job, at: Done): void; large(job: Job): void },
): void {
  const table = kernel.io + TABLE_OFFSET;
  const end = kernel.io + IO_BYTES;
  const tail = call === 'hpkeSealBatch' ? TAG_BYTES : 0;
  for (let first = 0; first < jobs.length; ) {
    const { bytes } = kernel;
    const items = new DataView(bytes.buffer, table, IO_BYTES - TABLE_OFFSET);
    let next = first;
    let itemsEnd = table;
    let texts = end;
    try {
      for (; next < jobs.length; next++) {
        const { enc, aad, text } = jobs[next]!;
        const aadAddress = align(texts - aad.length);
        const textAddress = align(aadAddress - text.length - tail);
        if (textAddress < itemsEnd + HPKE_ITEM_SIZE) break;
        texts = textAddress;
        bytes.set(aad, aadAddress);
        bytes.set(text, textAddress);
        bytes.set(enc, itemsEnd + HPKE_ITEM_ENC_OFFSET);
        const item = itemsEnd - table;
        items.setUint32(item + HPKE_ITEM_AAD_ADDRESS_OFFSET, aadAddress, true);
        items.setUint32(item + HPKE_ITEM_AAD_LENGTH_OFFSET, aad.length, true);
        items.setUint32(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET, textAddress, true);
        items.setUint32(item + HPKE_ITEM_TEXT_LENGTH_OFFSET, text.length, true);
        items.setUint32(item + HPKE_ITEM_VERDICT_OFFSET, 0, true);
        itemsEnd += HPKE_ITEM_SIZE;
      }
      if (next === first) {
        large(jobs[next]!);
        first++;
        continue;
      }
      party.write(kernel);
      kernel.exports[call](kernel.io, table, next - first);
      for (let item = 0; first < next; first++, item += HPKE_ITEM_SIZE) {
        done(jobs[first]!, {
          verdict: items.getUint32(item + HPKE_ITEM_VERDICT_OFFSET, true),
          enc: table + item + HPKE_ITEM_ENC_OFFSET,
          text: items.getUint32(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET, true),
        });
      }
      party.learn(kernel);
    } finally {
      party.wipe(kernel);
      kernel.wipe(table, itemsEnd - table);
      kernel.wipe(texts, end - texts);
    }
  }
}

const align = (address: number): number => address - (address % TEXT_ALIGN);

function sealLarge(party: Party, { enc: ephemeral, aad, text }: Job): Sealed {
  const { enc, keys } = party.sealKeys(ephemeral);
  try {
    return { enc, ciphertext: chacha20poly1305.seal(keys.key, keys.baseNonce, text, aad) };
  } finally {
    wipeKeys(keys);
  }
}

function openLarge(party: Party, { enc, aad, text }: Job): Uint8Array {
  const keys = party.openKeys(enc);
  try {
    return chacha20poly1305.open(keys.key, keys.baseNonce, text, aad);
  } finally {
    wipeKeys(keys);
  }
}

/** What can be said of an item without opening it. */
export function faultOf(enc: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): CryptoError | undefined {
  try {
    expectBytes('enc', enc, ENC_BYTES);
    expectBytes('aad', aad);
    expectBytes('ciphertext', ciphertext);
  } catch (error) {
    if (error instanceof CryptoError) return error;
    throw error;
  }
  return undefined;
}

function orFault(open: () => Uint8Array): Uint8Array | CryptoError {
  try {
    return open();
  } catch (error) {
    if (error instanceof CryptoError) return error;
    throw error;
  }
}

export function notAuthentic(): CryptoError {
  return new CryptoError(
    'authentication_failed',
    'expected a ciphertext sealed to this key under this info and aad, got another or a changed one',
  );
}
