// `specie.json`: what a system is set to. docs/configuration.md has every field; a test compares the two.
import type { z } from 'zod';
import { isIban } from '../iso20022/index.ts';
import { type Amount, formatAmount, parseAmount } from '../shared/amount.ts';
import { Currencies, type Currency, parseOperatorCurrency } from '../shared/currency.ts';
import { ADDRESS_BYTES_MAX, checkAddress } from './directory-content.ts';
import { IdentityError } from './errors.ts';
import { choice, described, field, fields, listOf, literal, parseJson, wholeNumber } from './json-fields.ts';
import { MINT_ROLES, type MintRole, ROLES, type RoleName } from './roles.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export const CURRENCY_DEFAULT = 'EUR';
const OPERATOR_CURRENCIES_MAX = 64;
/** A window is booked, shop by shop, before the next one is closed; a year has one at least. */
const CLOSE_EVERY_SECONDS_MIN = 60;
const CLOSE_EVERY_SECONDS_MAX = 366 * 86_400;

const host = field('a host name or an IP address', (value) =>
  typeof value === 'string' && /^(?=.{1,253}$)[A-Za-z0-9:]([A-Za-z0-9.:_-]*[A-Za-z0-9:])?$/.test(value)
    ? value
    : undefined,
);
const port = wholeNumber(1, 65_535);
const path = field('a path of 1 to 4096 characters', (value) =>
  typeof value === 'string' && value.length > 0 && value.length <= 4096 && !value.includes('\0')
    ? value
    : undefined,
);
const address = field(
  'an address such as ws://cash.example:7878/v1',
  (value) => {
    if (typeof value !== 'string' || value.length > ADDRESS_BYTES_MAX) return undefined;
    try {
      checkAddress(value, '');
    } catch {
      return undefined;
    }
    return value;
  },
  described,
);
const amount = field('a decimal in a text, such as "500" or "12.50"', (value) =>
  typeof value === 'string' && /^\d{1,40}(\.\d{1,40})?$/.test(value) ? value : undefined,
);

const serverFields = (portDefault: number, role: RoleName) => ({
  host: host.default('127.0.0.1'),
  port: port.default(portDefault),
  address: address.optional(),
  store: path.default(`stores/${role}`),
});
const server = (portDefault: number, role: RoleName) => fields(serverFields(portDefault, role)).prefault({});
const mintServer = (portDefault: number, httpPortDefault: number, role: MintRole) =>
  fields({
    ...serverFields(portDefault, role),
    http: fields({
      host: host.default('127.0.0.1'),
      port: wholeNumber(0, 65_535).default(httpPortDefault),
      certificateFile: path.optional(),
      keyFile: path.optional(),
    }).prefault({}),
  }).prefault({});

export const ConfigurationFile = fields({
  version: literal(1),
  root: field(
    'the fingerprint of the root key, SHA256: and 43 characters',
    (value) => (typeof value === 'string' && /^SHA256:[A-Za-z0-9+/]{43}$/.test(value) ? value : undefined),
    described,
  ),
  currency: field('a code of ISO 4217, or one of operatorCurrencies', (value) =>
    typeof value === 'string' && /^[A-Z0-9]{3,10}$/.test(value) ? value : undefined,
  ).default(CURRENCY_DEFAULT),
  operatorCurrencies: listOf(
    field('a definition such as "1000=TOK:2"', (value) =>
      typeof value === 'string' ? parseOperatorCurrency(value) : undefined,
    ),
    OPERATOR_CURRENCIES_MAX,
  ).default([]),
  roles: fields({
    cash: server(7878, 'cash'),
    management: server(7879, 'management'),
    settlement: server(7880, 'settlement'),
    issuer: mintServer(7881, 3338, 'issuer'),
    receiver: mintServer(7882, 3339, 'receiver'),
  }).prefault({}),
  institution: fields({
    host: host.default('127.0.0.1'),
    port: port.default(8583),
    payments: fields({
      host: host.default('127.0.0.1'),
      port: port.default(8585),
      account: field('an IBAN', (value) =>
        typeof value === 'string' && isIban(value) ? value : undefined,
      ).default('DE02120300000000202051'),
      name: field('a name of 1 to 70 characters', (value) =>
        typeof value === 'string' && /^[\x20-\x7e]{1,70}$/.test(value) ? value : undefined,
      ).default('Operator'),
    }).prefault({}),
  }).prefault({}),
  payouts: fields({
    feeBasisPoints: wholeNumber(0, 10_000).default(0),
    feePerPayout: amount.default('0'),
    amountMin: amount.default('1'),
    closeEverySeconds: wholeNumber(0, CLOSE_EVERY_SECONDS_MAX).default(0),
    closeOffsetSeconds: wholeNumber(0, CLOSE_EVERY_SECONDS_MAX - 1).default(0),
  }).prefault({}),
  offline: fields({
    allowanceMax: amount.default('100'),
    validDays: wholeNumber(1, 365).default(7),
    reportDays: wholeNumber(2, 730).default(37),
    coverPercent: wholeNumber(0, 1_000).default(100),
  }).prefault({}),
  limits: fields({
    loadAmountMin: amount.default('1'),
    loadAmountMax: amount.default('500'),
    balanceMax: amount.default('1000'),
    devicesMax: wholeNumber(1, 1_000_000_000).default(1_000_000),
    shopsMax: wholeNumber(1, 1_000_000).default(10_000),
    deviceRequestsPerMinute: wholeNumber(1, 1_000_000).default(60),
    deviceDeclinesPerDay: wholeNumber(1, 1_000_000).default(20),
    certificateDays: wholeNumber(1, 3650).default(365),
  }).prefault({}),
  logLevel: choice(LOG_LEVELS).default('info'),
});
export type ConfigurationFile = z.input<typeof ConfigurationFile>;

export interface ServerConfiguration {
  readonly host: string;
  readonly port: number;
  /** Where others find it: what is configured, or made of host and port. */
  readonly address: string;
  /** Relative to the home, or absolute. */
  readonly store: string;
}

/** A role of the mint. */
export interface MintServerConfiguration extends ServerConfiguration {
  readonly http: MintHttpConfiguration;
}

/** Where a role of the mint speaks Cashu's interface. */
export interface MintHttpConfiguration {
  readonly host: string;
  /** 0: nowhere. */
  readonly port: number;
  /** Of TLS, PEM; relative to the home, or absolute. Both or neither: then it is in the clear. */
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface Limits {
  readonly loadAmountMin: Amount;
  readonly loadAmountMax: Amount;
  readonly balanceMax: Amount;
  /** How many devices the system takes in. */
  readonly devicesMax: number;
  /** How many shops operators approve, closed ones counted. */
  readonly shopsMax: number;
  /** New loads and account filings of one device. */
  readonly deviceRequestsPerMinute: number;
  /** Loads of one device that the institution declines; then it waits for the next day. */
  readonly deviceDeclinesPerDay: number;
  readonly certificateDays: number;
}

/** Where settlement has shops paid. */
export interface PaymentsConfiguration {
  readonly host: string;
  readonly port: number;
  /** The operator's account, an IBAN, and its holder. */
  readonly account: string;
  readonly name: string;
}

/** What shops are paid out by. */
export interface PayoutsConfiguration {
  readonly feeBasisPoints: number;
  readonly feePerPayout: Amount;
  readonly amountMin: Amount;
  /** Between two windows; 0: operators close them. */
  readonly closeEverySeconds: number;
  /** Of the times at which they are closed, counted from the Unix epoch. */
  readonly closeOffsetSeconds: number;
}

/** What devices may pay each other without a server. */
export interface OfflineConfiguration {
  /** Most that a purse is opened with; 0: there are no purses. */
  readonly allowanceMax: Amount;
  /** From its opening: how long others take payments of a purse, and how long these are settled. */
  readonly validDays: number;
  readonly reportDays: number;
  /** Most that the operator pays for a purse that has cheated, as a share of what it was opened with. */
  readonly coverPercent: number;
}

export interface Configuration {
  /** Fingerprint of the root key that is trusted. */
  readonly root: string;
  readonly currency: Currency;
  readonly currencies: Currencies;
  readonly roles: {
    readonly [Role in RoleName]: Role extends MintRole ? MintServerConfiguration : ServerConfiguration;
  };
  readonly institution: {
    readonly host: string;
    readonly port: number;
    readonly payments: PaymentsConfiguration;
  };
  readonly payouts: PayoutsConfiguration;
  readonly offline: OfflineConfiguration;
  readonly limits: Limits;
  readonly logLevel: (typeof LOG_LEVELS)[number];
}

/** @throws IdentityError configuration: every problem on a line */
export function parseConfiguration(text: string, file = 'specie.json'): Configuration {
  const read = parseJson(text, ConfigurationFile, file, 'configuration');
  const wrong = (name: string, what: string): IdentityError =>
    new IdentityError('configuration', `${file}: ${name}: ${what}`);
  /** What a RangeError of src/shared says, as the field's problem. */
  const within = <Value>(name: string, make: () => Value): Value => {
    try {
      return make();
    } catch (error) {
      if (error instanceof RangeError) throw wrong(name, error.message);
      throw error;
    }
  };
  const currencies = within('operatorCurrencies', () => new Currencies(read.operatorCurrencies));
  const currency = within('currency', () => currencies.parse(read.currency));
  const money = (name: 'loadAmountMin' | 'loadAmountMax' | 'balanceMax'): Amount =>
    within(`limits.${name}`, () => parseAmount(read.limits[name], currency));
  const limits: Limits = {
    ...read.limits,
    loadAmountMin: money('loadAmountMin'),
    loadAmountMax: money('loadAmountMax'),
    balanceMax: money('balanceMax'),
  };
  const payouts: PayoutsConfiguration = {
    ...read.payouts,
    feePerPayout: within('payouts.feePerPayout', () => parseAmount(read.payouts.feePerPayout, currency)),
    amountMin: within('payouts.amountMin', () => parseAmount(read.payouts.amountMin, currency)),
  };
  if (payouts.amountMin === 0n) throw wrong('payouts.amountMin', 'expected more than 0, got 0');
  const { closeEverySeconds, closeOffsetSeconds } = payouts;
  if (closeEverySeconds > 0 && closeEverySeconds < CLOSE_EVERY_SECONDS_MIN)
    throw wrong(
      'payouts.closeEverySeconds',
      `expected 0 or at least ${CLOSE_EVERY_SECONDS_MIN}, got ${closeEverySeconds}`,
    );
  if (closeOffsetSeconds > 0 && closeOffsetSeconds >= closeEverySeconds)
    throw wrong(
      'payouts.closeOffsetSeconds',
      `expected less than closeEverySeconds, ${closeEverySeconds}, got ${closeOffsetSeconds}`,
    );
  const offline: OfflineConfiguration = {
    ...read.offline,
    allowanceMax: within('offline.allowanceMax', () => parseAmount(read.offline.allowanceMax, currency)),
  };
  if (offline.reportDays <= offline.validDays) {
    throw wrong(
      'offline.reportDays',
      `expected more than validDays, ${offline.validDays}, got ${offline.reportDays}`,
    );
  }
  const shown = (value: Amount): string => formatAmount(value, currency);
  if (limits.loadAmountMin === 0n) throw wrong('limits.loadAmountMin', 'expected more than 0, got 0');
  for (const [less, more] of [
    ['loadAmountMin', 'loadAmountMax'],
    ['loadAmountMax', 'balanceMax'],
  ] as const) {
    if (limits[less] > limits[more]) {
      throw wrong(
        `limits.${more}`,
        `expected at least ${less}, ${shown(limits[less])}, got ${shown(limits[more])}`,
      );
    }
  }
  for (const role of MINT_ROLES) {
    const { certificateFile, keyFile } = read.roles[role].http;
    if ((certificateFile === undefined) !== (keyFile === undefined)) {
      const name = certificateFile === undefined ? 'certificateFile' : 'keyFile';
      throw wrong(`roles.${role}.http.${name}`, 'expected one beside the other of TLS, got none');
    }
  }
  const places = new Map<string, string>();
  const servers = [
    ...ROLES.map((role) => [`roles.${role}`, read.roles[role]] as const),
    ...MINT_ROLES.map((role) => [`roles.${role}.http`, read.roles[role].http] as const),
    ['institution', read.institution] as const,
    ['institution.payments', read.institution.payments] as const,
  ];
  for (const [name, place] of servers) {
    if (place.port === 0) continue;
    const text = `${place.host}:${place.port}`;
    const other = places.get(text);
    if (other !== undefined) throw wrong(`${name}.port`, `expected a port of its own, got that of ${other}`);
    places.set(text, name);
  }
  const roles = Object.fromEntries(
    ROLES.map((role) => [role, { ...read.roles[role], address: addressOf(read.roles[role]) }]),
  ) as Configuration['roles'];
  for (const role of ROLES) {
    try {
      checkAddress(roles[role].address, '');
    } catch {
      throw wrong(`roles.${role}.host`, 'expected one that makes an address, got another: set address');
    }
  }
  const { root, institution, logLevel } = read;
  return { root, currency, currencies, roles, institution, payouts, offline, limits, logLevel };
}

function addressOf({
  host,
  port,
  address,
}: {
  host: string;
  port: number;
  address?: string | undefined;
}): string {
  const text = `ws://${host.includes(':') ? `[${host}]` : host}:${port}/v1`;
  if (address !== undefined) return address;
  return URL.canParse(text) ? new URL(text).href : text;
}

/** A configuration with every default written out, so that one sees what there is to set. */
export function newConfigurationText(
  root: string,
  currency: string,
  operatorCurrencies: readonly string[],
): string {
  const file: ConfigurationFile = { version: 1, root, currency, operatorCurrencies: [...operatorCurrencies] };
  const whole = { ...ConfigurationFile.parse(file), operatorCurrencies };
  return `${JSON.stringify(whole, null, 2)}\n`;
}
