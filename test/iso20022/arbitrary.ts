// Messages made of anything that they may hold.
import fc from 'fast-check';
import type { Account, Agent, Money, Party, Reason } from '../../src/iso20022/index.ts';
import { ibanOf } from '../../src/iso20022/index.ts';

/** No control characters, and nothing that is no character. */
const KEPT = /^[^\p{Cc}\p{Cs}\ufffe\uffff]$/u;
/** Text of any characters, XML's own among them, as messages can hold it. */
export const text = (max: number) =>
  fc
    .string({
      unit: fc.oneof(
        fc.constantFrom('<', '>', '&', '"', "'", ']', ' ', 'ö', '€', '😀', 'a', '0'),
        fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
      ),
      minLength: 1,
      maxLength: max,
    })
    .map((value) =>
      [...value]
        .filter((c) => KEPT.test(c))
        .join('')
        .trim(),
    )
    .filter((value) => value.length > 0);
export const reference = fc
  .string({ unit: fc.constantFrom(..."ABCxyz0189/-?:().,'+ "), minLength: 1, maxLength: 35 })
  .filter((value) => value === value.trim() && !/^\/|\/$|\/\//.test(value));
export const unique = fc.uuid({ version: 4 });
export const account: fc.Arbitrary<Account> = fc
  .tuple(
    fc.oneof(
      fc
        .tuple(fc.constantFrom('DE', 'LT', 'GB'), fc.stringMatching(/^[A-Z0-9]{10,20}$/))
        .map(([country, number]) => ({
          scheme: 'iban' as const,
          id: ibanOf(country, number),
        })),
      text(34).map((id) => ({ scheme: 'other' as const, id })),
    ),
    fc.option(fc.constantFrom('EUR', 'USD'), { nil: undefined }),
  )
  .map(([id, currency]) => (currency === undefined ? id : { ...id, currency }));
export const party: fc.Arbitrary<Party> = fc.oneof(
  fc.constant({}),
  text(140).map((name) => ({ name })),
);
export const agent: fc.Arbitrary<Agent> = fc.constantFrom(
  { bic: 'CBSBLT26XXX' },
  { bic: 'DEUTDEFF' },
  { memberId: '123456789' },
  {},
);
export const money: fc.Arbitrary<Money> = fc.record({
  amount: fc.oneof(
    fc.constantFrom(1n, 10n, 99n, 100n, 10n ** 15n - 1n),
    fc.bigInt({ min: 1n, max: 10n ** 12n }),
  ),
  // No, two, three and four decimal places.
  currency: fc.constantFrom('JPY', 'EUR', 'KWD', 'CLF'),
});
export const time = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
export const day = time.map((value) => value.slice(0, 10));
export const reason: fc.Arbitrary<Reason> = fc
  .tuple(
    fc.oneof(
      fc.constantFrom('AC01', 'AM04', 'X1').map((code) => ({ code })),
      text(35).map((proprietary) => ({ proprietary })),
    ),
    fc.option(
      // White space is one space where a text is put together again.
      text(300).map((information) => information.replace(/\s+/g, ' ')),
      { nil: undefined },
    ),
  )
  .map(([code, information]) =>
    information === undefined || information.split(' ').some((word) => [...word].length > 105)
      ? code
      : { ...code, information },
  );

/** With some of its fields left out: as they are in messages, rather than undefined. */
export function some<T extends object, Needed extends keyof T>(
  model: { [key in keyof T]: fc.Arbitrary<T[key]> },
  requiredKeys: readonly Needed[],
): fc.Arbitrary<Partial<T> & Pick<T, Needed>> {
  return fc.record(model, { requiredKeys: [...requiredKeys], noNullPrototype: true }) as never;
}
