// Files of a home: written whole or not at all, readable by their owner only where they hold secrets.
//
//     write    name.new ──▶ fsync ──▶ rename to name ──▶ fsync of the folder
//
// Whoever dies in between leaves `name.new`, which nobody reads and the next run removes. `trace` is told after each step
// that changes the disk; tests throw from it to die there.
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { IdentityError } from './errors.ts';

const DRAFT = '.new';
const OTHERS_MAY_DO_ANYTHING = 0o077;
const OTHERS_MAY_WRITE = 0o022;
const STICKY = 0o1000;
/** Windows has no such modes: there, folders inherit who may read them. */
const HAS_MODES = process.platform !== 'win32';

export const FILE_BYTES_MAX = 256 * 1024;
export const PRIVATE = 0o600;
export const PUBLIC = 0o644;

export type Trace = (step: string) => void;

export class PrivateFiles {
  readonly #trace: Trace;

  constructor(trace: Trace = () => {}) {
    this.#trace = trace;
  }

  exists(path: string): boolean {
    return existsSync(path);
  }

  /** Names in a folder, sorted; none where it is not there. */
  list(folder: string): string[] {
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  /** A folder that only its owner can enter; one that is there stays as it is. */
  makeFolder(path: string): void {
    if (existsSync(path)) return;
    mkdirSync(path, { mode: 0o700, recursive: true });
    this.#trace(`folder ${basename(path)}`);
    syncFolder(dirname(path));
  }

  /** A file that must not be there yet. @throws IdentityError in_the_way */
  create(path: string, text: string, mode: number): void {
    if (existsSync(path)) {
      throw new IdentityError(
        'in_the_way',
        `${path}: expected no file there yet, got one: it stays as it is`,
      );
    }
    this.#write(path, text, mode);
  }

  /** A file that may be there. */
  replace(path: string, text: string, mode: number): void {
    this.#write(path, text, mode);
  }

  remove(path: string): void {
    rmSync(path);
    this.#trace(`removed ${basename(path)}`);
    syncFolder(dirname(path));
  }

  /** What a run that died has left. */
  removeDrafts(folder: string): void {
    for (const name of this.list(folder)) if (name.endsWith(DRAFT)) this.remove(join(folder, name));
  }

  /** @throws IdentityError missing, damaged */
  read(path: string): string {
    return this.#read(path, false);
  }

  /** A file with secrets. @throws IdentityError missing, damaged, not_private */
  readPrivate(path: string): string {
    return this.#read(path, true);
  }

  #write(path: string, text: string, mode: number): void {
    const draft = path + DRAFT;
    const name = basename(path);
    const bytes = Buffer.from(text, 'utf8');
    let descriptor: number | undefined;
    try {
      rmSync(draft, { force: true });
      descriptor = openSync(draft, 'wx', mode);
      this.#trace(`draft of ${name}`);
      for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
      this.#trace(`bytes of ${name}`);
      fsyncSync(descriptor);
    } finally {
      bytes.fill(0);
      if (descriptor !== undefined) closeSync(descriptor);
    }
    renameSync(draft, path);
    this.#trace(`file ${name}`);
    syncFolder(dirname(path));
    this.#trace(`folder of ${name}`);
  }

  #read(path: string, secret: boolean): string {
    let descriptor: number;
    try {
      descriptor = openSync(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new IdentityError('missing', `${path}: expected a file, got none`, { cause: error });
    }
    try {
      if (secret) expectPrivate(path, fstatSync(descriptor).mode);
      // To its end, not its size: a passphrase may come through a pipe, which has none.
      const bytes = Buffer.alloc(FILE_BYTES_MAX + 1);
      try {
        let at = 0;
        for (let read = 1; read > 0 && at < bytes.length; at += read) {
          read = readSync(descriptor, bytes, at, bytes.length - at, null);
        }
        if (at > FILE_BYTES_MAX) {
          throw new IdentityError('damaged', `${path}: expected at most ${FILE_BYTES_MAX} bytes, got more`);
        }
        return bytes.toString('utf8', 0, at);
      } finally {
        bytes.fill(0);
      }
    } finally {
      closeSync(descriptor);
    }
  }
}

function expectPrivate(path: string, mode: number): void {
  if (!HAS_MODES) return;
  if ((mode & OTHERS_MAY_DO_ANYTHING) !== 0) {
    throw new IdentityError(
      'not_private',
      `${path}: expected a file that only its owner can read (mode 600), got ${modeText(mode)}: run chmod 600 ${path}`,
    );
  }
  const folder = dirname(path);
  const folderMode = statSync(folder).mode;
  // Whoever may write there could put another file in its place; not in a folder such as /tmp, with the sticky bit.
  if ((folderMode & OTHERS_MAY_WRITE) !== 0 && (folderMode & STICKY) === 0) {
    throw new IdentityError(
      'not_private',
      `${folder}: expected a folder that only its owner can change (mode 700), got ${modeText(folderMode)}: run chmod 700 ${folder}`,
    );
  }
}

function modeText(mode: number): string {
  return (mode & 0o777).toString(8).padStart(3, '0');
}

function syncFolder(path: string): void {
  // Windows does not open folders.
  if (!HAS_MODES) return;
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
