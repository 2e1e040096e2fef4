// What comes back for each message: the answer of its operation, or a refusal.
//
//     ┌───┬────────────┐     ┌───┬──────────┬─────────────┐
//     │ 0 │ answer     │     │ 1 │ code u16 │ message     │     codes: common ones from 0, the role's own from 1,000
//     └───┴────────────┘     └───┴──────────┴─────────────┘
import { type Codec, CodecError, struct, text, u16, union } from '../../shared/codec.ts';
import { COMMON_REFUSALS, type CommonRefusal, Refusal } from './refusal.ts';

const ROLE_CODES_FIRST = 1000;
/** Bytes of a refusal's text; longer ones are cut. */
export const REFUSAL_MESSAGE_BYTES_MAX = 512;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

const RefusedOnWire = struct({ code: u16, message: text(REFUSAL_MESSAGE_BYTES_MAX) });

/** Bytes of the longest answer on the wire, refusals included. */
export function answerBytesMax(answer: Codec<unknown>): number {
  return 1 + Math.max(answer.bytesMax, RefusedOnWire.bytesMax);
}

export interface AnswerCodec<Answer, Code extends string> {
  encode(value: Answer | Refusal<Code>): Uint8Array;
  /** @throws CodecError */
  decode(bytes: Uint8Array): Answer | Refusal<Code>;
}

/** @param refusals the role's own codes */
export function answerCodec<Answer, Code extends string>(
  answer: Codec<Answer>,
  refusals: readonly Code[],
): AnswerCodec<Answer, Code> {
  const onWire = union({ ok: struct({ answer }), refused: RefusedOnWire });
  return {
    encode(value) {
      if (!(value instanceof Refusal)) return onWire.encode({ kind: 'ok', answer: value });
      const message = cut(value.message);
      return onWire.encode({ kind: 'refused', code: numberOf(value.code, refusals), message });
    },
    decode(bytes) {
      const value = onWire.decode(bytes);
      if (value.kind === 'ok') return value.answer;
      return new Refusal(nameOf(value.code, refusals), value.message);
    },
  };
}

function numberOf(code: string, refusals: readonly string[]): number {
  const common = COMMON_REFUSALS.indexOf(code as CommonRefusal);
  if (common >= 0) return common;
  const own = refusals.indexOf(code);
  if (own < 0) throw new RangeError(`refusal: expected a code of the role's list, got ${code}`);
  return ROLE_CODES_FIRST + own;
}

function nameOf<Code extends string>(number: number, refusals: readonly Code[]): Code | CommonRefusal {
  const name = number < ROLE_CODES_FIRST ? COMMON_REFUSALS[number] : refusals[number - ROLE_CODES_FIRST];
  if (name === undefined) throw new CodecError(`code: expected one of the role's list, got ${number}`);
  return name;
}

/** The longest beginning of a refusal's text that fits, without half a character. */
export function cut(message: string): string {
  const encoded = utf8.encode(message);
  let end = Math.min(encoded.length, REFUSAL_MESSAGE_BYTES_MAX);
  if (end < encoded.length) while ((encoded[end]! & 0xc0) === 0x80) end--;
  return fromUtf8.decode(encoded.subarray(0, end));
}
