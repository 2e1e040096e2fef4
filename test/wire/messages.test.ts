import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { encodeReply, encodeRequest, parseReply, parseRequest } from '../../src/wire/frame.ts';
import { HEADER_SIZE, MESSAGE_BYTES_MAX, MESSAGES_MAX } from '../../src/wire/limits.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import { operationName, operationShape } from '../../src/wire/operation.ts';

const messages = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 50 });
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

describe('messages', () => {
  test.prop([messages])('what is encoded is parsed, as a request and as a reply', (list) => {
    const body = encodeMessages(list);
    expect(parseMessages(body, list.length)).toEqual(list);
    const request = parseRequest(encodeRequest(32, 7n, list.length, body));
    expect(request).toMatchObject({ kind: 'request', operation: 32, count: list.length, request: 7n });
    const header = { operation: 127, status: 0, count: list.length, request: 7n, timestamp: 1n };
    expect(parseReply(encodeReply(header, body))).toMatchObject({ kind: 'reply', count: list.length });
  });

  test('what is parsed is a copy: the body may be lent', () => {
    const body = encodeMessages([bytes(1, 2, 3)]);
    const [message] = parseMessages(body, 1);
    body.fill(9);
    expect(message).toEqual(bytes(1, 2, 3));
  });

  test.each([
    ['nothing for one', bytes(), 1, 'expected 1 messages, got 0 and 0 bytes'],
    ['half a length', bytes(1, 0, 0), 1, 'expected 1 messages, got 0 and 3 bytes'],
    [
      'a message cut short',
      bytes(3, 0, 0, 0, 1, 2),
      1,
      'expected message 0 of the 3 bytes it announces, got 2',
    ],
    [
      'a length beyond everything',
      bytes(255, 255, 255, 255, 1),
      1,
      'expected message 0 of the 4294967295 bytes it announces, got 1',
    ],
    ['one of two', bytes(1, 0, 0, 0, 5), 2, 'expected 2 messages, got 1 and 0 bytes'],
    ['bytes behind the last', bytes(1, 0, 0, 0, 5, 9), 1, 'expected 1 messages, got 1 more bytes'],
    ['two for one', bytes(0, 0, 0, 0, 0, 0, 0, 0), 1, 'expected 1 messages, got 4 more bytes'],
    [
      'a count beyond everything',
      bytes(0, 0, 0, 0),
      4294967295,
      'expected 4294967295 messages, got 1 and 0 bytes',
    ],
  ])('%s', (_name, body, count, message) => {
    expect(() => parseMessages(body, count)).toThrow(message);
    expect(parseRequest(encodeRequest(40, 1n, count, body))).toMatchObject({
      kind: 'refusal',
      code: 'body_size_mismatch',
      operation: 40,
      message: `body of message_40: ${message}`,
    });
    expect(
      parseReply(encodeReply({ operation: 40, status: 0, count, request: 1n, timestamp: 0n }, body)),
    ).toMatchObject({
      kind: 'refusal',
      code: 'body_size_mismatch',
    });
  });

  test('none and too many', () => {
    expect(parseRequest(encodeRequest(40, 1n, 0, bytes()))).toMatchObject({ code: 'too_few_records' });
    const body = new Uint8Array(4 * (MESSAGES_MAX + 1));
    expect(parseRequest(encodeRequest(40, 1n, MESSAGES_MAX + 1, body))).toMatchObject({
      code: 'too_many_records',
      message: 'records of message_40: expected at most 1024, got 1025',
    });
    expect(() => encodeMessages([])).toThrow('expected at least 1 message, got 0');
    expect(() => encodeMessages(new Array(MESSAGES_MAX + 1).fill(bytes()))).toThrow(
      'expected at most 1024 messages',
    );
    const longest = MESSAGE_BYTES_MAX - HEADER_SIZE - 4;
    expect(encodeMessages([new Uint8Array(longest)])).toHaveLength(longest + 4);
    expect(() => encodeMessages([new Uint8Array(longest + 1)])).toThrow(
      /expected messages of at most 1048320 bytes/,
    );
  });

  test('numbers 32 to 127, and no others', () => {
    for (let operation = 0; operation < 256; operation++) {
      const message = operation >= 32 && operation <= 127;
      expect(operationShape(operation)?.kind === 'message').toBe(message);
      if (message) expect(operationName(operation)).toBe(`message_${operation}`);
    }
  });

  test('an operation that the server does not take is unknown, before anything else is looked at', () => {
    const parsed = parseRequest(encodeRequest(40, 1n, 3, bytes(1)), () => false);
    expect(parsed).toMatchObject({
      code: 'unknown_operation',
      message: 'operation: expected one that this server takes, got 40 (message_40)',
    });
  });
});
