// The payload of the handshake's second message, encrypted: whether the initiator is let in.
//
//     0        2
//     ┌────────┬──────────────┐
//     │ result │ text         │    result: u16: 0 welcome, else a ChannelRefusalNumber; text: UTF-8, for people
//     └────────┴──────────────┘
//
// What follows a welcome is kept for later versions, and not read by this one.
import { type ChannelRefusal, ChannelRefusalNumber, channelRefusalCode } from '../../wire/channel-refusal.ts';
import { viewOf } from '../../wire/frame.ts';
import { CHANNEL_REFUSAL_TEXT_BYTES_MAX } from '../../wire/limits.ts';

const RESULT_SIZE = 2;
const text = new TextEncoder();
const untext = new TextDecoder();

export const WELCOME: Uint8Array = new Uint8Array(RESULT_SIZE);

export function encodeRefusedAnswer({ refused, message }: ChannelRefusal): Uint8Array {
  const payload = new Uint8Array(RESULT_SIZE + CHANNEL_REFUSAL_TEXT_BYTES_MAX);
  viewOf(payload).setUint16(0, ChannelRefusalNumber[refused], true);
  const { written } = text.encodeInto(message, payload.subarray(RESULT_SIZE));
  return payload.subarray(0, RESULT_SIZE + written);
}

/** Undefined: a welcome. */
export function parseAnswer(payload: Uint8Array): ChannelRefusal | undefined {
  if (payload.length < RESULT_SIZE) {
    return {
      refused: 'malformed_payload',
      message: `answer: expected at least ${RESULT_SIZE} bytes, got ${payload.length}`,
    };
  }
  const result = viewOf(payload).getUint16(0, true);
  if (result === 0) return undefined;
  const shown = payload.subarray(RESULT_SIZE, RESULT_SIZE + CHANNEL_REFUSAL_TEXT_BYTES_MAX);
  return { refused: channelRefusalCode(result), message: untext.decode(shown) };
}
