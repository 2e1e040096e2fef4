// How a wallet finds a shop: a line of text, small enough for a QR code, on the shop's door, its page or its till.
//
//     specie-shop:AYE5tg…              where the shop is, and its certificate, whose key the wallet expects there
//     specie-shop:AYE5tg…?offer=7KQ2M  and what there is to pay at one of its tills
//
// A card is no secret and needs no trust: whoever changes the certificate makes its signature wrong, and whoever changes
// the address reaches someone who does not have the certificate's key. Nothing here is of Node.
import { fromBase64, toBase64 } from '../../identity/binary-text.ts';
import {
  type ShopCertificate as Certificate,
  ShopCertificate,
  type SignedShopCertificate,
} from '../../identity/shop-certificate.ts';
import { CodecError, struct, text, u8 } from '../../shared/codec.ts';

const VERSION = 1;
const SCHEME = 'specie-shop:';
const ADDRESS_BYTES_MAX = 256;
/** Characters of the longest text; whatever is longer is not even looked at. */
export const SHOP_CARD_CHARACTERS_MAX = 1024;

/** What customers see and type; no letter or digit that passes for another. */
export const OFFER_CODE_CHARACTERS = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';
export const OFFER_CODE_BYTES_MAX = 16;
const OFFER_CODE = /^[2-9A-HJKMNP-Z]{1,16}$/;

const ShopCardCodec = struct({
  version: u8,
  /** `ws://host:port/v1` */
  address: text(ADDRESS_BYTES_MAX),
  certificate: ShopCertificate.signed,
});

export interface ShopCard {
  readonly address: string;
  readonly certificate: SignedShopCertificate;
}

/** What a customer scans: a shop, and perhaps one of its offers. */
export interface ShopLink extends ShopCard {
  readonly offer: string | undefined;
}

export class ShopCardError extends Error {
  override readonly name = 'ShopCardError';
}

/** @throws ShopCardError for an address or an offer's code that may not be */
export function encodeShopCard({ address, certificate }: ShopCard, offer?: string): string {
  checkAddress(address);
  if (offer !== undefined && !OFFER_CODE.test(offer)) {
    throw new ShopCardError(`offer: expected up to ${OFFER_CODE_BYTES_MAX} letters and digits, got others`);
  }
  const encoded = toBase64(ShopCardCodec.encode({ version: VERSION, address, certificate }));
  return `${SCHEME}${encoded}${offer === undefined ? '' : `?offer=${offer}`}`;
}

/**
 * The certificate's signature is for whoever has the directory: openShopCertificate, verifyShopCertificate.
 * @throws ShopCardError
 */
export function decodeShopCard(card: string): ShopLink {
  const trimmed = card.trim();
  if (trimmed.length > SHOP_CARD_CHARACTERS_MAX || !trimmed.startsWith(SCHEME)) {
    throw new ShopCardError(
      `shop's card: expected a text of at most ${SHOP_CARD_CHARACTERS_MAX} characters that begins with ${SCHEME}, got another`,
    );
  }
  const [encoded = '', query, ...more] = trimmed.slice(SCHEME.length).split('?');
  const offer = query === undefined ? undefined : /^offer=(.*)$/.exec(query)?.[1];
  if (more.length > 0 || (query !== undefined && (offer === undefined || !OFFER_CODE.test(offer)))) {
    throw new ShopCardError("shop's card: expected nothing or ?offer=CODE behind it, got something else");
  }
  const bytes = fromBase64(encoded);
  if (bytes === undefined) throw new ShopCardError("shop's card: expected base64, got something else");
  try {
    const { version, address, certificate } = ShopCardCodec.decode(bytes);
    if (version !== VERSION) {
      throw new ShopCardError(`shop's card: expected version ${VERSION}, got ${version}`);
    }
    checkAddress(address);
    return { address, certificate, offer };
  } catch (error) {
    if (error instanceof CodecError) throw new ShopCardError(`shop's card: ${error.message}`);
    throw error;
  }
}

/** What people see of a shop before they trust it: its name and number. */
export function shopName({ name, shop }: Pick<Certificate, 'name' | 'shop'>): string {
  return `${name} (${shop.toString(16).padStart(32, '0')})`;
}

function checkAddress(address: string): void {
  if (!/^wss?:\/\/[^\s/?#]+(?:\/[^\s?#]*)?$/.test(address)) {
    throw new ShopCardError("shop's card: expected an address such as ws://host:port/v1, got something else");
  }
}
