// The newest directory that a role has taken, kept beside its data, so that it takes no older one after a restart either: an
// old directory.json, put back from a backup or by somebody, would revive keys and operators that were withdrawn.
//
//     stores/cash/directory-seen.json    { kind, version, serial, digest }
//
// It names the directory by its serial and by the SHA-256 of what was signed. Whoever puts back the role's whole store with it
// puts this back too.
import { join } from 'node:path';
import { equalBytes, toHex } from './binary-text.ts';
import type { Directory } from './directory.ts';
import { IdentityError } from './errors.ts';
import { fields, hexBytes, literal, parseJson, wholeNumber } from './json-fields.ts';
import { type PrivateFiles, PUBLIC } from './private-files.ts';
import { systemCrypto } from './system-crypto.ts';

const KIND = 'specie directory seen';
const VERSION = 1;
const DIGEST_BYTES = 32;

const SeenFile = fields({
  kind: literal(KIND),
  version: literal(VERSION),
  serial: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  digest: hexBytes(DIGEST_BYTES),
});

interface Seen {
  readonly serial: bigint;
  readonly digest: Uint8Array;
}

export class SeenDirectory {
  readonly path: string;
  readonly #files: PrivateFiles;
  readonly #folder: string;
  #seen: Seen | undefined;

  /** @throws IdentityError damaged */
  constructor(files: PrivateFiles, storePath: string) {
    this.#files = files;
    this.#folder = storePath;
    this.path = join(storePath, 'directory-seen.json');
    if (!files.exists(this.path)) return;
    const { serial, digest } = parseJson(files.read(this.path), SeenFile, this.path, 'damaged');
    this.#seen = { serial: BigInt(serial), digest };
  }

  /** @throws IdentityError rolled_back */
  check(directory: Directory): void {
    const seen = this.#seen;
    if (seen === undefined || directory.serial > seen.serial) return;
    if (directory.serial < seen.serial) {
      throw new IdentityError(
        'rolled_back',
        `directory: expected serial ${seen.serial} or higher, got ${directory.serial}: an older file than one that was taken; bring that one back, or sign a new one`,
      );
    }
    const digest = digestOf(directory);
    if (equalBytes(digest, seen.digest)) return;
    throw new IdentityError(
      'rolled_back',
      `directory: expected of serial ${seen.serial} the one that was taken, with digest ${toHex(seen.digest)}, got another, with ${toHex(digest)}: sign a new one`,
    );
  }

  /** From now on none before it counts. On disk when this returns. */
  keep(directory: Directory): void {
    const { serial } = directory;
    if (this.#seen?.serial === serial) return;
    const digest = digestOf(directory);
    this.#files.makeFolder(this.#folder);
    const file = { kind: KIND, version: VERSION, serial: Number(serial), digest: toHex(digest) };
    this.#files.replace(this.path, `${JSON.stringify(file, null, 2)}\n`, PUBLIC);
    this.#seen = { serial, digest };
  }
}

function digestOf(directory: Directory): Uint8Array {
  return systemCrypto.sha256(directory.bytes());
}
