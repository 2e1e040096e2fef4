// HPKE: many messages for one recipient under one info. Records are those of assembly/layout/hpke.ts; texts change in
// place.
//
//     0       144            64 · count more
//     ┌───────┬──────┬───┬──────┬─────┬──────┬─────┬──────┬
//     │ party │ item │ … │ item │ aad │ text │ aad │ text │ …
//     └───────┴──────┴───┴──────┴─────┴──────┴─────┴──────┴
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
import { type CryptoError, expectBytes, expectItems } from '../errors.ts';
import {
  faultOf,
  notAuthentic,
  type OpenItem,
  type Sealed,
  type SealItem,
  type SealOptions,
} from '../hpke/batch.ts';
import { drawSecret } from '../hpke/keys.ts';
import { Party, type RecipientKey, smallOrder } from '../hpke/party.ts';
import { ENC_BYTES, PRIVATE_KEY_BYTES, TAG_BYTES } from '../hpke/suite.ts';
import type { BatchPool } from './batch-pool.ts';
import type { Operation } from './operation.ts';

/** One message: sealing, the ephemeral private key stands for enc. */
interface Job {
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

const NOTHING = new Uint8Array(0);
const TEXT_ALIGN = 16;

const aligned = (bytes: number): number => Math.ceil(bytes / TEXT_ALIGN) * TEXT_ALIGN;
const itemsAt = (address: number): number => address + aligned(HPKE_PARTY_SIZE);
const copyOf = (bytes: Uint8Array, address: number, length: number): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(bytes.subarray(address, address + length));

function hpkeOperation<Result>(
  name: 'hpkeOpenBatch' | 'hpkeSealBatch',
  tailBytes: number,
  answer: (bytes: Uint8Array, job: Job, done: Done) => Result,
): Operation<Party, Job, Result> {
  return {
    name,
    itemsName: 'items',
    secret: true,
    // They have been looked at.
    checkItem() {},
    sharedBytes: () => aligned(HPKE_PARTY_SIZE),
    itemBytes: ({ aad, text }) => HPKE_ITEM_SIZE + aligned(aad.length) + aligned(text.length + tailBytes),
    itemNanoseconds: ({ aad, text }) => 30_000 + aad.length + text.length,
    encode(bytes, address, party, jobs) {
      const view = new DataView(bytes.buffer);
      party.write({ bytes, io: address });
      let item = itemsAt(address);
      let place = item + HPKE_ITEM_SIZE * jobs.length;
      for (const { enc, aad, text } of jobs) {
        const textAddress = place + aligned(aad.length);
        bytes.set(enc, item + HPKE_ITEM_ENC_OFFSET);
        bytes.set(aad, place);
        bytes.set(text, textAddress);
        view.setUint32(item + HPKE_ITEM_AAD_ADDRESS_OFFSET, place, true);
        view.setUint32(item + HPKE_ITEM_AAD_LENGTH_OFFSET, aad.length, true);
        view.setUint32(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET, textAddress, true);
        view.setUint32(item + HPKE_ITEM_TEXT_LENGTH_OFFSET, text.length, true);
        view.setUint32(item + HPKE_ITEM_VERDICT_OFFSET, 0, true);
        item += HPKE_ITEM_SIZE;
        place = textAddress + aligned(text.length + tailBytes);
      }
    },
    run({ exports }, address, count) {
      exports[name](address, itemsAt(address), count);
    },
    decode(bytes, address, _, jobs) {
      const view = new DataView(bytes.buffer);
      return jobs.map((job, i) => {
        const item = itemsAt(address) + HPKE_ITEM_SIZE * i;
        return answer(bytes, job, {
          verdict: view.getUint32(item + HPKE_ITEM_VERDICT_OFFSET, true),
          enc: item + HPKE_ITEM_ENC_OFFSET,
          text: view.getUint32(item + HPKE_ITEM_TEXT_ADDRESS_OFFSET, true),
        });
      });
    },
  };
}

export const HPKE_OPEN_BATCH = hpkeOperation<Uint8Array | CryptoError>(
  'hpkeOpenBatch',
  0,
  (bytes, { text }, done) => {
    if (done.verdict === HpkeVerdict.good) return copyOf(bytes, done.text, text.length - TAG_BYTES);
    return done.verdict === HpkeVerdict.invalid_public_key ? smallOrder() : notAuthentic();
  },
);

export const HPKE_SEAL_BATCH = hpkeOperation<Sealed>('hpkeSealBatch', TAG_BYTES, (bytes, { text }, done) => {
  if (done.verdict !== HpkeVerdict.good) throw smallOrder();
  return {
    enc: copyOf(bytes, done.enc, ENC_BYTES),
    ciphertext: copyOf(bytes, done.text, text.length + TAG_BYTES),
  };
});

/** As hpke.openBatch: an item that cannot be opened at all has its error before a thread is asked. */
export async function openBatch(
  pool: BatchPool,
  options: RecipientKey & { readonly items: readonly OpenItem[] },
): Promise<(Uint8Array | CryptoError)[]> {
  const party = Party.recipient(options);
  const { items } = options;
  expectItems('items', items);
  const results: (Uint8Array | CryptoError)[] = new Array(items.length);
  const jobs: Job[] = [];
  const places: number[] = [];
  items.forEach(({ enc, aad = NOTHING, ciphertext }, place) => {
    const fault = faultOf(enc, aad, ciphertext);
    if (fault === undefined) {
      places.push(place);
      jobs.push({ enc, aad, text: ciphertext });
    } else results[place] = fault;
  });
  const opened = await pool.run(HPKE_OPEN_BATCH, party, jobs);
  places.forEach((place, i) => {
    results[place] = opened[i]!;
  });
  return results;
}

/** As hpke.sealBatch: the ephemeral keys are drawn here, so that a batch that is run again is the same batch. */
export async function sealBatch(
  pool: BatchPool,
  options: SealOptions & { readonly items: readonly SealItem[] },
): Promise<Sealed[]> {
  const party = Party.sender(options);
  const { items, randomBytes } = options;
  expectItems('items', items);
  const ephemerals = drawSecret(items.length * PRIVATE_KEY_BYTES, randomBytes);
  try {
    const jobs = items.map(({ aad = NOTHING, plaintext }, i): Job => {
      expectBytes('aad', aad);
      expectBytes('plaintext', plaintext);
      const at = i * PRIVATE_KEY_BYTES;
      return { enc: ephemerals.subarray(at, at + PRIVATE_KEY_BYTES), aad, text: plaintext };
    });
    return await pool.run(HPKE_SEAL_BATCH, party, jobs);
  } finally {
    ephemerals.fill(0);
  }
}
