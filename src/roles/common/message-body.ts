// The body of a frame of messages: each behind its length.
//
//     ┌────────────┬─────────┬────────────┬─────────┬───
//     │ length u32 │ bytes   │ length u32 │ bytes   │ …
//     └────────────┴─────────┴────────────┴─────────┴───
import { MESSAGE_PREFIX_BYTES } from './operation.ts';

/** The messages, in place. @throws RangeError */
export function parseMessages(body: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const messages: Uint8Array[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const left = body.length - at - MESSAGE_PREFIX_BYTES;
    const length = left < 0 ? 0 : view.getUint32(at, true);
    if (length > left) {
      throw new RangeError(
        `message ${i}: expected ${length} bytes behind its length, got ${Math.max(0, left)}`,
      );
    }
    at += MESSAGE_PREFIX_BYTES;
    messages.push(body.subarray(at, at + length));
    at += length;
  }
  if (at !== body.length) throw new RangeError(`body: expected ${at} bytes, got ${body.length}`);
  return messages;
}

export function encodeMessages(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = messages.reduce((sum, { length }) => sum + MESSAGE_PREFIX_BYTES + length, 0);
  const body = new Uint8Array(size);
  const view = new DataView(body.buffer);
  let at = 0;
  for (const message of messages) {
    view.setUint32(at, message.length, true);
    body.set(message, at + MESSAGE_PREFIX_BYTES);
    at += MESSAGE_PREFIX_BYTES + message.length;
  }
  return body;
}
