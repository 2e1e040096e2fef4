// A shop for tests of the wallet: it forwards honestly, unless told to misbehave.
//
//     wallet ──▶ behaviour (gone, silent, lost, a lie …) ──▶ catalogue, offers, purchases ──▶ cash
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import { generateKeyPair } from '../../src/identity/new-key-set.ts';
import { issueShopCertificate, ShopCertificate } from '../../src/identity/shop-certificate.ts';
import { answerCodec } from '../../src/roles/common/answer.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import { encodeShopCard, type ShopCard } from '../../src/roles/documents/shop-card.ts';
import { SHOP_REFUSALS, type ShopRefusal } from '../../src/roles/shop/errors.ts';
import {
  BuyAnswer,
  BuyRequest,
  GetCatalogueAnswer,
  GetCatalogueRequest,
  GetOfferAnswer,
  GetOfferRequest,
  ShopOperation,
} from '../../src/roles/shop/messages.ts';
import type { Codec } from '../../src/shared/codec.ts';
import { type ConnectShopOptions, TransportError, type WalletChannel } from '../../src/wallet/core/ports.ts';
import { DAY } from '../identity/support.ts';
import type { TestManagement } from './management.ts';

export type ShopBehaviour =
  | 'answer'
  | 'unreachable'
  /** It is paid, and the answer is lost. */
  | 'lost'
  | 'silent'
  | 'pending'
  | 'busy'
  /** Without forwarding anything. */
  | 'refused'
  | { readonly answer: (honest: () => Uint8Array) => Uint8Array }
  | { readonly delayMs: number };

export interface ShopCall {
  readonly operation: number;
  readonly message: Uint8Array;
  readonly attempt: number;
}

export class TestShop {
  behaviour: (call: ShopCall) => ShopBehaviour = () => 'answer';
  readonly number: bigint;
  readonly calls: ShopCall[] = [];
  readonly connections: ConnectShopOptions[] = [];
  readonly prices = new Map([
    ['coffee', 320n],
    ['cake', 450n],
    ['fuel', 5000n],
  ]);
  readonly offers = new Map<string, Omit<GetOfferAnswer, 'certificate'>>();
  authorisationSecondsMax = 3600;
  certificateDays = 100n;
  address = 'ws://127.0.0.1:9/v1';
  readonly keys = { signing: generateKeyPair('signing'), channel: generateKeyPair('channel') };
  readonly #management: TestManagement;
  readonly #attempts = new Map<string, number>();

  constructor(management: TestManagement, number = 1n << 90n) {
    this.#management = management;
    this.number = number;
    management.shops.set(Buffer.from(this.keys.channel.publicKey).toString('hex'), this);
  }

  certificate(change: Partial<ShopCertificate> = {}) {
    const { now, system } = this.#management;
    const signer = ed25519.signingKey(system.keySets.management[0].signing.secretKey);
    const content = {
      shop: this.number,
      name: 'Cafe Ada',
      signingKey: this.keys.signing.publicKey,
      channelKey: this.keys.channel.publicKey,
      serial: 1n,
      notBefore: now() - 300_000_000_000n,
      notAfter: now() + this.certificateDays * DAY,
      ...change,
    };
    return issueShopCertificate(content, signer, { sha256 });
  }

  get card(): ShopCard {
    return { address: this.address, certificate: this.certificate() };
  }

  get cardText(): string {
    return encodeShopCard(this.card);
  }

  connect(options: ConnectShopOptions): WalletChannel {
    this.connections.push(options);
    let isOpen = true;
    return {
      call: async (operation, messages) => {
        if (!isOpen) throw new TransportError('unreachable', 'expected an open channel, got a closed one');
        return Promise.all(messages.map((message) => this.answer(operation, message)));
      },
      close: async () => {
        isOpen = false;
      },
    };
  }

  async answer(operation: number, message: Uint8Array): Promise<Uint8Array> {
    const name = Buffer.from(message).toString('hex');
    const attempt = (this.#attempts.get(name) ?? 0) + 1;
    this.#attempts.set(name, attempt);
    const call = { operation, message: Uint8Array.from(message), attempt };
    this.calls.push(call);
    const behaviour = this.behaviour(call);
    if (behaviour === 'unreachable') throw new TransportError('unreachable', 'test: connection refused');
    if (behaviour === 'silent') return new Promise(() => {});
    if (behaviour === 'busy') return encodeShop(BuyAnswer, new Refusal<ShopRefusal>('busy', 'later'));
    if (behaviour === 'pending') return encodeShop(BuyAnswer, { kind: 'pending', state: 'forwarded' });
    if (behaviour === 'refused')
      return encodeShop(BuyAnswer, new Refusal<ShopRefusal>('price_differs', 'expected 330, got 320'));
    if (typeof behaviour === 'object' && 'answer' in behaviour) {
      return behaviour.answer(() => this.#honest(operation, message));
    }
    const answer = this.#honest(operation, message);
    if (behaviour === 'lost') throw new TransportError('unreachable', 'test: connection lost');
    if (typeof behaviour === 'object') await this.#management.pause(behaviour.delayMs);
    return answer;
  }

  #honest(operation: number, message: Uint8Array): Uint8Array {
    const certificate = ShopCertificate.signed.encode(this.certificate());
    switch (operation) {
      case ShopOperation.get_catalogue: {
        const { after, limit } = GetCatalogueRequest.decode(message);
        const all = [...this.prices].sort().filter(([article]) => article > after);
        const articles = all
          .slice(0, Math.min(2, limit))
          .map(([article, price]) => ({ article, name: article, price }));
        return encodeShop(GetCatalogueAnswer, {
          certificate,
          currency: 978,
          selfService: true,
          expiresWithinSeconds: 3600,
          authorisationSecondsMax: this.authorisationSecondsMax,
          articles,
          more: all.length > articles.length,
        });
      }
      case ShopOperation.get_offer: {
        const offer = this.offers.get(GetOfferRequest.decode(message).code);
        return encodeShop(
          GetOfferAnswer,
          offer === undefined
            ? new Refusal<ShopRefusal>('offer_unknown', 'expected an offer, got none')
            : { certificate, ...offer },
        );
      }
      case ShopOperation.buy: {
        const { terms, number, payment } = BuyRequest.decode(message);
        const sum = terms.articles.reduce(
          (total, { price, quantity }) => total + price * BigInt(quantity),
          0n,
        );
        if (sum !== terms.amount) throw new Error(`expected the sum ${sum}, got ${terms.amount}`);
        const said = this.#management.cash.pay(terms, number, payment);
        return encodeShop(
          BuyAnswer,
          'kind' in said.document
            ? { kind: 'paid', receipt: said as never }
            : { kind: 'rejected', rejection: said as never },
        );
      }
      default:
        throw new Error(`expected an operation of wallets, got ${operation}`);
    }
  }
}

export function encodeShop<Answer>(codec: Codec<Answer>, answer: Answer | Refusal<ShopRefusal>): Uint8Array {
  return answerCodec(codec, SHOP_REFUSALS).encode(answer);
}

export function decodeBuy(bytes: Uint8Array): BuyAnswer {
  return answerCodec(BuyAnswer, SHOP_REFUSALS).decode(bytes) as BuyAnswer;
}
