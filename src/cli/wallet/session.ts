// What every `specie wallet` command does around its work: opens the wallet, says what goes on, ends at Ctrl-C with a wallet
// that can be resumed, and turns errors into exit codes.
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { passphraseSource } from '../../identity/ask-passphrase.ts';
import { IdentityError } from '../../identity/errors.ts';
import {
  type CreateOptions,
  channelTransport,
  type KeyProtection,
  nodeClock,
  nodeCrypto,
  PEER_ERROR_ADVICE,
  PEER_REFUSAL_ADVICE,
  PeerError,
  passphraseProtection,
  Wallet,
  WalletError,
  type WalletErrorCode,
  type WalletEvent,
  type WalletOptions,
  WalletStore,
} from '../../wallet/index.ts';
import { CommandError, ExitCode } from '../exit-codes.ts';
import { formatId } from '../files/fields.ts';
import { passphraseOptions } from '../home-options.ts';
import { wholeNumber } from '../options.ts';
import type { Output } from '../output.ts';
import { stateText } from './show.ts';

const WALLET_DEFAULT = 'wallet';
const PATIENCE_SECONDS_DEFAULT = 60;
const PATIENCE_SECONDS_MAX = 86_400;
const OTHERS_MAY_READ = 0o077;

export interface SessionOptions {
  readonly wallet: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

export interface WaitingOptions extends SessionOptions {
  readonly patience: number;
}

export function withWallet(command: Command): Command {
  return command
    .addOption(
      new Option('--wallet <folder>', 'where the wallet is').default(WALLET_DEFAULT).env('SPECIE_WALLET'),
    )
    .option(
      '--passphrase-file <path>',
      'a file with the passphrase of the keys; otherwise SPECIE_PASSPHRASE, or it is asked for',
    )
    .option('--json', 'print one JSON value; amounts are in minor units');
}

/** Of commands that talk to management. */
export function withPatience(command: Command): Command {
  return command.option(
    '--patience <seconds>',
    'how long to wait for an end; what is not finished by then can be resumed (0: for ever)',
    wholeNumber(0, PATIENCE_SECONDS_MAX),
    PATIENCE_SECONDS_DEFAULT,
  );
}

export interface Session {
  /** @throws WalletError wallet_missing */
  open(): Promise<Wallet>;
  create(create: CreateOptions, protection: KeyProtection | undefined): Promise<Wallet>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

const EXIT_CODES: { readonly [code in WalletErrorCode]: ExitCode } = {
  invalid_argument: ExitCode.failed,
  wallet_exists: ExitCode.failed,
  wallet_missing: ExitCode.failed,
  wallet_damaged: ExitCode.damaged,
  wallet_locked: ExitCode.in_use,
  wallet_closed: ExitCode.failed,
  storage_full: ExitCode.failed,
  storage_failed: ExitCode.failed,
  not_enrolled: ExitCode.failed,
  already_enrolled: ExitCode.failed,
  enrolment_open: ExitCode.failed,
  too_many_open: ExitCode.failed,
  insufficient_funds: ExitCode.refused,
  no_purse: ExitCode.failed,
  purse_busy: ExitCode.in_use,
  purse_unsettled: ExitCode.unreachable,
  shop_invalid: ExitCode.failed,
  shop_refused: ExitCode.refused,
  unreachable: ExitCode.unreachable,
  unfinished: ExitCode.unreachable,
  interrupted: ExitCode.interrupted,
  answer_invalid: ExitCode.check_failed,
  refused: ExitCode.refused,
  channel_refused: ExitCode.failed,
  directory_invalid: ExitCode.failed,
  passphrase_needed: ExitCode.failed,
  wrong_passphrase: ExitCode.failed,
};

export function exitCodeOf({ code }: WalletError): ExitCode {
  return EXIT_CODES[code];
}

/** @param make the folder may be made */
export async function inSession<T>(
  options: SessionOptions,
  output: Output,
  make: boolean,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  let store: WalletStore | undefined;
  let wallet: Wallet | undefined;
  const onEvent = (event: WalletEvent): void => {
    const line = eventText(event);
    if (line !== undefined) output.note(line);
  };
  try {
    prepareFolder(options.wallet, make, output);
    store = await WalletStore.open({ path: options.wallet });
    const storage = store.storage();
    const walletOptions = (protection: KeyProtection | undefined): WalletOptions => ({
      storage,
      crypto: nodeCrypto,
      clock: nodeClock,
      transport: channelTransport(),
      protection,
      onEvent,
    });
    return await work({
      signal: stop.signal,
      async open() {
        const passphrase = passphraseSource(passphraseOptions({ ...options, home: '' }));
        wallet = await Wallet.open(walletOptions(passphraseProtection(passphrase)));
        return wallet;
      },
      async create(create, protection) {
        wallet = await Wallet.create(walletOptions(protection), create);
        return wallet;
      },
    });
  } catch (error) {
    throw commandError(error, options.wallet);
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    await wallet?.close();
    await store?.close();
  }
}

function prepareFolder(path: string, make: boolean, output: Output): void {
  if (existsSync(path)) {
    if (process.platform !== 'win32' && (statSync(path).mode & OTHERS_MAY_READ) !== 0) {
      output.note(`${path}: others than its owner may look into it, and keys are in it (chmod 700 ${path})`);
    }
    return;
  }
  if (!make) {
    throw new CommandError(`${path}: expected a wallet, got nothing (specie wallet create makes one)`);
  }
  mkdirSync(path, { recursive: true, mode: 0o700 });
}

export function commandError(error: unknown, path: string): unknown {
  if (error instanceof IdentityError)
    return new CommandError(error.message, ExitCode.failed, { cause: error });
  if (error instanceof PeerError)
    return new CommandError(peerErrorText(error), peerExitCode(error), { cause: error });
  if (!(error instanceof WalletError)) return error;
  const message =
    error.code === 'interrupted'
      ? `interrupted; nothing is lost: specie wallet resume --wallet ${path} finishes it`
      : `${error.message}${isResumable(error) ? `\n  $ specie wallet resume --wallet ${path}` : ''}`;
  return new CommandError(message, exitCodeOf(error), { cause: error });
}

/** What is in doubt has no end yet, as with `pay`. */
function peerExitCode({ code, inDoubt }: PeerError): ExitCode {
  if (inDoubt !== undefined) return ExitCode.unreachable;
  if (['link_broken', 'busy', 'timed_out'].includes(code)) return ExitCode.unreachable;
  const isNo = ['peer_refused', 'refused', 'declined', 'not_covered', 'payments_used_up'].includes(code);
  return isNo ? ExitCode.refused : ExitCode.failed;
}

function peerErrorText({ code, message, inDoubt, refusal }: PeerError): string {
  const reason = refusal?.code;
  const advice =
    reason === undefined || reason === 'unknown' ? PEER_ERROR_ADVICE[code] : PEER_REFUSAL_ADVICE[reason];
  if (inDoubt === undefined) return `${message} (${code}: ${advice})`;
  return (
    `${message} (${code}: ${advice})\npayment ${formatId(inDoubt)} is in doubt, and stays spent: ` +
    'send to the same payee again, or go online: specie wallet report'
  );
}

const isResumable = ({ code, request }: WalletError): boolean =>
  request !== undefined &&
  ['unreachable', 'unfinished', 'answer_invalid', 'shop_refused', 'enrolment_open'].includes(code);

function eventText(event: WalletEvent): string | undefined {
  switch (event.type) {
    case 'prepared':
      return `${event.kind} ${formatId(event.request)}: written down`;
    case 'state':
      return `${formatId(event.request)}: ${stateText(event.state)}`;
    case 'waiting':
      return `${formatId(event.request)}: ${event.reason}; again in ${(event.pauseMs / 1000).toFixed(1)} s`;
    case 'directory_replaced':
      return `directory: replaced by number ${event.serial}`;
    case 'certificate_renewed':
      return 'certificate: renewed';
    case 'warning':
      return `warning: ${event.message}`;
    case 'sent':
      return undefined;
  }
}
