// Which messages there are and what stands in their data elements; docs/institution.md has the tables. Used by both ends.
import type { CardOrder } from '../roles/settlement/institution.ts';
import { U128_MAX } from '../shared/bytes.ts';
import { ACCOUNT_NUMBER_PATTERN } from './account-number.ts';
import { Element, type ElementNumber } from './iso8583/elements.ts';
import type { Elements, Message } from './iso8583/message.ts';

/** What a request asks for. */
export type MessageKind = Operation | 'sign_on' | 'echo';
export const OPERATIONS = ['authorise', 'capture', 'reverse', 'inquire'] as const;
export type Operation = (typeof OPERATIONS)[number];

const REQUEST_TYPES: { readonly [kind in Operation]: string } = {
  authorise: '0100',
  capture: '0220',
  reverse: '0400',
  inquire: '0600',
};
const NETWORK_TYPE = '0800';
/** What the institution takes: the type sent first, its repeat, and reversal as an advice. */
const KINDS: Readonly<Record<string, Operation>> = {
  '0100': 'authorise',
  '0101': 'authorise',
  '0220': 'capture',
  '0221': 'capture',
  '0400': 'reverse',
  '0401': 'reverse',
  '0420': 'reverse',
  '0421': 'reverse',
  '0600': 'inquire',
  '0601': 'inquire',
};
const NETWORK_CODES = { sign_on: '001', echo: '301' } as const;

/** The standard's 90 to 99 are for private use. */
const INQUIRY_PROCESSING_CODE = '900000';
/** Goods and services, default account. */
const PURCHASE_PROCESSING_CODE = '000000';
/** Number keyed in or on file, PIN capability not said. */
const ENTRY_MODE = '010';
export const AMOUNT_MAX_12_DIGITS = 999_999_999_999n;
const CURRENCY_MAX = 999;
/** DE 12, 13 and 7 have no year; beyond this (year 2554) u64 nanoseconds end. */
const TIME_MAX = 2n ** 64n - 1n;

/** What the answer repeats of its request. */
const ECHOED: readonly ElementNumber[] = [
  Element.processingCode,
  Element.amount,
  Element.transmissionTime,
  Element.traceNumber,
  Element.acquirer,
  Element.retrievalReference,
  Element.terminal,
  Element.requestId,
  Element.currency,
  Element.networkCode,
];

/** A request is answered with the type whose third digit is one more; the repeat's last digit goes. */
export function answerType(requestType: string): string {
  return `${requestType.slice(0, 2)}${Number(requestType[2]) + 1}0`;
}

export function isRequestType(type: string): boolean {
  return type in KINDS || type === NETWORK_TYPE;
}

/** 32 hexadecimal digits: the whole request id, by which both ends know an order. */
export function referenceText(reference: bigint): string {
  return reference.toString(16).toUpperCase().padStart(32, '0');
}

/** The low 60 bits of the request id in 12 characters (0 to 9, A to V). */
export function retrievalReference(reference: bigint): string {
  return (reference & ((1n << 60n) - 1n)).toString(32).toUpperCase().padStart(12, '0');
}

/** MMDDhhmmss, UTC. */
export function transmissionTime(nanoseconds: bigint): string {
  const text = new Date(Number(nanoseconds / 1_000_000n)).toISOString();
  return text.slice(5, 19).replace(/\D/g, '');
}

// ── the acquirer's side ────────────────────────────────────────────────────────────────────────────────────────────────

/** Who asks. */
export interface Acquirer {
  /** DE 32, 1 to 11 digits. */
  readonly acquirer: string;
  /** DE 41, up to 8 characters. */
  readonly terminal: string;
  /** DE 42, up to 15 characters. */
  readonly merchant: string;
}

/** @throws RangeError naming the field. */
export function checkAcquirer({ acquirer, terminal, merchant }: Acquirer): void {
  if (!/^\d{1,11}$/.test(acquirer)) throw new RangeError('acquirer: expected 1 to 11 digits, got others');
  if (!/^[\x20-\x7e]{1,8}$/.test(terminal)) {
    throw new RangeError('terminal: expected 1 to 8 printable ASCII characters, got others');
  }
  if (!/^[\x20-\x7e]{1,15}$/.test(merchant)) {
    throw new RangeError('merchant: expected 1 to 15 printable ASCII characters, got others');
  }
}

/** The field of an order that the dialect cannot express; undefined when all can be. */
export function inexpressible(order: CardOrder): 'amount' | 'other' | undefined {
  const { reference, accountNumber, amount, currency, time } = order;
  if (typeof amount !== 'bigint' || amount <= 0n || amount > AMOUNT_MAX_12_DIGITS) return 'amount';
  const isFine =
    typeof reference === 'bigint' &&
    reference >= 0n &&
    reference <= U128_MAX &&
    typeof accountNumber === 'string' &&
    ACCOUNT_NUMBER_PATTERN.test(accountNumber) &&
    Number.isInteger(currency) &&
    currency >= 1 &&
    currency <= CURRENCY_MAX &&
    typeof time === 'bigint' &&
    time >= 0n &&
    time <= TIME_MAX;
  return isFine ? undefined : 'other';
}

export interface Sending {
  readonly trace: string;
  readonly transmission: string;
}

/** The request for an order that `inexpressible` has let through. */
export function requestFor(
  operation: Operation,
  order: CardOrder,
  sending: Sending,
  who: Acquirer,
  more: { readonly approvalCode?: string; readonly original?: Sending | undefined } = {},
): Message {
  const local = transmissionTime(order.time);
  const isInquiry = operation === 'inquire';
  return {
    type: REQUEST_TYPES[operation],
    elements: {
      [Element.accountNumber]: order.accountNumber,
      [Element.processingCode]: isInquiry ? INQUIRY_PROCESSING_CODE : PURCHASE_PROCESSING_CODE,
      [Element.amount]: order.amount.toString().padStart(12, '0'),
      [Element.transmissionTime]: sending.transmission,
      [Element.traceNumber]: sending.trace,
      [Element.localTime]: local.slice(4),
      [Element.localDate]: local.slice(0, 4),
      ...(isInquiry ? {} : { [Element.entryMode]: ENTRY_MODE }),
      [Element.acquirer]: who.acquirer,
      [Element.retrievalReference]: retrievalReference(order.reference),
      ...(more.approvalCode === undefined ? {} : { [Element.approvalCode]: more.approvalCode }),
      [Element.terminal]: who.terminal.padEnd(8),
      [Element.merchant]: who.merchant.padEnd(15),
      [Element.requestId]: referenceText(order.reference),
      [Element.currency]: String(order.currency).padStart(3, '0'),
      ...(operation === 'reverse'
        ? { [Element.originalElements]: originalElements(more.original, who.acquirer) }
        : {}),
    },
  };
}

/** Type, trace number, transmission time, acquirer, forwarder; zeros for what is not known. */
function originalElements(original: Sending | undefined, acquirer: string): string {
  return (
    REQUEST_TYPES.authorise +
    (original?.trace ?? '').padStart(6, '0') +
    (original?.transmission ?? '').padStart(10, '0') +
    acquirer.padStart(11, '0') +
    ''.padStart(11, '0')
  );
}

export function networkRequest(kind: 'sign_on' | 'echo', { trace, transmission }: Sending): Message {
  return {
    type: NETWORK_TYPE,
    elements: {
      [Element.transmissionTime]: transmission,
      [Element.traceNumber]: trace,
      [Element.networkCode]: NETWORK_CODES[kind],
    },
  };
}

/** Whether `answer` is the one to `request`: its type, and all that it has to repeat. */
export function isAnswerTo(answer: Message, request: Message): boolean {
  return (
    answer.type === answerType(request.type) &&
    ECHOED.every((number) => answer.elements[number] === request.elements[number])
  );
}

// ── the institution's side ─────────────────────────────────────────────────────────────────────────────────────────────

export interface CardRequest {
  readonly kind: Operation;
  readonly reference: bigint;
  readonly accountNumber: string;
  readonly amount: bigint;
  readonly currency: number;
  /** DE 38 of a capture. */
  readonly approvalCode: string | undefined;
}

export type Request = CardRequest | { readonly kind: 'sign_on' | 'echo' };

const CARD_MANDATORY: readonly ElementNumber[] = [
  Element.accountNumber,
  Element.processingCode,
  Element.amount,
  Element.transmissionTime,
  Element.traceNumber,
  Element.localTime,
  Element.localDate,
  Element.acquirer,
  Element.retrievalReference,
  Element.terminal,
  Element.merchant,
  Element.requestId,
  Element.currency,
];
const ALSO_MANDATORY: { readonly [kind in Operation]: readonly ElementNumber[] } = {
  authorise: [Element.entryMode],
  capture: [Element.entryMode, Element.approvalCode],
  reverse: [Element.entryMode, Element.originalElements],
  inquire: [],
};

/** What a message asks for; undefined when it is no request, or not one of this dialect. */
export function readRequest({ type, elements }: Message): Request | undefined {
  if (type === NETWORK_TYPE) {
    if (!hasAll(elements, [Element.transmissionTime, Element.traceNumber])) return undefined;
    const code = elements[Element.networkCode];
    if (code === NETWORK_CODES.sign_on) return { kind: 'sign_on' };
    return code === NETWORK_CODES.echo ? { kind: 'echo' } : undefined;
  }
  const kind = KINDS[type];
  if (kind === undefined) return undefined;
  if (!hasAll(elements, CARD_MANDATORY) || !hasAll(elements, ALSO_MANDATORY[kind])) return undefined;
  const id = elements[Element.requestId]!;
  if (!/^[0-9A-F]{32}$/.test(id)) return undefined;
  const reference = BigInt(`0x${id}`);
  if (elements[Element.retrievalReference] !== retrievalReference(reference)) return undefined;
  const processingCode = kind === 'inquire' ? INQUIRY_PROCESSING_CODE : PURCHASE_PROCESSING_CODE;
  if (elements[Element.processingCode] !== processingCode) return undefined;
  const accountNumber = elements[Element.accountNumber]!;
  if (!ACCOUNT_NUMBER_PATTERN.test(accountNumber)) return undefined;
  return {
    kind,
    reference,
    accountNumber,
    amount: BigInt(elements[Element.amount]!),
    currency: Number(elements[Element.currency]),
    approvalCode: elements[Element.approvalCode],
  };
}

function hasAll(elements: Elements, numbers: readonly ElementNumber[]): boolean {
  return numbers.every((number) => elements[number] !== undefined);
}

/** What the institution says of an order: DE 39, and DE 38 and DE 60 where they apply. */
export interface Answer {
  readonly responseCode: string;
  readonly approvalCode?: string | undefined;
  readonly standing?: string | undefined;
}

export function answerTo(request: Message, answer: Answer): Message {
  const elements: Record<number, string> = { [Element.responseCode]: answer.responseCode };
  for (const number of ECHOED) {
    const value = request.elements[number];
    if (value !== undefined) elements[number] = value;
  }
  if (answer.approvalCode !== undefined) elements[Element.approvalCode] = answer.approvalCode;
  if (answer.standing !== undefined) elements[Element.standing] = answer.standing;
  return { type: answerType(request.type), elements: elements as Elements };
}
