// How a gateway comes into being. Each step leaves files, so that whoever is interrupted goes on where he was:
//
//     keys ─▶ gateway.json ─▶ its enrolment as a shop ─asked again until it is answered─▶ certificate
//     └───── init ───────┘   └──────────────── enrol: an operator approves it: specie shops approve ─┘
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isEncrypted, keyFileText, seedPairOf } from '../../identity/key-file.ts';
import { generateKeyPair, type RandomBytes } from '../../identity/new-key-set.ts';
import type { Passphrase } from '../../identity/passphrase.ts';
import { PRIVATE, PrivateFiles, PUBLIC } from '../../identity/private-files.ts';
import type { SignedShopCertificate } from '../../identity/shop-certificate.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import { amountOf, formatAmount } from '../../shared/amount.ts';
import { type AskOptions, askForCertificate, currencyOf, makeShop } from '../../shop/index.ts';
import { GatewayError } from '../errors.ts';
import { checkListeners, GATEWAY_OWNER, GatewayFile, GatewayHome, termsOf } from './gateway-home.ts';

/** What gateway.json says; what is left out has its default. */
export type GatewaySettings = Pick<GatewayFile, 'organisation' | 'lanHost' | 'wanHost'> &
  Partial<Omit<GatewayFile, 'kind' | 'version'>>;

export interface MakeGatewayOptions {
  readonly home: string;
  readonly settings: GatewaySettings;
  /** Encrypts the keys that are made. */
  readonly passphrase?: Passphrase;
  readonly clock?: Clock;
  readonly randomBytes?: RandomBytes;
  readonly files?: PrivateFiles;
  readonly scryptLog2N?: number;
}

const SEED_BYTES = 32;
const CURRENCY_DEFAULT = 'EUR';

/** What the file says of amounts, to be changed there: for people's pockets, in minor units. */
function amountDefaults(code: string): Pick<GatewayFile, 'amountMin' | 'amountMax' | 'dayMax' | 'feeFixed'> {
  const currency = currencyOf(code);
  const text = (minorUnits: bigint): string => formatAmount(amountOf(minorUnits), currency);
  return { amountMin: text(1n), amountMax: text(50_000n), dayMax: text(200_000n), feeFixed: text(0n) };
}

/** Makes what is missing of a gateway's home, and leaves what is there. @throws GatewayError invalid_argument, gateway_exists */
export async function makeGateway(options: MakeGatewayOptions): Promise<GatewayHome> {
  const { clock = systemClock, randomBytes = systemRandomBytes } = options;
  const files = options.files ?? new PrivateFiles();
  const home = new GatewayHome(options.home, files);
  if (files.exists(home.settingsPath))
    throw new GatewayError('gateway_exists', `${home.path}: expected no gateway there yet, got one`);
  const { currency = CURRENCY_DEFAULT } = options.settings;
  const settings = {
    ...{ kind: 'specie gateway', version: 1, currency },
    ...amountDefaults(currency),
    ...options.settings,
  };
  const checked = GatewayFile.safeParse(settings);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    throw new GatewayError('invalid_argument', `${String(issue?.path[0] ?? 'gateway')}: ${issue?.message}`);
  }
  checkListeners(checked.data);
  termsOf(checked.data);
  for (const folder of [home.path, join(home.path, 'keys')]) files.makeFolder(folder);
  if (!files.exists(home.keyPath)) {
    const keys = {
      channel: generateKeyPair('channel', randomBytes),
      sealing: generateKeyPair('sealing', randomBytes),
      seed: seedPairOf(Uint8Array.from(randomBytes(SEED_BYTES))),
    };
    const { passphrase, scryptLog2N } = options;
    const encryption = passphrase && { passphrase, ...(scryptLog2N !== undefined && { scryptLog2N }) };
    const content = { owner: GATEWAY_OWNER, number: 1, createdAt: clock(), keys };
    files.create(home.keyPath, await keyFileText(content, encryption), PRIVATE);
  }
  files.create(home.settingsPath, `${JSON.stringify(checked.data, null, 2)}\n`, PUBLIC);
  return home;
}

export interface EnrolGatewayOptions extends AskOptions {
  /** Where the organisation's payouts go: an IBAN or another account number. Sealed to settlement. */
  readonly account: () => Promise<string>;
  /** The text of `directory.json`. */
  readonly directory: () => string;
  /** Fingerprint of the root key that is trusted. */
  readonly root: string;
  readonly scryptLog2N?: number;
}

/**
 * Enrols it as the shop that it deals in notes as; the same call goes on where the last one ended.
 * @throws ShopError refused, unfinished …; IdentityError for its keys
 */
export async function enrolGateway(
  home: GatewayHome,
  options: EnrolGatewayOptions,
): Promise<SignedShopCertificate> {
  const { organisation, currency } = home.settings();
  const { files, shop } = home;
  if (shop.certificate() === undefined && shop.enrolment() === undefined) {
    const { root, passphrase = async () => undefined, scryptLog2N } = options;
    // What encrypts the gateway's keys, once it has proven right, encrypts the shop's.
    await home.keys(passphrase);
    const isSecret = isEncrypted(files.readPrivate(home.keyPath), home.keyPath);
    const secret = isSecret ? await passphrase() : undefined;
    await makeShop({
      ...{ home: shop.path, name: `Gateway of ${organisation}`, root, currency, files },
      account: await options.account(),
      directory: options.directory(),
      ...(secret !== undefined && { passphrase: secret }),
      ...(scryptLog2N !== undefined && { scryptLog2N }),
    });
  }
  return askForCertificate(shop, options);
}
