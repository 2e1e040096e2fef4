// What whoever has, or has not, a note may try at the mint's real doors: HTTP and the channel of either role. Each is refused by a
// code of its own, at every door, and the books are as before; the notes that it was tried with are as good as ever.
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/index.ts';
import type { KeyPair } from '../../src/identity/key-set.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { rotateNotes } from '../../src/identity/note-seeds.ts';
import { MintKeysets } from '../../src/mint/keysets.ts';
import { lockedSecret } from '../../src/notes/conditions/condition.ts';
import { MINT_ERRORS, type MintErrorName, mintErrorName } from '../../src/notes/errors.ts';
import { toHex } from '../../src/notes/hex.ts';
import { keysetsAnswer } from '../../src/notes/json/keys.ts';
import { meltQuote, mintQuote } from '../../src/notes/json/quotes.ts';
import { statesAnswer } from '../../src/notes/json/states.ts';
import { restoreAnswer, signaturesAnswer } from '../../src/notes/json/swap.ts';
import type { Note } from '../../src/notes/note.ts';
import { makeOutputs } from '../../src/notes/outputs.ts';
import { publicKeyOf } from '../../src/notes/schnorr.ts';
import { type NoteSecret, randomSecrets } from '../../src/notes/secrets.ts';
import { CashClient } from '../../src/roles/cash/client.ts';
import type { CallResult } from '../../src/roles/common/role-client.ts';
import type { NoteOrder } from '../../src/roles/documents/note-order.ts';
import { encodeNotePayee } from '../../src/roles/documents/note-payee.ts';
import type { IssueNotesRequest } from '../../src/roles/issuer/messages.ts';
import { ReceiverClient } from '../../src/roles/receiver/client.ts';
import { meltRequestId } from '../../src/roles/receiver/melt.ts';
import { TakeNotesAnswer, type TakeNotesRequest } from '../../src/roles/receiver/messages.ts';
import { id } from '../../src/shared/id.ts';
import { now, soon } from '../claims/device.ts';
import type { NoteHolder } from '../claims/notes.ts';
import { answerOf, auditOf, eventually, System } from '../claims/system.ts';
import { toDevice } from '../roles/cash/note-support.ts';
import {
  anIssue,
  aPayment,
  aTaking,
  OPERATOR,
  type Shop,
  type TakingOptions,
} from '../roles/notes/support.ts';
import { BookReader, type NoteBooks } from './books.ts';
import { Doors, messages, swapBody, type Told } from './doors.ts';

const ROUNDS = process.env.SPECIE_SLOW_TESTS === '1' ? 64 : 4;

let system: System;
let doors: Doors;
let reader: BookReader;
/** 1, 4, 8: what everything is tried with, and never spent by it. */
let notes: Note[];
let before: NoteBooks;

beforeAll(async () => {
  system = await System.start({ notes: true, deaf: true });
  reader = await BookReader.open(system);
  doors = await Doors.open(system, 20_000n);
  notes = await doors.notes(13n);
  before = await reader.read();
}, 60_000);
afterAll(async () => {
  await system?.close();
});
afterEach(async () => {
  const books = await reader.read();
  expect(books).toEqual(before);
  expect(books.signed - books.spent).toBe(books.out);
});

/** What changes the books by itself: they are as before for what comes next. */
async function honestly<Result>(work: () => Promise<Result>): Promise<Result> {
  const result = await work();
  before = await reader.read();
  return result;
}

/** Cashu's number; 0 where it has none. */
const codeOf = (name: MintErrorName | 'other'): number => (name === 'other' ? 0 : MINT_ERRORS[name].code);

async function expectRefused(
  path: string,
  body: string | Uint8Array,
  name: MintErrorName | 'other',
  status = 400,
): Promise<void> {
  for (const door of doors.all) {
    const told = await door.ask(path, body);
    expect([door.name, told.status, told.code]).toEqual([door.name, status, codeOf(name)]);
  }
}

// ---- What a request says

interface Input {
  amount: unknown;
  id: unknown;
  secret: unknown;
  C: unknown;
  witness?: unknown;
}

const inputsOf = (of: readonly Note[] = notes): Input[] =>
  of.map(({ amount, keysetId, secret, signature }) => ({
    ...{ amount: Number(amount), id: keysetId, secret, C: toHex(signature) },
  }));
const outputsOf = (amounts = [1n, 4n, 8n]) =>
  messages(doors.outputs(amounts)).map(({ amount, keysetId, blinded }) => ({
    ...{ amount: Number(amount) as unknown, id: keysetId as unknown, B_: toHex(blinded) as unknown },
  }));
type OutputJson = ReturnType<typeof outputsOf>[number];

const swap = (inputs: readonly Input[], outputs: readonly OutputJson[] = outputsOf()): string =>
  JSON.stringify({ inputs, outputs });

/** One member of the first input, or output, says something else. */
const withInput = (change: Partial<Input>): string => {
  const [first, ...rest] = inputsOf();
  return swap([{ ...first!, ...change }, ...rest]);
};
const withOutput = (change: Partial<OutputJson>): string => {
  const [first, ...rest] = outputsOf();
  return swap(inputsOf(), [{ ...first!, ...change }, ...rest]);
};
/** As text: what JSON.stringify would not write. */
const written = (amount: string): string => withInput({ amount: 'AMOUNT' }).replace('"AMOUNT"', amount);

const { Point } = secp256k1;
const pointOf = (signature: Uint8Array) => Point.fromBytes(signature);

/** Keysets that this mint does not have. */
const othersKeysets = (unit: string, organisation = '') =>
  MintKeysets.generate({
    seeds: [{ number: 1, seed: new Uint8Array(32).fill(7) }],
    units: [{ unit, organisation }],
    amounts: 4,
    crypto: noteCrypto,
  });
/** Good notes of another mint, worth 13. */
function notesElsewhere(unit: string, organisation?: string): Note[] {
  const keysets = othersKeysets(unit, organisation);
  const { id: keysetId } = keysets.active(unit)!;
  return [1n, 4n, 8n].map((amount, i) => {
    const { secret } = randomSecrets(3)[i]!;
    const message = new TextEncoder().encode(secret);
    const [signed] = noteCrypto.sign([
      { blinded: noteCrypto.hashToCurve([message])[0]!, secretKey: keysets.secretKey(keysetId, amount)! },
    ]);
    return { amount, keysetId, secret, signature: signed!.signature };
  });
}

describe('a swap', () => {
  test.each<[string, MintErrorName | 'other', () => string]>([
    // Forged, and malleated.
    ['C negated', 'note_not_valid', () => withInput({ C: pointOf(notes[0]!.signature).negate().toHex() })],
    ['C + G', 'note_not_valid', () => withInput({ C: pointOf(notes[0]!.signature).add(Point.BASE).toHex() })],
    ['C = G', 'note_not_valid', () => withInput({ C: Point.BASE.toHex() })],
    [
      'C of the secret itself',
      'note_not_valid',
      () => {
        const secret = new TextEncoder().encode(notes[0]!.secret);
        return withInput({ C: toHex(noteCrypto.hashToCurve([secret])[0]!) });
      },
    ],
    ["another note's C", 'note_not_valid', () => withInput({ C: toHex(notes[1]!.signature) })],
    ["another note's secret", 'note_not_valid', () => withInput({ secret: `${notes[1]!.secret}0` })],
    ['an uncompressed point', 'other', () => withInput({ C: pointOf(notes[0]!.signature).toHex(false) })],
    ['a hybrid point', 'other', () => withInput({ C: `06${toHex(notes[0]!.signature).slice(2)}` })],
    ['infinity', 'other', () => withInput({ C: '00'.repeat(33) })],
    ['infinity, one byte', 'other', () => withInput({ C: '00' })],
    ['x = 0', 'note_not_valid', () => withInput({ C: `02${'00'.repeat(32)}` })],
    ['x = p', 'note_not_valid', () => withInput({ C: `02${Point.Fp.ORDER.toString(16)}` })],
    ['x = 2^256 - 1', 'note_not_valid', () => withInput({ C: `02${'ff'.repeat(32)}` })],
    ['upper-case hex', 'other', () => withInput({ C: toHex(notes[0]!.signature).toUpperCase() })],
    ['half a byte less', 'other', () => withInput({ C: toHex(notes[0]!.signature).slice(1) })],
    ['a secret in half a pair', 'other', () => withInput({ secret: 'S' }).replace('"S"', '"\\ud800"')],
    ['a secret too long', 'other', () => withInput({ secret: 'x'.repeat(1_025) })],
    ['a witness too long', 'other', () => withInput({ witness: 'x'.repeat(4_097) })],
    // Of other keys.
    [
      'another amount: more',
      'note_not_valid',
      () => swap([{ ...inputsOf()[0]!, amount: 8 }], outputsOf([8n])),
    ],
    [
      'another amount: less',
      'note_not_valid',
      () => swap([{ ...inputsOf()[2]!, amount: 1 }], outputsOf([1n])),
    ],
    ['notes of another mint', 'keyset_unknown', () => swap(inputsOf(notesElsewhere('eur')))],
    ['of another currency', 'keyset_unknown', () => swap(inputsOf(notesElsewhere('usd')))],
    ['local notes', 'keyset_unknown', () => swap(inputsOf(notesElsewhere('eur@cafe', 'cafe')))],
    [
      'notes of another mint under our keyset',
      'note_not_valid',
      () => swap(inputsOf(notesElsewhere('eur')).map((input) => ({ ...input, id: doors.keyset.id }))),
    ],
    ['a short keyset id', 'other', () => withInput({ id: doors.keyset.id.slice(0, 16) })],
    ['a keyset id in upper case', 'other', () => withInput({ id: doors.keyset.id.toUpperCase() })],
    ['a keyset id of version 02', 'other', () => withInput({ id: `02${doors.keyset.id.slice(2)}` })],
    // Amounts.
    ['inputs that are less', 'not_balanced', () => swap(inputsOf().slice(1))],
    ['outputs that are more', 'not_balanced', () => swap(inputsOf(), outputsOf([1n, 4n, 8n, 1n]))],
    ['outputs that are less', 'not_balanced', () => swap(inputsOf(), outputsOf([4n, 8n]))],
    ['nothing for nothing', 'note_not_valid', () => withInput({ amount: 0 })],
    ['an output of nothing', 'amount_outside_limits', () => withOutput({ amount: 0 })],
    ['an output of 3', 'amount_outside_limits', () => withOutput({ amount: 3 })],
    ['2^63', 'note_not_valid', () => written(String(2n ** 63n))],
    ['2^64 - 1', 'note_not_valid', () => written(String(2n ** 64n - 1n))],
    ['2^64', 'other', () => written(String(2n ** 64n))],
    ['1 + 2^64', 'other', () => written(String(1n + 2n ** 64n))],
    ['2^53 + 1', 'note_not_valid', () => written(String(2n ** 53n + 1n))],
    ['10^400', 'other', () => written(`1${'0'.repeat(400)}`)],
    ['1.0', 'other', () => written('1.0')],
    ['1e0', 'other', () => written('1e0')],
    ['"1"', 'other', () => written('"1"')],
    ['-1', 'other', () => written('-1')],
    ['01', 'other', () => written('01')],
    ['true', 'other', () => written('true')],
    // Twice, or not at all.
    [
      'a note twice',
      'duplicate_inputs',
      () => swap([...inputsOf(), inputsOf()[0]!], outputsOf([1n, 4n, 8n, 1n])),
    ],
    [
      'a note twice, once in other words',
      'duplicate_inputs',
      () => swap([...inputsOf(), { ...inputsOf()[0]!, witness: '{}' }], outputsOf([1n, 4n, 8n, 1n])),
    ],
    [
      'an output twice',
      'duplicate_outputs',
      () => {
        const [one] = outputsOf([4n]);
        return swap(inputsOf(), [one!, one!, ...outputsOf([4n, 1n])]);
      },
    ],
    ['no inputs', 'other', () => swap([])],
    ['no outputs', 'other', () => swap(inputsOf(), [])],
    ['too many inputs', 'too_many_inputs', () => swap(Array.from({ length: 1_001 }, () => inputsOf()[0]!))],
    [
      'too many outputs',
      'too_many_outputs',
      () =>
        swap(
          inputsOf(),
          Array.from({ length: 1_001 }, () => outputsOf([1n])[0]!),
        ),
    ],
    ['an output that is no point', 'other', () => withOutput({ B_: `02${'ff'.repeat(32)}` })],
    ['an output at infinity', 'other', () => withOutput({ B_: '00'.repeat(33) })],
    [
      'an output for another mint',
      'keyset_unknown',
      () => withOutput({ id: othersKeysets('eur').active('eur')!.id }),
    ],
    // The body.
    ['a member twice', 'other', () => swap(inputsOf()).replace('{', '{"inputs":[],')],
    ['an amount twice', 'other', () => withInput({}).replace('"amount":1', '"amount":8,"amount":1')],
    ['a member under an escape', 'other', () => swap(inputsOf()).replace('{', '{"\\u0069nputs":[],')],
    ['levels', 'other', () => swap(inputsOf()).replace('{', `{"x":${'['.repeat(20)}${']'.repeat(20)},`)],
    ['levels without an end', 'other', () => '['.repeat(200_000)],
    ['values', 'other', () => swap(inputsOf()).replace('{', `{"x":[${'0,'.repeat(70_000)}0],`)],
    ['no JSON', 'other', () => 'inputs'],
    ['nothing', 'other', () => ''],
    ['a list', 'other', () => '[]'],
    ['more than one', 'other', () => `${swap(inputsOf())}${swap(inputsOf())}`],
    ['a mark of byte order', 'other', () => `\ufeff${swap(inputsOf())}`],
  ])('with %s: %s', async (_, name, make) => {
    await expectRefused('/v1/swap', make(), name);
  });

  test('in no UTF-8', async () => {
    const body = Buffer.from(withInput({ secret: 'S' }), 'latin1');
    body[body.indexOf('"S"') + 1] = 0xff;
    await expectRefused('/v1/swap', new Uint8Array(body), 'other');
  });

  test('of a body too large', async () => {
    const body = `${swap(inputsOf())}${' '.repeat(512 * 1024)}`;
    // Over a channel there is no such message.
    for (const door of doors.all.slice(0, 2))
      expect(await door.ask('/v1/swap', body)).toMatchObject({ status: 413, code: 0 });
  });

  test('of outputs that were signed before', async () => {
    const outputs = doors.outputs([1n]);
    const [own] = await honestly(async () => {
      const [one] = await doors.notes(1n);
      const told = await doors.receiver.ask('/v1/swap', swapBody([one!], outputs));
      return doors.notesOf(outputs, signaturesAnswer.decode(told.body).signatures);
    });
    await expectRefused('/v1/swap', swapBody(notes.slice(0, 1), outputs), 'outputs_signed');
    await honestly(() => doors.swapped([own!], ['spent']));
  });

  test('under another normal form of its secret', async () => {
    const [composed, decomposed] = ['caf\u00e9', 'cafe\u0301'];
    expect(composed!.normalize('NFD')).toBe(decomposed);
    const [one] = await honestly(async () => doors.swapped(await doors.notes(1n), [composed!]));
    await expectRefused(
      '/v1/swap',
      swapBody([{ ...one!, secret: decomposed! }], doors.outputs([1n])),
      'note_not_valid',
    );
    await honestly(() => doors.swapped([one!], ['also spent']));
  });

  test('of a note that is locked, by who has not the key', async () => {
    const [{ blindingFactor: key }] = randomSecrets(1) as [NoteSecret];
    const secret = lockedSecret({ publicKeys: [publicKeyOf(key)] });
    const [one] = await honestly(async () => doors.swapped(await doors.notes(1n), [secret]));
    await expectRefused('/v1/swap', swapBody([one!], doors.outputs([1n])), 'note_not_valid');
  });

  test('that was done is told again, word for word, and by no others', async () => {
    const [one] = await honestly(() => doors.notes(1n));
    const outputs = doors.outputs([1n]);
    const body = swapBody([one!], outputs);
    const tolds = await honestly(async () => {
      const all: Told[] = [];
      for (const door of [...doors.all, ...doors.all]) all.push(await door.ask('/v1/swap', body));
      return all;
    });
    expect(new Set(tolds.map((told) => Buffer.from(told.body).toString())).size).toBe(1);
    expect(tolds.map(({ status }) => status)).toEqual(tolds.map(() => 200));
    await expectRefused('/v1/swap', swapBody([one!], doors.outputs([1n])), 'notes_spent');
    // The outputs that were signed for it, for another note.
    await expectRefused('/v1/swap', swapBody(notes.slice(0, 1), outputs), 'outputs_signed');
  });
});

// ---- Quotes

async function mintQuoteOf(amount = 5): Promise<string> {
  const told = await doors.issuer.ask('/v1/mint/quote/specie', JSON.stringify({ amount, unit: 'eur' }));
  return mintQuote.decode(told.body).quote;
}
async function meltQuoteOf(request: string, amount = 13): Promise<string> {
  const body = JSON.stringify({ request, unit: 'eur', amount });
  return meltQuote.decode((await doors.receiver.ask('/v1/melt/quote/specie', body)).body).quote;
}
const ownShop = () => encodeNotePayee({ kind: 'shop', shop: doors.dealer.shop.number });

describe('quotes', () => {
  test.each<[string, MintErrorName | 'other', string, () => object]>([
    ['of nothing', 'amount_outside_limits', 'mint/quote/specie', () => ({ amount: 0, unit: 'eur' })],
    [
      'of too much',
      'amount_outside_limits',
      'mint/quote/specie',
      () => ({ amount: 2 ** 33 + 1, unit: 'eur' }),
    ],
    ['in another currency', 'unit_not_supported', 'mint/quote/specie', () => ({ amount: 1, unit: 'usd' })],
    ['in upper case', 'unit_not_supported', 'mint/quote/specie', () => ({ amount: 1, unit: 'EUR' })],
    ['in a local unit', 'unit_not_supported', 'mint/quote/specie', () => ({ amount: 1, unit: 'eur@cafe' })],
    ['by another method', 'other', 'mint/quote/bolt11', () => ({ amount: 1, unit: 'eur' })],
    [
      'with a key that is none',
      'other',
      'mint/quote/specie',
      () => ({ amount: 1, unit: 'eur', pubkey: `02${'ff'.repeat(32)}` }),
    ],
    [
      'to melt nothing',
      'amount_outside_limits',
      'melt/quote/specie',
      () => ({ amount: 0, unit: 'eur', request: ownShop() }),
    ],
    [
      'to melt no amount',
      'amountless_request',
      'melt/quote/specie',
      () => ({ unit: 'eur', request: ownShop() }),
    ],
    ['to melt to nobody', 'other', 'melt/quote/specie', () => ({ amount: 1, unit: 'eur', request: '' })],
    ['to melt to a text', 'other', 'melt/quote/specie', () => ({ amount: 1, unit: 'eur', request: 'lnbc1' })],
    [
      'to melt to half an address',
      'other',
      'melt/quote/specie',
      () => ({ amount: 1, unit: 'eur', request: 'specie-device:AYE5tg' }),
    ],
    [
      'to melt to a long text',
      'other',
      'melt/quote/specie',
      () => ({ amount: 1, unit: 'eur', request: `specie-device:${'A'.repeat(4_000)}` }),
    ],
    [
      'to melt to a shop beyond all numbers',
      'other',
      'melt/quote/specie',
      () => ({ amount: 1, unit: 'eur', request: `specie-shop:${2n ** 128n}` }),
    ],
    [
      'that nobody has asked for',
      'other',
      'mint/specie',
      () => ({ quote: 'f'.repeat(32), outputs: outputsOf() }),
    ],
    ['in upper case', 'other', 'mint/specie', () => ({ quote: 'F'.repeat(32), outputs: outputsOf() })],
    ['by a path', 'other', 'mint/specie', () => ({ quote: '../issued', outputs: outputsOf() })],
    [
      'to melt that nobody has asked for',
      'other',
      'melt/specie',
      () => ({ quote: '0'.repeat(32), inputs: inputsOf() }),
    ],
  ])('%s: %s', async (_, name, path, make) => {
    await expectRefused(`/v1/${path}`, JSON.stringify(make()), name);
  });

  test('that are guessed are not there', async () => {
    const quote = await mintQuoteOf();
    const near = (BigInt(`0x${quote}`) ^ 1n).toString(16).padStart(32, '0');
    for (const door of doors.all)
      for (const path of ['mint', 'melt'])
        expect((await door.ask(`/v1/${path}/quote/specie/${near}`)).status).toBe(400);
  });

  test('that nobody has paid are not minted', async () => {
    const quote = await mintQuoteOf(13);
    await expectRefused('/v1/mint/specie', JSON.stringify({ quote, outputs: outputsOf() }), 'quote_not_paid');
    await expectRefused(
      '/v1/mint/specie',
      JSON.stringify({ quote, outputs: outputsOf([8n]) }),
      'not_balanced',
    );
    await expectRefused(
      '/v1/mint/specie/batch',
      JSON.stringify({ quotes: [quote, quote], outputs: outputsOf() }),
      'duplicate_quotes',
    );
  });

  test('are melted with notes that add up, and are good', async () => {
    const quote = await meltQuoteOf(ownShop());
    const melt = (inputs: readonly Input[]): string => JSON.stringify({ quote, inputs });
    await expectRefused('/v1/melt/specie', melt(inputsOf().slice(1)), 'not_balanced');
    await expectRefused('/v1/melt/specie', melt([...inputsOf(), inputsOf()[0]!]), 'duplicate_inputs');
    await expectRefused('/v1/melt/specie', melt(inputsOf(notesElsewhere('eur'))), 'keyset_unknown');
    const [first, ...rest] = inputsOf();
    const forged = { ...first!, C: Point.BASE.toHex() };
    await expectRefused('/v1/melt/specie', melt([forged, ...rest]), 'note_not_valid');
    await expectRefused('/v1/melt/specie', melt([]), 'other');
  });

  test('to addresses that lead nowhere are refused, and nothing is kept of them', async () => {
    const cash = { publicKey: system.directory().currentKeySet('cash', now()).keys.sealing };
    const good = toDevice({ device: id() >> 2n }, { key: cash });
    const changed = (at: 'keyId' | 'ciphertext') => {
      const bytes = Uint8Array.from(good.sealed[at]);
      bytes[0]! ^= 1;
      return { ...good, sealed: { ...good.sealed, [at]: bytes } };
    };
    const addresses = [
      good,
      changed('keyId'),
      changed('ciphertext'),
      toDevice({ device: doors.dealer.shop.number }, { key: cash, currency: 840 }),
      { kind: 'shop' as const, shop: id() >> 2n },
    ];
    const receiver = new ReceiverClient(await system.asOperator('receiver'));
    const toCash = new CashClient(await system.asOperator('cash'));
    for (const address of addresses) {
      const quote = await meltQuoteOf(encodeNotePayee(address));
      await expectRefused('/v1/melt/specie', JSON.stringify({ quote, inputs: inputsOf() }), 'payment_failed');
      for (const role of [receiver, toCash]) {
        const { report } = answerOf(await role.lookupRequest(meltRequestId(BigInt(`0x${quote}`))));
        expect(report).toBeUndefined();
      }
    }
    // What no number of a shop can be gets no quote.
    for (const shop of [0n, 1n]) {
      const request = encodeNotePayee({ kind: 'shop', shop });
      await expectRefused(
        '/v1/melt/quote/specie',
        JSON.stringify({ request, unit: 'eur', amount: 13 }),
        'other',
      );
    }
  });

  test('by the thousand are waited for, and the mint goes on', async () => {
    const count = process.env.SPECIE_SLOW_TESTS === '1' ? 20_000 : 200;
    const body = JSON.stringify({ amount: 1, unit: 'eur' });
    const quotes = new Set<string>();
    for (let left = count; left > 0; left -= 100) {
      const tolds = await Promise.all(
        Array.from({ length: 100 }, () => doors.all[2]!.ask('/v1/mint/quote/specie', body)),
      );
      for (const told of tolds) quotes.add(mintQuote.decode(told.body).quote);
    }
    expect(quotes.size).toBe(count);
  });
});

// ---- What a mint tells

describe('restoring and states', () => {
  test("say nothing of others' notes", async () => {
    const strangers = doors.outputs([1n, 2n]);
    for (const door of doors.all) {
      const restored = await door.ask(
        '/v1/restore',
        JSON.stringify({ outputs: messages(strangers).map(outputJson) }),
      );
      expect(restoreAnswer.decode(restored.body)).toEqual({ outputs: [], signatures: [] });
    }
  });

  test('give nothing more for what was signed, whatever it is called', async () => {
    const outputs = doors.outputs([1n]);
    const answer = await honestly(async () => {
      const told = await doors.receiver.ask('/v1/swap', swapBody(await doors.notes(1n), outputs));
      return signaturesAnswer.decode(told.body).signatures;
    });
    for (const door of doors.all) {
      // As more than it was signed as: the mint says what it is.
      const asked = messages(outputs).map((message) => outputJson({ ...message, amount: 8n }));
      const told = restoreAnswer.decode(
        (await door.ask('/v1/restore', JSON.stringify({ outputs: asked }))).body,
      );
      expect(told.signatures).toEqual(answer);
      expect(told.outputs.map(({ amount }) => amount)).toEqual([1n]);
      // The same point on the other side of the curve was not signed.
      const { blinded } = messages(outputs)[0]!;
      const negated = [{ ...asked[0]!, B_: pointOf(blinded).negate().toHex() }];
      const none = await door.ask('/v1/restore', JSON.stringify({ outputs: negated }));
      expect(restoreAnswer.decode(none.body).signatures).toEqual([]);
    }
  });

  test('are bounded', async () => {
    const Ys = Array.from({ length: 1_001 }, () => Point.BASE.toHex());
    await expectRefused('/v1/checkstate', JSON.stringify({ Ys }), 'other');
    const outputs = new Array(1_001).fill(outputsOf([1n])[0]);
    await expectRefused('/v1/restore', JSON.stringify({ outputs }), 'too_many_outputs');
    await expectRefused(
      '/v1/restore',
      JSON.stringify({ outputs: [outputs[0], outputs[0]] }),
      'duplicate_outputs',
    );
    const known = notes.map(({ secret }) => noteCrypto.hashToCurve([new TextEncoder().encode(secret)])[0]!);
    for (const door of doors.all) {
      const told = await door.ask('/v1/checkstate', JSON.stringify({ Ys: known.map(toHex) }));
      expect(statesAnswer.decode(told.body).states.map(({ state }) => state)).toEqual(
        notes.map(() => 'UNSPENT'),
      );
    }
  });
});

const outputJson = ({ amount, keysetId, blinded }: ReturnType<typeof messages>[number]) => ({
  ...{ amount: Number(amount), id: keysetId, B_: toHex(blinded) },
});

// ---- A shop's own doors

/** As test/roles makes its messages. */
const asShop = ({ shop: { number: shop, signing } }: NoteHolder): Shop => ({
  ...{ shop, signing, reply: REPLY, peer: OPERATOR },
});
const REPLY = generateKeyPair('sealing');
const keyOfReceiver = () => ({ publicKey: system.directory().currentKeySet('receiver', now()).keys.sealing });

function taking(changes: Partial<TakingOptions> = {}, dealer = doors.dealer): TakeNotesRequest {
  const to = keyOfReceiver() as KeyPair;
  return aTaking({ request: id(), notes, shop: asShop(dealer), applyBy: soon(), to, ...changes });
}
const forged = () => [{ ...notes[0]!, signature: Point.BASE.toBytes() }, ...notes.slice(1)];

async function told(result: Promise<CallResult<{ readonly kind: string; readonly reason?: string }>>) {
  const said = await result;
  if (said.kind !== 'ok') return said.kind === 'refused' ? said.refusal.code : said.reason;
  return said.answer.reason ?? said.answer.kind;
}
/** Asked until it is final. */
async function end(ask: () => Promise<CallResult<{ readonly kind: string; readonly reason?: string }>>) {
  let last = '';
  await eventually(async () => {
    last = await told(ask());
    return last !== 'pending';
  });
  return last;
}

describe('notes that a shop hands in', () => {
  test.each<[string, string, () => TakeNotesRequest]>([
    ['that are forged', 'note_invalid', () => taking({ notes: forged() })],
    ['of another amount', 'note_invalid', () => taking({ notes: [{ ...notes[0]!, amount: 8n }] })],
    ['of another mint', 'keyset_unknown', () => taking({ notes: notesElsewhere('eur') })],
    ['of another currency', 'keyset_unknown', () => taking({ notes: notesElsewhere('usd') })],
    ['of an organisation', 'keyset_unknown', () => taking({ notes: notesElsewhere('eur@cafe', 'cafe') })],
    ['one twice', 'note_invalid', () => taking({ notes: [...notes, notes[0]!] })],
    ['none', 'malformed', () => taking({ notes: [] })],
    ['none, for something', 'note_invalid', () => taking({ notes: [], amount: 1n })],
    ['for more', 'amounts_mismatch', () => taking({ amount: 14n })],
    ['for less', 'amounts_mismatch', () => taking({ amount: 12n })],
    ['for nothing', 'malformed', () => taking({ amount: 0n })],
    ['for 2^64', 'malformed', () => taking({ amount: 2n ** 64n })],
    ['in a currency that is not offered', 'currency_not_offered', () => taking({ currency: 840 })],
    ['too late', 'expired', () => taking({ applyBy: 1n })],
    ['for ever', 'malformed', () => taking({ applyBy: 2n ** 64n - 1n })],
    ['for another shop', 'payee_not_permitted', () => taking({}, doors.dealers[1])],
    ['sealed to another key', 'seal_key_unknown', () => taking({ to: REPLY })],
    [
      "under the receiver's key id, to another",
      'notes_seal_invalid',
      () => {
        const other = taking({ to: REPLY });
        return { ...other, notes: { ...other.notes, keyId: taking().notes.keyId } };
      },
    ],
    ['sealed for a gateway', 'notes_seal_invalid', () => taking({ use: 'send_in' })],
    ['sealed for another request', 'notes_seal_invalid', () => taking({ binding: { request: 1n } })],
    ['sealed for another amount', 'notes_seal_invalid', () => taking({ binding: { amount: 1n } })],
    [
      'sealed for the request of another shop',
      'notes_seal_invalid',
      () => {
        const seen = taking({}, doors.dealers[1]);
        return { ...taking(), notes: seen.notes };
      },
    ],
  ])('%s: %s', async (_, code, make) => {
    expect(await told(doors.dealer.receiver.takeNotes(make()))).toBe(code);
  });

  test('are taken once, and acknowledged as often as it is asked for; nothing else under that request', async () => {
    const own = await honestly(() => doors.notes(2n));
    const request = taking({ notes: own });
    const { receiver } = doors.dealer;
    await honestly(() => eventually(async () => (await told(receiver.takeNotes(request))) === 'taken'));
    const answers = await Promise.all(
      [1, 2, 3].map(async () => TakeNotesAnswer.encode(answerOf(await receiver.takeNotes(request)))),
    );
    expect(new Set(answers.map((answer) => Buffer.from(answer).toString('hex'))).size).toBe(1);
    expect(await told(receiver.takeNotes(taking({ request: request.request })))).toBe('request_differs');
    expect(await told(receiver.takeNotes(taking({ notes: own })))).toBe('note_spent');
    expect(await told(doors.dealers[1].receiver.takeNotes(request))).toBe('payee_not_permitted');
  });
});

describe('notes that a shop asks for', () => {
  const issue = (amounts: bigint[], changes: Partial<NoteOrder> = {}, outputs = doors.outputs(amounts)) =>
    anIssue({ request: id(), shop: asShop(doors.dealer), outputs, applyBy: soon(), changes });

  test.each<[string, string, () => IssueNotesRequest]>([
    ['more than it pays for', 'amounts_mismatch', () => issue([8n], { amount: 4n })],
    ['of other terms', 'order_mismatch', () => ({ ...issue([8n]), outputs: issue([8n]).outputs })],
    [
      'sealed to somebody else',
      'order_mismatch',
      () => ({ ...issue([8n]), replyKey: generateKeyPair('sealing').publicKey }),
    ],
    [
      "from another shop's account",
      'not_permitted',
      () => issue([8n], { shop: doors.dealers[1].shop.number }),
    ],
    ['by an order that funds', 'order_invalid', () => issue([8n], { action: 'fund' })],
    [
      'one message twice',
      'output_invalid',
      () => issue([], {}, [...doors.outputs([4n]), ...[1, 2].map(() => ONE[0]!)]),
    ],
    [
      'signed by nobody',
      'order_invalid',
      () => {
        const one = issue([8n]);
        return { ...one, order: { ...one.order, signature: new Uint8Array(64).fill(1) } };
      },
    ],
    ['more than there is', 'exceeds_credits', () => issue([2n ** 20n])],
  ])('%s: %s', async (_, code, make) => {
    ONE ??= doors.outputs([1n]);
    const request = make();
    const { issuer } = doors.dealer;
    const last = await end(async () => {
      const result = await issuer.issueNotes(request);
      if (result.kind !== 'ok' || result.answer.kind !== 'rejected') return result;
      return { kind: 'ok', answer: { kind: 'rejected', reason: result.answer.rejection.document.reason } };
    });
    expect(last).toBe(code);
  });

  test('are signed once: of two shops that send the same messages one has them', async () => {
    const outputs = doors.outputs([2n]);
    const ends = await honestly(() =>
      Promise.all(
        doors.dealers.map((dealer) => {
          const request = anIssue({ request: id(), shop: asShop(dealer), outputs, applyBy: soon() });
          return end(() => dealer.issuer.issueNotes(request));
        }),
      ),
    );
    expect(ends.sort()).toEqual(['issued', 'output_known']);
  });
});
let ONE: ReturnType<Doors['outputs']>;

// ---- Races

describe('of all who come at once', () => {
  const LOST = ['notes_spent', 'notes_pending', 'note_spent'];
  const nameOf = ({ status, code }: Told): string =>
    status === 200 ? 'won' : (mintErrorName(code!) ?? `${status} ${code}`);

  /** Each wants the same notes, by a way of its own. */
  async function contenders(wanted: readonly Note[]): Promise<(() => Promise<string>)[]> {
    const amounts = wanted.map(({ amount }) => amount);
    const worth = Number(amounts.reduce((sum, amount) => sum + amount, 0n));
    const quotes = [await meltQuoteOf(ownShop(), worth), await meltQuoteOf(ownShop(), worth)];
    return [
      ...doors.all.map(
        (door) => async () => nameOf(await door.ask('/v1/swap', swapBody(wanted, doors.outputs(amounts)))),
      ),
      ...quotes.map((quote, i) => async () => {
        const body = JSON.stringify({ quote, inputs: inputsOf(wanted) });
        return nameOf(await doors.all[i]!.ask('/v1/melt/specie', body));
      }),
      ...doors.dealers.map((dealer) => {
        const request = taking({ notes: wanted, shop: asShop(dealer) });
        return async () => {
          const last = await end(() => dealer.receiver.takeNotes(request));
          return last === 'taken' ? 'won' : last;
        };
      }),
    ];
  }

  test.each(Array.from({ length: ROUNDS }, (_, i) => i))(
    'for the same notes one has them, round %i',
    async (round) => {
      const wanted = await honestly(() => doors.notes(6n));
      const all = await contenders(wanted);
      const turned = [...all.slice(round % all.length), ...all.slice(0, round % all.length)];
      const ends = await honestly(() => Promise.all(turned.map((run) => run())));
      expect(ends.filter((end) => end === 'won')).toHaveLength(1);
      expect(ends.filter((end) => end !== 'won' && !LOST.includes(end))).toEqual([]);
    },
  );

  test('who share one note of two: one has both', async () => {
    const [a, b, c] = (await honestly(() => doors.notes(7n))) as [Note, Note, Note];
    const ends = await honestly(() =>
      Promise.all(
        [
          [a, b],
          [b, c],
          [c, a],
        ].map(async (pair, i) => {
          const outputs = doors.outputs(pair.map(({ amount }) => amount));
          return nameOf(await doors.all[i]!.ask('/v1/swap', swapBody(pair, outputs)));
        }),
      ),
    );
    expect(ends.filter((end) => end === 'won')).toHaveLength(1);
  });

  test('for a quote: one shop pays it, one mints it', async () => {
    const quote = await mintQuoteOf(4);
    const paid = await Promise.all(
      doors.dealers.map((dealer) => {
        const request = aPayment({ request: id(), shop: asShop(dealer), amount: 4n, quote, applyBy: soon() });
        return end(() => dealer.issuer.payQuote(request));
      }),
    );
    expect(paid.sort()).toEqual(['paid', 'quote_paid']);
    const bodies = doors.all.map(() => ({ quote, outputs: messages(doors.outputs([4n])).map(outputJson) }));
    const tolds = await honestly(() =>
      Promise.all(doors.all.map((door, i) => door.ask('/v1/mint/specie', JSON.stringify(bodies[i])))),
    );
    expect(tolds.map(nameOf).sort()).toEqual(['quote_issued', 'quote_issued', 'quote_issued', 'won']);
    // Who has them has them again, at any door.
    const winner = tolds.findIndex(({ status }) => status === 200);
    for (const door of doors.all) {
      const again = await door.ask('/v1/mint/specie', JSON.stringify(bodies[winner]));
      expect(again).toEqual(tolds[winner]);
    }
  });

  test('a message that is signed by both roles is one note, and is spent once', async () => {
    const outputs = doors.outputs([2n]);
    const [one] = await honestly(() => doors.notes(2n));
    const swapped = await honestly(() => doors.receiver.ask('/v1/swap', swapBody([one!], outputs)));
    const request = anIssue({ request: id(), shop: asShop(doors.dealer), outputs, applyBy: soon() });
    await honestly(async () =>
      expect(await end(() => doors.dealer.issuer.issueNotes(request))).toBe('issued'),
    );
    const [note] = doors.notesOf(outputs, signaturesAnswer.decode(swapped.body).signatures);
    await honestly(() => doors.swapped([note!], [`once ${id()}`]));
    await expectRefused('/v1/swap', swapBody([note!], doors.outputs([2n])), 'notes_spent');
  });
});

test('a keyset that is retired is taken in, and signs no more', async () => {
  const old = doors.keyset.id;
  await rotateNotes({ home: system.home, passphrase: async () => undefined });
  let active = old;
  await eventually(async () => {
    const actives = await Promise.all(
      doors.all.map(async (door) => {
        const { keysets } = keysetsAnswer.decode((await door.ask('/v1/keysets')).body);
        return keysets.find(({ isActive }) => isActive)!.id;
      }),
    );
    active = actives[0]!;
    return actives.every((each) => each === active && each !== old);
  }, 20_000);
  await expectRefused('/v1/swap', swap(inputsOf()), 'keyset_inactive');
  // All that was tried above was tried with these.
  const outputs = makeOutputs([1n, 4n, 8n], active, randomSecrets(3), noteCrypto);
  const told = await honestly(() => doors.issuer.ask('/v1/swap', swapBody(notes, outputs)));
  expect(told.status).toBe(200);
  const others = makeOutputs([1n, 4n, 8n], active, randomSecrets(3), noteCrypto);
  await expectRefused('/v1/swap', swapBody(notes, others), 'notes_spent');
});

test('the audit of the whole system passes', async () => {
  expect(await auditOf(system)).toEqual({ passed: true, open: [], findings: [] });
});
