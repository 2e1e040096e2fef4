// Any mix of credits, repeated, reordered, forged, in any batching, with restarts of the role between them, against a model.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemAccountId } from '../../../src/roles/cash/accounts.ts';
import type { CreditRequest } from '../../../src/roles/cash/messages.ts';
import { runsOf } from '../../property/seed.ts';
import {
  answerOf,
  BALANCE_MAX,
  EUR,
  forged,
  keyPair,
  newDevice,
  nextRequest,
  OPERATOR,
  orderOf,
  receiptBytes,
  receiptOf,
  short,
  TestCash,
  type TestDevice,
} from './support.ts';

const DEVICES = 3;
const REQUESTS = 6;

/** What is wrong with a message, and how it is answered before the ledger is asked. */
const FLAWS = {
  none: undefined,
  order_forged: 'refused: signature_invalid',
  receipt_forged: 'refused: receipt_invalid',
  receipt_of_stranger: 'refused: receipt_invalid',
  receipt_of_other_amount: 'refused: receipt_mismatch',
  receipt_of_other_order: 'refused: receipt_mismatch',
  for_other_device: 'refused: key_mismatch',
} as const;
type Flaw = keyof typeof FLAWS;

interface Ask {
  readonly device: number;
  /** Place in the list of the run's request ids: the same one may come with other devices and amounts. */
  readonly request: number;
  readonly amount: bigint;
  readonly flaw: Flaw;
}

const ask: fc.Arbitrary<Ask> = fc.record({
  device: fc.nat(DEVICES - 1),
  request: fc.nat(REQUESTS - 1),
  amount: fc.oneof(
    fc.constantFrom(1n, BALANCE_MAX - 1n, BALANCE_MAX, BALANCE_MAX + 1n),
    // Few values, so that the same order comes again.
    fc.constantFrom(700n, 5000n),
  ),
  flaw: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Flaw>('none') },
    { weight: 1, arbitrary: fc.constantFrom(...(Object.keys(FLAWS) as Flaw[])) },
  ),
});
const scenario = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.array(ask, { minLength: 1, maxLength: 12 }) },
    { weight: 1, arbitrary: fc.constant('restart' as const) },
  ),
  { minLength: 1, maxLength: 10 },
);

function messageOf(
  { amount, flaw }: Ask,
  device: TestDevice,
  other: TestDevice,
  request: bigint,
): CreditRequest {
  const order = orderOf(device, { request, amount });
  const receipt = receiptOf(order);
  const whole = { device: device.device, order, receipt };
  switch (flaw) {
    case 'none':
      return whole;
    case 'order_forged':
      return { ...whole, order: { ...order, signature: forged(order.signature) } };
    case 'receipt_forged':
      return { ...whole, receipt: { ...receipt, signature: forged(receipt.signature) } };
    case 'receipt_of_stranger':
      return { ...whole, receipt: receiptOf(order, {}, keyPair(99)) };
    case 'receipt_of_other_amount':
      return { ...whole, receipt: receiptOf(order, { amount: amount + 1n }) };
    case 'receipt_of_other_order':
      return { ...whole, receipt: receiptOf(order, { orderDigest: new Uint8Array(32) }) };
    case 'for_other_device':
      return { ...whole, device: other.device };
  }
}

/** What cash should have in its books, and answer. */
class Model {
  readonly balances = new Array<bigint>(DEVICES).fill(0n);
  readonly #credited = new Map<number, Ask>();
  readonly #rejected = new Map<number, Ask>();

  answer(one: Ask): string {
    const { device, request, amount, flaw } = one;
    const credited = this.#credited.get(request);
    const isSame = credited?.device === device && credited.amount === amount;
    // A good order that was credited before is credited, whatever receipt comes with it now.
    const needsReceipt = FLAWS[flaw] === 'refused: receipt_invalid';
    if (needsReceipt && isSame) return 'credited';
    // So is one that was rejected before.
    const rejected = this.#rejected.get(request);
    if (needsReceipt && rejected?.device === device && rejected.amount === amount) {
      return 'rejected: exceeds_credit_limit';
    }
    const refused = FLAWS[flaw];
    if (refused !== undefined) return refused;
    if (credited !== undefined) return isSame ? 'credited' : 'rejected: exists_with_different';
    if (rejected !== undefined) return 'rejected: exceeds_credit_limit';
    if (this.balances[device]! + amount > BALANCE_MAX) {
      this.#rejected.set(request, one);
      return 'rejected: exceeds_credit_limit';
    }
    this.balances[device]! += amount;
    this.#credited.set(request, one);
    return 'credited';
  }

  state(request: number): string | undefined {
    if (this.#credited.has(request)) return 'credited';
    return this.#rejected.has(request) ? 'rejected' : undefined;
  }
}

let base: TestCash;
/** Of all runs. */
let total = 0n;
beforeAll(async () => {
  base = await TestCash.open();
});
afterAll(() => base.close());

test('books and answers are those of the model', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (steps) => {
      let cash = base;
      const devices = await Promise.all(Array.from({ length: DEVICES }, () => base.opened()));
      const requests = Array.from({ length: REQUESTS }, nextRequest);
      const model = new Model();
      const receipts = new Map<number, string>();
      for (const step of steps) {
        if (step === 'restart') {
          if (cash !== base) await cash.cash.close();
          cash = await TestCash.open({ path: base.path, ledger: base.ledger, store: base.store });
          continue;
        }
        const messages = step.map((one) => {
          const { device, request } = one;
          return messageOf(one, devices[device]!, devices[(device + 1) % DEVICES]!, requests[request]!);
        });
        // The receipts of good orders are looked for after the ledger has taken the batch, so those come last.
        const results = await cash.credit(...messages);
        const isLast = (one: Ask) => FLAWS[one.flaw] === 'refused: receipt_invalid';
        const expected: string[] = [];
        for (const last of [false, true]) {
          step.forEach((one, i) => {
            if (isLast(one) === last) expected[i] = model.answer(one);
          });
        }
        expect(results.map((result) => short(result).replace(/(exists_with_different)\w+/, '$1'))).toEqual(
          expected,
        );
        results.forEach((result, i) => {
          if (expected[i] !== 'credited') return;
          const { request } = step[i]!;
          const receipt = Buffer.from(receiptBytes(result)).toString('hex');
          expect(receipts.get(request) ?? receipt).toBe(receipt);
          receipts.set(request, receipt);
        });
      }
      expect(await Promise.all(devices.map((device) => cash.balance(device)))).toEqual(model.balances);
      for (let i = 0; i < REQUESTS; i++) {
        const { report } = answerOf(await cash.client(OPERATOR).lookupRequest(requests[i]!));
        expect(report?.state).toBe(model.state(i));
      }
      for (const balance of model.balances) total += balance;
      const [float] = await base.ledger.lookupAccounts([systemAccountId('float', EUR)]);
      expect(float!.debitsPosted - float!.creditsPosted).toBe(total);
      if (cash !== base) await cash.cash.close();
    }),
    { numRuns: runsOf(40) },
  );
});

test('in batches of any size the same answers come', async () => {
  const devices = await Promise.all(
    Array.from({ length: 4 }, newDevice).map((device) => base.opened(device)),
  );
  const messages = Array.from({ length: 300 }, (_, i) => {
    const order = orderOf(devices[i % 4]!, { amount: BigInt(i + 1) });
    const receipt = receiptOf(order);
    const isForged = i % 7 === 3;
    return {
      device: devices[i % 4]!.device,
      order: isForged ? { ...order, signature: forged(order.signature) } : order,
      receipt,
    };
  });
  const together = (await base.credit(...messages)).map(short);
  const singly: string[] = [];
  for (const message of messages.toReversed()) singly.unshift(short((await base.credit(message))[0]!));
  expect(singly).toEqual(together);
  expect(together.filter((answer) => answer === 'refused: signature_invalid')).toHaveLength(43);
  for (const device of devices) total += await base.balance(device);
  const [float] = await base.ledger.lookupAccounts([systemAccountId('float', EUR)]);
  expect(float!.debitsPosted).toBe(total);
});
