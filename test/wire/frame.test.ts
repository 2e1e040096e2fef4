import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { U128_MAX } from '../../src/shared/bytes.ts';
import {
  encodeRefusal,
  encodeReply,
  encodeRequest,
  HeaderLayout,
  MAGIC,
  parseReply,
  parseRequest,
  refusalText,
  viewOf,
} from '../../src/wire/frame.ts';
import { encodeHello, encodeHelloReply, parseHello, parseHelloReply } from '../../src/wire/hello.ts';
import {
  CHANGE_EVENTS_MAX,
  HEADER_SIZE,
  MESSAGE_BYTES_MAX,
  REFUSAL_TEXT_BYTES_MAX,
} from '../../src/wire/limits.ts';
import { operationName, operationShape, RequestOperation } from '../../src/wire/operation.ts';
import { CLOSES_CONNECTION, RETRY_ADVICE, RequestStatus, requestStatusName } from '../../src/wire/status.ts';

const operations = Object.values(RequestOperation);
const u64 = fc.oneof(
  fc.constantFrom(0n, 1n, 2n, 1n << 63n, (1n << 64n) - 1n),
  fc.bigInt(0n, (1n << 64n) - 1n),
);
const writeNumber = u64.map((value) => value || 1n);
const operation = fc.constantFrom(...operations);

/** An operation with a number of records that it takes, biased to the ends. */
const sized = operation.chain((number) => {
  const { countMin, countMax } = operationShape(number)!;
  const count = fc.oneof(
    fc.constantFrom(countMin, countMax),
    fc.integer({ min: countMin, max: Math.min(countMax, 50) }),
  );
  return fc.tuple(fc.constant(number), count);
});

function patterned(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i * 31);
}

function request(number: number = RequestOperation.lookup_accounts, count = 2): Uint8Array {
  return encodeRequest(number, 7n, count, patterned(count * operationShape(number)!.requestSize));
}

function edited(frame: Uint8Array, edit: (view: DataView) => void): Uint8Array {
  edit(viewOf(frame));
  return frame;
}

describe('requests', () => {
  test.prop([sized, writeNumber])('what is encoded is parsed', ([number, count], requestNumber) => {
    const body = patterned(count * operationShape(number)!.requestSize);
    const frame = encodeRequest(number, requestNumber, count, body);
    expect(frame.length).toBe(HEADER_SIZE + body.length);
    const parsed = parseRequest(frame);
    expect(parsed).toMatchObject({ kind: 'request', operation: number, count, request: requestNumber });
    if (parsed.kind !== 'request') return;
    expect(Buffer.compare(parsed.body, body)).toBe(0);
    // Borrowed, not copied.
    expect(parsed.body.buffer).toBe(frame.buffer);
  });

  test.prop([fc.uint8Array({ maxLength: 300 })])(
    'any bytes give a request or a refusal that says why',
    (bytes) => {
      for (const parse of [parseRequest, parseReply]) {
        const parsed = parse(bytes);
        expect(parsed.kind).toBe('refusal');
        if (parsed.kind === 'refusal') expect(parsed.message).toMatch(/expected .+, got .+/);
      }
    },
  );

  test.prop(
    [
      sized,
      fc.array(fc.tuple(fc.nat(HEADER_SIZE - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(400),
    ],
    {
      numRuns: 2_000,
    },
  )(
    'a frame with bytes changed or cut off never throws, and never claims more than there is',
    ([number, count], changes, cut) => {
      const small = Math.min(count, 3);
      const frame = encodeRequest(number, 5n, small, patterned(small * operationShape(number)!.requestSize));
      for (const [at, value] of changes) frame[at] = value;
      const bytes = frame.subarray(0, Math.max(0, frame.length - (cut % 3 === 0 ? cut : 0)));
      const parsed = parseRequest(bytes);
      if (parsed.kind === 'refusal') {
        expect(parsed.message).toMatch(/expected .+, got .+/);
        return;
      }
      const { countMin, countMax, requestSize } = parsed.shape;
      expect(parsed.count).toBeGreaterThanOrEqual(countMin);
      expect(parsed.count).toBeLessThanOrEqual(countMax);
      expect(parsed.body.length).toBe(parsed.count * requestSize);
    },
  );

  const refusals: [string, Uint8Array, string, string][] = [
    ['empty', new Uint8Array(0), 'malformed_frame', 'frame: expected at least 32 bytes, got 0'],
    [
      'a byte short of a header',
      request().subarray(0, 31),
      'malformed_frame',
      'frame: expected at least 32 bytes, got 31',
    ],
    [
      'other magic',
      edited(request(), (v) => v.setUint8(0, 0)),
      'malformed_frame',
      'magic: expected 53 50 43 45, got 00 50 43 45',
    ],
    [
      'version 2',
      edited(request(), (v) => v.setUint8(4, 2)),
      'unsupported_version',
      'version: expected 1, got 2',
    ],
    [
      'version 0',
      edited(request(), (v) => v.setUint8(4, 0)),
      'unsupported_version',
      'version: expected 1, got 0',
    ],
    [
      'a status',
      edited(request(), (v) => v.setUint16(6, 3, true)),
      'malformed_frame',
      'status of a request: expected 0, got 3',
    ],
    [
      'a timestamp',
      edited(request(), (v) => v.setUint8(31, 1)),
      'malformed_frame',
      'timestamp of a request: expected 0, got 72057594037927936',
    ],
    [
      'a body longer than announced',
      edited(request(), (v) => v.setUint32(12, 16, true)),
      'body_size_mismatch',
      'body of lookup_accounts: expected the 16 bytes it announces, got 32',
    ],
    [
      'fewer records than counted',
      edited(request(), (v) => v.setUint32(8, 3, true)),
      'body_size_mismatch',
      'body of lookup_accounts: expected 3 records of 16 bytes (48), got 32',
    ],
    [
      '2^32-1 records',
      edited(request(), (v) => v.setUint32(8, 0xffff_ffff, true)),
      'body_size_mismatch',
      'body of lookup_accounts: expected 4294967295 records of 16 bytes (68719476720), got 32',
    ],
    [
      'no records',
      request(RequestOperation.create_transfers, 0),
      'too_few_records',
      'records of create_transfers: expected at least 1, got 0',
    ],
    [
      '8,191 records',
      request(RequestOperation.create_transfers, 8191),
      'too_many_records',
      'records of create_transfers: expected at most 8190, got 8191',
    ],
    [
      'two filters',
      request(RequestOperation.get_account_transfers, 2),
      'too_many_records',
      'records of get_account_transfers: expected at most 1, got 2',
    ],
    [
      'a write numbered 0',
      encodeRequest(RequestOperation.create_accounts, 0n, 1, patterned(128)),
      'malformed_frame',
      'request number of create_accounts: expected 1 or more, got 0',
    ],
    [
      'a ping with a body',
      encodeRequest(RequestOperation.ping, 1n, 0, patterned(8)),
      'body_size_mismatch',
      'body of ping: expected 0 records of 0 bytes (0), got 8',
    ],
  ];
  test.each(refusals)('%s', (_name, frame, code, message) => {
    expect(parseRequest(frame)).toMatchObject({ kind: 'refusal', code, message });
  });

  test('an unknown operation names those there are, and keeps the request number', () => {
    const parsed = parseRequest(encodeRequest(199, 7n, 0, new Uint8Array(0)));
    expect(parsed).toMatchObject({ code: 'unknown_operation', operation: 199, request: 7n });
    expect(parsed.kind === 'refusal' && parsed.message).toBe(
      'operation: expected one of 1 (create_accounts), 2 (create_transfers), 4 (create_payment_orders), 16 (lookup_accounts), 17 (lookup_transfers), ' +
        '18 (get_account_transfers), 19 (get_account_balances), 20 (get_change_events), 128 (hello), 129 (ping) or a message operation (32 to 127), got 199',
    );
  });

  test('precedence: of all that is wrong the first in the order of the list is told', () => {
    // One fault after the other is mended; each time the next status in order comes up.
    const frame = encodeRequest(199, 7n, 8191, new Uint8Array(8191 * 16 + 1));
    const view = viewOf(frame);
    view.setUint32(HeaderLayout.magic, 0);
    view.setUint8(HeaderLayout.version, 9);
    const told: string[] = [];
    const tell = (bytes = frame): void => {
      const parsed = parseRequest(bytes);
      told.push(parsed.kind === 'refusal' ? parsed.code : 'ok');
    };
    tell();
    view.setUint32(HeaderLayout.magic, MAGIC, true);
    tell();
    view.setUint8(HeaderLayout.version, 1);
    tell();
    view.setUint8(HeaderLayout.operation, RequestOperation.lookup_accounts);
    tell();
    view.setUint32(HeaderLayout.bodySize, 8191 * 16, true);
    tell(frame.subarray(0, frame.length - 1));
    expect(told).toEqual([
      'malformed_frame',
      'unsupported_version',
      'unknown_operation',
      'body_size_mismatch',
      'too_many_records',
    ]);
    const list = Object.keys(RequestStatus);
    expect(told).toEqual(list.filter((name) => told.includes(name)));
  });
});

describe('replies', () => {
  test.prop([operation, fc.nat(40), u64, u64])(
    'what is encoded is parsed',
    (number, some, requestNumber, timestamp) => {
      const { replySize, replyCountMax } = operationShape(number)!;
      const count = Math.min(some, replyCountMax);
      const body = patterned(count * replySize);
      const frame = encodeReply(
        { operation: number, status: 0, count, request: requestNumber, timestamp },
        body,
      );
      const parsed = parseReply(frame);
      expect(parsed).toMatchObject({
        kind: 'reply',
        operation: number,
        status: 0,
        count,
        request: requestNumber,
        timestamp,
      });
      if (parsed.kind === 'reply') expect(Buffer.compare(parsed.body, body)).toBe(0);
    },
  );

  test.prop([
    fc.constantFrom(...Object.values(RequestStatus).slice(1)),
    fc.string({ unit: 'binary', maxLength: 2_000 }),
  ])('a refusal carries its text, whole or cut between two characters', (status, message) => {
    const parsed = parseReply(encodeRefusal(2, status, 9n, message));
    expect(parsed).toMatchObject({ kind: 'reply', status, count: 0, request: 9n });
    if (parsed.kind !== 'reply') return;
    const text = refusalText(parsed);
    expect(parsed.body.length).toBeLessThanOrEqual(REFUSAL_TEXT_BYTES_MAX);
    expect(message.startsWith(text)).toBe(true);
    if (Buffer.byteLength(message) <= REFUSAL_TEXT_BYTES_MAX) expect(text).toBe(message);
    else expect(parsed.body.length).toBeGreaterThan(REFUSAL_TEXT_BYTES_MAX - 4);
  });

  test('a status of a later version is still a refusal with a text', () => {
    expect(parseReply(encodeRefusal(2, 900, 1n, 'later'))).toMatchObject({ kind: 'reply', status: 900 });
  });

  test('more records than an operation may answer', () => {
    const { replySize } = operationShape(RequestOperation.get_change_events)!;
    const count = CHANGE_EVENTS_MAX + 1;
    const header = {
      operation: RequestOperation.get_change_events,
      status: 0,
      count,
      request: 1n,
      timestamp: 1n,
    };
    expect(parseReply(encodeReply(header, new Uint8Array(count * replySize)))).toMatchObject({
      code: 'too_many_records',
    });
  });
});

describe('limits', () => {
  test.each(operations.map((number) => [operationName(number), number] as const))(
    '%s fits a message both ways',
    (_name, number) => {
      const { countMin, countMax, requestSize, replyCountMax, replySize } = operationShape(number)!;
      expect(HEADER_SIZE + countMax * requestSize).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
      expect(HEADER_SIZE + replyCountMax * replySize).toBeLessThanOrEqual(MESSAGE_BYTES_MAX);
      expect(countMin).toBeLessThanOrEqual(countMax);
      expect(requestSize % 8).toBe(0);
      expect(replySize % 8).toBe(0);
    },
  );

  test('one more change event would not fit', () => {
    expect(HEADER_SIZE + (CHANGE_EVENTS_MAX + 1) * 384).toBeGreaterThan(MESSAGE_BYTES_MAX);
  });
});

describe('statuses', () => {
  test('each has advice and says whether it closes; numbers are without gaps', () => {
    const names = Object.keys(RequestStatus);
    expect(Object.keys(RETRY_ADVICE)).toEqual(names);
    expect(Object.keys(CLOSES_CONNECTION)).toEqual(names);
    expect(Object.values(RequestStatus).sort((a, b) => a - b)).toEqual(names.map((_, i) => i));
    for (const [name, number] of Object.entries(RequestStatus)) expect(requestStatusName(number)).toBe(name);
    expect(requestStatusName(names.length)).toBeUndefined();
  });
});

describe('hello', () => {
  const session = fc.bigInt(1n, U128_MAX - 1n);
  test.prop([session, u64])('request', (id, acknowledged) => {
    expect(parseHello(encodeHello({ session: id, acknowledged }))).toEqual({ session: id, acknowledged });
  });

  test.prop([session, u64, fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.nat(), fc.boolean(), fc.nat()])(
    'reply',
    (id, applied, batchRecordsMax, writesInFlightMax, readsInFlightMax, messageBytesMax, answersRemembered, resumed, messagesInFlightMax) => {
      const reply = {
        session: id,
        applied,
        batchRecordsMax,
        writesInFlightMax,
        readsInFlightMax,
        messageBytesMax,
        answersRemembered,
        resumed,
        messagesInFlightMax,
      };
      expect(parseHelloReply(encodeHelloReply(reply))).toEqual(reply);
    },
  );

  test.each([
    ['only zeroes', encodeHello({ session: 0n, acknowledged: 0n })],
    ['only ones', encodeHello({ session: U128_MAX, acknowledged: 0n })],
  ])('a session of %s', (what, body) => {
    expect(parseHello(body)).toBe(`session: expected 128 random bits, got ${what}`);
  });

  test('reserved bytes', () => {
    const body = encodeHello({ session: 1n, acknowledged: 0n });
    body[24] = 5;
    expect(parseHello(body)).toBe('reserved bytes of hello: expected 0, got 5');
  });
});
