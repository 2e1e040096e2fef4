// What the initiator says in the clear before the first Noise message, so that the server knows what to read it with.
//
//     0       4     5         6   8             16            24
//     ┌───────┬─────┬─────────┬───┬─────────────┬─────────────┬───────────────────
//     │ magic │ ver │ pattern │ 0 │ recipient   │ initiator   │ Noise message 1 …
//     └───────┴─────┴─────────┴───┴─────────────┴─────────────┴───────────────────
//
// magic:     the bytes 53 50 43 48, "SPCH"
// ver:       u8: version of the channel
// pattern:   u8: IK 1, KK 2, NK 3
// recipient: key id of the server's channel key: the first 8 bytes of its SHA-256
// initiator: key id of the initiator's channel key in KK, else zeroes
//
// All of it, behind a domain, is the prologue that both sides hash: whoever changes a bit makes the handshake fail.
import { sha256 } from '../../crypto/sha256.ts';
import type { ChannelPattern } from '../../wire/channel-identity.ts';
import { viewOf } from '../../wire/frame.ts';
import type { CloseCodeName } from '../../wire/status.ts';

export const CHANNEL_MAGIC = 0x4843_5053;
export const CHANNEL_VERSION = 1;
export const PREAMBLE_SIZE = 24;
export const KEY_ID_SIZE = 8;

export const PatternNumber: { readonly [pattern in ChannelPattern]: number } = { IK: 1, KK: 2, NK: 3 };

const DOMAIN = new TextEncoder().encode('specie channel v1\0');
const NO_KEY_ID = new Uint8Array(KEY_ID_SIZE);

export interface Preamble {
  readonly pattern: ChannelPattern;
  readonly recipient: Uint8Array;
  /** Undefined but in KK. */
  readonly initiator: Uint8Array | undefined;
}

/** A first message that is not even tried to be opened. */
export interface Unreadable {
  readonly close: CloseCodeName;
  /** "expected …, got …" */
  readonly message: string;
}

export function keyIdOf(publicKey: Uint8Array): Uint8Array {
  return sha256(publicKey).slice(0, KEY_ID_SIZE);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

export function encodePreamble({ pattern, recipient, initiator }: Preamble): Uint8Array {
  const bytes = new Uint8Array(PREAMBLE_SIZE);
  viewOf(bytes).setUint32(0, CHANNEL_MAGIC, true);
  bytes[4] = CHANNEL_VERSION;
  bytes[5] = PatternNumber[pattern];
  bytes.set(recipient, 8);
  bytes.set(initiator ?? NO_KEY_ID, 16);
  return bytes;
}

/** Whether a message begins as a handshake does. */
export function isHandshake(message: Uint8Array): boolean {
  return message.length >= 4 && viewOf(message).getUint32(0, true) === CHANNEL_MAGIC;
}

export function parsePreamble(message: Uint8Array): Preamble | Unreadable {
  if (!isHandshake(message)) {
    return {
      close: 'handshake_expected',
      message: 'this server takes encrypted connections only: expected a handshake, got something else',
    };
  }
  const [version, number] = [message[4], message[5]];
  if (version !== CHANNEL_VERSION) {
    return {
      close: 'unsupported_channel',
      message: `channel version: expected ${CHANNEL_VERSION}, got ${version ?? 'none'}`,
    };
  }
  const pattern = (Object.keys(PatternNumber) as ChannelPattern[]).find(
    (name) => PatternNumber[name] === number,
  );
  if (pattern === undefined) {
    return { close: 'unsupported_channel', message: `pattern: expected 1, 2 or 3, got ${number ?? 'none'}` };
  }
  if (message.length < PREAMBLE_SIZE) {
    return {
      close: 'handshake_unreadable',
      message: `preamble: expected ${PREAMBLE_SIZE} bytes, got ${message.length}`,
    };
  }
  const initiator = message.slice(16, PREAMBLE_SIZE);
  if (message[6] !== 0 || message[7] !== 0 || (pattern !== 'KK' && !sameBytes(initiator, NO_KEY_ID))) {
    return {
      close: 'handshake_unreadable',
      message: 'preamble: expected zeroes in what is not used, got others',
    };
  }
  return {
    pattern,
    recipient: message.slice(8, 16),
    initiator: pattern === 'KK' ? initiator : undefined,
  };
}

/** What both sides hash before anything else. */
export function prologueOf(preamble: Uint8Array): Uint8Array {
  const prologue = new Uint8Array(DOMAIN.length + PREAMBLE_SIZE);
  prologue.set(DOMAIN);
  prologue.set(preamble.subarray(0, PREAMBLE_SIZE), DOMAIN.length);
  return prologue;
}
