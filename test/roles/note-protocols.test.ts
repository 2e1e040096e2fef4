// Numbers of operations are fixed for ever, and every message fits a frame.
import { expect, test } from 'vitest';
import {
  NoteOrderRequest,
  NotesBookedAnswer,
  ReceiveNotesRequest,
} from '../../src/roles/cash/note-messages.ts';
import { gatewayProtocol } from '../../src/roles/gateway/messages.ts';
import { issuerProtocol } from '../../src/roles/issuer/messages.ts';
import { receiverProtocol } from '../../src/roles/receiver/messages.ts';
import { MESSAGE_BYTES_MAX } from '../../src/wire/limits.ts';

test('numbers of operations stay as they are', () => {
  const numbers = [issuerProtocol, receiverProtocol, gatewayProtocol].map(({ role, operations }) => [
    role,
    Object.fromEntries(Object.entries(operations).map(([name, { number }]) => [name, number])),
  ]);
  expect(Object.fromEntries(numbers)).toEqual({
    issuer: {
      issue_notes: 32,
      pay_quote: 33,
      mint_call: 34,
      find_signatures: 35,
      circulation: 36,
      lookup_request: 48,
      list_requests: 49,
    },
    receiver: {
      take_notes: 32,
      mint_call: 34,
      find_signatures: 35,
      circulation: 36,
      lookup_request: 48,
      list_requests: 49,
    },
    gateway: {
      register: 32,
      get_terms: 33,
      mint_call: 34,
      send_out: 35,
      send_in: 36,
      list_deliveries: 37,
      confirm_delivery: 38,
      lookup_exchange: 39,
    },
  });
});

test('what cash is asked about notes fits a frame', () => {
  for (const { bytesMax } of [NoteOrderRequest, ReceiveNotesRequest, NotesBookedAnswer])
    expect(bytesMax).toBeLessThan(MESSAGE_BYTES_MAX / 64);
});
