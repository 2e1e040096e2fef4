// The operations of a role, declared once in its messages.ts, used by its engine and by its clients:
//
//     export const cash = protocol({
//       role: 'cash',
//       refusals: ['no_account', 'receipt_invalid'],
//       operations: { credit: operation(32, CreditRequest, CreditAnswer), … },
//     });
import type { Codec } from '../../shared/codec.ts';
import { HEADER_SIZE, MESSAGE_BYTES_MAX, MESSAGES_MAX } from '../../wire/limits.ts';
import { LENGTH_SIZE } from '../../wire/message-lengths.ts';
import {
  MESSAGE_OPERATION_LAST as OPERATION_MAX,
  MESSAGE_OPERATION_FIRST as OPERATION_MIN,
} from '../../wire/operation.ts';
import { answerBytesMax } from './answer.ts';

export { OPERATION_MAX, OPERATION_MIN };

export interface MessageOperation<Request, Answer> {
  readonly number: number;
  readonly request: Codec<Request>;
  readonly answer: Codec<Answer>;
  /** Messages of a frame: so many that requests and answers fit one frame, however long each is. */
  readonly messagesMax: number;
}

export type RequestOf<Operation> = Operation extends { request: Codec<infer Request> } ? Request : never;
export type AnswerOf<Operation> = Operation extends { answer: Codec<infer Answer> } ? Answer : never;

/** @param number 32 to 127, one number an operation of the role, for ever */
export function operation<Request, Answer>(
  number: number,
  request: Codec<Request>,
  answer: Codec<Answer>,
): MessageOperation<Request, Answer> {
  if (!Number.isInteger(number) || number < OPERATION_MIN || number > OPERATION_MAX) {
    throw new RangeError(`operation: expected ${OPERATION_MIN} to ${OPERATION_MAX}, got ${number}`);
  }
  const longest = LENGTH_SIZE + Math.max(request.bytesMax, answerBytesMax(answer));
  const messagesMax = Math.min(MESSAGES_MAX, Math.floor((MESSAGE_BYTES_MAX - HEADER_SIZE) / longest));
  if (messagesMax < 1) {
    throw new RangeError(
      `operation ${number}: expected messages of at most ${MESSAGE_BYTES_MAX} bytes, got ${longest}`,
    );
  }
  return { number, request, answer, messagesMax };
}

// biome-ignore lint/suspicious/noExplicitAny: a table of operations of any types; each is used with its own
export type Operations = Readonly<Record<string, MessageOperation<any, any>>>;

export interface RoleProtocol<Of extends Operations, Code extends string> {
  readonly role: string;
  /** The role's own codes; their numbers are their places, so new ones are only ever added at the end. */
  readonly refusals: readonly Code[];
  readonly operations: Of;
}

export function protocol<const Of extends Operations, const Code extends string>(
  declared: RoleProtocol<Of, Code>,
): RoleProtocol<Of, Code> {
  const numbers = Object.values(declared.operations).map(({ number }) => number);
  if (new Set(numbers).size !== numbers.length) {
    throw new RangeError(`${declared.role}: expected operations of different numbers, got ${numbers}`);
  }
  return declared;
}
