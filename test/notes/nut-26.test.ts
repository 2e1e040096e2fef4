// NUT-26: payment requests in bech32m.
import { expect, test } from 'vitest';
import { NotesError } from '../../src/notes/errors.ts';
import { encodeBech32Request } from '../../src/notes/request/bech32.ts';
import { decodePaymentRequest } from '../../src/notes/request/payment-request.ts';
import { type Blocks, nutTests } from './nuts.ts';
import { fromJson, type JsonRequest } from './requests.ts';

const request = (place: number) => ({
  blocks: [place, place + 1],
  run(blocks: Blocks) {
    const expected = fromJson(blocks.json<JsonRequest>(place));
    const text = blocks.text(place + 1);
    expect(decodePaymentRequest(text)).toEqual(expected);
    expect(decodePaymentRequest(text.toLowerCase())).toEqual(expected);
    expect(encodeBech32Request(expected)).toBe(text);
  },
});

nutTests('26-test.md', {
  basic: request(0),
  'by nostr': request(2),
  minimal: request(4),
  locked: request(6),
  'by HTTP': request(8),
  relays: request(10),
  description: request(12),
  'single use': request(14),
  'not single use': request(16),
  'unit msat': request(18),
  'unit usd': request(20),
  'several transports': request(22),
  'nostr with a key alone': request(24),
  'HTTP with an address alone': request(26),
  'a hash': request(28),
  'unit of an own': request(30),
});

test('npub is a profile without relays; a changed character is no request', () => {
  const text = encodeBech32Request({
    unit: 'sat',
    transports: [
      { type: 'nostr', target: 'npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6' },
    ],
  });
  expect(decodePaymentRequest(text).transports![0]!.target).toMatch(/^nprofile1/);
  expect(() => decodePaymentRequest(text.replace(/.$/, (last) => (last === 'Q' ? 'P' : 'Q')))).toThrow(
    NotesError,
  );
  expect(() => decodePaymentRequest(`${text.slice(0, 20).toLowerCase()}${text.slice(20)}`)).toThrow(
    NotesError,
  );
});
