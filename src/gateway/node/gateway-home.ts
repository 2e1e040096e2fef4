// Where everything of a gateway lies.
//
//     gateway-home/
//     ├── gateway.json        what it is set to: organisation, listeners, terms
//     ├── keys/gateway.key    secret: its end of channels, what notes are sealed to, the seed of the local mint
//     ├── shop/               its enrolment: it deals in notes as a shop (src/shop/node/shop-home.ts)
//     ├── store/              local notes, exchanges, deliveries, terminals
//     └── gateway.sock        its desk, while it is open
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { readKeys } from '../../identity/home.ts';
import { field, fields, literal, parseJson, wholeNumber } from '../../identity/json-fields.ts';
import type { KeyPair } from '../../identity/key-set.ts';
import type { PassphraseSource } from '../../identity/passphrase.ts';
import type { PrivateFiles } from '../../identity/private-files.ts';
import { type Amount, AmountError, parseAmount } from '../../shared/amount.ts';
import type { Currency } from '../../shared/currency.ts';
import { currencyOf, ShopHome } from '../../shop/index.ts';
import { GatewayError } from '../errors.ts';
import { checkTerms, type GatewayTerms } from '../terms.ts';

export const GATEWAY_HOME_DEFAULT = 'gateway-home';
export const LAN_PORT_DEFAULT = 7290;
export const WAN_PORT_DEFAULT = 7291;
export const GATEWAY_OWNER = 'gateway';
const GATEWAY_KEYS = ['channel', 'sealing', 'seed'] as const;

const text = (pattern: RegExp, expected: string) =>
  field(expected, (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined));
const host = text(/^[A-Za-z0-9:.-]{1,253}$/, 'a host name or an IP address');
const amount = text(/^\d{1,20}(\.\d{1,30})?$/, 'an amount such as 20.00');

export const GatewayFile = fields({
  kind: literal('specie gateway'),
  version: literal(1),
  organisation: text(/^[a-z0-9-]{1,32}$/, 'up to 32 of a-z, 0-9 and -'),
  currency: text(
    /^[A-Z0-9]{3,10}(=[A-Z0-9]+)?(:\d{1,2})?$/,
    'a code of ISO 4217, or a definition such as 1000=TOK:2',
  ),
  lanHost: host,
  lanPort: wholeNumber(0, 65_535).default(LAN_PORT_DEFAULT),
  wanHost: host,
  wanPort: wholeNumber(0, 65_535).default(WAN_PORT_DEFAULT),
  /** In the currency, as people write amounts. */
  amountMin: amount,
  amountMax: amount,
  dayMax: amount,
  feeBasisPoints: wholeNumber(0, 10_000).default(0),
  feeFixed: amount,
  returnAfterSeconds: wholeNumber(1, 366 * 86_400).default(7 * 86_400),
});
export type GatewayFile = z.output<typeof GatewayFile>;

export interface GatewayKeys {
  readonly channel: KeyPair;
  readonly sealing: KeyPair;
  /** Of the local mint. */
  readonly seed: Uint8Array;
}

export class GatewayHome {
  readonly path: string;
  readonly files: PrivateFiles;
  readonly shop: ShopHome;

  constructor(path: string, files: PrivateFiles) {
    this.path = resolve(path);
    this.files = files;
    this.shop = new ShopHome(join(this.path, 'shop'), files);
  }

  get settingsPath(): string {
    return join(this.path, 'gateway.json');
  }
  get keyPath(): string {
    return join(this.path, 'keys', 'gateway.key');
  }
  get storePath(): string {
    return join(this.path, 'store');
  }
  get socketPath(): string {
    return join(this.path, 'gateway.sock');
  }

  /** @throws GatewayError gateway_missing, invalid_argument; IdentityError configuration */
  settings(): GatewayFile {
    if (!this.files.exists(this.settingsPath)) {
      throw new GatewayError(
        'gateway_missing',
        `${this.path}: expected a gateway, got none: specie gateway init makes one`,
      );
    }
    const file = parseJson(
      this.files.read(this.settingsPath),
      GatewayFile,
      this.settingsPath,
      'configuration',
    );
    checkListeners(file);
    return file;
  }

  /** @throws IdentityError missing, damaged, passphrase_needed, wrong_passphrase */
  async keys(passphrase: PassphraseSource): Promise<GatewayKeys> {
    const expected = { owner: GATEWAY_OWNER, uses: GATEWAY_KEYS };
    const { keys } = await readKeys(this.files, this.keyPath, expected, passphrase);
    return { channel: keys.channel!, sealing: keys.sealing!, seed: keys.seed!.secretKey };
  }
}

/** A LAN and a WAN that listen at one place would be one network. @throws GatewayError invalid_argument */
export function checkListeners({
  lanHost,
  lanPort,
  wanHost,
  wanPort,
}: Pick<GatewayFile, 'lanHost' | 'lanPort' | 'wanHost' | 'wanPort'>): void {
  if (lanHost === wanHost && lanPort === wanPort && lanPort !== 0) {
    throw new GatewayError(
      'invalid_argument',
      `listeners: expected two addresses, got ${lanHost}:${lanPort} for both`,
    );
  }
}

/** @throws GatewayError invalid_argument */
export function termsOf(file: GatewayFile): { readonly terms: GatewayTerms; readonly currency: Currency } {
  const currency = currencyOf(file.currency);
  try {
    const parse = (text: string): Amount => parseAmount(text, currency);
    const terms: GatewayTerms = {
      ...{ organisation: file.organisation, currency: currency.ledger, unit: currency.code.toLowerCase() },
      amountMin: parse(file.amountMin),
      amountMax: parse(file.amountMax),
      dayMax: parse(file.dayMax),
      feeBasisPoints: file.feeBasisPoints,
      feeFixed: parse(file.feeFixed),
      returnAfterSeconds: file.returnAfterSeconds,
    };
    checkTerms(terms);
    return { terms, currency };
  } catch (error) {
    if (!(error instanceof RangeError) && !(error instanceof AmountError)) throw error;
    throw new GatewayError('invalid_argument', `gateway.json: ${error.message}`, { cause: error });
  }
}
