// The reference's own table tests as JSON (its FORMAT.md explains the file): where they are, their shape, and how a
// record of theirs becomes one of ours.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Account, Transfer } from '../../src/layout/generated.ts';

const FILE_NAME = 'tigerbeetle-head-state-machine.json';

/** Beside the project folder; SPECIE_VECTORS names another file. */
export const vectorsPath =
  process.env.SPECIE_VECTORS ??
  fileURLToPath(new URL(`../../../shared/vectors/ledger/${FILE_NAME}`, import.meta.url));

interface FlagWord {
  flags: number;
  /** Value of the bits that no flag of theirs uses. */
  flags_padding: number;
}

export interface AccountVector extends FlagWord {
  id: string;
  debits_pending: string;
  debits_posted: string;
  credits_pending: string;
  credits_posted: string;
  user_data_128: string;
  user_data_64: string;
  user_data_32: string;
  reserved: string;
  ledger: string;
  code: string;
  timestamp: string;
}

export interface TransferVector extends FlagWord {
  id: string;
  debit_account_id: string;
  credit_account_id: string;
  amount: string;
  pending_id: string;
  user_data_128: string;
  user_data_64: string;
  user_data_32: string;
  timeout: string;
  ledger: string;
  code: string;
  timestamp: string;
}

export interface BalancesVector {
  debits_pending: string;
  debits_posted: string;
  credits_pending: string;
  credits_posted: string;
}

export interface FilterVector {
  account_id: string;
  user_data_128: string;
  user_data_64: string;
  user_data_32: string;
  code: string;
  timestamp_min: string;
  timestamp_max: string;
  limit: number;
  flags: number;
}

interface ChangeEventSideVector extends BalancesVector {
  account_id: string;
  closed: boolean;
  account_timestamp: string;
}

export interface ChangeEventVector {
  type: string;
  timestamp: string;
  /** Of an expiry only: what the table really asserts of `timestamp`. */
  timestamp_min?: string;
  transfer_id: string;
  transfer_timestamp: string;
  transfer_amount: string;
  transfer_pending_id: string;
  transfer_user_data_128: string;
  transfer_user_data_64: string;
  transfer_user_data_32: string;
  transfer_timeout: string;
  transfer_code: string;
  transfer_flags: number;
  ledger: string;
  debit_account: ChangeEventSideVector;
  credit_account: ChangeEventSideVector;
}

interface CreateStep<Name extends string, Event> {
  step: Name;
  prepare_timestamp: string;
  events: { line: number; event: Event; result: string; code: number; timestamp: string }[];
}

interface ReplyStep<Name extends string, Request, Reply> {
  step: Name;
  prepare_timestamp: string;
  filter: Request;
  expected_reply: Reply[];
}

interface LookupStep<Name extends string, Reply> {
  step: Name;
  prepare_timestamp: string;
  ids: string[];
  expected_reply: Reply[];
}

export type Step = { line: number } & (
  | CreateStep<'create_accounts', AccountVector>
  | CreateStep<'create_transfers', TransferVector>
  | ({ step: 'setup_balance'; account: string } & BalancesVector)
  | { step: 'advance_clock'; prepare_timestamp: string }
  | { step: 'pulse'; prepare_timestamp: string; expired: { transfer_id: string; timestamp: string }[] }
  | LookupStep<'lookup_accounts', AccountVector>
  | LookupStep<'lookup_transfers', TransferVector>
  | ReplyStep<'get_account_transfers', FilterVector, TransferVector>
  | ReplyStep<'get_account_balances', FilterVector, BalancesVector & { timestamp: string }>
  | ReplyStep<
      'get_change_events',
      { timestamp_min: string; timestamp_max: string; limit: number },
      ChangeEventVector
    >
  | { step: 'query_accounts' | 'query_transfers' }
);

export interface Table {
  line: number;
  steps: Step[];
  final_balances: Record<string, BalancesVector & { closed: boolean }>;
}

export interface Vectors {
  format: string;
  tests: { name: string; tables: Table[] }[];
}

/** undefined when the file is not there. */
export function loadVectors(): Vectors | undefined {
  if (!existsSync(vectorsPath)) return undefined;
  const vectors = JSON.parse(readFileSync(vectorsPath, 'utf8')) as Vectors;
  if (vectors.format !== 'tigerbeetle-state-machine-tables/2') {
    throw new Error(
      `${vectorsPath}: expected format tigerbeetle-state-machine-tables/2, got ${vectors.format}`,
    );
  }
  return vectors;
}

const THEIR_ACCOUNT_FLAG_BITS = 6;
const OUR_ACCOUNT_FLAG_BITS = 8;

/**
 * A word of account flags with their unused bits moved to where ours begin: two of theirs are our balance limits
 * (docs/decisions/0004-differences-from-the-reference.md). Transfers need no such thing.
 */
function accountFlags({ flags, flags_padding }: FlagWord): number {
  const used = flags & ((1 << THEIR_ACCOUNT_FLAG_BITS) - 1);
  const word = used | (flags_padding << OUR_ACCOUNT_FLAG_BITS);
  if (word > 0xffff) throw new Error(`expected padding of at most 8 bits, got ${flags_padding}`);
  return word;
}

export function toAccount(vector: AccountVector): Account {
  return {
    id: BigInt(vector.id),
    debitsPending: BigInt(vector.debits_pending),
    debitsPosted: BigInt(vector.debits_posted),
    creditsPending: BigInt(vector.credits_pending),
    creditsPosted: BigInt(vector.credits_posted),
    userData128: BigInt(vector.user_data_128),
    userData64: BigInt(vector.user_data_64),
    userData32: Number(vector.user_data_32),
    balanceLimit: Number(vector.reserved),
    ledger: Number(vector.ledger),
    code: Number(vector.code),
    flags: accountFlags(vector),
    timestamp: BigInt(vector.timestamp),
  };
}

export function toTransfer(vector: TransferVector): Transfer {
  return {
    id: BigInt(vector.id),
    debitAccountId: BigInt(vector.debit_account_id),
    creditAccountId: BigInt(vector.credit_account_id),
    amount: BigInt(vector.amount),
    pendingId: BigInt(vector.pending_id),
    userData128: BigInt(vector.user_data_128),
    userData64: BigInt(vector.user_data_64),
    userData32: Number(vector.user_data_32),
    timeout: Number(vector.timeout),
    ledger: Number(vector.ledger),
    code: Number(vector.code),
    flags: vector.flags,
    timestamp: BigInt(vector.timestamp),
  };
}
