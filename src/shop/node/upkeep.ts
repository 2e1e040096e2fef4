// What a shop keeps fresh while it runs: the directory, its certificate and its catalogue.
//
//     catalogue      looked at every two seconds; one that cannot be read changes nothing
//     directory      asked for daily, and soon after cash has signed with a key that it does not know
//     certificate    asked for anew when a sixth of its time is left
import { readFileSync, statSync } from 'node:fs';
import { equalBytes } from '../../identity/binary-text.ts';
import { Directory } from '../../identity/directory.ts';
import {
  openShopCertificate,
  ShopCertificate,
  type SignedShopCertificate,
} from '../../identity/shop-certificate.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import type { Clock } from '../../identity/time.ts';
import type { Currency } from '../../shared/currency.ts';
import type { SetTimer } from '../../shared/timer.ts';
import { Catalogue } from '../catalogue.ts';
import { ShopError } from '../errors.ts';
import type { ShopLog } from '../interface.ts';
import { CATALOGUE_BYTES_MAX } from '../limits.ts';
import type { ManagementCalls } from '../management-calls.ts';
import type { ShopFile, ShopHome } from './shop-home.ts';

const LOOK_EVERY_MS = 2_000;
const ASK_EVERY_MS = 24 * 3_600_000;
/** Whoever makes up keys of cash makes the shop ask this often. */
const ASK_SOON_MS = 10_000;
/** After a try that came to nothing. */
const ASK_AGAIN_MS = 10 * 60_000;

export interface UpkeepOptions {
  readonly home: ShopHome;
  readonly settings: ShopFile;
  readonly currency: Currency;
  readonly certificate: SignedShopCertificate;
  readonly management: () => ManagementCalls;
  readonly clock: Clock;
  readonly setTimer: SetTimer;
  readonly log: ShopLog;
  readonly directoryChanged: (directory: Directory) => void;
}

export class Upkeep {
  readonly #options: UpkeepOptions;
  directory: Directory;
  certificate: SignedShopCertificate;
  catalogue: Catalogue;
  #stamp: string;
  #fault: string | undefined;
  #cancelLook: () => void;
  #cancelAsk: () => void;
  #askingSoon = false;
  #isClosed = false;

  /** @throws ShopError catalogue_invalid; IdentityError */
  constructor(options: UpkeepOptions) {
    this.#options = options;
    const { home, settings, certificate, setTimer } = options;
    this.directory = home.directory(settings);
    this.certificate = certificate;
    this.#stamp = stampOf(home.cataloguePath);
    this.catalogue = readCatalogue(home, options.currency);
    this.#cancelLook = setTimer(() => this.#look(), LOOK_EVERY_MS);
    this.#cancelAsk = setTimer(() => void this.ask(), ASK_SOON_MS);
  }

  missed(): void {
    if (this.#askingSoon || this.#isClosed) return;
    this.#askingSoon = true;
    this.#cancelAsk();
    this.#cancelAsk = this.#options.setTimer(() => void this.ask(), ASK_SOON_MS);
  }

  /** Reads the catalogue now. @throws ShopError catalogue_invalid: the one before stays */
  reload(): void {
    const { home, currency } = this.#options;
    this.#stamp = stampOf(home.cataloguePath);
    this.catalogue = readCatalogue(home, currency);
    this.#fault = undefined;
  }

  /** Asks management for a newer directory, and for a certificate if it is time. */
  async ask(): Promise<void> {
    const { log, setTimer } = this.#options;
    let isWell = false;
    try {
      isWell = await this.#ask();
    } catch (error) {
      log.warn({ err: error }, 'directory or certificate not renewed; the ones before stay');
    }
    this.#askingSoon = false;
    if (this.#isClosed) return;
    this.#cancelAsk();
    this.#cancelAsk = setTimer(() => void this.ask(), isWell ? ASK_EVERY_MS : ASK_AGAIN_MS);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelLook();
    this.#cancelAsk();
  }

  async #ask(): Promise<boolean> {
    const { home, settings, management, log, directoryChanged } = this.#options;
    const answer = await management().getDirectory();
    if (answer.kind !== 'ok') return false;
    const directory = Directory.parse(answer.answer.directory, settings.root, systemCrypto);
    if (!this.#isClosed && directory.serial > this.directory.serial) {
      home.keepDirectory(directory);
      this.directory = directory;
      log.info({ serial: directory.serial.toString() }, 'directory changed');
      directoryChanged(directory);
    }
    return this.#isDue() ? this.#renew() : true;
  }

  #isDue(): boolean {
    const { clock } = this.#options;
    const { issuer, notBefore, notAfter } = this.certificate.document;
    const now = clock();
    if (now >= notAfter - (notAfter - notBefore) / 6n) return true;
    return this.directory.verificationKey('management', issuer, now) === undefined;
  }

  async #renew(): Promise<boolean> {
    const { home, management, clock, log } = this.#options;
    const answer = await management().renewCertificate();
    if (answer.kind !== 'ok' || this.#isClosed) return false;
    const bytes = answer.answer.certificate;
    const now = clock();
    const { certificate, refusal } = openShopCertificate(bytes, {
      issuerKey: (keyId) => this.directory.verificationKey('management', keyId, now),
      now,
      revoked: () => false,
      crypto: systemCrypto,
    });
    const own = this.certificate.document;
    if (refusal !== undefined) throw new ShopError('directory_invalid', refusal.message);
    if (
      certificate.shop !== own.shop ||
      !equalBytes(certificate.signingKey, own.signingKey) ||
      !equalBytes(certificate.channelKey, own.channelKey)
    ) {
      throw new ShopError('directory_invalid', 'expected the certificate of this shop, got another');
    }
    this.certificate = ShopCertificate.signed.decode(bytes);
    home.keepCertificate(this.certificate);
    log.info({ serial: certificate.serial.toString() }, 'certificate renewed');
    return true;
  }

  #look(): void {
    const { home, log, setTimer } = this.#options;
    this.#cancelLook = setTimer(() => this.#look(), LOOK_EVERY_MS);
    if (stampOf(home.cataloguePath) === this.#stamp) return;
    try {
      this.reload();
      log.info({ articles: this.catalogue.articles.length }, 'catalogue changed');
    } catch (error) {
      const fault = String(error);
      if (fault !== this.#fault) log.error({ err: error }, 'catalogue not taken; the one before stays');
      this.#fault = fault;
    }
  }
}

/** @throws ShopError catalogue_invalid */
export function readCatalogue({ cataloguePath: path }: ShopHome, currency: Currency): Catalogue {
  let text: string;
  try {
    const { size } = statSync(path);
    if (size > CATALOGUE_BYTES_MAX)
      throw new Error(`expected at most ${CATALOGUE_BYTES_MAX} bytes, got ${size}`);
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new ShopError('catalogue_invalid', `${path}: ${(error as Error).message}`, { cause: error });
  }
  return Catalogue.parse(text, currency, path);
}

/** Changes whenever the file does. */
function stampOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? 'none' : `${stat.mtimeNs} ${stat.size} ${stat.ino}`;
}
