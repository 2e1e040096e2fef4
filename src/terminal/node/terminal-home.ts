// Where everything of a terminal lies.
//
//     terminal-home/
//     ├── terminal.json        which side, which gateways, which mint, its address
//     ├── directory.json       on the WAN, where the mint is that of a directory: who is who, signed by the root key
//     ├── keys/terminal.key    secret: what the twelve words stand for
//     └── store/               notes: money; what is under way; history
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import type { z } from 'zod';
import { fromHex, toHex } from '../../identity/binary-text.ts';
import { Directory } from '../../identity/directory.ts';
import { directoryFileText, parseDirectoryFile } from '../../identity/directory-file.ts';
import { field, fields, listOf, literal, parseJson } from '../../identity/json-fields.ts';
import { keyFileText, parseKeyFile, seedPairOf } from '../../identity/key-file.ts';
import type { Passphrase, PassphraseSource } from '../../identity/passphrase.ts';
import { PRIVATE, PrivateFiles, PUBLIC } from '../../identity/private-files.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import type { Side, TerminalAddress } from '../../roles/gateway/messages.ts';
import { Currencies, type Currency, CurrencyError, parseOperatorCurrency } from '../../shared/currency.ts';
import { decodeAddress, encodeAddress } from '../address.ts';
import { TerminalError } from '../errors.ts';
import { entropyOf, newEntropy, phraseOf, secretsOf, type TerminalSecrets } from './phrase.ts';

export const TERMINAL_HOME_DEFAULT = 'terminal-home';
const OWNER = 'terminal';
const GATEWAYS_MAX = 64;

const text = (pattern: RegExp, expected: string) =>
  field(expected, (value) => (typeof value === 'string' && pattern.test(value) ? value : undefined));

const GatewayName = text(/^[a-z0-9][a-z0-9-]{0,31}$/, 'a name of up to 32 of a-z, 0-9 and -');
const ChannelUrl = text(/^wss?:\/\/[^\s]{1,200}$/, 'an address such as ws://gateway.example:7290/v1');
const GatewayKey = text(/^[0-9a-f]{64}$/, 'the 64 hex digits of its key, as specie gateway show prints them');

const GatewayFile = fields({ name: GatewayName, url: ChannelUrl, key: GatewayKey });

const TerminalFile = fields({
  kind: literal('specie terminal'),
  version: literal(1),
  /** Says also which side it is on. */
  address: field('an address, splan1… or spwan1…', (value) => {
    try {
      return typeof value === 'string' && decodeAddress(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }),
  currency: text(
    /^[A-Z0-9]{3,10}(=[A-Z0-9]+)?(:\d{1,2})?$/,
    'a code of ISO 4217, or a definition such as 1000=TOK:2',
  ),
  gateways: listOf(GatewayFile, GATEWAYS_MAX),
  /** On the WAN: of a mint, over HTTP. With a root it only stands in tokens. */
  mint: text(/^https?:\/\/[^\s]{1,500}$/, 'an address such as https://mint.example').optional(),
  /** On the WAN: of the directory whose mint it is. */
  root: text(
    /^SHA256:[A-Za-z0-9+/]{43}$/,
    'the fingerprint of the root key, SHA256: and 43 characters',
  ).optional(),
});
export type TerminalFile = z.output<typeof TerminalFile>;

export interface GatewayEntry {
  /** How people call it. */
  readonly name: string;
  /** Of its listener on this side. */
  readonly url: string;
  /** X25519, hex: of its channels. */
  readonly key: string;
}

/** Where notes of the WAN come from. */
export type WideMintOptions =
  /** Any mint of Cashu, over HTTP. */
  | { readonly url: string; readonly directory?: undefined }
  | {
      /** The signed directory's bytes: its receiver is asked over a channel that leaves the terminal unnamed. */
      readonly directory: Uint8Array;
      /** Fingerprint of the root key that is trusted. */
      readonly root: string;
      /** Of the same mint, over HTTP: tokens name it, for wallets that know no directory. */
      readonly url?: string | undefined;
    };

export interface MakeTerminalOptions {
  readonly home: string;
  readonly side: Side;
  readonly gateways: readonly GatewayEntry[];
  /** Of the WAN. */
  readonly mint?: WideMintOptions | undefined;
  /** A code of ISO 4217, or a definition such as `1000=TOK:2`. Default: EUR. */
  readonly currency?: string | undefined;
  /** The words of a terminal that is lost; left out: new ones. */
  readonly phrase?: string | undefined;
  /** Encrypts the words. */
  readonly passphrase?: Passphrase | undefined;
  readonly clock?: Clock;
  readonly randomBytes?: (size: number) => Uint8Array;
  readonly files?: PrivateFiles;
  readonly scryptLog2N?: number;
}

export interface MadeTerminal {
  readonly home: TerminalHome;
  readonly address: string;
  /** To be written down on paper, and never shown again. */
  readonly phrase: string;
}

export class TerminalHome {
  readonly path: string;
  readonly files: PrivateFiles;

  constructor(path: string, files: PrivateFiles = new PrivateFiles()) {
    this.path = resolve(path);
    this.files = files;
  }

  get settingsPath(): string {
    return join(this.path, 'terminal.json');
  }
  get keyPath(): string {
    return join(this.path, 'keys', 'terminal.key');
  }
  get storePath(): string {
    return join(this.path, 'store');
  }
  get #directoryPath(): string {
    return join(this.path, 'directory.json');
  }

  /** @throws TerminalError terminal_missing; IdentityError configuration */
  settings(): TerminalFile {
    if (!this.files.exists(this.settingsPath))
      throw new TerminalError('terminal_missing', `${this.path}: expected a terminal, got none`);
    return parseJson(this.files.read(this.settingsPath), TerminalFile, this.settingsPath, 'configuration');
  }

  keepSettings(settings: TerminalFile): void {
    this.files.replace(this.settingsPath, `${JSON.stringify(settings, null, 2)}\n`, PUBLIC);
  }

  directory(root: string): Directory {
    const path = this.#directoryPath;
    return parseDirectoryFile(this.files.read(path), root, systemCrypto, path);
  }

  keepDirectory({ signed }: Directory): void {
    this.files.replace(this.#directoryPath, directoryFileText(signed), PUBLIC);
  }

  /** @throws IdentityError passphrase_needed, wrong_passphrase, damaged … */
  async secrets(passphrase: PassphraseSource): Promise<TerminalSecrets> {
    const content = this.files.readPrivate(this.keyPath);
    const { keys } = await parseKeyFile(content, this.keyPath, { owner: OWNER, uses: ['seed'] }, passphrase);
    const { secretKey } = keys.seed!;
    try {
      return secretsOf(secretKey);
    } finally {
      secretKey.fill(0);
    }
  }
}

/** Makes a terminal's home; asks nobody. @throws TerminalError terminal_exists, invalid_argument, phrase_invalid; IdentityError */
export async function makeTerminal(options: MakeTerminalOptions): Promise<MadeTerminal> {
  const { side, gateways, mint, passphrase, scryptLog2N, clock = systemClock } = options;
  const home = new TerminalHome(options.home, options.files);
  const { files } = home;
  if (files.exists(home.settingsPath))
    throw new TerminalError('terminal_exists', `${home.path}: expected no terminal there yet, got one`);
  if (gateways.length === 0 || (side === 'lan' && gateways.length > 1)) {
    throw new TerminalError(
      'invalid_argument',
      `gateways: expected ${side === 'lan' ? 'the one of the LAN' : 'one at least'}, got ${gateways.length}`,
    );
  }
  if ((mint === undefined) !== (side === 'lan')) {
    throw new TerminalError(
      'invalid_argument',
      side === 'lan'
        ? "mint: expected none, as the LAN's is the gateway's, got one"
        : 'mint: expected an address, or a directory and its root, got neither',
    );
  }
  currencyOf(options.currency ?? 'EUR');
  const entropy =
    options.phrase === undefined
      ? newEntropy(options.randomBytes ?? systemRandomBytes)
      : entropyOf(options.phrase);
  try {
    const { channel, sealing } = secretsOf(entropy);
    const address: TerminalAddress = {
      side,
      channelKey: channel.publicKey,
      sealingKey: sealing.publicKey,
    };
    const settings = {
      kind: 'specie terminal' as const,
      version: 1 as const,
      address: encodeAddress(address),
      currency: options.currency ?? 'EUR',
      gateways: gateways.map(({ name, url, key }) => ({ name, url, key })),
      ...(mint?.url !== undefined && { mint: mint.url }),
      ...(mint?.directory !== undefined && { root: mint.root }),
    };
    checked(settings);
    const directory =
      mint?.directory === undefined ? undefined : Directory.parse(mint.directory, mint.root, systemCrypto);
    const keys = { seed: seedPairOf(entropy) };
    const encryption = passphrase && { passphrase, ...(scryptLog2N !== undefined && { scryptLog2N }) };
    const content = await keyFileText({ owner: OWNER, number: 1, createdAt: clock(), keys }, encryption);
    for (const folder of [home.path, join(home.path, 'keys')]) files.makeFolder(folder);
    if (directory !== undefined) home.keepDirectory(directory);
    // One that is there was never used: without settings nobody has seen its words.
    files.replace(home.keyPath, content, PRIVATE);
    home.keepSettings(settings);
    return { home, address: settings.address, phrase: phraseOf(entropy) };
  } finally {
    entropy.fill(0);
  }
}

/** One more gateway, or another address or key of one. @throws TerminalError */
export function putGateway(home: TerminalHome, gateway: GatewayEntry): void {
  const settings = home.settings();
  const { side } = decodeAddress(settings.address);
  const others = settings.gateways.filter(({ name }) => name !== gateway.name);
  if (side === 'lan' && others.length > 0)
    throw new TerminalError('invalid_argument', 'gateways: expected the one of the LAN, got another one');
  const changed = { ...settings, gateways: [...others, gateway] };
  checked(changed);
  home.keepSettings(changed);
}

function checked(settings: z.input<typeof TerminalFile>): void {
  const result = TerminalFile.safeParse(settings);
  if (result.success) return;
  const [issue] = result.error.issues;
  throw new TerminalError('invalid_argument', `${issue?.path.join('.') || 'terminal'}: ${issue?.message}`);
}

/** @throws TerminalError invalid_argument */
export function currencyOf(code: string): Currency {
  try {
    if (!/[=:]/.test(code)) return new Currencies().parse(code);
    const own = parseOperatorCurrency(code);
    return new Currencies([own]).parse(own.code);
  } catch (error) {
    if (error instanceof CurrencyError) throw new TerminalError('invalid_argument', error.message);
    throw error;
  }
}

/** As people copy it: hex, perhaps in capitals. @throws TerminalError invalid_argument */
export function gatewayKeyOf(key: string): string {
  const hex = key.trim().toLowerCase();
  const bytes = fromHex(hex, 32);
  if (bytes === undefined)
    throw new TerminalError('invalid_argument', "gateway's key: expected 64 hex digits, got another text");
  return toHex(bytes);
}
