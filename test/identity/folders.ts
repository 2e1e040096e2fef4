// Homes in temporary folders, and a file system that dies.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { HomePaths, readConfiguration, readDirectory } from '../../src/identity/home.ts';
import { type InitOptions, initHome } from '../../src/identity/init-home.ts';
import { Passphrase, type PassphraseSource } from '../../src/identity/passphrase.ts';
import { PrivateFiles } from '../../src/identity/private-files.ts';
import { isMintRole } from '../../src/identity/roles.ts';
import { readRootKey, writeDirectory } from '../../src/identity/root-key.ts';
import { START } from './support.ts';

/** 16 times 1 KiB: quick, where what is tested is not how long it takes. */
export const SCRYPT_LOG2_N = 10;

const folders: string[] = [];

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'specie-identity-'));
  folders.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export const noPassphrase: PassphraseSource = async () => undefined;

export function passphraseOf(text: string): PassphraseSource {
  return async () => new Passphrase(text);
}

export async function newHome(options: Partial<InitOptions> = {}): Promise<string> {
  const home = join(newFolder(), 'home');
  await initHome({ home, clock: () => START, scryptLog2N: SCRYPT_LOG2_N, ...options });
  return home;
}

/** Makes a home what version 0.5 has made of one: three roles, and no notes. */
export async function asVersion05(home: string): Promise<void> {
  const [files, paths] = [new PrivateFiles(), new HomePaths(home)];
  for (const owner of ['issuer', 'receiver', 'notes']) {
    rmSync(join(home, 'keys', owner), { recursive: true });
  }
  const file = JSON.parse(readFileSync(paths.configuration, 'utf8'));
  delete file.roles.issuer;
  delete file.roles.receiver;
  writeFileSync(paths.configuration, JSON.stringify(file));
  const configuration = readConfiguration(files, paths);
  const directory = readDirectory(files, paths, configuration.root);
  const root = await readRootKey(files, paths, noPassphrase);
  const { operators } = directory.content;
  const roles = directory.content.roles.filter(({ role }) => !isMintRole(role));
  writeDirectory(files, paths, configuration, root, { roles, operators }, START, directory);
}

class Killed extends Error {}

/**
 * Runs `work` again and again, each time in a place of its own and dying one step later, then what comes `after`, until it
 * goes through. @returns the steps
 */
export async function killAfterEachStep<Place>(
  prepare: () => Promise<Place>,
  work: (place: Place, files: PrivateFiles) => Promise<unknown>,
  afterwards: (place: Place, step: string) => Promise<void>,
): Promise<string[]> {
  const steps: string[] = [];
  for (let last = 0; ; last++) {
    const place = await prepare();
    let count = 0;
    let died: string | undefined;
    const files = new PrivateFiles((step) => {
      if (died !== undefined) throw new Error('expected nothing after death, got another step');
      if (count++ === last) {
        died = step;
        throw new Killed(step);
      }
    });
    try {
      await work(place, files);
      return steps;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
    steps.push(died!);
    await afterwards(place, died!);
  }
}
