// The body of a message operation, in either direction: messages one after the other, unpadded.
//
//     ┌────────┬───────────────┬────────┬───────────────┬───
//     │ length │ message       │ length │ message       │ …      length: u32
//     └────────┴───────────────┴────────┴───────────────┴───

import { RequestError } from './errors.ts';
import { viewOf } from './frame.ts';
import { HEADER_SIZE, MESSAGE_BYTES_MAX, MESSAGES_MAX } from './limits.ts';
import { LENGTH_SIZE, messagesMismatch } from './message-lengths.ts';

/** Bytes of the body that `messages` make. @throws RequestError when they are none, too many or too long for a frame */
export function messagesSize(messages: readonly Uint8Array[]): number {
  if (messages.length < 1) {
    throw new RequestError('too_few_records', 'expected at least 1 message, got 0');
  }
  if (messages.length > MESSAGES_MAX) {
    throw new RequestError(
      'too_many_records',
      `expected at most ${MESSAGES_MAX} messages, got ${messages.length}: send several requests`,
    );
  }
  let size = messages.length * LENGTH_SIZE;
  for (const message of messages) size += message.length;
  if (HEADER_SIZE + size > MESSAGE_BYTES_MAX) {
    throw new RequestError(
      'too_many_records',
      `expected messages of at most ${MESSAGE_BYTES_MAX - HEADER_SIZE} bytes together, got ${size}: send several requests`,
    );
  }
  return size;
}

/** Writes the body that `messages` make at the start of `body`. */
export function writeMessages(body: Uint8Array, messages: readonly Uint8Array[]): void {
  const view = viewOf(body);
  let at = 0;
  for (const message of messages) {
    view.setUint32(at, message.length, true);
    body.set(message, at + LENGTH_SIZE);
    at += LENGTH_SIZE + message.length;
  }
}

/** The body that 1 to 1,024 messages make. @throws RequestError as messagesSize does */
export function encodeMessages(messages: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const body = new Uint8Array(messagesSize(messages));
  writeMessages(body, messages);
  return body;
}

/**
 * The messages of a body, in copies: the body may be lent.
 * @throws RequestError where lengths and bytes do not agree
 */
export function parseMessages(body: Uint8Array, count: number): Uint8Array<ArrayBuffer>[] {
  return viewMessages(body, count).map((message) => new Uint8Array(message));
}

/**
 * The messages of a body, where they lie: for who reads them before the body changes.
 * @throws RequestError where lengths and bytes do not agree
 */
export function viewMessages(body: Uint8Array, count: number): Uint8Array[] {
  const mismatch = messagesMismatch(body, count);
  if (mismatch !== undefined) throw new RequestError('body_size_mismatch', mismatch);
  const view = viewOf(body);
  const messages: Uint8Array[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + LENGTH_SIZE + view.getUint32(at, true);
    messages.push(body.subarray(at + LENGTH_SIZE, end));
    at = end;
  }
  return messages;
}
