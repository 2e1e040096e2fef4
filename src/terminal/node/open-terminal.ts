// A terminal with everything around it: keys, store, its channels to gateways and to the mint.
import { randomBytes as systemRandomBytes } from 'node:crypto';
import { noteCrypto } from '../../crypto/index.ts';
import { equalBytes, fromHex } from '../../identity/binary-text.ts';
import { IdentityError } from '../../identity/errors.ts';
import type { PassphraseSource } from '../../identity/passphrase.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import { fetchSend, MintClient, type MintSend } from '../../mint/client.ts';
import { type Partner, partner } from '../../roles/common/partner.ts';
import { RoleClient } from '../../roles/common/role-client.ts';
import type { GatewayRefusal } from '../../roles/gateway/errors.ts';
import { type GatewayOperations, gatewayProtocol } from '../../roles/gateway/messages.ts';
import { receiverProtocol } from '../../roles/receiver/messages.ts';
import type { Currency } from '../../shared/currency.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import type { RoleStore } from '../../store/store.ts';
import { decodeAddress } from '../address.ts';
import { TerminalError, type TerminalErrorCode } from '../errors.ts';
import { asTerminalError } from '../note-store.ts';
import type { KnownGateway, TerminalEvent, TerminalTimes } from '../ports.ts';
import { Terminal } from '../terminal.ts';
import { channelSend } from './mint-transport.ts';
import type { TerminalSecrets } from './phrase.ts';
import { currencyOf, TERMINAL_HOME_DEFAULT, type TerminalFile, TerminalHome } from './terminal-home.ts';

export interface OpenTerminalOptions {
  /** What `makeTerminal` made: `terminal-home`. */
  readonly home?: string;
  /** Of the words, where they are encrypted. */
  readonly passphrase?: PassphraseSource;
  /** true: no secret is read, for a look at what there is; whatever needs one throws passphrase_needed. */
  readonly isLocked?: boolean;
  readonly times?: Partial<TerminalTimes>;
  readonly clock?: Clock;
  readonly setTimer?: SetTimer;
  readonly randomBytes?: (size: number) => Uint8Array;
  readonly onEvent?: (event: TerminalEvent) => void;
}

const IDENTITY_CODES: Readonly<Record<string, TerminalErrorCode>> = {
  passphrase_needed: 'passphrase_needed',
  wrong_passphrase: 'wrong_passphrase',
  damaged: 'terminal_damaged',
  missing: 'terminal_damaged',
};

export class OpenTerminal extends Terminal {
  readonly currency: Currency;
  readonly settings: TerminalFile;
  readonly #closeParts: () => Promise<void>;

  private constructor(
    options: ConstructorParameters<typeof Terminal>[0] & { readonly currency: Currency },
    settings: TerminalFile,
    closeParts: () => Promise<void>,
  ) {
    super(options);
    this.currency = options.currency;
    this.settings = settings;
    this.#closeParts = closeParts;
  }

  /** @throws TerminalError; IdentityError for a file that is not what it should be */
  static async open(options: OpenTerminalOptions = {}): Promise<OpenTerminal> {
    const { home: path = TERMINAL_HOME_DEFAULT, clock = systemClock, setTimer = systemTimer } = options;
    const { passphrase = async () => undefined, isLocked = false } = options;
    const home = new TerminalHome(path);
    const settings = home.settings();
    const currency = currencyOf(settings.currency);
    const { side, channelKey, sealingKey } = decodeAddress(settings.address);
    const secrets = isLocked ? undefined : await secretsOf(home, passphrase);
    if (
      secrets !== undefined &&
      !(
        equalBytes(secrets.channel.publicKey, channelKey) && equalBytes(secrets.sealing.publicKey, sealingKey)
      )
    ) {
      throw new TerminalError(
        'terminal_damaged',
        `${home.settingsPath}: expected the address that belongs to its key file, got another`,
      );
    }
    const store = await openStore(home.storePath);
    const partners: Partner[] = [];
    try {
      const gateways = settings.gateways.map(({ name, url, key }) => {
        const remoteStaticKey = fromHex(key, 32)!;
        const transport = partner(() => ({
          url,
          identity: () => ({
            pattern: 'IK',
            staticKey: unlocked(secrets).channel.secretKey,
            remoteStaticKey,
          }),
        }));
        partners.push(transport);
        const calls = new RoleClient<GatewayOperations, GatewayRefusal>({
          protocol: gatewayProtocol,
          transport,
        });
        return { name, key: remoteStaticKey, calls };
      });
      const send = mintSend({ home, settings, gateways, clock, partners });
      return new OpenTerminal(
        {
          side,
          currency,
          store,
          keys: {
            channel: { publicKey: channelKey },
            sealing: {
              publicKey: sealingKey,
              get secretKey() {
                return unlocked(secrets).sealing.secretKey;
              },
            },
          },
          secrets: { derive: (...args) => unlocked(secrets).notes.derive(...args) },
          gateways,
          mint: new MintClient(send),
          ...(settings.mint !== undefined && { mintAddress: settings.mint }),
          crypto: noteCrypto,
          clock,
          setTimer,
          randomBytes: options.randomBytes ?? ((size) => Uint8Array.from(systemRandomBytes(size))),
          ...(options.times && { times: options.times }),
          ...(options.onEvent && { onEvent: options.onEvent }),
        },
        settings,
        async () => {
          await Promise.all(partners.map((one) => one.close()));
          await store.close();
          for (const pair of [secrets?.channel, secrets?.sealing]) pair?.secretKey.fill(0);
        },
      );
    } catch (error) {
      await Promise.all(partners.map((one) => one.close()));
      await store.close();
      throw asTerminalError(error);
    }
  }

  async close(): Promise<void> {
    await this.#closeParts();
  }
}

function unlocked(secrets: TerminalSecrets | undefined): TerminalSecrets {
  if (secrets === undefined)
    throw new TerminalError('passphrase_needed', 'terminal: expected it to be opened with its keys');
  return secrets;
}

async function secretsOf(home: TerminalHome, passphrase: PassphraseSource): Promise<TerminalSecrets> {
  try {
    return await home.secrets(passphrase);
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error;
    const code = IDENTITY_CODES[error.code];
    if (code === undefined) throw error;
    throw new TerminalError(code, error.message, { cause: error });
  }
}

async function openStore(path: string): Promise<RoleStore> {
  try {
    return await openRoleStore({ path });
  } catch (error) {
    throw asTerminalError(error);
  }
}

/** On the LAN the gateway's mint; on the WAN one over HTTP, or the receiver of the directory. */
function mintSend({
  home,
  settings,
  gateways,
  clock,
  partners,
}: {
  readonly home: TerminalHome;
  readonly settings: TerminalFile;
  readonly gateways: readonly KnownGateway[];
  readonly clock: Clock;
  readonly partners: Partner[];
}): MintSend {
  const { root, mint } = settings;
  if (root === undefined && mint !== undefined) return fetchSend(mint);
  if (root === undefined) {
    const [gateway] = gateways;
    return channelSend(gateway!.calls, `gateway ${gateway!.name}`);
  }
  const directory = home.directory(root);
  const transport = partner(() => ({
    url: directory.address('receiver'),
    identity: () => ({
      pattern: 'NK',
      remoteStaticKey: directory.currentKeySet('receiver', clock()).keys.channel,
    }),
  }));
  partners.push(transport);
  return channelSend(new RoleClient({ protocol: receiverProtocol, transport }), 'receiver');
}
