// The wallet's way to one shop: whose certificate it is, and a channel that is made when it is needed. Each purchase has
// channels of its own, so that a shop cannot tell that two of them are of one wallet.
import type { ShopCertificate } from '../../identity/shop-certificate.ts';
import type { Refusal } from '../../roles/common/refusal.ts';
import { type Codec, CodecError } from '../../shared/codec.ts';
import { WalletError } from './errors.ts';
import { readShopAnswer } from './judge-purchase.ts';
import { TransportError, type WalletChannel, type WalletTransport } from './ports.ts';

export interface ShopPlace {
  readonly address: string;
  readonly certificate: ShopCertificate;
}

export class ShopLink {
  readonly #transport: WalletTransport;
  readonly #place: ShopPlace;
  #channel: Promise<WalletChannel> | undefined;

  constructor(transport: WalletTransport, place: ShopPlace) {
    this.#transport = transport;
    this.#place = place;
  }

  /** One answer. The channel is given up when it fails. @throws TransportError */
  async call(operation: number, message: Uint8Array): Promise<Uint8Array> {
    const { address, certificate } = this.#place;
    this.#channel ??= this.#transport.connectShop({ address, shopKey: certificate.channelKey });
    const opening = this.#channel;
    try {
      const [answer] = await (await opening).call(operation, [message]);
      if (answer === undefined)
        throw new TransportError('unreachable', 'channel: expected an answer, got none');
      return answer;
    } catch (error) {
      if (this.#channel === opening) this.#channel = undefined;
      await shut(opening);
      throw error;
    }
  }

  /** The same, read. @throws TransportError, WalletError answer_invalid */
  async ask<Answer>(operation: number, message: Uint8Array, codec: Codec<Answer>): Promise<Answer | Refusal> {
    const bytes = await this.call(operation, message);
    try {
      return readShopAnswer(codec, bytes);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      throw new WalletError('answer_invalid', `shop: ${error.message}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    const opening = this.#channel;
    this.#channel = undefined;
    if (opening !== undefined) await shut(opening);
  }
}

async function shut(opening: Promise<WalletChannel>): Promise<void> {
  const channel = await opening.catch(() => undefined);
  await channel?.close().catch(() => {});
}
