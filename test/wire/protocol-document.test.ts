// docs/protocol.md against the code: every table, every list of codes, every byte of the worked example.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodePreamble, PatternNumber, prologueOf } from '../../src/channel/secure/preamble.ts';
import {
  AccountBalanceLayout,
  AccountFilterFlags,
  AccountFilterLayout,
  AccountFlags,
  AccountLayout,
  ChangeEventLayout,
  ChangeEventsFilterLayout,
  ChangeEventType,
  CreateAccountStatus,
  CreateResultLayout,
  CreateTransferStatus,
  PaymentOrderLayout,
  TransferFlags,
  TransferLayout,
  writeAccount,
  writeTransfer,
} from '../../src/layout/generated.ts';
import { CHANNEL_ADVICE, ChannelRefusalNumber } from '../../src/wire/channel-refusal.ts';
import { encodeRefusal, encodeReply, encodeRequest, HeaderLayout, viewOf } from '../../src/wire/frame.ts';
import { encodeHello, encodeHelloReply } from '../../src/wire/hello.ts';
import * as limits from '../../src/wire/limits.ts';
import { operationShape, RequestOperation } from '../../src/wire/operation.ts';
import { CLOSES_CONNECTION, CloseCode, RETRY_ADVICE, RequestStatus } from '../../src/wire/status.ts';
import { TRANSIENT_STATUSES } from '../model/transfer-rules.ts';

const text = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** The part below a heading, up to the next one. */
function section(heading: string): string {
  const after = text.split(new RegExp(`^#+ ${heading}$`, 'm'))[1];
  if (after === undefined) throw new Error(`expected a heading "${heading}" in docs/protocol.md, got none`);
  return after.split(/^#+ /m)[0]!;
}

/** The rows of all tables in a text, as trimmed cells, heads left out. */
function rows(part: string): string[][] {
  const lines = part.split('\n').filter((line) => line.startsWith('|'));
  return lines
    .filter((line, i) => !/^\|[-|]+\|$/.test(line) && !/^\|[-|]+\|$/.test(lines[i + 1] ?? ''))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
}

const bare = (cell: string): string => cell.replaceAll('`', '').split(':')[0]!;
const snake = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/([a-z])(128|64|32)$/, '$1_$2');
const pairs = (part: string): [string, number][] =>
  [...part.matchAll(/`(\w+)`\s+(\d+)/g)].map(([, name, number]) => [name!, Number(number)]);

describe('records', () => {
  const layouts: Record<string, Record<string, number>> = {
    Account: AccountLayout,
    Transfer: TransferLayout,
    PaymentOrder: PaymentOrderLayout,
    AccountFilter: AccountFilterLayout,
    ChangeEventsFilter: ChangeEventsFilterLayout,
    AccountBalance: AccountBalanceLayout,
    ChangeEvent: ChangeEventLayout,
    CreateResult: CreateResultLayout,
  };
  test.each(Object.keys(layouts))('%s: offsets, sizes, nothing left out', (name) => {
    const layout = layouts[name]!;
    const described = rows(section(name)).map(([offset, type, field]) => ({
      offset: Number(offset),
      size: type!.startsWith('u') ? Number(type!.slice(1)) / 8 : Number(type!.split(' ')[0]),
      field: bare(field!),
    }));
    // Row by row, without gaps, to the end of the record.
    let at = 0;
    for (const { offset, size } of described) {
      expect(offset).toBe(at);
      at += size;
    }
    expect(at).toBe(layout.size);
    const fields = Object.entries(layout)
      .filter(([field]) => field !== 'size' && !/^reserved/.test(field) && field !== 'effect')
      .map(([field, offset]) => [snake(field), offset]);
    const named = described
      .filter(({ field }) => field !== 'reserved')
      .map(({ field, offset }) => [field, offset]);
    expect(named).toEqual(fields);
  });

  test('flags and types', () => {
    expect(pairs(section('Account').split('Flags:')[1]!)).toEqual(Object.entries(AccountFlags));
    expect(pairs(section('Transfer').split('Flags:')[1]!)).toEqual(Object.entries(TransferFlags));
    expect(pairs(section('AccountFilter'))).toEqual(Object.entries(AccountFilterFlags));
    expect(pairs(section('ChangeEvent'))).toEqual(Object.entries(ChangeEventType));
  });
});

test('the header', () => {
  const described = rows(section('Frame')).map(([offset, type, field]) => [field, Number(offset), type]);
  expect(described).toEqual([
    ['magic', HeaderLayout.magic, '4 bytes'],
    ['version', HeaderLayout.version, 'u8'],
    ['operation', HeaderLayout.operation, 'u8'],
    ['status', HeaderLayout.status, 'u16'],
    ['count', HeaderLayout.count, 'u32'],
    ['size', HeaderLayout.bodySize, 'u32'],
    ['request', HeaderLayout.request, 'u64'],
    ['timestamp', HeaderLayout.timestamp, 'u64'],
  ]);
});

test('operations', () => {
  const described = rows(section('Operations'));
  expect(described.map(([number, name]) => [bare(name!), Number(number)])).toEqual(
    Object.entries(RequestOperation),
  );
  for (const [number, , kind, , requestSize, count, , replySize, replyCount] of described) {
    const shape = operationShape(Number(number))!;
    expect([kind, Number(requestSize), Number(replySize)]).toEqual([
      shape.kind,
      shape.requestSize,
      shape.replySize,
    ]);
    const range =
      shape.countMin === shape.countMax ? `${shape.countMax}` : `${shape.countMin} to ${shape.countMax}`;
    expect(count).toBe(range);
    if (/^\d+ to/.test(replyCount!)) expect(replyCount).toBe(`0 to ${shape.replyCountMax}`);
  }
});

describe('the channel', () => {
  const part = section('The channel');

  test('the preamble', () => {
    const described = rows(part).filter(
      ([offset, type]) => /^\d+$/.test(offset!) && /^u\d|bytes/.test(type!),
    );
    expect(described.map(([offset, type]) => [Number(offset), type])).toEqual([
      [0, '4 bytes'],
      [4, 'u8'],
      [5, 'u8'],
      [6, 'u16'],
      [8, '8 bytes'],
      [16, '8 bytes'],
    ]);
    expect(pairs(part)).toEqual(expect.arrayContaining(Object.entries(PatternNumber)));
    const recipient = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const preamble = encodePreamble({ pattern: 'IK', recipient, initiator: undefined });
    expect(Buffer.from(preamble).toString('hex')).toBe(
      `5350434801010000${'0102030405060708'}${'00'.repeat(8)}`,
    );
    expect(Buffer.from(prologueOf(preamble)).toString('latin1')).toBe(
      `specie channel v1\0${Buffer.from(preamble).toString('latin1')}`,
    );
  });

  test('refusals: numbers, and which are worth another try', () => {
    const described = rows(part).filter((row) => row.length === 4);
    expect(described.map(([number, name]) => [bare(name!), Number(number)])).toEqual(
      Object.entries(ChannelRefusalNumber),
    );
    expect(described.map(([, name, , again]) => [bare(name!), again === 'yes, after a pause'])).toEqual(
      Object.entries(CHANNEL_ADVICE).map(([name, advice]) => [name, advice === 'retry']),
    );
  });
});

describe('statuses', () => {
  const table = rows(section('Statuses of a request'));

  test('of a request: numbers, advice, what closes', () => {
    const statuses = table.filter((row) => row.length === 5);
    expect(statuses.map(([number, name]) => [bare(name!), Number(number)])).toEqual(
      Object.entries(RequestStatus),
    );
    expect(statuses.map(([, name, , advice]) => [bare(name!), advice])).toEqual(Object.entries(RETRY_ADVICE));
    expect(statuses.map(([, name, , , closes]) => [bare(name!), closes === 'yes'])).toEqual(
      Object.entries(CLOSES_CONNECTION),
    );
    const explained = table.filter((row) => row.length === 2).map(([advice]) => advice);
    expect(new Set(explained)).toEqual(new Set(Object.values(RETRY_ADVICE)));
  });

  test('close codes', () => {
    const codes = table.filter((row) => row.length === 3).map(([code]) => Number(code));
    expect(codes).toEqual(expect.arrayContaining(Object.values(CloseCode)));
  });

  test('of a record, in order of precedence', () => {
    const [accounts, transfers] = section('Statuses of a record').split('**Transfers.**') as [string, string];
    expect(pairs(accounts)).toEqual(Object.entries(CreateAccountStatus));
    expect(pairs(transfers.split('\n\n')[0]!)).toEqual(Object.entries(CreateTransferStatus));
    const used = [...transfers.split('\n\n')[1]!.matchAll(/`(\w+)`/g)].map(([, name]) => name);
    expect(new Set(used)).toEqual(new Set([...TRANSIENT_STATUSES, 'id_already_failed']));
  });
});

test('limits', () => {
  const values = rows(section('Limits')).map(([what, value]) => [what, Number(value)]);
  expect(values).toEqual([
    ['records in a request', 8190],
    ['bytes of a frame', limits.MESSAGE_BYTES_MAX],
    ['change events in a reply', limits.CHANGE_EVENTS_MAX],
    ['unanswered writes of a connection', limits.WRITES_IN_FLIGHT_MAX],
    ['unanswered reads of a connection', limits.READS_IN_FLIGHT_MAX],
    ['unanswered message operations of a connection', limits.MESSAGES_IN_FLIGHT_MAX],
    ['messages in a request', limits.MESSAGES_MAX],
    ['answers remembered for a session', limits.ANSWERS_REMEMBERED],
    ['sessions remembered', limits.SESSIONS_MAX],
    ['connections', limits.CONNECTIONS_MAX],
    ['connections that have not proven an identity yet', limits.HALF_OPEN_MAX],
    ['bytes of the first message of a handshake', limits.HANDSHAKE_BYTES_MAX],
    ['milliseconds until the first frame of a channel', limits.HANDSHAKE_TIMEOUT_MS],
    ['bytes of the text of a refused handshake', limits.CHANNEL_REFUSAL_TEXT_BYTES_MAX],
    ['Noise messages under one key', limits.REKEY_MESSAGES],
    ['bytes waiting while the ledger is congested', limits.WAITING_BYTES_MAX],
    ['bytes a socket owes before replies are held back', limits.BACKPRESSURE_BYTES_MAX],
    ['bytes of replies held back, all connections', limits.HELD_BYTES_MAX],
    ['milliseconds a reader takes nothing while replies wait', limits.SLOW_READER_TIMEOUT_MS],
    ['seconds without a byte from the client', limits.IDLE_TIMEOUT_SECONDS],
    ["bytes of a refusal's text", limits.REFUSAL_TEXT_BYTES_MAX],
  ]);
  expect(limits.MESSAGE_BYTES_RECEIVED_MAX).toBe(2 * limits.MESSAGE_BYTES_MAX);
});

describe('the worked example, byte for byte', () => {
  /** The bytes of a block "```hex NAME": offset, bytes, "; comment". */
  function block(name: string): string {
    const found = text.match(new RegExp(`\`\`\`hex ${name}\\n([^\`]*)\`\`\``));
    if (!found) throw new Error(`expected a block "hex ${name}" in docs/protocol.md, got none`);
    let at = 0;
    const bytes = found[1]!
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [, offset, hex] = line.split(';')[0]!.match(/^\s*(\d+)\s\s(.*?)\s*$/)!;
        expect(Number(offset)).toBe(at);
        at += hex!.split(' ').length;
        return hex!;
      });
    return bytes.join(' ');
  }
  const hex = (bytes: Uint8Array): string =>
    Buffer.from(bytes)
      .toString('hex')
      .replace(/(..)(?=.)/g, '$1 ');
  const session = 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210n;
  const { hello, create_accounts, create_transfers } = RequestOperation;

  function result(timestamp: bigint, status: number): Uint8Array {
    const body = new Uint8Array(CreateResultLayout.size);
    viewOf(body).setBigUint64(CreateResultLayout.timestamp, timestamp, true);
    viewOf(body).setUint32(CreateResultLayout.status, status, true);
    return body;
  }

  test('hello', () => {
    expect(block('hello')).toBe(hex(encodeRequest(hello, 0n, 1, encodeHello({ session, acknowledged: 0n }))));
    const reply = encodeHelloReply({
      session,
      applied: 0n,
      batchRecordsMax: 8190,
      writesInFlightMax: limits.WRITES_IN_FLIGHT_MAX,
      readsInFlightMax: limits.READS_IN_FLIGHT_MAX,
      messageBytesMax: limits.MESSAGE_BYTES_MAX,
      answersRemembered: limits.ANSWERS_REMEMBERED,
      resumed: false,
      messagesInFlightMax: limits.MESSAGES_IN_FLIGHT_MAX,
    });
    const header = { operation: hello, status: 0, count: 1, request: 0n, timestamp: 0n };
    expect(block('hello-reply')).toBe(hex(encodeReply(header, reply)));
  });

  test('create_accounts', () => {
    const body = new Uint8Array(128);
    writeAccount(viewOf(body), 0, { id: 1001n, ledger: 978, code: 1 });
    expect(block('create_accounts')).toBe(hex(encodeRequest(create_accounts, 1n, 1, body)));
    const timestamp = 1_782_864_000_000_000_001n;
    const header = { operation: create_accounts, status: 0, count: 1, request: 1n, timestamp };
    expect(block('create_accounts-reply')).toBe(
      hex(encodeReply(header, result(timestamp, CreateAccountStatus.created))),
    );
  });

  test('create_transfers', () => {
    const body = new Uint8Array(128);
    writeTransfer(viewOf(body), 0, {
      id: 5001n,
      debitAccountId: 1001n,
      creditAccountId: 1002n,
      amount: 250n,
      userData64: 42n,
      ledger: 978,
      code: 1,
    });
    expect(block('create_transfers')).toBe(hex(encodeRequest(create_transfers, 2n, 1, body)));
    const timestamp = 1_782_864_000_000_000_002n;
    const header = { operation: create_transfers, status: 0, count: 1, request: 2n, timestamp };
    const refused = result(timestamp, CreateTransferStatus.credit_account_not_found);
    expect(block('create_transfers-reply')).toBe(hex(encodeReply(header, refused)));
  });

  test('a refusal', () => {
    const message = 'create_transfers: expected at most 32 unanswered writes, got one more';
    expect(block('refusal')).toBe(
      hex(encodeRefusal(create_transfers, RequestStatus.too_many_in_flight, 33n, message)),
    );
  });
});
