// How a payer finds a payee: a line of text, small enough for a QR code, on the payee's screen.
//
//     specie-purse:AZE5tg…              where it listens, the key that it proves there, perhaps what is to be paid
//
// An address is no secret, and needs no trust beyond where it was seen: whoever answers at another place, or stands in between, has
// not the key. What it asks for is said again by the payee, inside the channel. Nothing here is of Node.
import { fromBase64, toBase64 } from '../../identity/binary-text.ts';
import { publicKey } from '../../identity/key-set.ts';
import { MEMO_BYTES_MAX } from '../../roles/documents/transfer.ts';
import { CodecError, type Infer, optional, struct, text, u8, u32, u128 } from '../../shared/codec.ts';
import { PeerError } from './errors.ts';
import { isMemo } from './memo.ts';

const VERSION = 1;
const SCHEME = 'specie-purse:';
const PLACE_BYTES_MAX = 255;
/** Characters of the longest text; whatever is longer is not even looked at. */
export const PURSE_ADDRESS_CHARACTERS_MAX = 640;

const PurseAddressCodec = struct({
  version: u8,
  /** `host:port` of a WebSocket; '' where the medium has no addresses. */
  place: text(PLACE_BYTES_MAX),
  /** X25519, of the purse's certificate. */
  channelKey: publicKey,
  currency: u32,
  /** Minor units. */
  amount: optional(u128),
  memo: text(MEMO_BYTES_MAX),
});
export type PurseAddress = Omit<Infer<typeof PurseAddressCodec>, 'version'>;

/** @throws PeerError address_invalid */
export function encodePurseAddress(address: PurseAddress): string {
  checkAddress(address);
  try {
    return SCHEME + toBase64(PurseAddressCodec.encode({ version: VERSION, ...address }));
  } catch (error) {
    throw new PeerError('address_invalid', `address: ${(error as Error).message}`, { cause: error });
  }
}

/** @throws PeerError address_invalid */
export function decodePurseAddress(line: string): PurseAddress {
  const trimmed = line.length > PURSE_ADDRESS_CHARACTERS_MAX + 64 ? '' : line.trim();
  if (trimmed.length > PURSE_ADDRESS_CHARACTERS_MAX || !trimmed.startsWith(SCHEME)) {
    throw new PeerError(
      'address_invalid',
      `address: expected a text of at most ${PURSE_ADDRESS_CHARACTERS_MAX} characters that begins with ${SCHEME}, got another`,
    );
  }
  const bytes = fromBase64(trimmed.slice(SCHEME.length));
  if (bytes === undefined) {
    throw new PeerError('address_invalid', 'address: expected base64, got something else');
  }
  try {
    const { version, ...address } = PurseAddressCodec.decode(bytes);
    if (version !== VERSION) {
      throw new PeerError('address_invalid', `address: expected version ${VERSION}, got ${version}`);
    }
    checkAddress(address);
    return address;
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    throw new PeerError('address_invalid', `address: ${error.message}`, { cause: error });
  }
}

/** A name or an address, IPv6 in brackets, and a port: what may stand between `ws://` and a path, and nothing that goes beyond. */
const PLACE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]):([0-9]{1,5})$/;

function checkAddress({ place, amount, memo }: PurseAddress): void {
  const port = PLACE.exec(place)?.[1];
  const isPlace = place === '' || (port !== undefined && Number(port) >= 1 && Number(port) <= 65_535);
  if (!isPlace) throw new PeerError('address_invalid', 'address: expected host:port, got something else');
  if (amount === 0n)
    throw new PeerError('address_invalid', 'address: expected an amount of 1 or more, got 0');
  if (!isMemo(memo)) {
    throw new PeerError('address_invalid', 'address: expected a memo of plain text that fits, got another');
  }
}
