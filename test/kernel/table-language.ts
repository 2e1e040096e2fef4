// The language of the status tables: one row a record, as an accountant would write it.
//
//     == name                                  a new, empty ledger; its clock stands at 1,000 ns
//     account A1 history user_data_64=7 -> created
//     transfer T1 A1 A2 100 pending timeout=5 -> created @1003
//     post T2 of T1 60 -> created              (void likewise; `all`: what the record needs for the whole amount)
//     order T3 A1 A2 5 sequence=1 -> created   signature good, key_id=7, expires_at=2^63 unless it says otherwise
//     terms A1 day_max=20 orders_closed -> set
//     device A1 newest_sequence=1 spent=5      fields of what is known of its orders; `device A1 none`
//     expect A1 0 60 0 0 closed                debits pending, debits posted, credits pending, credits posted
//     clock 5000                               nanoseconds; units s and ns, `+5s` moves it on
//     expire 1                                 runs the expiries that are due, which must be that many
//     lookup T1 amount=100 user_data_64=7      fields of the stored transfer; `lookup T1 none`
//
// A blank line ends a batch; every batch takes a nanosecond a record. `A1`, `T1`, `1` are all the id 1. Numbers may be
// sums of decimals, powers (2^64) and `max` (2^128-1); `limit=7e2` sets balance_limit to 7 × 10^2. `#` starts a comment. `@` is the timestamp answered. Records are
// of ledger 1 and code 1 unless they say otherwise.
import {
  type Account,
  AccountFlags,
  CreateAccountStatus,
  CreateTransferStatus,
  type OrderTerms,
  OrderTermsFlags,
  OrderVerdict,
  type PaymentOrder,
  SetOrderTermsStatus,
  type Transfer,
  TransferFlags,
} from '../../src/layout/generated.ts';
import type { OrderState } from '../../src/ledger/order-state.ts';

export interface Answer {
  readonly status: number;
  readonly timestamp: bigint | undefined;
}

interface At {
  /** Line in the file. */
  readonly line: number;
}

export type Row =
  | ({ kind: 'account'; event: Account; answer: Answer } & At)
  | ({ kind: 'transfer'; event: Transfer; answer: Answer } & At)
  | ({ kind: 'order'; event: PaymentOrder; answer: Answer } & At)
  | ({ kind: 'terms'; event: OrderTerms; answer: Answer } & At)
  | ({ kind: 'device'; id: bigint; fields: Partial<OrderState> | undefined } & At)
  | ({ kind: 'end' } & At)
  | ({ kind: 'clock'; at: bigint; isRelative: boolean } & At)
  | ({ kind: 'expire'; count: number } & At)
  | ({ kind: 'expect'; id: bigint; balances: bigint[]; isClosed: boolean } & At)
  | ({ kind: 'lookup'; id: bigint; fields: Partial<Transfer> | undefined } & At);

export interface StatusTable {
  readonly name: string;
  readonly line: number;
  readonly rows: Row[];
}

const U128_MAX = 2n ** 128n - 1n;
const NANOSECONDS = { s: 1_000_000_000n, ns: 1n } as const;

export function parseTables(text: string): StatusTable[] {
  const tables: StatusTable[] = [];
  text.split('\n').forEach((whole, index) => {
    const line = index + 1;
    const source = whole.replace(/#.*/, '').trim();
    if (source.startsWith('==')) {
      tables.push({ name: source.slice(2).trim(), line, rows: [] });
      return;
    }
    const table = tables.at(-1);
    if (table === undefined) {
      if (source !== '') throw new SyntaxError(`line ${line}: expected '== name' before the first row`);
      return;
    }
    try {
      const row = parseRow(source, line);
      // A line with nothing but a comment does not end a batch.
      if (row !== undefined) table.rows.push(row);
      else if (whole.trim() === '') table.rows.push({ kind: 'end', line });
    } catch (error) {
      throw new SyntaxError(`line ${line}: ${(error as Error).message}: ${whole}`);
    }
  });
  for (const table of tables) table.rows.push({ kind: 'end', line: table.line });
  return tables;
}

function parseRow(source: string, line: number): Row | undefined {
  if (source === '') return undefined;
  const [left, right] = source.split('->').map((side) => side.trim().split(/\s+/));
  const [word, ...rest] = left!;
  switch (word) {
    case 'account':
      return { kind: 'account', line, event: account(rest), answer: answer(right, CreateAccountStatus) };
    case 'transfer':
    case 'post':
    case 'void':
      return {
        kind: 'transfer',
        line,
        event: word === 'transfer' ? transfer(rest) : resolution(word, rest),
        answer: answer(right, CreateTransferStatus),
      };
    case 'order':
      return { kind: 'order', line, event: order(rest), answer: answer(right, CreateTransferStatus) };
    case 'terms':
      return { kind: 'terms', line, event: terms(rest), answer: answer(right, SetOrderTermsStatus) };
    case 'device': {
      const [id, ...fields] = rest;
      const none = fields[0] === 'none';
      return {
        kind: 'device',
        line,
        id: identifier(id!),
        fields: none ? undefined : apply({}, fields, OrderTermsFlags, DEVICE),
      };
    }
    case 'clock': {
      const isRelative = rest[0]!.startsWith('+');
      return { kind: 'clock', line, at: time(rest[0]!.replace('+', '')), isRelative };
    }
    case 'expire':
      return { kind: 'expire', line, count: Number(rest[0]) };
    case 'expect': {
      const [id, ...values] = rest;
      const isClosed = values.at(-1) === 'closed';
      const balances = (isClosed ? values.slice(0, -1) : values).map(number);
      if (balances.length !== 4) throw new Error(`expected four balances, got ${balances.length}`);
      return { kind: 'expect', line, id: identifier(id!), balances, isClosed };
    }
    case 'lookup': {
      const [id, ...fields] = rest;
      const none = fields[0] === 'none';
      return {
        kind: 'lookup',
        line,
        id: identifier(id!),
        fields: none ? undefined : apply({}, fields, TransferFlags, TRANSFER),
      };
    }
    default:
      throw new Error(
        `expected account, transfer, post, void, order, terms, device, clock, expire, expect or lookup, got ${word}`,
      );
  }
}

function answer(words: string[] | undefined, codes: Readonly<Record<string, number>>): Answer {
  const [name, at] = words ?? [];
  const status = codes[name ?? ''];
  if (status === undefined) throw new Error(`expected a status after '->', got ${name}`);
  return { status, timestamp: at === undefined ? undefined : number(at.replace(/^@/, '')) };
}

const ACCOUNT: Account = {
  id: 0n,
  debitsPending: 0n,
  debitsPosted: 0n,
  creditsPending: 0n,
  creditsPosted: 0n,
  userData128: 0n,
  userData64: 0n,
  userData32: 0,
  balanceLimit: 0,
  ledger: 1,
  code: 1,
  flags: 0,
  timestamp: 0n,
};

const TRANSFER: Transfer = {
  id: 0n,
  debitAccountId: 0n,
  creditAccountId: 0n,
  amount: 0n,
  pendingId: 0n,
  userData128: 0n,
  userData64: 0n,
  userData32: 0,
  timeout: 0,
  ledger: 1,
  code: 1,
  flags: 0,
  timestamp: 0n,
};

const ORDER: PaymentOrder = {
  ...TRANSFER,
  reference: new Uint8Array(32),
  sequence: 0n,
  expiresAt: 1n << 63n,
  keyId: 7n,
  verdict: OrderVerdict.good,
  signature: new Uint8Array(64),
};

const TERMS: OrderTerms = { accountId: 0n, paymentMax: 0n, dayMax: 0n, flags: 0, timestamp: 0n };

const DEVICE: OrderState = {
  newestSequence: 0n,
  window: 0n,
  orders: 0n,
  day: 0n,
  spent: 0n,
  paymentMax: 0n,
  dayMax: 0n,
  flags: 0,
  termsTimestamp: 0n,
};

function account([id, ...rest]: string[]): Account {
  return apply({ ...ACCOUNT, id: identifier(id!) }, rest, AccountFlags, ACCOUNT);
}

function transfer([id, debit, credit, amount, ...rest]: string[]): Transfer {
  const event = {
    ...TRANSFER,
    id: identifier(id!),
    debitAccountId: identifier(debit!),
    creditAccountId: identifier(credit!),
    amount: number(amount!),
  };
  return apply(event, rest, TransferFlags, TRANSFER);
}

function order([id, debit, credit, amount, ...rest]: string[]): PaymentOrder {
  const { reference, ...fields } = ORDER;
  const event = { ...ORDER, ...transfer([id!, debit!, credit!, amount!]) };
  return apply(event, rest, TransferFlags, { ...fields, reference: 0 });
}

function terms([id, ...rest]: string[]): OrderTerms {
  return apply({ ...TERMS, accountId: identifier(id!) }, rest, OrderTermsFlags, TERMS);
}

/** A post or void leaves accounts, ledger and code to its pending transfer, unless it says otherwise. */
function resolution(word: 'post' | 'void', [id, of, pending, amount, ...rest]: string[]): Transfer {
  if (of !== 'of') throw new Error(`expected '${word} ID of ID AMOUNT'`);
  const isPost = word === 'post';
  const event = {
    ...TRANSFER,
    id: identifier(id!),
    pendingId: identifier(pending!),
    amount: amount === 'all' ? (isPost ? U128_MAX : 0n) : number(amount!),
    ledger: 0,
    code: 0,
    flags: isPost ? TransferFlags.post_pending_transfer : TransferFlags.void_pending_transfer,
  };
  return apply(event, rest, TransferFlags, TRANSFER);
}

const camel = (name: string) => name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Sets flags (their names) and fields (name=value), each of the type that it has in `samples`. */
function apply<R extends object>(
  record: R,
  words: string[],
  flags: Readonly<Record<string, number>>,
  samples: object,
): R {
  const out = { ...record } as Record<string, number | bigint | Uint8Array>;
  for (const word of words) {
    const [name, value] = word.split('=');
    if (value === undefined) {
      const bit = flags[name!];
      if (bit === undefined) throw new Error(`expected a flag or field=value, got ${word}`);
      out.flags = (Number(out.flags ?? 0) | bit) >>> 0;
      continue;
    }
    if (name === 'limit') {
      out.balanceLimit = balanceLimit(value);
      continue;
    }
    const field = camel(name!);
    if (field === 'reference') {
      out.reference = new Uint8Array(32).fill(Number(number(value)));
      continue;
    }
    const sample = (samples as Record<string, unknown>)[field];
    if (sample === undefined) throw new Error(`expected a field, got ${name}`);
    if (field === 'flags') {
      // Bits that have no name, beside those that have one.
      out.flags = Number(out.flags ?? 0) | Number(number(value));
      continue;
    }
    const parsed = /id$/i.test(field) ? identifier(value) : number(value);
    out[field] = typeof sample === 'bigint' ? parsed : Number(parsed);
  }
  return out as R;
}

/** `7e2`: 7 × 10^2 as an account holds it. */
function balanceLimit(word: string): number {
  const [, mantissa, exponent] = /^(\d+)e(\d+)$/.exec(word) ?? [];
  if (mantissa === undefined) throw new Error(`expected a limit like 7e2, got ${word}`);
  return Number(mantissa) + Number(exponent) * 2 ** 27;
}

function identifier(word: string): bigint {
  return number(word.replace(/^[A-Z](?=\d)/, ''));
}

function time(word: string): bigint {
  const [, value, unit] = /^(.*?)(ns|s)?$/.exec(word)!;
  return number(value!) * NANOSECONDS[(unit ?? 'ns') as keyof typeof NANOSECONDS];
}

function number(word: string): bigint {
  let total = 0n;
  for (const [, sign, term] of word.matchAll(/([+-]?)([^+-]+)/g)) {
    const value = atom(term!);
    total += sign === '-' ? -value : value;
  }
  return total;
}

function atom(term: string): bigint {
  if (term === 'max') return U128_MAX;
  const [base, power] = term.split('^');
  if (!/^[\d,]+$/.test(base!) || (power !== undefined && !/^\d+$/.test(power))) {
    throw new Error(`expected a number, got ${term}`);
  }
  const value = BigInt(base!.replaceAll(',', ''));
  return power === undefined ? value : value ** BigInt(power);
}
