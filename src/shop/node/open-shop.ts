// A shop with everything around it: keys, store, its connection to management, its server for wallets.
import { randomFillSync } from 'node:crypto';
import { Registry } from 'prom-client';
import { Server } from '../../channel/server.ts';
import type { ServerLimits } from '../../channel/server-limits.ts';
import { ed25519 } from '../../crypto/index.ts';
import { shopClientIdentity } from '../../identity/client-identity.ts';
import type { PassphraseSource } from '../../identity/passphrase.ts';
import { PrivateFiles } from '../../identity/private-files.ts';
import { shopServerIdentity } from '../../identity/shop-server-identity.ts';
import { isStillKey } from '../../identity/standing.ts';
import { type Clock, systemClock } from '../../identity/time.ts';
import { type Partner, partner } from '../../roles/common/partner.ts';
import type { MessageTransport } from '../../roles/common/role-client.ts';
import { type SetTimer, systemTimer } from '../../shared/timer.ts';
import { StoreError } from '../../store/errors.ts';
import { openRoleStore } from '../../store/lmdb-store.ts';
import type { RoleStore } from '../../store/store.ts';
import type { Article } from '../catalogue.ts';
import { ShopError } from '../errors.ts';
import type { ShopLog } from '../interface.ts';
import { issuerCalls } from '../issuer-calls.ts';
import { managementCalls } from '../management-calls.ts';
import type { PurchaseTrace } from '../purchases.ts';
import { Shop, type ShopOptions } from '../shop.ts';
import { serveDesk } from './desk.ts';
import { addressOf } from './enrol.ts';
import { currencyOf, SHOP_HOME_DEFAULT, ShopHome } from './shop-home.ts';
import { Upkeep } from './upkeep.ts';

/**
 * Where customers come in, whom nobody knows.
 * - unnamedMax: each costs some KB. Beyond: the oldest that waits for nothing goes, and may come back.
 * - messageBytesMax: a purchase has at most 4.2 KB; whoever begins a long message holds so much memory.
 * - messagesInFlightMax, bytesInFlightMax: a customer has one purchase at a time; a gateway of many has connections.
 */
const CUSTOMER_LIMITS: Partial<ServerLimits> = {
  connectionsMax: 4_096 + 256,
  unnamedMax: 4_096,
  messageBytesMax: 64 * 1024,
  messagesInFlightMax: 16,
  bytesInFlightMax: 256 * 1024,
  backpressureBytesMax: 256 * 1024,
  heldBytesMax: 64 * 1024 * 1024,
};

export interface OpenShopOptions {
  /** What `specie shop enrol` made: `shop-home`. */
  readonly home?: string;
  /** Of the keys, where they are encrypted. */
  readonly passphrase?: PassphraseSource;
  /** Default: nothing is logged. */
  readonly log?: ShopLog;
  /** Called once when nothing can be written any more before a restart. */
  readonly failed?: (reason: string) => void;
  /** In place of shop.json's. */
  readonly host?: string;
  readonly port?: number;
  readonly limits?: Partial<ServerLimits>;
  /** false: no server for wallets and no desk; for commands on a shop that is not open. */
  readonly serve?: boolean;
  readonly clock?: Clock;
  readonly setTimer?: SetTimer;
  /** In place of a connection to management: tests. */
  readonly management?: MessageTransport;
  readonly trace?: PurchaseTrace;
}

const SILENT: ShopLog = { info: () => {}, warn: () => {}, error: () => {} };

/** An open shop: the till API, and a server that wallets reach. */
export class OpenShop extends Shop {
  readonly #upkeep: Upkeep;
  readonly #closeParts: () => Promise<void>;
  #server: Server | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: ShopOptions, upkeep: Upkeep, closeParts: () => Promise<void>) {
    super(options);
    this.#upkeep = upkeep;
    this.#closeParts = closeParts;
  }

  static async open({ home: path = SHOP_HOME_DEFAULT, ...options }: OpenShopOptions = {}): Promise<OpenShop> {
    const { clock = systemClock, setTimer = systemTimer, log = SILENT } = options;
    const { passphrase = async () => undefined } = options;
    const home = new ShopHome(path, new PrivateFiles());
    const settings = home.settings();
    const currency = currencyOf(settings.currency);
    const certificate = home.certificate();
    if (certificate === undefined) {
      throw new ShopError(
        'shop_missing',
        `${home.path}: expected a certificate, got none: specie shop enrol asks for one`,
      );
    }
    const { signing, channel } = await home.keys(passphrase);
    const closing: (() => void | Promise<void>)[] = [
      () => {
        for (const { secretKey } of [signing, channel]) secretKey.fill(0);
      },
    ];
    const closeParts = async (): Promise<void> => {
      for (const close of closing.splice(0).reverse()) await close();
    };
    try {
      const store = await openStore(home.storePath, options.failed);
      closing.push(() => store.close());
      const connections: { [Role in 'management' | 'issuer']?: Partner } = {};
      const upkeep: Upkeep = new Upkeep({
        ...{ home, settings, currency, certificate, clock, setTimer, log },
        management: () => managementCalls(management),
        directoryChanged: (directory) => {
          for (const [role, partner] of Object.entries(connections))
            partner.recheck((key) => isStillKey(directory, role as 'management' | 'issuer', key, clock()));
        },
      });
      closing.push(() => upkeep.close());
      const directory = () => upkeep.directory;
      const connectionTo = (to: 'management' | 'issuer'): Partner => {
        const connection = partner(() => ({
          url: directory().address(to),
          identity: () =>
            shopClientIdentity({
              ...{ to, directory, clock, channelKey: channel },
              certificate: () => upkeep.certificate,
            }),
        }));
        connections[to] = connection;
        closing.push(() => connection.close());
        return connection;
      };
      const toManagement = connectionTo('management');
      const management: MessageTransport = options.management ?? toManagement;
      // A system from before notes has none.
      const issuer =
        directory().role('issuer') === undefined ? undefined : issuerCalls(connectionTo('issuer'));
      const signer = ed25519.signingKey(signing.secretKey);
      const registry = new Registry();
      const { host = settings.host, port = settings.port } = options;
      const shop = new OpenShop(
        {
          ...{ store, currency, management, log, clock, setTimer, registry },
          ...(issuer !== undefined && { issuer }),
          identity: {
            certificate: () => upkeep.certificate,
            directory,
            missed: () => upkeep.missed(),
            signer,
          },
          offering: {
            terms: () => ({
              shop: certificate.document.shop,
              currency: currency.ledger,
              selfService: settings.selling === 'self service',
              expiresWithinSeconds: settings.expiresWithinSeconds,
              authorisationSecondsMax: settings.authorisationSecondsMax,
            }),
            catalogue: () => upkeep.catalogue,
          },
          address: () => settings.address ?? shop.#server?.url ?? addressOf(host, port),
          random,
          ...(options.trace !== undefined && { trace: options.trace }),
        },
        upkeep,
        closeParts,
      );
      closing.push(() => Shop.prototype.close.call(shop));
      if (options.serve === false) return shop;
      shop.#server = await Server.listen({
        engine: shop.engine,
        identity: shopServerIdentity(channel),
        ...{ host, port },
        limits: { ...CUSTOMER_LIMITS, ...options.limits },
        onFault: (error) => log.error({ err: error }, 'fault'),
      });
      home.keepCard(shop.card());
      try {
        const desk = await serveDesk(shop, home.socketPath, log);
        closing.push(() => desk.close());
      } catch (error) {
        log.warn({ err: error }, 'no desk: commands have to wait until the shop is closed');
      }
      return shop;
    } catch (error) {
      await closeParts().catch(() => {});
      throw error;
    }
  }

  /** Where the server listens; undefined: it serves nobody. */
  get url(): string | undefined {
    return this.#server?.url;
  }

  get articles(): readonly Article[] {
    return this.#upkeep.catalogue.articles;
  }

  /** Reads the catalogue now, and not within two seconds. @throws ShopError catalogue_invalid: the one before stays */
  reloadCatalogue(): void {
    this.#upkeep.reload();
  }

  /** Answers what is in flight, then closes everything. What is open goes on at the next start. */
  override close(): Promise<void> {
    this.#closing ??= (async () => {
      await this.#server?.close();
      await this.#closeParts();
    })();
    return this.#closing;
  }
}

/**
 * Opens a shop and serves customers.
 *
 *     const shop = await openShop({ home: 'shop-home' });
 *     const charge = shop.till('1').charge([{ article: 'coffee', quantity: 2 }]);
 *     const sale = await charge.paid;
 *
 * @throws ShopError shop_missing, shop_locked, shop_damaged, catalogue_invalid; IdentityError for its files; PortError
 */
export const openShop = (options?: OpenShopOptions): Promise<OpenShop> => OpenShop.open(options);

/** @throws ShopError shop_locked, shop_damaged, storage_failed */
async function openStore(path: string, failed: OpenShopOptions['failed']): Promise<RoleStore> {
  try {
    return await openRoleStore({ path, ...(failed && { failed: (error) => failed(error.message) }) });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const code =
      error.code === 'store_locked'
        ? 'shop_locked'
        : error.code === 'store_corrupt'
          ? 'shop_damaged'
          : 'storage_failed';
    throw new ShopError(code, error.message, { cause: error });
  }
}

function random(): number {
  return randomFillSync(new Uint32Array(1))[0]! / 2 ** 32;
}
