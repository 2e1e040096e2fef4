// Institutions, orders and messages for tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished } from 'vitest';
import { testAccountNumbers } from '../../src/institution/account-number.ts';
import { CardInstitution, type CardInstitutionOptions } from '../../src/institution/card-institution.ts';
import { Element, formatOf } from '../../src/institution/iso8583/elements.ts';
import type { Elements, Message } from '../../src/institution/iso8583/message.ts';
import type { Dials } from '../../src/institution/simulator/faults.ts';
import {
  SimulatedInstitution,
  type SimulatedInstitutionOptions,
} from '../../src/institution/simulator/simulated-institution.ts';
import type { CardOrder } from '../../src/roles/settlement/institution.ts';
import { amountOf } from '../../src/shared/amount.ts';

export const SEED = 42n;
export const EUR = 978;
export const BALANCE = 100_000n;
export const accountNumber = testAccountNumbers(SEED);

export function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'specie-institution-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

let lastReference = 0x0190_0000_0000_0000_0000_0000_0000_0000n;

/** A new order of 12.34 on account 0 unless told otherwise. */
export function anOrder(more: Partial<CardOrder> = {}): CardOrder {
  lastReference += 1n;
  return {
    reference: lastReference,
    accountNumber: accountNumber(0),
    amount: amountOf(1_234n),
    currency: EUR,
    time: 1_760_000_000_000_000_000n,
    ...more,
  };
}

export async function simulator(
  dials: Dials = {},
  more: Partial<SimulatedInstitutionOptions> = {},
): Promise<SimulatedInstitution> {
  const path = more.path ?? temporaryDirectory();
  const institution = await SimulatedInstitution.start({
    accounts: 10,
    seed: SEED,
    balance: BALANCE,
    port: 0,
    dials,
    ...more,
    path,
  });
  onTestFinished(() => institution.close());
  return institution;
}

export function adapter(port: number, more: Partial<CardInstitutionOptions> = {}): CardInstitution {
  const institution = new CardInstitution({
    host: '127.0.0.1',
    port,
    timeoutMs: 20_000,
    random: () => 0.5,
    ...more,
  });
  onTestFinished(() => institution.close());
  return institution;
}

/** Waits until what `look` gives is as expected. */
export function eventually<T>(look: () => T) {
  return expect.poll(look, { timeout: 20_000, interval: 10 });
}

/** Throws unless available + held + captured = initial in every account. */
export function expectConserved({ books }: SimulatedInstitution): void {
  for (const { initial, available, held, captured } of books.accounts('', 1_000_000)) {
    if (available + held + captured !== initial) {
      throw new Error(`expected ${initial} in all, got ${available} + ${held} + ${captured}`);
    }
  }
}

const NUMBERS = Object.values(Element);
const DIGITS = '0123456789';
const LETTERS = `${DIGITS}ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz`;
const PRINTABLE = Array.from({ length: 95 }, (_, i) => String.fromCharCode(0x20 + i)).join('');
const SETS = { n: DIGITS, an: LETTERS, anp: `${LETTERS} `, ans: PRINTABLE };

/** Any message of the dialect's data elements that fits a frame; lengths at their edges among others. */
export const anyMessage: fc.Arbitrary<Message> = fc
  .tuple(fc.stringMatching(/^0[0-9]{3}$/), fc.uniqueArray(fc.constantFrom(...NUMBERS)))
  .chain(([type, numbers]) =>
    fc
      .tuple(
        ...numbers.map((number) => {
          const { characters, min, max } = formatOf(number)!;
          // Two elements of 999 would not fit a frame.
          const most = Math.min(max, 300);
          const length = fc.oneof(fc.constantFrom(min, most), fc.integer({ min, max: most }));
          const character = fc.constantFrom(...SETS[characters]);
          return length.chain((n) =>
            fc
              .array(character, { minLength: n, maxLength: n })
              .map((parts) => [number, parts.join('')] as const),
          );
        }),
      )
      .map((entries) => ({ type, elements: Object.fromEntries(entries) as Elements })),
  );
