// Wallets of the real core, and their owners: they enrol, file accounts, load, buy, ask twice, lose patience, crash, and come
// back until nothing is open.

import { hpke } from '../../src/crypto/index.ts';
import { openDeviceCertificate } from '../../src/identity/device-certificate.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import type { MessageTransport } from '../../src/roles/common/role-client.ts';
import { amountOf } from '../../src/shared/amount.ts';
import type { Currency } from '../../src/shared/currency.ts';
import {
  type ConnectOptions,
  type ConnectShopOptions,
  TransportError,
  Wallet,
  type WalletChannel,
  WalletError,
  type WalletStorage,
} from '../../src/wallet/core/index.ts';
import type { Put, StoredRecord } from '../../src/wallet/core/ports.ts';
import { nodeCrypto } from '../../src/wallet/node/crypto.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { directory } from '../identity/support.ts';
import { ROOT_FINGERPRINT } from '../wallet/support.ts';
import type { Ground, Life } from './ground.ts';
import type { Roles } from './roles.ts';
import type { ShopProcess } from './shops.ts';

const EURO: Currency = { ledger: 978, code: 'EUR', exponent: 2 };
const listed = directory();
const directoryBytes = listed.bytes();

/** Outlives its wallet; a write takes its time. */
export class WalletDisk implements WalletStorage {
  readonly records = new Map<string, Uint8Array>();
  /** Of what is being written, when the wallet crashes. */
  pending: (() => void) | undefined;

  async read(key: string): Promise<Uint8Array | undefined> {
    const value = this.records.get(key);
    return value && Uint8Array.from(value);
  }

  async list(prefix: string): Promise<readonly StoredRecord[]> {
    return [...this.records]
      .filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key, value: Uint8Array.from(value) }));
  }

  write(batch: readonly Put[]): Promise<void> {
    this.apply(batch);
    return Promise.resolve();
  }

  apply(batch: readonly Put[]): void {
    for (const { key, value } of batch) {
      if (value === undefined) this.records.delete(key);
      else this.records.set(key, Uint8Array.from(value));
    }
  }
}

export type Wish =
  | { readonly kind: 'load'; readonly amount: bigint; readonly card: string | undefined }
  | { readonly kind: 'file'; readonly card: string }
  /** At a shop: of its own choice, or what a till offers. */
  | {
      readonly kind: 'buy';
      readonly shop: number;
      readonly article: string;
      readonly quantity: number;
      readonly reserveSeconds: number | undefined;
      readonly isOffered: boolean;
    }
  /** Two loads that race. */
  | { readonly kind: 'race'; readonly amounts: readonly [bigint, bigint]; readonly card: string };

export interface WalletPlan {
  readonly name: string;
  /** On file from the enrolment on. */
  readonly card: string | undefined;
  readonly wishes: readonly Wish[];
  readonly validityMs: number;
}

export class WalletProcess {
  readonly plan: WalletPlan;
  readonly disk = new WalletDisk();
  readonly #ground: Ground;
  readonly #roles: Roles;
  readonly #shops: readonly ShopProcess[];
  #life = 0;
  #wished = 0;
  wallet: Wallet | undefined;
  isDone = false;
  crashChance = 0;
  crashes = 0;
  /** What the owner cannot understand. */
  readonly faults: string[] = [];

  constructor(plan: WalletPlan, ground: Ground, roles: Roles, shops: readonly ShopProcess[]) {
    this.plan = plan;
    this.#ground = ground;
    this.#roles = roles;
    this.#shops = shops;
  }

  start(): void {
    const number = ++this.#life;
    const life = this.#ground.life(() => this.#life === number);
    void this.#live(life).catch((error: unknown) => {
      if (life.isAlive()) this.faults.push(`${this.plan.name}: ${(error as Error).stack}`);
    });
  }

  crash(): void {
    this.#ground.note(this.plan.name, 'crashes');
    this.isDone = false;
    this.crashes++;
    this.#life++;
    this.wallet = undefined;
    if (this.#ground.random.chance(0.5)) this.disk.pending?.();
    this.disk.pending = undefined;
    this.#ground.world.setTimer(() => this.start(), 50 + 3_000 * this.#ground.random.float());
  }

  async #live(life: Life): Promise<void> {
    const { disk, plan } = this;
    const options = this.#options(life);
    const isNew = !disk.records.has('wallet');
    const wallet = isNew
      ? await Wallet.create(options, {
          directory: directoryBytes,
          rootFingerprint: ROOT_FINGERPRINT,
          currency: EURO,
          name: plan.name,
        })
      : await Wallet.open(options);
    this.wallet = wallet;
    this.isDone = false;
    while (life.isAlive()) {
      await this.#settle(wallet, life);
      if (wallet.device === undefined) {
        await this.#try(() =>
          wallet.enrol({ userData: plan.name, accountNumber: plan.card, patienceMs: this.#patienceMs() }),
        );
        await this.#pause(life, 1_000 * this.#ground.random.float());
        continue;
      }
      // Made before the wish is granted: an owner whose wallet has crashed looks at what is there, and asks for the next.
      const wish = plan.wishes[this.#wished];
      if (wish === undefined) break;
      this.#wished++;
      await this.#grant(wallet, wish);
      await this.#pause(life, 400 * this.#ground.random.float());
    }
    await this.#settle(wallet, life);
    this.isDone = true;
    this.#ground.note(plan.name, 'is done');
  }

  /**
   * Takes over what shops and cash have done since, until the wallet has what cash has and nothing is reserved.
   * Only where all is well; rejects when it is not so after `attempts`.
   */
  async catchUp(attempts: number): Promise<void> {
    const { wallet, plan } = this;
    if (wallet === undefined) throw new Error(`${plan.name}: expected a wallet, got none`);
    let said = '';
    for (; attempts > 0; attempts--) {
      const { online } = await wallet.sync();
      const { reserved, open } = await wallet.balance();
      if (online.verdict === 'agrees' && online.reserved === 0n && reserved.length + open.length === 0)
        return;
      said = `${online.verdict}, ${online.reserved} reserved at cash, here ${reserved.length}, ${open.length} open`;
      await this.#ground.pause(60_000);
    }
    throw new Error(`${plan.name}: expected to agree with cash, got ${said}`);
  }

  async #grant(wallet: Wallet, wish: Wish): Promise<void> {
    const patienceMs = this.#patienceMs();
    const load = (amount: bigint, card: string | undefined) =>
      this.#try(() =>
        card === undefined
          ? wallet.load({ amount: amountOf(amount), onFile: true, patienceMs })
          : wallet.load({ amount: amountOf(amount), accountNumber: card, patienceMs }),
      );
    if (wish.kind === 'file')
      await this.#try(() => wallet.fileAccount({ accountNumber: wish.card, patienceMs }));
    else if (wish.kind === 'buy') await this.#buy(wallet, wish, patienceMs);
    else if (wish.kind === 'load') await load(wish.amount, wish.card);
    else await Promise.all([load(wish.amounts[0], wish.card), load(wish.amounts[1], wish.card)]);
  }

  async #buy(wallet: Wallet, wish: Wish & { kind: 'buy' }, patienceMs: number): Promise<void> {
    const { article, quantity, reserveSeconds, isOffered } = wish;
    const place = this.#shops[wish.shop]!;
    const { card } = place;
    // Nobody buys at a shop that has not opened yet.
    if (card === undefined) return;
    const offer = isOffered ? place.offers(article, reserveSeconds) : undefined;
    if (isOffered && offer === undefined) return;
    const what =
      offer === undefined
        ? {
            articles: [{ article, quantity }],
            kind: reserveSeconds === undefined ? ('sale' as const) : ('authorisation' as const),
            timeoutSeconds: reserveSeconds,
          }
        : { offer };
    await this.#try(() => wallet.buy({ shop: card, ...what, patienceMs }));
  }

  /** Until nothing is open; each request is asked for by two at a time now and then. */
  async #settle(wallet: Wallet, life: Life): Promise<void> {
    for (;;) {
      const { open } = await wallet.balance();
      if (open.length === 0) return;
      const patienceMs = this.#patienceMs();
      await Promise.all([
        this.#try(() => wallet.resume({ patienceMs })),
        this.#ground.random.chance(0.3)
          ? this.#try(() => wallet.resume({ request: open[0]!.request, patienceMs }))
          : undefined,
      ]);
      await this.#pause(life, 200 + 800 * this.#ground.random.float());
    }
  }

  async #try(call: () => Promise<unknown>): Promise<void> {
    try {
      await call();
    } catch (error) {
      if (!(error instanceof WalletError)) throw error;
      this.#ground.note(this.plan.name, `is told ${error.code}`);
      // Where a clock is wrong, a key or a certificate may be of the future: doubt that goes away by itself.
      if (error.code === 'answer_invalid' && !this.#ground.hadWrongClocks)
        this.faults.push(`${this.plan.name}: ${error.message}`);
    }
  }

  #patienceMs(): number {
    return 500 + 15_000 * this.#ground.random.float();
  }

  #pause(life: Life, milliseconds: number): Promise<void> {
    return new Promise((resolve) => void life.setTimer(resolve, milliseconds));
  }

  #options(life: Life) {
    const ground = this.#ground;
    const { name } = this.plan;
    const disk = this.disk;
    const storage: WalletStorage = {
      read: (key) => disk.read(key),
      list: (prefix) => disk.list(prefix),
      write: (batch) =>
        new Promise((resolve) => {
          if (!life.isAlive()) return;
          disk.pending = () => disk.apply(batch);
          life.setTimer(() => {
            disk.apply(batch);
            disk.pending = undefined;
            resolve();
            this.#fate(life);
          }, 0.2 + ground.random.float());
        }),
    };
    return {
      storage,
      crypto: {
        ...nodeCrypto,
        randomBytes: ground.bytes,
        seal: ({ publicKey, info, aad, plaintext }: Parameters<typeof nodeCrypto.seal>[0]) => {
          const { enc, ciphertext } = hpke.seal({
            recipientPublicKey: publicKey,
            info,
            aad,
            plaintext,
            randomBytes: ground.bytes,
          });
          return { encapsulatedKey: enc, ciphertext };
        },
      },
      clock: { now: ground.clockOf(name), setTimer: life.setTimer },
      transport: {
        connect: (options: ConnectOptions) => this.#connect(options, life),
        connectShop: (options: ConnectShopOptions) => this.#connectShop(options, life),
      },
      times: { validityMs: this.plan.validityMs },
      onEvent: (event: { readonly type: string }) => {
        if (!life.isAlive()) return;
        ground.note(
          name,
          JSON.stringify(event, (_, value) => (typeof value === 'bigint' ? value.toString(16) : value)),
        );
        this.#fate(life);
      },
    };
  }

  #fate(life: Life): void {
    if (!life.isAlive() || !this.#ground.random.chance(this.crashChance)) return;
    this.crash();
  }

  /** The handshake as the server does it, without the cipher: who is at the other end, and whether he may come in. */
  #connect({ as, channelSecretKey, certificate }: ConnectOptions, life: Life): Promise<WalletChannel> {
    const ground = this.#ground;
    const { name } = this.plan;
    const { management } = this.#roles.processes;
    return new Promise((resolve, reject) => {
      if (!life.isAlive()) return;
      ground.carry(name, 'management', () => {
        const { opened } = management;
        if (opened === undefined) return;
        const channelKey = nodeCrypto.channelPublicKey(channelSecretKey);
        let peer: Peer = { kind: 'unenrolled', channelKey };
        let refusal: string | undefined;
        if (as === 'device') {
          const now = ground.clockOf('management')();
          const found = openDeviceCertificate(certificate ?? new Uint8Array(0), {
            issuerKey: (keyId) => listed.verificationKey('management', keyId, now),
            now,
            revoked: opened.revoked!,
            crypto: systemCrypto,
          });
          if (found.certificate === undefined) refusal = found.refusal.reason;
          else peer = { kind: 'device', ...found.certificate };
        }
        ground.carry('management', name, () => {
          if (!life.isAlive()) return;
          if (refusal === undefined) resolve(this.#channel(peer, life));
          else reject(new TransportError('refused', refusal, { refusal }));
        });
      });
      life.setTimer(() => reject(new TransportError('unreachable', 'no answer')), 3_000);
    });
  }

  /** The shop proves its key; the wallet stays unnamed. */
  #connectShop({ shopKey, address }: ConnectShopOptions, life: Life): Promise<WalletChannel> {
    const ground = this.#ground;
    const { name } = this.plan;
    const shop = this.#shops.find((one) => one.address === address);
    return new Promise((resolve, reject) => {
      if (!life.isAlive()) return;
      if (shop === undefined || !Buffer.from(shopKey).equals(shop.channel.publicKey)) {
        reject(new TransportError('unreachable', 'no such shop'));
        return;
      }
      ground.carry(name, shop.plan.name, () => {
        if (shop.opened === undefined) return;
        ground.carry(shop.plan.name, name, () => {
          if (life.isAlive()) resolve(channel(shop, shop.transport(name, life.isAlive)));
        });
      });
      life.setTimer(() => reject(new TransportError('unreachable', 'no answer')), 3_000);
    });
  }

  #channel(peer: Peer, life: Life): WalletChannel {
    const { management } = this.#roles.processes;
    return channel(management, this.#roles.transport(this.plan.name, 'management', peer, life.isAlive));
  }
}

/** A connection, which ends with the life of who is at the other end. */
function channel(process: { readonly life: number }, transport: MessageTransport): WalletChannel {
  const { life } = process;
  let isOpen = true;
  return {
    call: async (operation, messages) => {
      if (!isOpen || process.life !== life) throw new TransportError('unreachable', 'the connection is gone');
      try {
        return await transport.call(operation, messages);
      } catch (error) {
        throw new TransportError('unreachable', (error as Error).message);
      }
    },
    close: async () => {
      isOpen = false;
    },
  };
}
