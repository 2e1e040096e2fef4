// A gateway with everything around it: keys, store, its connections to management, issuer and receiver, and its two servers, each
// bound to its own address.
import { randomFillSync } from 'node:crypto';
import { Registry } from 'prom-client';
import { Server } from '../../channel/server.ts';
import type { ServerLimits } from '../../channel/server-limits.ts';
import { ed25519 } from '../../crypto/index.ts';
import { toHex } from '../../identity/binary-text.ts';
import { shopClientIdentity } from '../../identity/client-identity.ts';
import type { PassphraseSource } from '../../identity/passphrase.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import { isStillKey } from '../../identity/standing.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import { type Partner, partner } from '../../roles/common/partner.ts';
import { IssuerClient } from '../../roles/issuer/client.ts';
import { ReceiverClient } from '../../roles/receiver/client.ts';
import type { Currency } from '../../shared/currency.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import { managementCalls } from '../../shop/management-calls.ts';
import { Upkeep } from '../../shop/node/upkeep.ts';
import { StoreError } from '../../store/errors.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import type { RoleStore } from '../../store/store.ts';
import { GatewayError } from '../errors.ts';
import { Gateway, type GatewayOptions } from '../gateway.ts';
import type { GatewayLog } from '../interface.ts';
import { gatewayServerIdentity } from '../server-identity.ts';
import { serveDesk } from './desk.ts';
import { GATEWAY_HOME_DEFAULT, GatewayHome, termsOf } from './gateway-home.ts';
import { KeysetWatch } from './wide-keysets.ts';

/**
 * Of each of the two listeners.
 * - connectionsMax: a terminal has one; each costs some KB. Beyond: refused.
 * - messageBytesMax: a request with 64 notes has 23 KB; one of the mint's interface half a MiB.
 */
const TERMINAL_LIMITS: Partial<ServerLimits> = {
  connectionsMax: 4_096,
  messagesInFlightMax: 16,
  bytesInFlightMax: 1024 * 1024,
  backpressureBytesMax: 1024 * 1024,
  heldBytesMax: 64 * 1024 * 1024,
};

export interface OpenGatewayOptions {
  /** What `specie gateway init` made: `gateway-home`. */
  readonly home?: string;
  readonly passphrase?: PassphraseSource;
  /** Default: nothing is logged. */
  readonly log?: GatewayLog;
  /** Called once when nothing can be written any more before a restart. */
  readonly failed?: (reason: string) => void;
  /** In place of gateway.json's ports: 0 takes free ones. */
  readonly lanPort?: number;
  readonly wanPort?: number;
  readonly limits?: Partial<ServerLimits>;
  /** false: no servers, no desk and no partners; for commands on a gateway that is not open. */
  readonly serve?: boolean;
  readonly clock?: Clock;
  readonly setTimer?: SetTimer;
  readonly onStep?: GatewayOptions['onStep'];
}

/** A gateway that is not open asks nobody: what is under way goes on when it is. */
const UNKNOWN = { kind: 'unknown', reason: 'the gateway is not open' } as const;
const NOBODY = {
  issuer: { issueNotes: async () => UNKNOWN, moveFunds: async () => UNKNOWN },
  receiver: { takeNotes: async () => UNKNOWN },
};

const SILENT: GatewayLog = { info: () => {}, warn: () => {}, error: () => {} };

/** An open gateway. */
export class OpenGateway extends Gateway {
  readonly #closeParts: () => Promise<void>;
  /** What terminals are told beside the address of their side, in hex. */
  readonly key: string;
  readonly currency: Currency;
  #servers: { readonly lan: Server; readonly wan: Server } | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    options: GatewayOptions,
    own: { readonly key: string; readonly currency: Currency },
    closeParts: () => Promise<void>,
  ) {
    super(options);
    this.key = own.key;
    this.currency = own.currency;
    this.#closeParts = closeParts;
  }

  static async open({
    home: path = GATEWAY_HOME_DEFAULT,
    ...options
  }: OpenGatewayOptions = {}): Promise<OpenGateway> {
    const { clock = systemClock, setTimer = systemTimer, log = SILENT, serve = true } = options;
    const { passphrase = async () => undefined } = options;
    const home = new GatewayHome(path, new PrivateFiles());
    const file = home.settings();
    const { terms, currency } = termsOf(file);
    const certificate = home.shop.certificate();
    if (certificate === undefined) {
      throw new GatewayError(
        'gateway_missing',
        `${home.path}: expected a certificate, got none: specie gateway enrol asks for one`,
      );
    }
    const keys = await home.keys(passphrase);
    const { signing, channel } = await home.shop.keys(passphrase);
    const closing: (() => void | Promise<void>)[] = [
      () => {
        const pairs = [signing, channel, keys.channel, keys.sealing];
        for (const secret of [...pairs.map(({ secretKey }) => secretKey), keys.seed]) secret.fill(0);
      },
    ];
    const closeParts = async (): Promise<void> => {
      for (const close of closing.splice(0).reverse()) await close();
    };
    try {
      const store = await openStore(home.storePath, options.failed);
      closing.push(() => store.close());
      const partners: {
        readonly role: 'management' | 'issuer' | 'receiver';
        readonly connection: Partner;
      }[] = [];
      const upkeep: Upkeep = new Upkeep({
        ...{ home: home.shop, settings: home.shop.settings(), currency, certificate, clock, setTimer, log },
        management: () => managementCalls(management),
        directoryChanged: (directory) => {
          for (const { role, connection } of partners)
            connection.recheck((key) => isStillKey(directory, role, key, clock()));
        },
      });
      closing.push(() => upkeep.close());
      const directory = () => upkeep.directory;
      const connect = (role: 'management' | 'issuer' | 'receiver'): Partner => {
        const connection = partner(() => ({
          url: directory().address(role),
          identity: () =>
            shopClientIdentity({
              ...{ to: role, directory, clock, channelKey: channel },
              certificate: () => upkeep.certificate,
            }),
        }));
        partners.push({ role, connection });
        closing.push(() => connection.close());
        return connection;
      };
      const management = connect('management');
      const mint = new IssuerClient(connect('issuer'));
      const { issuer, receiver } = serve
        ? { issuer: mint, receiver: new ReceiverClient(connect('receiver')) }
        : NOBODY;
      const wideKeysets = new KeysetWatch({ issuer: mint, unit: terms.unit, setTimer, log });
      closing.push(() => wideKeysets.close());
      const signer = ed25519.signingKey(signing.secretKey);
      const gateway = new OpenGateway(
        {
          ...{ store, issuer, receiver, wideKeysets, terms, log, clock, setTimer, random },
          ...{ lanRegistry: new Registry(), wanRegistry: new Registry() },
          identity: {
            shop: certificate.document.shop,
            sign: (message) => signer.sign(message),
            verificationKey: (role, keyId) => directory().verificationKey(role, keyId, clock()),
            receiverSealingKey: () => directory().currentKeySet('receiver', clock()).keys.sealing,
            missed: () => upkeep.missed(),
          },
          seeds: [{ number: 1, seed: keys.seed }],
          sealingKeys: [keys.sealing],
          ...(options.onStep !== undefined && { onStep: options.onStep }),
        },
        { key: toHex(keys.channel.publicKey), currency },
        closeParts,
      );
      closing.push(() => Gateway.prototype.close.call(gateway));
      if (!serve) return gateway;
      void wideKeysets.ask();
      const listen = async (side: 'lan' | 'wan', host: string, port: number): Promise<Server> => {
        const server = await Server.listen({
          engine: gateway[side],
          identity: gatewayServerIdentity(keys.channel),
          ...{ host, port },
          limits: { ...TERMINAL_LIMITS, ...options.limits },
          onFault: (error) => log.error({ err: error, side }, 'fault'),
        });
        closing.push(() => server.close());
        return server;
      };
      const lan = await listen('lan', file.lanHost, options.lanPort ?? file.lanPort);
      const wan = await listen('wan', file.wanHost, options.wanPort ?? file.wanPort);
      gateway.#servers = { lan, wan };
      try {
        const desk = await serveDesk(gateway, home.socketPath, log);
        closing.push(() => desk.close());
      } catch (error) {
        log.warn({ err: error }, 'no desk: commands have to wait until the gateway is closed');
      }
      return gateway;
    } catch (error) {
      await closeParts().catch(() => {});
      throw error;
    }
  }

  /** Where the servers listen; undefined: they do not. */
  get urls(): { readonly lan: string; readonly wan: string } | undefined {
    const servers = this.#servers;
    return servers && { lan: servers.lan.url, wan: servers.wan.url };
  }

  /** Answers what is in flight, then closes everything. What is under way goes on at the next start. */
  override close(): Promise<void> {
    this.#closing ??= this.#closeParts();
    return this.#closing;
  }
}

/**
 * Opens a gateway and serves its terminals.
 * @throws GatewayError gateway_missing, gateway_locked, gateway_damaged; IdentityError for its files; PortError
 */
export const openGatewayNode = (options?: OpenGatewayOptions): Promise<OpenGateway> =>
  OpenGateway.open(options);

/** @throws GatewayError gateway_locked, gateway_damaged, storage_failed */
async function openStore(path: string, failed: OpenGatewayOptions['failed']): Promise<RoleStore> {
  try {
    return await openRoleStore({ path, ...(failed && { failed: (error) => failed(error.message) }) });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const code =
      error.code === 'store_locked'
        ? 'gateway_locked'
        : error.code === 'store_corrupt'
          ? 'gateway_damaged'
          : 'storage_failed';
    throw new GatewayError(code, error.message, { cause: error });
  }
}

function random(): number {
  return randomFillSync(new Uint32Array(1))[0]! / 2 ** 32;
}
