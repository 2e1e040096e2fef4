// Where everything of a shop lies.
//
//     shop-home/
//     ├── shop.json          what it is set to
//     ├── catalogue.json     what it sells; edited by hand, or written by whoever keeps the prices
//     ├── directory.json     who is who, signed by the root key
//     ├── enrolment          what management was asked, until it has answered
//     ├── certificate        what management says of the shop
//     ├── shop-card.txt      what wallets take to find it
//     ├── keys/shop.key      secret: signs refunds, and is the shop's end of its channels
//     └── store/             purchases
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { fromBase64, toBase64 } from '../../identity/binary-text.ts';
import type { Directory } from '../../identity/directory.ts';
import { directoryFileText, parseDirectoryFile } from '../../identity/directory-file.ts';
import { IdentityError } from '../../identity/errors.ts';
import { readKeys } from '../../identity/home.ts';
import { choice, field, fields, literal, parseJson, wholeNumber } from '../../identity/json-fields.ts';
import { OWNERS } from '../../identity/key-file.ts';
import type { KeyPair } from '../../identity/key-set.ts';
import type { PassphraseSource } from '../../identity/passphrase.ts';
import { type PrivateFiles, PUBLIC } from '../../identity/private-files.ts';
import { ShopCertificate, type SignedShopCertificate } from '../../identity/shop-certificate.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import {
  SHOP_NAME_BYTES_MAX,
  ShopEnrolment,
  type SignedShopEnrolment,
} from '../../roles/documents/shop-enrolment.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import { Currencies, type Currency, CurrencyError, parseOperatorCurrency } from '../../shared/currency.ts';
import { fitsText } from '../catalogue.ts';
import { ShopError } from '../errors.ts';
import { EXPIRES_WITHIN_SECONDS } from '../limits.ts';

export const SHOP_HOME_DEFAULT = 'shop-home';
export const SHOP_PORT_DEFAULT = 7190;
const RESERVE_SECONDS_MAX = 366 * 86_400;

const text = (pattern: RegExp, expected: string) =>
  field(expected, (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined));

export const ShopFile = fields({
  kind: literal('specie shop'),
  version: literal(1),
  name: field(`a text of 1 to ${SHOP_NAME_BYTES_MAX} bytes`, (value) =>
    typeof value === 'string' && fitsText(value, SHOP_NAME_BYTES_MAX) ? value : undefined,
  ),
  root: text(/^SHA256:[A-Za-z0-9+/]{43}$/, 'the fingerprint of the root key, SHA256: and 43 characters'),
  currency: text(
    /^[A-Z0-9]{3,10}(=[A-Z0-9]+)?(:\d{1,2})?$/,
    'a code of ISO 4217, or a definition such as 1000=TOK:2',
  ),
  host: text(/^[A-Za-z0-9:.-]{1,253}$/, 'a host name or an IP address').default('127.0.0.1'),
  port: wholeNumber(0, 65_535).default(SHOP_PORT_DEFAULT),
  address: text(/^wss?:\/\/[^\s]{1,200}$/, 'an address such as ws://shop.example:7190/v1').optional(),
  selling: choice(['self service', 'tills only'] as const).default('self service'),
  expiresWithinSeconds: wholeNumber(60, EXPIRES_WITHIN_SECONDS).default(EXPIRES_WITHIN_SECONDS),
  authorisationSecondsMax: wholeNumber(0, RESERVE_SECONDS_MAX).default(0),
});
export type ShopFile = z.output<typeof ShopFile>;

export class ShopHome {
  readonly path: string;
  readonly files: PrivateFiles;

  constructor(path: string, files: PrivateFiles) {
    this.path = resolve(path);
    this.files = files;
  }

  get settingsPath(): string {
    return join(this.path, 'shop.json');
  }
  get cataloguePath(): string {
    return join(this.path, 'catalogue.json');
  }
  get cardPath(): string {
    return join(this.path, 'shop-card.txt');
  }
  get keyPath(): string {
    return join(this.path, 'keys', 'shop.key');
  }
  get storePath(): string {
    return join(this.path, 'store');
  }
  get socketPath(): string {
    return join(this.path, 'shop.sock');
  }
  get #directoryPath(): string {
    return join(this.path, 'directory.json');
  }
  get #enrolmentPath(): string {
    return join(this.path, 'enrolment');
  }
  get #certificatePath(): string {
    return join(this.path, 'certificate');
  }

  /** @throws ShopError shop_missing; IdentityError configuration */
  settings(): ShopFile {
    if (!this.files.exists(this.settingsPath)) {
      throw new ShopError(
        'shop_missing',
        `${this.path}: expected a shop, got none: specie shop enrol makes one`,
      );
    }
    return parseJson(this.files.read(this.settingsPath), ShopFile, this.settingsPath, 'configuration');
  }

  directory({ root }: Pick<ShopFile, 'root'>): Directory {
    const path = this.#directoryPath;
    return parseDirectoryFile(this.files.read(path), root, systemCrypto, path);
  }

  keepDirectory({ signed }: Directory): void {
    this.files.replace(this.#directoryPath, directoryFileText(signed), PUBLIC);
  }

  async keys(
    passphrase: PassphraseSource,
  ): Promise<{ readonly signing: KeyPair; readonly channel: KeyPair }> {
    const { keys } = await readKeys(
      this.files,
      this.keyPath,
      { owner: 'shop', uses: OWNERS.shop },
      passphrase,
    );
    return keys as { signing: KeyPair; channel: KeyPair };
  }

  /** undefined: management has not answered yet, or was never asked. */
  certificate(): SignedShopCertificate | undefined {
    return this.#read(this.#certificatePath, ShopCertificate.signed);
  }

  keepCertificate(certificate: SignedShopCertificate): void {
    this.#write(this.#certificatePath, ShopCertificate.signed, certificate);
  }

  enrolment(): SignedShopEnrolment | undefined {
    return this.#read(this.#enrolmentPath, ShopEnrolment.signed);
  }

  keepEnrolment(enrolment: SignedShopEnrolment): void {
    this.#write(this.#enrolmentPath, ShopEnrolment.signed, enrolment);
  }

  keepCard(card: string): void {
    this.files.replace(this.cardPath, `${card}\n`, PUBLIC);
  }

  #read<Value>(path: string, codec: Codec<Value>): Value | undefined {
    if (!this.files.exists(path)) return undefined;
    const bytes = fromBase64(this.files.read(path).trim());
    if (bytes === undefined) throw damaged(path);
    try {
      return codec.decode(bytes);
    } catch (error) {
      if (error instanceof CodecError) throw damaged(path);
      throw error;
    }
  }

  #write<Value>(path: string, codec: Codec<Value>, value: Value): void {
    this.files.replace(path, `${toBase64(codec.encode(value))}\n`, PUBLIC);
  }
}

const damaged = (path: string): IdentityError =>
  new IdentityError('damaged', `${path}: expected what was written there, got something else`);

/** @throws ShopError invalid_argument */
export function currencyOf(code: string): Currency {
  try {
    if (/[=:]/.test(code)) {
      const own = parseOperatorCurrency(code);
      return new Currencies([own]).parse(own.code);
    }
    return new Currencies().parse(code);
  } catch (error) {
    if (error instanceof CurrencyError) throw new ShopError('invalid_argument', error.message);
    throw error;
  }
}
