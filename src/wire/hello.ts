// The first request of a connection that writes: it names the session, and the reply says what the server holds to.
//
// Request, 32 bytes:                           Reply, 64 bytes:
//     0               16            24   32        0               16        24     28     32    36      40      44    48       52 64
//     ┌───────────────┬─────────────┬────┐         ┌───────────────┬─────────┬──────┬──────┬─────┬───────┬───────┬─────┬────────┬──┐
//     │ session       │acknowledged │ 0  │         │ session       │ applied │record│writes│reads│message│answers│flags│messages│ 0│
//     └───────────────┴─────────────┴────┘         └───────────────┴─────────┴──────┴──────┴─────┴───────┴───────┴─────┴────────┴──┘
import { readU128, U128_MAX, writeU128 } from '../shared/bytes.ts';
import { viewOf } from './frame.ts';
import { HELLO_REPLY_SIZE, HELLO_SIZE } from './operation.ts';

export interface Hello {
  /** 128 random bits; not 0 and not 2^128 - 1. */
  session: bigint;
  /** Largest request number of this session whose answer the client has; 0n: none. */
  acknowledged: bigint;
}

export interface HelloReply {
  session: bigint;
  /** Largest request number that was applied in this session; 0n: none. */
  applied: bigint;
  batchRecordsMax: number;
  writesInFlightMax: number;
  readsInFlightMax: number;
  messageBytesMax: number;
  answersRemembered: number;
  /** The engine remembers answers of this session. */
  resumed: boolean;
  messagesInFlightMax: number;
}

const RESUMED = 1;

export function encodeHello(hello: Hello): Uint8Array {
  const body = new Uint8Array(HELLO_SIZE);
  const view = viewOf(body);
  writeU128(view, 0, hello.session, 'session');
  view.setBigUint64(16, hello.acknowledged, true);
  return body;
}

/** The hello in a body of 32 bytes; a string: what was expected, what came. */
export function parseHello(body: Uint8Array): Hello | string {
  const view = viewOf(body);
  const session = readU128(view, 0);
  if (session === 0n || session === U128_MAX) {
    return `session: expected 128 random bits, got ${session === 0n ? 'only zeroes' : 'only ones'}`;
  }
  const reserved = view.getBigUint64(24, true);
  if (reserved !== 0n) return `reserved bytes of hello: expected 0, got ${reserved}`;
  return { session, acknowledged: view.getBigUint64(16, true) };
}

export function encodeHelloReply(reply: HelloReply): Uint8Array {
  const body = new Uint8Array(HELLO_REPLY_SIZE);
  const view = viewOf(body);
  writeU128(view, 0, reply.session, 'session');
  view.setBigUint64(16, reply.applied, true);
  view.setUint32(24, reply.batchRecordsMax, true);
  view.setUint32(28, reply.writesInFlightMax, true);
  view.setUint32(32, reply.readsInFlightMax, true);
  view.setUint32(36, reply.messageBytesMax, true);
  view.setUint32(40, reply.answersRemembered, true);
  view.setUint32(44, reply.resumed ? RESUMED : 0, true);
  view.setUint32(48, reply.messagesInFlightMax, true);
  return body;
}

/** The reply in a body of 64 bytes. What later servers put into its reserved bytes is ignored. */
export function parseHelloReply(body: Uint8Array): HelloReply {
  const view = viewOf(body);
  return {
    session: readU128(view, 0),
    applied: view.getBigUint64(16, true),
    batchRecordsMax: view.getUint32(24, true),
    writesInFlightMax: view.getUint32(28, true),
    readsInFlightMax: view.getUint32(32, true),
    messageBytesMax: view.getUint32(36, true),
    answersRemembered: view.getUint32(40, true),
    resumed: (view.getUint32(44, true) & RESUMED) !== 0,
    messagesInFlightMax: view.getUint32(48, true),
  };
}
