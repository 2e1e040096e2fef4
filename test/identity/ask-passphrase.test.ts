import { EventEmitter } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadStream, WriteStream } from 'node:tty';
import { describe, expect, test } from 'vitest';
import { chosenPassphrase, passphraseSource, terminalAsk } from '../../src/identity/ask-passphrase.ts';
import type { Passphrase } from '../../src/identity/passphrase.ts';
import { newFolder } from './folders.ts';

const environment = { SPECIE_PASSPHRASE: 'from the environment' };
const text = (passphrase: Passphrase | undefined): string | undefined =>
  passphrase && new TextDecoder().decode(passphrase.bytes);

function fileOf(content: string, mode = 0o600): string {
  const path = join(newFolder(), 'passphrase');
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** Somebody who answers with these lines. */
function answers(...lines: string[]) {
  const prompts: string[] = [];
  return {
    prompts,
    ask: async (prompt: string) => {
      prompts.push(prompt);
      return lines[prompts.length - 1]!;
    },
  };
}

describe('where a passphrase comes from', () => {
  test('a file before the environment, that before a person', async () => {
    const { ask, prompts } = answers('from a person');
    const file = fileOf('from a file\n');
    expect(text(await passphraseSource({ file, environment, ask })())).toBe('from a file');
    expect(text(await passphraseSource({ environment, ask })())).toBe('from the environment');
    expect(prompts).toEqual([]);
    expect(text(await passphraseSource({ environment: {}, ask })())).toBe('from a person');
    expect(await passphraseSource({ environment: {} })()).toBeUndefined();
  });

  test('a person is asked once', async () => {
    const { ask, prompts } = answers('first', 'second');
    const source = passphraseSource({ environment: {}, ask });
    expect(prompts).toEqual([]);
    expect(await source()).toBe(await source());
    expect(prompts).toEqual(['Passphrase of the keys: ']);
  });

  test.each([
    ['a b c\r\n', 'a b c'],
    [' a b \n\n', ' a b \n'],
    ['ab', 'ab'],
  ])('of the file %j one line end is left out', async (content, passphrase) => {
    expect(text(await passphraseSource({ file: fileOf(content), environment: {} })())).toBe(passphrase);
  });

  test.skipIf(process.platform === 'win32')('a file that others can read is refused', async () => {
    const file = fileOf('hidden', 0o644);
    await expect(passphraseSource({ file, environment: {} })()).rejects.toMatchObject({
      code: 'not_private',
    });
  });
});

describe('a passphrase for new keys', () => {
  const choose = true;
  test.each([
    ['given', { environment }, 'from the environment'],
    ['not asked for', { environment: {}, choose: false }, undefined],
    ['asked for twice', { environment: {}, ...answers('long enough', 'long enough') }, 'long enough'],
  ])('%s', async (_, options, expected) => {
    expect(text(await chosenPassphrase({ choose, ...options }))).toBe(expected);
  });

  test.each([
    ['too short', { environment: { SPECIE_PASSPHRASE: 'short' } }, 'expected at least 8 characters, got 5'],
    [
      'two different ones',
      { environment: {}, ...answers('long enough', 'long enougg') },
      'expected the same twice',
    ],
    ['nobody to ask', { environment: {} }, 'set SPECIE_PASSPHRASE, or give --passphrase-file'],
  ])('%s', async (_, options, message) => {
    await expect(chosenPassphrase({ choose, ...options })).rejects.toThrow(message);
  });
});

/** A terminal: what is typed, what it shows, whether it is raw. */
function terminal() {
  let shown = '';
  let raw = false;
  const input = Object.assign(new EventEmitter(), {
    isTTY: true,
    setRawMode: (on: boolean) => {
      raw = on;
    },
    setEncoding: () => {},
    resume: () => {},
    pause: () => {},
  });
  const output = {
    isTTY: true,
    write: (part: string) => {
      shown += part;
    },
  };
  return {
    ask: terminalAsk(input as unknown as ReadStream, output as unknown as WriteStream)!,
    type: (keys: string) => input.emit('data', keys),
    end: () => input.emit('end'),
    shown: () => shown,
    raw: () => raw,
    listeners: () => input.listenerCount('data') + input.listenerCount('end'),
  };
}

describe('a terminal', () => {
  test('shows nothing of what is typed, and is given back', async () => {
    const { ask, type, shown, raw, listeners } = terminal();
    const answer = ask('Passphrase: ');
    expect(raw()).toBe(true);
    type('sec');
    type('rex\u007f');
    type('t\r');
    expect(await answer).toBe('secret');
    expect(shown()).toBe('Passphrase: \n');
    expect([raw(), listeners()]).toEqual([false, 0]);
  });

  test.each([
    ['Ctrl-C', (t: ReturnType<typeof terminal>) => t.type('sec\u0003')],
    ['Ctrl-D', (t: ReturnType<typeof terminal>) => t.type('\u0004')],
    ['the end of the input', (t: ReturnType<typeof terminal>) => t.end()],
  ])('%s gives up', async (_, act) => {
    const one = terminal();
    const answer = one.ask('Passphrase: ');
    act(one);
    await expect(answer).rejects.toMatchObject({ code: 'passphrase_needed' });
    expect([one.raw(), one.listeners()]).toEqual([false, 0]);
  });

  test('that is none is not asked', () => {
    expect(terminalAsk({ isTTY: false } as ReadStream, { isTTY: true } as WriteStream)).toBeUndefined();
  });
});
