/** What can go wrong in a wallet, and what to do about it. */
export const WALLET_ERROR_ADVICE = {
  invalid_argument: 'nothing was done; correct it',
  wallet_exists: 'open it, or choose another place',
  wallet_missing: 'create it first',
  wallet_damaged: 'restore the wallet from a copy; what management and cash know of it is not lost',
  wallet_locked: 'stop the other process, or wait until it has finished',
  wallet_closed: 'open the wallet again',
  storage_full: 'nothing was stored; make room, then open the wallet again and resume',
  storage_failed: 'it may or may not be stored; open the wallet again and resume',
  not_enrolled: 'enrol first',
  already_enrolled: 'use it as it is, or create another wallet',
  enrolment_open: 'resume it',
  too_many_open: 'resume, and wait for what is under way',
  insufficient_funds: 'load money, or finish what is under way',
  no_purse: 'reserve an amount first, online',
  purse_busy: 'wait until what is under way with the purse has ended',
  purse_unsettled:
    'nothing was closed, and the purse can be used; report again, or wait until the others have reported',
  shop_invalid: 'get the card from the shop again',
  shop_refused:
    'nothing was paid, as the shop says; the amount is free again when cash says so, once the order has expired: resume or sync then',
  unreachable: 'nothing is lost; resume when the other end can be reached',
  unfinished: 'nothing is lost; resume later',
  interrupted: 'nothing is lost; resume',
  answer_invalid: 'nothing was added or subtracted; resume asks again, the operator can look the request up',
  refused: 'nothing was charged or changed; do what the reason says, then ask anew',
  channel_refused: 'do what the reason says; the operator can help',
  directory_invalid: 'get the directory from the operator',
  passphrase_needed: 'give the passphrase',
  wrong_passphrase: 'give the passphrase that the wallet was created with',
} as const;

export type WalletErrorCode = keyof typeof WALLET_ERROR_ADVICE;

export class WalletError extends Error {
  override readonly name = 'WalletError';
  readonly code: WalletErrorCode;
  /** The message without code and advice. */
  readonly what: string;
  /** The request that it is about; it can be resumed and looked up by it. */
  readonly request: bigint | undefined;

  constructor(
    code: WalletErrorCode,
    what: string,
    { request, ...options }: ErrorOptions & { request?: bigint | undefined } = {},
  ) {
    super(`${what} (${code}: ${WALLET_ERROR_ADVICE[code]})`, options);
    this.code = code;
    this.what = what;
    this.request = request;
  }
}
