// Numbers of operations are fixed for ever, and every message fits a frame.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
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
      move_funds: 37,
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

describe('docs/protocol.md', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/protocol.md'), 'utf8');
  /** The cells of the table under a heading, without its head. */
  const table = (heading: string): string[][] => {
    const part = text.split(`### ${heading}\n`)[1]!.split('\n#')[0]!;
    const lines = part.split('\n').filter((line) => line.startsWith('|'));
    return lines.slice(2).map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')));
  };

  test.each([issuerProtocol, receiverProtocol])(
    'operations and refusals of the $role',
    ({ role, operations, refusals }) => {
      expect(table(`Messages of the ${role}`).map(([, number, name]) => [name, Number(number)])).toEqual(
        Object.entries(operations).map(([name, { number }]) => [name, number]),
      );
      const described = table('Refusals of issuer and receiver').filter(([, of]) => of === role);
      expect(described.map(([, , code]) => code)).toEqual([...refusals]);
    },
  );
});

test('what cash is asked about notes fits a frame', () => {
  for (const { bytesMax } of [NoteOrderRequest, ReceiveNotesRequest, NotesBookedAnswer])
    expect(bytesMax).toBeLessThan(MESSAGE_BYTES_MAX / 64);
});
