// Bodies that nobody would send: every one is answered with words, none is a fault, and what was out is out.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mintCall } from '../../src/mint/mint-call.ts';
import { mintErrorBody } from '../../src/notes/json/error.ts';
import { swapRequest } from '../../src/notes/json/swap.ts';
import type { JsonOut } from '../../src/notes/json/value.ts';
import { writeJson } from '../../src/notes/json/value.ts';
import { METHOD, messages, UNIT, World } from './world.ts';

const utf8 = new TextEncoder();

async function answered(world: World, path: string, body: Uint8Array, faults: unknown[]): Promise<number> {
  const onFault = (error: unknown): void => void faults.push(error);
  const { status, body: answer } = await mintCall(world.mint, { method: 'POST', path, body }, { onFault });
  if (status !== 200) expect(mintErrorBody.decode(answer).detail.length).toBeLessThan(400);
  return status;
}

test('property: a swap with bytes that were changed is refused, or is a swap', async () => {
  const world = new World();
  const change = fc.record({
    at: fc.nat(2_000),
    kind: fc.constantFrom('flip', 'remove', 'insert', 'cut', 'double'),
    byte: fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(0x22, 0x2c, 0x5b, 0x7b, 0x7d, 0x30, 0x39),
    ),
  });
  const faults: unknown[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
      const inputs = await world.minted([4n, 1n]);
      const request = { inputs, outputs: messages(world.outputs([4n, 1n])) };
      let body: Uint8Array = utf8.encode(swapRequest.encode(request));
      for (const { at, kind, byte } of changes) {
        const place = at % body.length;
        const [head, tail] = [body.subarray(0, place), body.subarray(place)];
        if (kind === 'flip') body = Uint8Array.from(body, (value, i) => (i === place ? byte : value));
        if (kind === 'remove') body = Uint8Array.from([...head, ...tail.subarray(1)]);
        if (kind === 'insert') body = Uint8Array.from([...head, byte, ...tail]);
        if (kind === 'cut') body = head;
        if (kind === 'double') body = Uint8Array.from([...body, ...tail]);
      }
      const before = world.totals();
      const status = await answered(world, '/v1/swap', body, faults);
      expect([200, 400, 413]).toContain(status);
      const after = world.totals();
      expect(after.signed - after.spent).toBe(before.signed - before.spent);
      if (status !== 200) expect(after).toEqual(before);
    }),
    { numRuns: 150 },
  );
  expect(faults).toEqual([]);
});

test('property: members of any kind, anywhere', async () => {
  const world = new World();
  const inputs = await world.minted([4n]);
  const note = { amount: 4n, id: inputs[0]!.keysetId, secret: inputs[0]!.secret, C: '02'.repeat(33) };
  const output = { amount: 4n, id: world.keysetId, B_: `02${'11'.repeat(32)}` };
  const good: Record<string, JsonOut> = {
    inputs: [note],
    outputs: [output],
    Ys: [`02${'22'.repeat(32)}`],
    quote: 'f'.repeat(32),
    quotes: ['f'.repeat(32)],
    signature: 'ab'.repeat(64),
    signatures: [null],
    quote_amounts: [4n],
    amount: 4n,
    unit: UNIT,
    request: 'specie-shop:1',
    pubkey: `02${'33'.repeat(32)}`,
  };
  const odd: fc.Arbitrary<JsonOut> = fc.letrec<{ value: JsonOut }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<JsonOut>(
        null,
        true,
        0n,
        -1n,
        2n ** 64n,
        2n ** 64n - 1n,
        '',
        '02',
        'x'.repeat(2_000),
        '\u0000',
      ),
      fc.constantFrom<JsonOut>(note, output, [], {}),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('amount', 'id', 'secret', 'C', 'B_', 'witness', '__proto__'),
        tie('value'),
      ),
    ),
  })).value;
  const paths = [
    ...['swap', 'checkstate', 'restore', `mint/${METHOD}`, `mint/${METHOD}/batch`, `melt/${METHOD}`],
    ...[`mint/quote/${METHOD}`, `mint/quote/${METHOD}/check`, `melt/quote/${METHOD}`, 'melt/none'],
  ];
  const faults: unknown[] = [];
  const before = world.totals();
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...paths),
      fc.dictionary(fc.constantFrom(...Object.keys(good)), odd, { maxKeys: 3 }),
      async (path, members) => {
        const body = utf8.encode(writeJson({ ...good, ...members }));
        expect([200, 400]).toContain(await answered(world, `/v1/${path}`, body, faults));
      },
    ),
    { numRuns: 400 },
  );
  expect(faults).toEqual([]);
  expect(world.totals()).toEqual(before);
});
