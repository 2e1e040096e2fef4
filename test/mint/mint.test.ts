// The rules of a mint, by operation (NUT-03, 04, 05, 07, 09, 20).
import { expect, test } from 'vitest';
import { noteCrypto } from '../../src/crypto/secp256k1/notes.ts';
import { quoteNumber } from '../../src/mint/quotes.ts';
import { signInputs } from '../../src/notes/conditions/sign.ts';
import { toHex } from '../../src/notes/hex.ts';
import { mintInfo } from '../../src/notes/json/info.ts';
import { noteIds, withoutDleq } from '../../src/notes/note.ts';
import { signQuote } from '../../src/notes/quote-signature.ts';
import { randomSecrets } from '../../src/notes/secrets.ts';
import { METHOD, messages, refusalOf, testKeysets, toyCrypto, UNIT, World } from './world.ts';

test('a swap takes notes and gives others, of the same sum; with the real arithmetic', async () => {
  const world = new World({ crypto: noteCrypto });
  const inputs = (await world.minted([4n, 1n])).map(withoutDleq);
  const outputs = world.outputs([2n, 2n, 1n]);
  const { signatures } = await world.mint.swap({ inputs, outputs: messages(outputs) });
  const notes = world.notes(outputs, signatures);
  expect(notes.map(({ amount }) => amount)).toEqual([2n, 2n, 1n]);
  const stateNames = async (of: typeof notes): Promise<string[]> => {
    const { states } = await world.mint.states({ noteIds: noteIds(of, noteCrypto) });
    return states.map(({ state }) => state);
  };
  expect(await stateNames([...inputs, ...notes])).toEqual([
    'SPENT',
    'SPENT',
    'UNSPENT',
    'UNSPENT',
    'UNSPENT',
  ]);
  expect(world.totals()).toEqual({ signed: 10n, held: 0n, spent: 5n });
  const forged = { ...notes[0]!, signature: notes[1]!.signature };
  expect(await refusalOf(world.mint.swap({ inputs: [forged], outputs: messages(world.outputs([2n])) }))).toBe(
    'note_not_valid',
  );
  const noPoint = { ...messages(world.outputs([2n]))[0]!, blinded: new Uint8Array(33).fill(2).fill(255, 1) };
  expect(await refusalOf(world.mint.swap({ inputs: [notes[0]!], outputs: [noPoint] }))).toMatch(
    /outputs\[0\]/,
  );
  // A larger key's amount for a smaller key's note.
  const raised = { ...notes[0]!, amount: 4n };
  expect(await refusalOf(world.mint.swap({ inputs: [raised], outputs: messages(world.outputs([4n])) }))).toBe(
    'note_not_valid',
  );
  expect(world.totals()).toEqual({ signed: 10n, held: 0n, spent: 5n });
});

test('the same swap again has the same answer, also after a restart; another with a spent note has none', async () => {
  const world = new World();
  const inputs = await world.minted([4n, 1n]);
  const swap = { inputs, outputs: messages(world.outputs([4n, 1n])) };
  const first = await world.mint.swap(swap);
  expect(await world.mint.swap(swap)).toEqual(first);
  world.start();
  expect(await world.mint.swap(swap)).toEqual(first);
  const other = messages(world.outputs([4n, 1n]));
  expect(await refusalOf(world.mint.swap({ inputs, outputs: other }))).toBe('notes_spent');
  expect(await refusalOf(world.mint.swap({ inputs: [inputs[0]!], outputs: other.slice(0, 1) }))).toBe(
    'notes_spent',
  );
  const fresh = await world.minted([4n, 1n]);
  expect(await refusalOf(world.mint.swap({ inputs: fresh, outputs: swap.outputs }))).toBe('outputs_signed');
  // The keyset has been retired since: what it signed is told, nothing new is signed.
  world.start(testKeysets([1, 2]));
  expect(await world.mint.swap(swap)).toEqual(first);
  const [old, now] = [world.keysets.all[0]!.id, world.keysetId];
  expect(
    await refusalOf(world.mint.swap({ inputs: fresh, outputs: messages(world.outputs([4n, 1n], old)) })),
  ).toBe('keyset_inactive');
  await world.mint.swap({ inputs: fresh, outputs: messages(world.outputs([4n, 1n], now)) });
  expect(world.totals(old)).toEqual({ signed: 15n, held: 0n, spent: 10n });
  expect(world.totals(now)).toEqual({ signed: 5n, held: 0n, spent: 0n });
});

test('swaps that race for a note: one has it, in whatever turn they come; one batch of crypto for all', async () => {
  const world = new World();
  const inputs = await world.minted([4n]);
  world.calls = { sign: 0, verify: 0 };
  const swaps = Array.from({ length: 5 }, () => ({ inputs, outputs: messages(world.outputs([4n])) }));
  const twice = swaps[0]!;
  const outcomes = await Promise.all([...swaps, twice].map((swap) => refusalOf(world.mint.swap(swap))));
  expect(outcomes).toEqual(['none', 'notes_spent', 'notes_spent', 'notes_spent', 'notes_spent', 'none']);
  expect(world.calls).toEqual({ sign: 1, verify: 1 });
  expect(world.totals()).toEqual({ signed: 8n, held: 0n, spent: 4n });
  // Two who want the same output signed.
  const [left, right] = [await world.minted([2n]), await world.minted([2n])];
  const outputs = messages(world.outputs([2n]));
  const both = await Promise.all(
    [left, right].map((inputs) => refusalOf(world.mint.swap({ inputs, outputs }))),
  );
  expect(both).toEqual(['none', 'outputs_signed']);
});

test('a swap is refused whole, by the first rule that it breaks, and changes nothing', async () => {
  const usd = { unit: 'usd', organisation: '' };
  const world = new World({ keysets: testKeysets([1], [{ unit: UNIT, organisation: '' }, usd]) });
  const [four, one] = await world.minted([4n, 1n]);
  const before = world.totals();
  const usdId = world.keysets.active('usd')!.id;
  const out = (amounts: bigint[], keysetId?: string) => messages(world.outputs(amounts, keysetId));
  const foreign = testKeysets([9]).all[0]!.id;
  const cases: [string, Parameters<World['mint']['swap']>[0]][] = [
    ['400: inputs: expected one at least, got none', { inputs: [], outputs: out([1n]) }],
    ['400: outputs: expected one at least, got none', { inputs: [one!], outputs: [] }],
    ['duplicate_inputs', { inputs: [one!, one!], outputs: out([2n]) }],
    ['keyset_unknown', { inputs: [{ ...one!, keysetId: foreign }], outputs: out([1n]) }],
    ['note_not_valid', { inputs: [{ ...one!, amount: 3n }], outputs: out([2n, 1n]) }],
    ['note_not_valid', { inputs: [{ ...one!, amount: 64n }], outputs: out([32n, 32n]) }],
    ['keyset_unknown', { inputs: [one!], outputs: [{ ...out([1n])[0]!, keysetId: foreign }] }],
    ['amount_outside_limits', { inputs: [one!], outputs: [{ ...out([1n])[0]!, amount: 0n }] }],
    ['several_units', { inputs: [four!], outputs: [...out([2n]), ...out([2n], usdId)] }],
    ['units_differ', { inputs: [four!], outputs: out([4n], usdId) }],
    ['not_balanced', { inputs: [four!], outputs: out([4n, 1n]) }],
    ['not_balanced', { inputs: [four!, one!], outputs: out([4n]) }],
    ['note_not_valid', { inputs: [{ ...four!, secret: one!.secret }], outputs: out([4n]) }],
  ];
  const same = out([1n, 1n]);
  cases.push(['duplicate_outputs', { inputs: [four!], outputs: [same[0]!, same[0]!] }]);
  for (const [expected, swap] of cases) expect(await refusalOf(world.mint.swap(swap))).toBe(expected);
  expect(world.totals()).toEqual(before);
  expect(await refusalOf(world.mint.swap({ inputs: [four!, one!], outputs: out([4n, 1n]) }))).toBe('none');
});

test('fees: thousandths a note, rounded up once, and neither less nor more', async () => {
  const world = new World({
    keysets: testKeysets([1], [{ unit: UNIT, organisation: '', inputFeePpk: 400 }]),
  });
  const inputs = await world.minted([4n, 2n, 1n]);
  const swapped = (amounts: bigint[]) =>
    world.mint.swap({ inputs, outputs: messages(world.outputs(amounts)) });
  expect(await refusalOf(swapped([4n, 2n]))).toBe('not_balanced');
  expect(await refusalOf(swapped([4n]))).toBe('not_balanced');
  expect(await refusalOf(swapped([4n, 1n]))).toBe('none');
});

test('spending conditions: a note for a key is spent by a signature only', async () => {
  const world = new World();
  const key = toHex(noteCrypto.publicKeys([new Uint8Array(32).fill(5)])[0]!);
  const { blindingFactor } = randomSecrets(1)[0]!;
  const secret = JSON.stringify(['P2PK', { nonce: 'ab'.repeat(32), data: key }]);
  const locked = world.outputs([4n], world.keysetId, [{ secret, blindingFactor }]);
  const answer = await world.mint.swap({ inputs: await world.minted([4n]), outputs: messages(locked) });
  const [note] = world.notes(locked, answer.signatures);
  const spending = world.mint.swap({ inputs: [note!], outputs: messages(world.outputs([4n])) });
  expect(await refusalOf(spending)).toBe('note_not_valid');
  const stateOf = async () => (await world.mint.states({ noteIds: noteIds([note!], toyCrypto) })).states[0]!;
  expect((await stateOf()).state).toBe('UNSPENT');
  const signed = signInputs({ inputs: [note!] }, { secretKeys: [new Uint8Array(32).fill(5)] });
  await world.mint.swap({ inputs: signed, outputs: messages(world.outputs([4n])) });
  expect(await stateOf()).toMatchObject({ state: 'SPENT', witness: signed[0]!.witness });
  // Where none is asked for, none is kept.
  const [plain] = await world.minted([4n]);
  const swap = {
    inputs: [{ ...plain!, witness: 'x'.repeat(1_000) }],
    outputs: messages(world.outputs([4n])),
  };
  await world.mint.swap(swap);
  expect(world.book.taken(world.store, noteIds([plain!], toyCrypto)[0]!)?.witness).toBeUndefined();
});

test('a quote: unpaid, paid, issued; minted once, and again with the same outputs only', async () => {
  const world = new World();
  const { mint } = world;
  const opened = await mint.openMintQuote(METHOD, { amount: 5n, unit: UNIT });
  expect(opened).toMatchObject({
    state: 'UNPAID',
    amount: 5n,
    unit: UNIT,
    request: `specie-quote:${opened.quote}`,
  });
  const { quote } = opened;
  const outputs = messages(world.outputs([4n, 1n]));
  expect(await refusalOf(mint.mint(METHOD, { quote, outputs }))).toBe('quote_not_paid');
  await world.markPaid(quote);
  expect((await mint.mintQuote(METHOD, quote)).state).toBe('PAID');
  expect(await refusalOf(mint.mint(METHOD, { quote, outputs: outputs.slice(0, 1) }))).toBe('not_balanced');
  const others = messages(world.outputs([4n, 1n]));
  const answers = await Promise.allSettled([
    mint.mint(METHOD, { quote, outputs }),
    mint.mint(METHOD, { quote, outputs: others }),
    mint.mint(METHOD, { quote, outputs }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await mint.mintQuote(METHOD, quote)).state).toBe('ISSUED');
  expect(await refusalOf(mint.mint(METHOD, { quote, outputs: others }))).toBe('quote_issued');
  expect(await refusalOf(mint.mint(METHOD, { quote, outputs: [] }))).toBe('quote_issued');
  world.start();
  expect(await world.mint.mint(METHOD, { quote, outputs })).toEqual((answers[0] as { value: unknown }).value);
  expect(world.totals()).toEqual({ signed: 5n, held: 0n, spent: 0n });
  for (const wrong of ['', 'nothing', 'f'.repeat(32)])
    expect(await refusalOf(world.mint.mintQuote(METHOD, wrong))).toMatch(/known/);
  expect(await refusalOf(world.mint.mintQuote('bolt11', quote))).toMatch(/method/);
  for (const amount of [0n, 1_001n])
    expect(await refusalOf(mint.openMintQuote(METHOD, { amount, unit: UNIT }))).toBe('amount_outside_limits');
  expect(await refusalOf(mint.openMintQuote(METHOD, { amount: 1n, unit: 'usd' }))).toBe('unit_not_supported');
});

test('a quote with a key: only its holder mints (NUT-20)', async () => {
  const world = new World();
  const secretKey = new Uint8Array(32).fill(7);
  const [publicKey] = noteCrypto.publicKeys([secretKey]);
  const { quote } = await world.mint.openMintQuote(METHOD, { amount: 4n, unit: UNIT, publicKey: publicKey! });
  await world.markPaid(quote);
  const outputs = messages(world.outputs([4n]));
  const signature = signQuote(quote, outputs, secretKey);
  expect(await refusalOf(world.mint.mint(METHOD, { quote, outputs }))).toBe('quote_signature');
  const others = messages(world.outputs([4n]));
  expect(await refusalOf(world.mint.mint(METHOD, { quote, outputs: others, signature }))).toBe(
    'quote_signature',
  );
  expect(await refusalOf(world.mint.mint(METHOD, { quote, outputs, signature }))).toBe('none');
  const noPoint = { amount: 4n, unit: UNIT, publicKey: new Uint8Array(33).fill(255).fill(2, 0, 1) };
  expect(await refusalOf(world.mint.openMintQuote(METHOD, noPoint))).toMatch(/pubkey/);
});

test('who pays a quote: one; it does not expire under them, and unpaid ones are forgotten', async () => {
  const world = new World({ openMax: 3 });
  const { mintQuotes: quotes, mint } = world;
  const open = () => mint.openMintQuote(METHOD, { amount: 4n, unit: UNIT });
  const numbers = [];
  for (let i = 0; i < 3; i++) numbers.push(quoteNumber((await open()).quote)!);
  const [first, second, third] = numbers as [bigint, bigint, bigint];
  const now = (): bigint => world.now / 1_000_000_000n;
  await world.store.transaction((tx) => {
    expect(quotes.beginPayment(tx, 99n, 1n, now())).toBe('quote_unknown');
    expect(quotes.beginPayment(tx, first, 1n, now())).toBeUndefined();
    expect(quotes.beginPayment(tx, first, 1n, now())).toBeUndefined();
    expect(quotes.beginPayment(tx, first, 2n, now())).toBe('quote_pending');
    expect(() => quotes.markPaid(tx, first, 2n)).toThrow(/paying/);
    quotes.markPaid(tx, second, 5n);
    quotes.markPaid(tx, second, 5n);
    expect(quotes.beginPayment(tx, second, 5n, now())).toBeUndefined();
    expect(quotes.beginPayment(tx, second, 6n, now())).toBe('already_paid');
    expect(() => quotes.markPaid(tx, second, 6n)).toThrow(/paid/);
  });
  world.seconds(600n);
  await world.store.transaction((tx) => {
    expect(quotes.beginPayment(tx, third, 3n, now())).toBe('quote_expired');
    // Begun in time, however long it takes.
    quotes.markPaid(tx, first, 1n);
  });
  const later: bigint[] = [];
  for (let i = 0; i < 3; i++) later.push(quoteNumber((await open()).quote)!);
  expect(quotes.read(world.store, third)).toBeUndefined();
  // No room: the oldest goes, but none that is paid, or being paid.
  await world.store.transaction((tx) => quotes.beginPayment(tx, later[0]!, 7n, now()));
  world.seconds(1n);
  for (let i = 0; i < 2; i++) later.push(quoteNumber((await open()).quote)!);
  expect(later.map((number) => quotes.read(world.store, number)?.state)).toEqual([
    'paying',
    undefined,
    'unpaid',
    'unpaid',
    'unpaid',
  ]);
  expect(quotes.read(world.store, second)?.state).toBe('paid');
});

test('a payment that comes to nothing leaves the quote as it was, or lets it expire', async () => {
  const world = new World();
  const { mintQuotes: quotes, mint } = world;
  const number = quoteNumber((await mint.openMintQuote(METHOD, { amount: 4n, unit: UNIT })).quote)!;
  await world.store.transaction((tx) => {
    expect(quotes.beginPayment(tx, number, 1n, 0n)).toBeUndefined();
    quotes.cancelPayment(tx, number, 2n);
    expect(quotes.read(tx, number)?.state).toBe('paying');
    quotes.cancelPayment(tx, number, 1n);
    quotes.cancelPayment(tx, number, 1n);
    expect(quotes.beginPayment(tx, number, 2n, 0n)).toBeUndefined();
    quotes.cancelPayment(tx, number, 2n);
  });
  world.seconds(601n);
  await mint.openMintQuote(METHOD, { amount: 4n, unit: UNIT });
  expect(quotes.read(world.store, number)).toBeUndefined();
});

test('several quotes are minted at once, all or none (NUT-29)', async () => {
  const world = new World();
  const { mint } = world;
  const quotes: string[] = [];
  for (const amount of [4n, 1n, 2n])
    quotes.push((await mint.openMintQuote(METHOD, { amount, unit: UNIT })).quote);
  const [four, one, two] = quotes as [string, string, string];
  await world.markPaid(four);
  await world.markPaid(one, 2n);
  const outputs = messages(world.outputs([4n, 1n]));
  const all = messages(world.outputs([4n, 2n, 1n]));
  const batch = (asked: Parameters<typeof mint.mintBatch>[1]) => refusalOf(mint.mintBatch(METHOD, asked));
  expect(await batch({ quotes, outputs: all })).toBe('quote_not_paid');
  expect(await batch({ quotes: [four, four], outputs: all })).toBe('duplicate_quotes');
  expect(await batch({ quotes: [four, 'f'.repeat(32)], outputs })).toMatch(/known/);
  expect(await batch({ quotes: [four, one], outputs: all })).toBe('not_balanced');
  const part = { quotes: [four, one], quoteAmounts: [3n, 1n], outputs: messages(world.outputs([4n])) };
  expect(await batch(part)).toBe('amounts_differ');
  expect(world.totals().signed).toBe(0n);
  const asked = { quotes: [four, one], quoteAmounts: [4n, 1n], outputs };
  const [first, again] = await Promise.all([mint.mintBatch(METHOD, asked), mint.mintBatch(METHOD, asked)]);
  expect(again).toEqual(first);
  expect(await mint.mintBatch(METHOD, asked)).toEqual(first);
  expect(await batch({ ...asked, outputs: messages(world.outputs([4n, 1n])) })).toBe('quote_issued');
  expect(await refusalOf(mint.mint(METHOD, { quote: one, outputs: messages(world.outputs([1n])) }))).toBe(
    'quote_issued',
  );
  await world.markPaid(two, 3n);
  expect(await batch({ quotes: [one, two], outputs: messages(world.outputs([2n, 1n])) })).toBe(
    'quote_not_paid',
  );
  const states = await mint.mintQuotes(METHOD, { quotes: [two, 'x', four] });
  expect(states.map(({ quote, state }) => [quote, state])).toEqual([
    [two, 'PAID'],
    [four, 'ISSUED'],
  ]);
  expect(world.totals()).toEqual({ signed: 5n, held: 0n, spent: 0n });
});

test('a melt: notes are held while it is paid, spent when it is, free when it is not', async () => {
  const world = new World();
  const { mint } = world;
  const open = async (amount = 5n): Promise<string> =>
    (await mint.openMeltQuote(METHOD, { request: 'specie-shop:7', unit: UNIT, amount })).quote;
  const inputs = await world.minted([4n, 1n]);
  const quote = await open();
  expect(await refusalOf(mint.melt(METHOD, { quote, inputs: inputs.slice(0, 1) }))).toBe('not_balanced');
  world.pay = () => 'pending';
  expect((await mint.melt(METHOD, { quote, inputs })).state).toBe('PENDING');
  expect(world.totals()).toEqual({ signed: 5n, held: 5n, spent: 0n });
  const { states } = await mint.states({ noteIds: noteIds(inputs, toyCrypto) });
  expect(states.map(({ state }) => state)).toEqual(['PENDING', 'PENDING']);
  expect(await refusalOf(mint.swap({ inputs, outputs: messages(world.outputs([4n, 1n])) }))).toBe(
    'notes_pending',
  );
  expect(await refusalOf(mint.melt(METHOD, { quote: await open(), inputs }))).toBe('notes_pending');
  const others = await world.minted([4n, 1n]);
  expect(await refusalOf(mint.melt(METHOD, { quote, inputs: others }))).toBe('quote_pending');
  // Asked again, and now it fails: everything is as before.
  world.pay = () => {
    throw new Error('the payee is gone');
  };
  await expect(mint.melt(METHOD, { quote, inputs })).rejects.toThrow('gone');
  expect((await mint.meltQuote(METHOD, quote)).state).toBe('UNPAID');
  expect(world.totals()).toEqual({ signed: 10n, held: 0n, spent: 0n });
  world.pay = () => 'paid';
  expect((await mint.melt(METHOD, { quote, inputs })).state).toBe('PAID');
  expect((await mint.melt(METHOD, { quote, inputs })).state).toBe('PAID');
  expect(await refusalOf(mint.melt(METHOD, { quote, inputs: others }))).toBe('already_paid');
  expect(await refusalOf(mint.melt(METHOD, { quote: await open(), inputs }))).toBe('notes_spent');
  expect(world.totals()).toEqual({ signed: 10n, held: 0n, spent: 5n });
  expect(await refusalOf(mint.openMeltQuote(METHOD, { request: 'nobody', unit: UNIT }))).toMatch(/shop/);
  const late = await open();
  world.seconds(600n);
  expect(await refusalOf(mint.melt(METHOD, { quote: late, inputs: others }))).toBe('quote_expired');
});

test('restore tells what was signed, in the order of the request (NUT-09)', async () => {
  const world = new World();
  const { quote } = await world.mint.openMintQuote(METHOD, { amount: 6n, unit: UNIT });
  await world.markPaid(quote);
  const outputs = messages(world.outputs([4n, 2n]));
  const { signatures } = await world.mint.mint(METHOD, { quote, outputs });
  const unknown = messages(world.outputs([1n]))[0]!;
  const asked = [outputs[1]!, unknown, outputs[0]!];
  const restored = await world.mint.restore({ outputs: asked });
  expect(restored).toEqual({ outputs: [outputs[1], outputs[0]], signatures: [signatures[1], signatures[0]] });
});

test('what a mint says of itself is what it does', async () => {
  const world = new World();
  const info = await world.mint.info();
  expect(info.nuts.mint).toEqual({
    methods: [{ method: METHOD, unit: UNIT, minAmount: 1n, maxAmount: 1_000n }],
    isDisabled: false,
  });
  expect(info.nuts.supported).toEqual([7, 9, 10, 11, 12, 14, 20]);
  expect(info.nuts.cached?.endpoints.map(({ path }) => path)).toEqual([
    '/v1/swap',
    '/v1/mint/specie',
    '/v1/mint/specie/batch',
    '/v1/melt/specie',
  ]);
  expect(mintInfo.encode(info)).toContain(
    '"19":{"ttl":null,"cached_endpoints":[{"method":"POST","path":"/v1/swap"}',
  );
  expect(mintInfo.decode(mintInfo.encode(info))).toEqual(info);
  const brief = { nuts: { supported: [], cached: { ttl: 60n, endpoints: [] } } };
  expect(mintInfo.decode(mintInfo.encode(brief))).toEqual(brief);
  const { keysets } = await world.mint.keys();
  expect(keysets.map(({ id }) => id)).toEqual([world.keysetId]);
  expect(await refusalOf(world.mint.keys('00'.repeat(8)))).toBe('keyset_unknown');
  world.start(testKeysets([1, 2]));
  expect((await world.mint.keysets()).keysets.map(({ isActive }) => isActive)).toEqual([false, true]);
});
