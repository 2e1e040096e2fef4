// A terminal's address as a text that can be typed, shown as a QR code, and told from one with a mistake in it: bech32m
// (BIP 350), which finds up to four wrong characters.
//
//     splan1… , spwan1…   │ version │ channelKey (32) │ sealingKey (32) │ checksum
//      the side                1
import { bech32m } from '@scure/base';
import type { Side, TerminalAddress } from '../roles/gateway/messages.ts';
import { TerminalError } from './errors.ts';

const PREFIXES: { readonly [side in Side]: string } = { lan: 'splan', wan: 'spwan' };
const VERSION = 1;
const KEY_BYTES = 32;
const CONTENT_BYTES = 1 + 2 * KEY_BYTES;

/** Bech32 has 90 unless told otherwise, for its proof of finding mistakes; longer ones are found out almost as surely. */
export const ADDRESS_CHARACTERS_MAX = 128;

export function encodeAddress({ side, channelKey, sealingKey }: TerminalAddress): string {
  const content = new Uint8Array(CONTENT_BYTES);
  content[0] = VERSION;
  content.set(channelKey, 1);
  content.set(sealingKey, 1 + KEY_BYTES);
  return bech32m.encode(PREFIXES[side], bech32m.toWords(content), ADDRESS_CHARACTERS_MAX);
}

const invalid = (expected: string, got: string): TerminalError =>
  new TerminalError('address_invalid', `address: expected ${expected}, got ${got}`);

/** Capitals are as good, as QR codes like them; a mixture is not. @throws TerminalError address_invalid */
export function decodeAddress(text: string): TerminalAddress {
  const trimmed = text.trim();
  if (trimmed.length > ADDRESS_CHARACTERS_MAX) {
    throw invalid(`at most ${ADDRESS_CHARACTERS_MAX} characters`, `${trimmed.length}`);
  }
  const decoded = bech32m.decodeUnsafe(trimmed, ADDRESS_CHARACTERS_MAX);
  if (decoded === undefined) {
    throw invalid(
      'splan1… or spwan1… with its checksum',
      'another text, or one with a mistake in it: copy it again',
    );
  }
  const side = (Object.keys(PREFIXES) as Side[]).find((name) => PREFIXES[name] === decoded.prefix);
  if (side === undefined) throw invalid('splan1… or spwan1…', `${decoded.prefix}1…`);
  const content = bech32m.fromWordsUnsafe(decoded.words);
  if (content === undefined || content.length !== CONTENT_BYTES) {
    throw invalid(`${CONTENT_BYTES} bytes`, content === undefined ? 'half a byte' : `${content.length}`);
  }
  if (content[0] !== VERSION) throw invalid(`version ${VERSION}`, `${content[0]}`);
  return {
    side,
    channelKey: content.slice(1, 1 + KEY_BYTES),
    sealingKey: content.slice(1 + KEY_BYTES),
  };
}
