// How a shop comes into being. Each step leaves a file, so that whoever is interrupted goes on where he was:
//
//     keys ─▶ directory ─▶ shop.json ─▶ enrolment ─asked again until it is answered─▶ certificate ─▶ shop-card.txt
//                                        an operator approves it: specie shops approve

import { randomBytes as systemRandomBytes } from 'node:crypto';
import { join } from 'node:path';
import { ed25519, hpke, sha256 } from '../../crypto/index.ts';
import { equalBytes } from '../../identity/binary-text.ts';
import { keyClientIdentity } from '../../identity/client-identity.ts';
import type { Directory } from '../../identity/directory.ts';
import { parseDirectoryFile } from '../../identity/directory-file.ts';
import { keyFileText } from '../../identity/key-file.ts';
import { type KeyPair, keyIdOf } from '../../identity/key-set.ts';
import { generateKeyPair, type RandomBytes } from '../../identity/new-key-set.ts';
import type { Passphrase, PassphraseSource } from '../../identity/passphrase.ts';
import { PRIVATE, PrivateFiles, PUBLIC } from '../../identity/private-files.ts';
import {
  openShopCertificate,
  ShopCertificate,
  type SignedShopCertificate,
} from '../../identity/shop-certificate.ts';
import { systemCrypto } from '../../identity/system-crypto.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import { partner } from '../../roles/common/partner.ts';
import {
  AccountContentError,
  accountSealAad,
  accountSealInfo,
  encodeAccountContent,
  type SealedAccount,
} from '../../roles/documents/account-seal.ts';
import { encodeShopCard } from '../../roles/documents/shop-card.ts';
import { ShopEnrolment } from '../../roles/documents/shop-enrolment.ts';
import { idGenerator } from '../../shared/id.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import { fitsText } from '../catalogue.ts';
import { ShopError } from '../errors.ts';
import { managementCalls } from '../management-calls.ts';
import { currencyOf, ShopFile, ShopHome } from './shop-home.ts';

export interface EnrolShopOptions {
  readonly home: string;
  readonly name: string;
  /** Where payouts go: an IBAN or another account number. Sealed to settlement; nothing of it is kept. */
  readonly account: string;
  /** The text of `directory.json`. */
  readonly directory: string;
  /** Fingerprint of the root key that is trusted. */
  readonly root: string;
  /** A code of ISO 4217, or a definition such as `1000=TOK:2`. Default: EUR. */
  readonly currency?: string;
  readonly host?: string;
  readonly port?: number;
  /** Where wallets find the shop, if it is not ws://host:port/v1. */
  readonly address?: string;
  /** Encrypts the keys that are made. */
  readonly passphrase?: Passphrase;
  readonly clock?: Clock;
  readonly randomBytes?: RandomBytes;
  readonly files?: PrivateFiles;
  readonly scryptLog2N?: number;
}

/** Between enrolment and approval an operator may have a weekend. */
const APPLY_DAYS = 30n;
const NANOSECONDS_PER_DAY = 86_400_000_000_000n;
const ASK_FIRST_MS = 200;
const ASK_LAST_MS = 10_000;

const EXAMPLE = (currency: string): string => `{
  "kind": "specie catalogue",
  "version": 1,
  "currency": "${currency}",
  "articles": []
}
`;

/** Makes what is missing of a shop's home, and leaves what is there. Asks nobody yet. */
export async function makeShop(options: EnrolShopOptions): Promise<ShopHome> {
  const { name, clock = systemClock, randomBytes = systemRandomBytes } = options;
  const files = options.files ?? new PrivateFiles();
  const home = new ShopHome(options.home, files);
  if (home.certificate() !== undefined) {
    throw new ShopError('shop_exists', `${home.path}: expected no shop there yet, got one that is enrolled`);
  }
  const currency = currencyOf(options.currency ?? 'EUR');
  const directory = parseDirectoryFile(options.directory, options.root, systemCrypto, 'directory');
  if (!fitsText(name, 70)) {
    throw new ShopError(
      'invalid_argument',
      'name: expected a text of 1 to 70 bytes without line breaks, got another',
    );
  }
  for (const folder of [home.path, join(home.path, 'keys')]) files.makeFolder(folder);
  if (!files.exists(home.keyPath)) {
    const keys = {
      signing: generateKeyPair('signing', randomBytes),
      channel: generateKeyPair('channel', randomBytes),
    };
    const { passphrase, scryptLog2N } = options;
    const encryption = passphrase && { passphrase, ...(scryptLog2N !== undefined && { scryptLog2N }) };
    const text = await keyFileText({ owner: 'shop', number: 1, createdAt: clock(), keys }, encryption);
    files.create(home.keyPath, text, PRIVATE);
  }
  home.keepDirectory(directory);
  if (!files.exists(home.cataloguePath)) files.create(home.cataloguePath, EXAMPLE(currency.code), PUBLIC);
  if (!files.exists(home.settingsPath)) {
    const { root, host, port, address } = options;
    const settings = {
      kind: 'specie shop',
      version: 1,
      name,
      root,
      currency: options.currency ?? 'EUR',
      ...(host !== undefined && { host }),
      ...(port !== undefined && { port }),
      ...(address !== undefined && { address }),
    };
    const checked = ShopFile.safeParse(settings);
    if (!checked.success) {
      const [issue] = checked.error.issues;
      throw new ShopError('invalid_argument', `${String(issue?.path[0] ?? 'shop')}: ${issue?.message}`);
    }
    files.create(home.settingsPath, `${JSON.stringify(settings, null, 2)}\n`, PUBLIC);
  }
  if (home.enrolment() === undefined) {
    const { signing, channel } = await home.keys(async () => options.passphrase);
    const now = clock();
    const request = idGenerator({
      now: () => Number(now / 1_000_000n),
      random: (bytes) => bytes.set(randomBytes(bytes.length)),
    })();
    const document: ShopEnrolment = {
      request,
      signingKey: signing.publicKey,
      channelKey: channel.publicKey,
      name,
      account: sealedAccount(options.account, request, signing, directory, now),
      applyBy: now + APPLY_DAYS * NANOSECONDS_PER_DAY,
    };
    const signature = ed25519.sign(signing.secretKey, ShopEnrolment.signedBytes(document));
    home.keepEnrolment({ document, signature });
  }
  return home;
}

function sealedAccount(
  account: string,
  request: bigint,
  signing: KeyPair,
  directory: Directory,
  now: bigint,
): SealedAccount {
  const sealingKey = directory.currentKeySet('settlement', now).keys.sealing;
  const keyId = keyIdOf(sealingKey, sha256);
  let plaintext: Uint8Array;
  try {
    plaintext = encodeAccountContent({ signingKey: signing.publicKey, accountNumber: account });
  } catch (error) {
    if (error instanceof AccountContentError) throw new ShopError('invalid_argument', error.message);
    throw error;
  }
  try {
    const { enc, ciphertext } = hpke.seal({
      recipientPublicKey: sealingKey,
      info: accountSealInfo(keyId),
      aad: accountSealAad({ purpose: 'payout', request }),
      plaintext,
    });
    return { keyId, encapsulatedKey: enc, ciphertext };
  } finally {
    plaintext.fill(0);
  }
}

export interface AskOptions {
  readonly passphrase?: PassphraseSource;
  /** Milliseconds; then ShopError unfinished. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
  readonly onWaiting?: (state: string, shop: bigint) => void;
  readonly clock?: Clock;
  readonly setTimer?: SetTimer;
}

/**
 * Asks management until it answers, and keeps the certificate and the shop's card.
 * @throws ShopError refused, unfinished, directory_invalid, shop_missing
 */
export async function askForCertificate(
  home: ShopHome,
  options: AskOptions = {},
): Promise<SignedShopCertificate> {
  const { clock = systemClock, setTimer = systemTimer, passphrase = async () => undefined } = options;
  const known = home.certificate();
  if (known !== undefined) return known;
  const settings = home.settings();
  const directory = home.directory(settings);
  const enrolment = home.enrolment();
  if (enrolment === undefined) {
    throw new ShopError(
      'shop_missing',
      `${home.path}: expected an enrolment, got none: specie shop enrol makes one`,
    );
  }
  const { channel } = await home.keys(passphrase);
  const transport = partner(() => ({
    url: directory.address('management'),
    identity: () =>
      keyClientIdentity({ to: 'management', directory: () => directory, clock, channelKey: channel }),
  }));
  const management = managementCalls(transport);
  const until = clock() + BigInt(options.patienceMs ?? 0) * 1_000_000n;
  try {
    for (let pauseMs = ASK_FIRST_MS, said = ''; ; pauseMs = Math.min(2 * pauseMs, ASK_LAST_MS)) {
      const result = await management.enrolShop({ enrolment });
      if (result.kind === 'refused') {
        const { code, message } = result.refusal;
        throw new ShopError('refused', `management: ${code}: ${message}`);
      }
      let state = 'no answer';
      if (result.kind === 'ok') {
        const { answer } = result;
        if (answer.kind === 'closed')
          throw new ShopError('refused', `management has closed it: ${answer.reason}`);
        if (answer.kind === 'enrolled') return kept(home, answer, directory, enrolment.document, clock());
        state = answer.state;
        if (state !== said) options.onWaiting?.(state, answer.shop);
        said = state;
      } else if (result.reason !== said) {
        options.onWaiting?.(result.reason, 0n);
        said = result.reason;
      }
      if (options.patienceMs !== undefined && clock() >= until) {
        throw new ShopError('unfinished', `management: expected a certificate by now, got: ${state}`);
      }
      await pause(pauseMs, setTimer, options.signal);
    }
  } finally {
    await transport.close();
  }
}

function kept(
  home: ShopHome,
  { shop, certificate: bytes }: { readonly shop: bigint; readonly certificate: Uint8Array },
  directory: Directory,
  { signingKey, channelKey }: ShopEnrolment,
  now: bigint,
): SignedShopCertificate {
  const { certificate, refusal } = openShopCertificate(bytes, {
    issuerKey: (keyId) => directory.verificationKey('management', keyId, now),
    now,
    revoked: () => false,
    crypto: systemCrypto,
  });
  if (refusal !== undefined) throw new ShopError('directory_invalid', `management: ${refusal.message}`);
  if (
    certificate.shop !== shop ||
    !equalBytes(certificate.signingKey, signingKey) ||
    !equalBytes(certificate.channelKey, channelKey)
  ) {
    throw new ShopError(
      'directory_invalid',
      'management: expected the certificate of this shop, got another',
    );
  }
  const signed = ShopCertificate.signed.decode(bytes);
  home.keepCertificate(signed);
  const { host, port, address } = home.settings();
  if (address !== undefined || port !== 0) {
    home.keepCard(encodeShopCard({ address: address ?? addressOf(host, port), certificate: signed }));
  }
  return signed;
}

export function addressOf(host: string, port: number): string {
  return `ws://${host.includes(':') ? `[${host}]` : host}:${port}/v1`;
}

function pause(milliseconds: number, setTimer: SetTimer, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(new ShopError('unfinished', 'interrupted: the next call goes on'));
    };
    const cancel = setTimer(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}
