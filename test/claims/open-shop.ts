// A shop as people run it, in a whole system: a tap on the line of its customers, an ear at what it reads and answers, its
// log and its files at hand.
//
//     wallet ──tap──▶ shop ──▶ the system's tap ──▶ management
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { Client } from '../../src/channel/client.ts';
import { directoryFileText } from '../../src/identity/directory-file.ts';
import { ShopCertificate } from '../../src/identity/shop-certificate.ts';
import { RoleClient } from '../../src/roles/common/role-client.ts';
import { type ManagementClient, managementClient } from '../../src/roles/management/client.ts';
import type { ShopRefusal } from '../../src/roles/shop/errors.ts';
import { type ShopOperations, shopProtocol } from '../../src/roles/shop/messages.ts';
import { askForCertificate, makeShop, type OpenShop, openShop, type ShopHome } from '../../src/shop/index.ts';
import type { EngineReply, EngineRequest } from '../../src/wire/engine.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { answerOf, filesBelow, messagesOf, type System } from './system.ts';
import { Tap } from './tap.ts';

export interface ShopHeard {
  readonly peer: Peer;
  readonly operation: number;
  readonly messages: readonly Buffer[];
  /** Empty until it is answered. */
  readonly answers: Buffer[];
}

export interface Sells {
  readonly name: string;
  /** Where its payouts go. */
  readonly account: string;
  readonly articles: readonly { readonly id: string; readonly name: string; readonly price: string }[];
}

export class WholeShop {
  readonly system: System;
  readonly tap: Tap;
  readonly home: ShopHome;
  readonly heard: ShopHeard[] = [];
  readonly log: string[] = [];
  /** What it answers instead: a shop that lies. */
  lie: ((request: EngineRequest) => EngineReply | undefined) | undefined;
  shop!: OpenShop;

  private constructor(system: System, tap: Tap, home: ShopHome) {
    this.system = system;
    this.tap = tap;
    this.home = home;
  }

  /** Enrolled, approved and open. */
  static async open(system: System, { name, account, articles }: Sells): Promise<WholeShop> {
    const tap = await Tap.open();
    const home = await makeShop({
      ...{ home: join(system.folder, name), name, account, port: 0, address: tap.url },
      directory: directoryFileText(system.directory().signed),
      root: system.fingerprint,
    });
    const catalogue = { kind: 'specie catalogue', version: 1, currency: 'EUR', articles };
    writeFileSync(home.cataloguePath, JSON.stringify(catalogue));
    const settings = JSON.parse(readFileSync(home.settingsPath, 'utf8'));
    writeFileSync(home.settingsPath, JSON.stringify({ ...settings, authorisationSecondsMax: 3_600 }));
    const operator = managementClient(await system.asOperator('management'));
    await askForCertificate(home, {
      patienceMs: 20_000,
      onWaiting: (_, shop) => void operator.approveShop({ shop }).then(answerOf, () => {}),
    });
    const whole = new WholeShop(system, tap, home);
    await whole.start();
    return whole;
  }

  get number(): bigint {
    return this.home.certificate()!.document.shop;
  }

  get card(): string {
    return this.shop.card();
  }

  async start(): Promise<void> {
    const line = (level: string) => (fields: object, message: string) => {
      const shown = inspect(fields, { depth: 8, maxArrayLength: null, maxStringLength: null });
      this.log.push(`${level} ${message} ${shown}`);
    };
    this.shop = await openShop({
      home: this.home.path,
      log: { info: line('info'), warn: line('warn'), error: line('error') },
    });
    this.#listen();
    this.tap.target = Number(new URL(this.shop.url!).port);
  }

  async stop(): Promise<void> {
    await this.shop.close();
  }

  async close(): Promise<void> {
    await this.shop?.close();
    await this.tap.close();
  }

  /** As a customer whom the shop knows nothing of. */
  async customer(): Promise<RoleClient<ShopOperations, ShopRefusal>> {
    const { channelKey } = this.home.certificate()!.document;
    const transport = new Client({
      url: this.tap.url,
      identity: { pattern: 'NK', remoteStaticKey: channelKey },
      connectTimeoutMs: 5_000,
      requestTimeoutMs: 10_000,
    });
    this.system.whenClosing(() => transport.close(0));
    await transport.connected;
    return new RoleClient<ShopOperations, ShopRefusal>({ protocol: shopProtocol, transport });
  }

  /** With its own keys, beside the shop itself. */
  async management(): Promise<ManagementClient> {
    const { channel } = await this.keys();
    const client = await this.system.connect('management', {
      pattern: 'IK',
      staticKey: channel.secretKey,
      remoteStaticKey: this.system.channelKey('management'),
      payload: ShopCertificate.signed.encode(this.home.certificate()!),
    });
    return managementClient(client);
  }

  keys() {
    return this.home.keys(async () => undefined);
  }

  /** All that it was ever told: by customers, by management, and what it keeps. */
  knows(): Buffer[] {
    const byManagement = this.system.heard.filter(
      ({ peer }) => peer.kind === 'shop' && peer.shop === this.number,
    );
    return [
      ...[...this.heard, ...byManagement].flatMap(({ messages, answers }) => [...messages, ...answers]),
      ...filesBelow(this.home.path),
      Buffer.from(this.log.join('\n')),
    ];
  }

  #listen(): void {
    const { engine } = this.shop;
    const submit = engine.submit.bind(engine);
    engine.submit = async (request) => {
      const { operation, peer, count } = request;
      const messages = messagesOf(Buffer.from(request.payload), operation, count);
      const heard: ShopHeard = { peer, operation, messages, answers: [] };
      this.heard.push(heard);
      const reply = this.lie?.(request) ?? (await submit(request));
      heard.answers.push(...messagesOf(Buffer.from(reply.body), operation, reply.count));
      if (reply.message !== undefined) heard.answers.push(Buffer.from(reply.message));
      return reply;
    };
  }
}
