// The chart of accounts: docs/chart-of-accounts.md says the same in tables, and a test compares the two.
//
//     account ids
//     0                    2^64                   2^127                  2^128
//     ┌────────────────────┬──────────────────────┬──────────────────────┐
//     │ system accounts    │ device, shop, purse  │ derived: a device's  │
//     │ currency×1000+code │ numbers (the account │ or shop's accounts   │
//     │                    │ of the 1st currency) │ of further currencies│
//     │                    │                      │ or for notes         │
//     └────────────────────┴──────────────────────┴──────────────────────┘
import { sha256 } from '../../crypto/index.ts';
import { type Account, AccountFlags } from '../../layout/generated.ts';
import type { Amount } from '../../shared/amount.ts';
import { encodeBalanceLimit } from '../../shared/balance-limit.ts';
import { readU128, U64_MAX } from '../../shared/bytes.ts';
import { struct, text, u32, u128 } from '../../shared/codec.ts';
import { HANDOVER_CODE } from '../documents/transfer.ts';
import type { PayoutTerms } from './payout-position.ts';

const { debits_must_not_exceed_credits, credits_must_not_exceed_debits, history, credit_balance_limited } =
  AccountFlags;

/** `code` of an account; one number a kind, for ever. 2 belongs to the sample day (deposits on cups). */
export const AccountCode = {
  float: 1,
  clearing: 3,
  fees: 4,
  loss: 5,
  offline_loss: 6,
  notes: 7,
  shop: 10,
  exchange: 11,
  device: 20,
  purse: 21,
} as const;
export type AccountKind = keyof typeof AccountCode;

/** Kinds of which each currency has one account, opened when cash starts. */
export const SYSTEM_ACCOUNTS = [
  'float',
  'clearing',
  'fees',
  'loss',
  'offline_loss',
  'notes',
] as const satisfies AccountKind[];
export type SystemAccount = (typeof SYSTEM_ACCOUNTS)[number];

/** `flags` of an account, without those of a limit. Flags of an account that is open never change. */
export const ACCOUNT_FLAGS: { readonly [kind in AccountKind]: number } = {
  float: credits_must_not_exceed_debits | history,
  // What is under way may stand on either side.
  clearing: history,
  fees: debits_must_not_exceed_credits | history,
  loss: credits_must_not_exceed_debits | history,
  offline_loss: credits_must_not_exceed_debits | history,
  notes: debits_must_not_exceed_credits | history,
  shop: debits_must_not_exceed_credits | history,
  exchange: debits_must_not_exceed_credits | history,
  device: debits_must_not_exceed_credits | history,
  purse: debits_must_not_exceed_credits | history,
};

/** `code` of a transfer; one number a reason, for ever. 40 belongs to the sample day. */
export const TransferCode = {
  load: 10,
  load_reversal: 11,
  payment: 20,
  authorisation: 21,
  refund: 30,
  transfer: 50,
  reserve: 51,
  handover: HANDOVER_CODE,
  release: 53,
  note_issue: 54,
  note_receipt: 55,
  fund: 56,
  payout: 60,
  payout_settled: 61,
  payout_returned: 62,
  payout_reversed: 63,
  fee: 70,
  loss: 80,
  expiry: 81,
  offline_loss: 82,
  block: 90,
} as const;
export type TransferReason = keyof typeof TransferCode;

export interface Sides {
  /** Kinds of account that may stand there. */
  readonly debit: readonly AccountKind[];
  readonly credit: readonly AccountKind[];
}

export const TRANSFER_SIDES: { readonly [reason in TransferReason]: Sides } = {
  load: { debit: ['float'], credit: ['device'] },
  load_reversal: { debit: ['device'], credit: ['float'] },
  payment: { debit: ['device'], credit: ['shop'] },
  authorisation: { debit: ['device'], credit: ['shop'] },
  refund: { debit: ['shop'], credit: ['device'] },
  transfer: { debit: ['device'], credit: ['device'] },
  reserve: { debit: ['device'], credit: ['purse'] },
  handover: { debit: ['purse'], credit: ['purse'] },
  release: { debit: ['purse'], credit: ['device'] },
  note_issue: { debit: ['shop', 'exchange'], credit: ['notes'] },
  note_receipt: { debit: ['notes'], credit: ['exchange', 'device'] },
  fund: { debit: ['shop', 'exchange'], credit: ['exchange', 'shop'] },
  payout: { debit: ['shop'], credit: ['clearing'] },
  payout_settled: { debit: ['clearing'], credit: ['float'] },
  payout_returned: { debit: ['clearing'], credit: ['shop'] },
  payout_reversed: { debit: ['float'], credit: ['clearing'] },
  fee: { debit: ['device', 'shop'], credit: ['fees'] },
  loss: { debit: ['loss'], credit: ['device', 'shop', 'float'] },
  expiry: { debit: ['device'], credit: ['fees'] },
  offline_loss: { debit: ['offline_loss', 'purse'], credit: ['purse', 'offline_loss'] },
  block: { debit: ['device'], credit: ['float'] },
};

const REASONS = new Map(
  (Object.keys(TransferCode) as TransferReason[]).map((reason) => [TransferCode[reason] as number, reason]),
);

/** The reason that a transfer's code stands for; undefined: not of this chart. */
export function transferReason(code: number): TransferReason | undefined {
  return REASONS.get(code);
}

/** A currency that devices may have money in. */
export interface CurrencyTerms {
  /** ISO 4217 number, or an operator's from 1000. */
  readonly currency: number;
  /**
   * Most that a device may hold, as the ledger's own bound on the balance (docs/decisions/0003-balance-limit.md). Left out:
   * no bound. Accounts that are open keep the bound that they were opened with.
   */
  readonly balanceMax?: Amount;
  /** What shops are paid out by. Left out: all of it, without a fee. */
  readonly payouts?: PayoutTerms;
  /** What devices may pay without a server. Left out: nothing, no purse is opened. */
  readonly offline?: OfflineTerms;
}

export interface OfflineTerms {
  /** Most that a purse is opened with. 0: no purse is opened. */
  readonly allowanceMax: Amount;
  /** From its opening: how long others take payments of a purse, and how long these are settled. */
  readonly validDays: number;
  readonly reportDays: number;
  /** Most that the operator pays for a purse that has cheated, as a share of what it was opened with. */
  readonly coverPercent: number;
}

const SYSTEM_IDS_PER_CURRENCY = 1000n;

/** `978001`: the currency's number, then the account's code in three digits. */
export function systemAccountId(account: SystemAccount, currency: number): bigint {
  return BigInt(currency) * SYSTEM_IDS_PER_CURRENCY + BigInt(AccountCode[account]);
}

export function systemAccounts(currency: number): Partial<Account>[] {
  return SYSTEM_ACCOUNTS.map((account) => ({
    id: systemAccountId(account, currency),
    ledger: currency,
    code: AccountCode[account],
    flags: ACCOUNT_FLAGS[account],
  }));
}

/**
 * An id that no account has: what is booked to it is rejected by the ledger itself, which uses up the transfer's id in the
 * same step. Code 999 is in no chart.
 */
export function noAccountId(currency: number): bigint {
  return BigInt(currency) * SYSTEM_IDS_PER_CURRENCY + 999n;
}

/** Below it are system accounts. */
export const DEVICE_NUMBER_MIN = U64_MAX + 1n;
/** Beyond it are derived ids; time-ordered numbers get there in the year 6429. */
export const DEVICE_NUMBER_MAX = (1n << 127n) - 1n;

const Derivation = struct({ device: u128, currency: u32 });

/** The id of a device's account in a currency that is not its first: the first account has the device number itself. */
export function furtherAccountId(device: bigint, currency: number): bigint {
  return derivedAccountId(Derivation.encode({ device, currency }));
}

const PurposeDerivation = struct({ shop: u128, currency: u32, purpose: text(8) });

/** The id of a shop's account for what backs notes. Its currency need not be the shop's first, nor a further one. */
export function exchangeAccountId(shop: bigint, currency: number): bigint {
  return derivedAccountId(PurposeDerivation.encode({ shop, currency, purpose: 'exchange' }));
}

function derivedAccountId(name: Uint8Array): bigint {
  const digest = sha256(name);
  return readU128(new DataView(digest.buffer, digest.byteOffset), 0) | (1n << 127n);
}

/**
 * A device's account. `user_data_128` is the device number and `user_data_64` the id of its signing key, so that the
 * ledger alone says whose account it is and which key's orders may move it.
 */
export function deviceAccount(
  id: bigint,
  device: bigint,
  signingKeyId: bigint,
  { currency, balanceMax }: CurrencyTerms,
): Partial<Account> {
  const limit =
    balanceMax === undefined
      ? { flags: ACCOUNT_FLAGS.device }
      : {
          flags: ACCOUNT_FLAGS.device | credit_balance_limited,
          balanceLimit: encodeBalanceLimit(balanceMax),
        };
  return {
    id,
    userData128: device,
    userData64: signingKeyId,
    ledger: currency,
    code: AccountCode.device,
    ...limit,
  };
}

/** A shop's account, under the same scheme of ids. `user_data_128` is the shop number, `user_data_64` the id of its key. */
export function shopAccount(
  id: bigint,
  shop: bigint,
  signingKeyId: bigint,
  { currency }: CurrencyTerms,
): Partial<Account> {
  return {
    id,
    userData128: shop,
    userData64: signingKeyId,
    ledger: currency,
    code: AccountCode.shop,
    flags: ACCOUNT_FLAGS.shop,
  };
}

/** What backs the notes that a shop deals in. Its fields are as those of the shop's account. */
export function exchangeAccount(shop: bigint, signingKeyId: bigint, currency: number): Partial<Account> {
  return {
    id: exchangeAccountId(shop, currency),
    userData128: shop,
    userData64: signingKeyId,
    ledger: currency,
    code: AccountCode.exchange,
    flags: ACCOUNT_FLAGS.exchange,
  };
}

/** A purse's account. `user_data_128` is its device, `user_data_64` the id of the purse's own key. */
export function purseAccount(
  purse: bigint,
  device: bigint,
  signingKeyId: bigint,
  currency: number,
): Partial<Account> {
  return {
    id: purse,
    userData128: device,
    userData64: signingKeyId,
    ledger: currency,
    code: AccountCode.purse,
    flags: ACCOUNT_FLAGS.purse,
  };
}
