// A passphrase: bytes that can be wiped, and that no log shows. JavaScript cannot wipe the text it came from.
import { IdentityError } from './errors.ts';

const CHARACTERS_MIN = 8;
const BYTES_MAX = 1024;

export class Passphrase {
  readonly #bytes: Uint8Array;

  /** @throws IdentityError wrong_passphrase for an empty or a longer one */
  constructor(text: string) {
    // The same letters typed on two systems may be composed differently.
    const bytes = new TextEncoder().encode(text.normalize('NFC'));
    if (bytes.length === 0 || bytes.length > BYTES_MAX) {
      throw new IdentityError(
        'wrong_passphrase',
        `passphrase: expected 1 to ${BYTES_MAX} bytes, got ${bytes.length}`,
      );
    }
    this.#bytes = bytes;
  }

  /** Not a copy. */
  get bytes(): Uint8Array {
    return this.#bytes;
  }

  wipe(): void {
    this.#bytes.fill(0);
  }
}

/** For new keys; the ones that are there open with whatever they were written with. @throws IdentityError wrong_passphrase */
export function newPassphrase(text: string): Passphrase {
  if ([...text].length < CHARACTERS_MIN) {
    throw new IdentityError(
      'wrong_passphrase',
      `passphrase: expected at least ${CHARACTERS_MIN} characters, got ${[...text].length}`,
    );
  }
  return new Passphrase(text);
}

/** Asked only when a file is encrypted. undefined: there is none. */
export type PassphraseSource = () => Promise<Passphrase | undefined>;
