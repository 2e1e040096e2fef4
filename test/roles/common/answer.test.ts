import { expect, test } from 'vitest';
import { answerBytesMax, answerCodec, REFUSAL_MESSAGE_BYTES_MAX } from '../../../src/roles/common/answer.ts';
import { operation, protocol } from '../../../src/roles/common/operation.ts';
import { COMMON_REFUSALS, MAY_REPEAT, mayRepeat, Refusal } from '../../../src/roles/common/refusal.ts';
import { bytesUpTo, CodecError, struct, u8, u16 } from '../../../src/shared/codec.ts';

const Answer = struct({ value: u16 });
const OWN = ['no_account', 'no_funds'] as const;
const codec = answerCodec(Answer, OWN);

test('an answer and every refusal come back as they were', () => {
  expect(codec.decode(codec.encode({ value: 7 }))).toEqual({ value: 7 });
  for (const code of [...COMMON_REFUSALS, ...OWN]) {
    expect(codec.decode(codec.encode(new Refusal(code, 'why')))).toEqual(new Refusal(code, 'why'));
  }
});

test('the numbers of codes are fixed for ever', () => {
  const numbers = [...COMMON_REFUSALS, ...OWN].map((code) => {
    const encoded = codec.encode(new Refusal(code, ''));
    return encoded[1]! + 256 * encoded[2]!;
  });
  expect(numbers).toEqual([0, 1, 2, 3, 4, 5, 6, 1000, 1001]);
  expect(COMMON_REFUSALS).toEqual([
    'malformed',
    'not_permitted',
    'request_differs',
    'busy',
    'storage_full',
    'stopping',
    'internal_error',
  ]);
});

test('codes that are not of the list are neither written nor read', () => {
  expect(() => codec.encode(new Refusal('other' as 'no_funds', ''))).toThrow('expected a code of the role');
  const unknown = codec.encode(new Refusal('no_funds', ''));
  unknown[1]! += 1;
  expect(() => codec.decode(unknown)).toThrow(CodecError);
});

test('long texts are cut between characters', () => {
  for (const text of [
    'a'.repeat(2_000),
    `a${'é'.repeat(600)}`,
    'é'.repeat(600),
    '💶'.repeat(300),
    `ab${'💶'.repeat(300)}`,
  ]) {
    const { message } = codec.decode(codec.encode(new Refusal<never>('busy', text))) as Refusal;
    expect(text.startsWith(message)).toBe(true);
    const size = Buffer.byteLength(message);
    expect(size).toBeLessThanOrEqual(REFUSAL_MESSAGE_BYTES_MAX);
    expect(size).toBeGreaterThan(REFUSAL_MESSAGE_BYTES_MAX - 4);
  }
  expect(codec.decode(codec.encode(new Refusal<never>('busy', '\ud800')))).toMatchObject({
    message: '\ufffd',
  });
});

test('which refusals may be repeated', () => {
  for (const code of COMMON_REFUSALS) expect(mayRepeat(new Refusal(code, ''))).toBe(MAY_REPEAT[code]);
  expect(mayRepeat(new Refusal('no_funds', ''))).toBe(false);
  expect(mayRepeat(new Refusal('toString', ''))).toBe(false);
});

test('operations: numbers of their own, and as many messages as fit a frame both ways', () => {
  expect(operation(32, u8, Answer).messagesMax).toBe(1024);
  const long = operation(33, bytesUpTo(100_000), Answer);
  expect(long.messagesMax).toBe(10);
  expect(operation(34, u8, bytesUpTo(500_000)).messagesMax).toBe(2);
  expect(answerBytesMax(u8)).toBe(1 + 2 + 4 + REFUSAL_MESSAGE_BYTES_MAX);
  expect(() => operation(31, u8, u8)).toThrow('expected 32 to 127, got 31');
  expect(() => operation(128, u8, u8)).toThrow('expected 32 to 127, got 128');
  expect(() => operation(40, u8, bytesUpTo(2_000_000))).toThrow('expected messages of at most');
  const operations = { one: operation(32, u8, u8), other: operation(32, u8, u8) };
  expect(() => protocol({ role: 'x', refusals: [], operations })).toThrow('different numbers');
});
