import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PRIVATE, PrivateFiles, PUBLIC } from '../../src/identity/private-files.ts';
import { killAfterEachStep, newFolder } from './folders.ts';

const mode = (path: string): number => statSync(path).mode & 0o777;
const windows = process.platform === 'win32';

describe.skipIf(windows)('modes', () => {
  test('a folder is for its owner, a secret file too, whatever the umask', () => {
    const before = process.umask(0);
    try {
      const files = new PrivateFiles();
      const folder = join(newFolder(), 'a', 'b');
      files.makeFolder(folder);
      files.create(join(folder, 'secret'), 'x', PRIVATE);
      files.create(join(folder, 'open'), 'y', PUBLIC);
      expect([mode(folder), mode(join(folder, 'secret')), mode(join(folder, 'open'))]).toEqual([
        0o700, 0o600, 0o644,
      ]);
      expect(files.readPrivate(join(folder, 'secret'))).toBe('x');
    } finally {
      process.umask(before);
    }
  });

  test.each([0o604, 0o640, 0o660, 0o644, 0o601])('a secret file of mode %o is not read', (wrong) => {
    const path = join(newFolder(), 'secret');
    writeFileSync(path, 'hidden');
    chmodSync(path, wrong);
    expect(() => new PrivateFiles().readPrivate(path)).toThrow(
      expect.objectContaining({
        code: 'not_private',
        message: `${path}: expected a file that only its owner can read (mode 600), got ${wrong.toString(8)}: run chmod 600 ${path}`,
      }),
    );
    expect(new PrivateFiles().read(path)).toBe('hidden');
  });

  test.each([0o600, 0o400])('one of mode %o is', (right) => {
    const path = join(newFolder(), 'secret');
    writeFileSync(path, 'x');
    chmodSync(path, right);
    expect(new PrivateFiles().readPrivate(path)).toBe('x');
  });

  test('nor is one in a folder that others can write to', () => {
    const folder = join(newFolder(), 'open');
    mkdirSync(folder);
    writeFileSync(join(folder, 'secret'), 'x', { mode: 0o600 });
    chmodSync(folder, 0o777);
    expect(() => new PrivateFiles().readPrivate(join(folder, 'secret'))).toThrow(`run chmod 700 ${folder}`);
  });
});

test.skipIf(windows)('one in a folder such as /tmp is read, and one that comes through a pipe', () => {
  const folder = join(newFolder(), 'sticky');
  mkdirSync(folder);
  chmodSync(folder, 0o1777);
  writeFileSync(join(folder, 'secret'), 'x', { mode: 0o600 });
  expect(new PrivateFiles().readPrivate(join(folder, 'secret'))).toBe('x');
  const pipe = join(newFolder(), 'pipe');
  execFileSync('mkfifo', ['-m', '600', pipe]);
  const writer = spawn('sh', ['-c', `printf 'through a pipe' > "$1"`, 'sh', pipe]);
  expect(new PrivateFiles().readPrivate(pipe)).toBe('through a pipe');
  writer.kill();
});

test('a file that is there is not created again', () => {
  const path = join(newFolder(), 'file');
  const files = new PrivateFiles();
  files.create(path, 'first', PRIVATE);
  expect(() => files.create(path, 'second', PRIVATE)).toThrow(
    expect.objectContaining({ code: 'in_the_way' }),
  );
  expect(files.read(path)).toBe('first');
  files.replace(path, 'third', PRIVATE);
  expect(files.read(path)).toBe('third');
});

test('what is not there, and what is too large', () => {
  const folder = newFolder();
  const files = new PrivateFiles();
  expect(() => files.read(join(folder, 'none'))).toThrow(expect.objectContaining({ code: 'missing' }));
  writeFileSync(join(folder, 'large'), Buffer.alloc(256 * 1024 + 1));
  expect(() => files.read(join(folder, 'large'))).toThrow(expect.objectContaining({ code: 'damaged' }));
});

test('whoever dies while writing leaves the old file or the new one, whole', async () => {
  const files = new PrivateFiles();
  const steps = await killAfterEachStep(
    async () => {
      const path = join(newFolder(), 'file');
      files.create(path, 'old', PRIVATE);
      return path;
    },
    async (path, dying) => dying.replace(path, 'new', PRIVATE),
    async (path, step) => {
      expect(readFileSync(path, 'utf8')).toBe(/^(draft|bytes) of/.test(step) ? 'old' : 'new');
      files.removeDrafts(join(path, '..'));
      expect(existsSync(`${path}.new`)).toBe(false);
      files.replace(path, 'again', PRIVATE);
      expect(files.read(path)).toBe('again');
    },
  );
  expect(steps).toEqual(['draft of file', 'bytes of file', 'file file', 'folder of file']);
});
