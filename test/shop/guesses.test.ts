// Wrong codes of offers: a few a minute on a channel, one when there are many on all.
import { expect, test } from 'vitest';
import { Guesses } from '../../src/shop/guesses.ts';
import { WRONG_CODES_A_MINUTE, WRONG_CODES_IN_ALL_A_MINUTE } from '../../src/shop/limits.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { order, Stage } from './support.ts';

const channel = (): Peer => ({ kind: 'unnamed' });
const MINUTE = 60_000_000_000n;

test('a channel has a few wrong ones a minute; another has its own', () => {
  let now = 5n * MINUTE;
  const guesses = new Guesses(() => now);
  const [mine, other] = [channel(), channel()];
  for (let i = 0; i < WRONG_CODES_A_MINUTE; i++) {
    expect(guesses.check(mine)).toBeUndefined();
    guesses.wrong(mine);
  }
  expect(guesses.check(mine)).toMatchObject({ code: 'busy' });
  expect(guesses.check(other)).toBeUndefined();
  now += MINUTE;
  expect(guesses.check(mine)).toBeUndefined();
});

test('of many wrong ones on many channels each has one; a first try is always answered', () => {
  let now = 5n * MINUTE;
  const guesses = new Guesses(() => now);
  const mine = channel();
  guesses.wrong(mine);
  for (let i = 1; i < WRONG_CODES_IN_ALL_A_MINUTE; i++) guesses.wrong(channel());
  expect(guesses.check(mine)).toMatchObject({ code: 'busy' });
  expect(guesses.check(channel())).toBeUndefined();
  now += MINUTE;
  expect(guesses.check(mine)).toBeUndefined();
});

test.each(['get_offer', 'buy'] as const)(
  'at the shop, by %s: also a right one is refused then',
  async (name) => {
    const stage = new Stage();
    const charge = stage.shop.till('7').charge([{ article: 'tea' }]);
    const asked = async (code: string): Promise<string> => {
      const message = name === 'get_offer' ? { code } : order(9n, {}, { offer: code });
      const result = await stage.call(name, message as never);
      return result.kind === 'refused' ? result.refusal.code : result.kind;
    };
    for (let i = 0; i < WRONG_CODES_A_MINUTE; i++) expect(await asked('2222')).toBe('offer_unknown');
    // `busy`: to be asked again.
    expect(await asked('2222')).toBe('unknown');
    expect(await asked(charge.code)).toBe('unknown');
    await stage.pass(60_000);
    expect(['ok', 'offer_differs']).toContain(await asked(charge.code));
  },
);
