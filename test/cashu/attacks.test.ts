// What whoever has, or has not, a note may try at the mint's real doors: HTTP and the channel of either role. Each is refused by a
// code of its own, at every door, and the books are as before; the notes that it was tried with are as good as ever.
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/index.ts';
import { rotateNotes } from '../../src/identity/note-seeds.ts';
import { MintKeysets } from '../../src/mint/keysets.ts';
import { lockedSecret } from '../../src/notes/conditions/condition.ts';
import { MINT_ERRORS, type MintErrorName } from '../../src/notes/errors.ts';
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
import { encodeNotePayee } from '../../src/roles/documents/note-payee.ts';
import { ReceiverClient } from '../../src/roles/receiver/client.ts';
import { meltRequestId } from '../../src/roles/receiver/melt.ts';
import { id } from '../../src/shared/id.ts';
import { now } from '../claims/device.ts';
import { answerOf, auditOf, eventually, System } from '../claims/system.ts';
import { toDevice } from '../roles/cash/note-support.ts';
import { BookReader, type NoteBooks } from './books.ts';
import { Doors, messages, swapBody, type Told } from './doors.ts';

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
      ...[0n, 1n, id()].map((shop) => ({ kind: 'shop' as const, shop })),
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
  });

  test('by the thousand are waited for, and the mint goes on', async () => {
    const count = process.env.SPECIE_SLOW_TESTS === '1' ? 20_000 : 1_000;
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
    const outputs = Array.from({ length: 1_001 }, () => outputsOf([1n])[0]!);
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
