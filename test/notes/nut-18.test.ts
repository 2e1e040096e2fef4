// NUT-18: payment requests in CBOR.
import { expect } from 'vitest';
import { decodePaymentRequest, encodePaymentRequest } from '../../src/notes/request/payment-request.ts';
import { type Blocks, nutTests } from './nuts.ts';
import { fromJson, type JsonRequest } from './requests.ts';

/** Other writers put the names in another order, and absent tags as undefined: bytes differ, values do not. */
const request = (place: number) => ({
  blocks: [place, place + 1],
  run(blocks: Blocks) {
    const expected = fromJson(blocks.json<JsonRequest>(place));
    expect(decodePaymentRequest(blocks.text(place + 1))).toEqual(expected);
    expect(decodePaymentRequest(encodePaymentRequest(expected))).toEqual(expected);
  },
});

nutTests('18-tests.md', {
  basic: {
    blocks: [0, 1],
    run(blocks) {
      // The encoded one is of another mint and another profile than the JSON before it.
      const expected = fromJson(blocks.json<JsonRequest>(0));
      const { mints, transports, ...rest } = decodePaymentRequest(blocks.text(1));
      const { mints: _mints, transports: given, ...others } = expected;
      expect(rest).toEqual(others);
      expect(mints).toEqual(['https://nofees.testnut.cashu.space']);
      expect(transports!.map(({ type, tags }) => ({ type, tags }))).toEqual(
        given!.map(({ type, tags }) => ({ type, tags })),
      );
      expect(decodePaymentRequest(encodePaymentRequest(expected))).toEqual(expected);
    },
  },
  complete: request(2),
  'by HTTP': request(4),
  'by nostr': request(6),
  minimal: request(8),
  locked: request(10),
});
