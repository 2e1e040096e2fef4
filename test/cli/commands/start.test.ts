// `specie start` of a home: what it says, what it does where the directory is one of an earlier version, and what issuer and
// receiver answer over HTTP.
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { initHome } from '../../../src/identity/init-home.ts';
import { rotateNotes } from '../../../src/identity/note-seeds.ts';
import { asVersion05, noPassphrase } from '../../identity/folders.ts';
import { addMintPorts, makeHome, type TestHome } from '../../system/home.ts';
import { spawnSpecie, specie } from '../support.ts';

type Log = Record<string, unknown>[];

let home: TestHome;
beforeAll(async () => {
  home = await makeHome();
});
afterAll(() => home?.remove());

const of = (log: Log, message: string): Log => log.filter(({ msg }) => msg === message);

/** Stopped behind `use`, in good order. @returns its log */
async function during(use: (log: Log) => Promise<void>, ...more: string[]): Promise<Log> {
  const child = spawnSpecie(['start', '--home', home.home, ...more]);
  const log: Log = [];
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise((resolve) => {
    child.on('close', resolve);
  });
  try {
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const entry = JSON.parse(line) as Record<string, unknown>;
        log.push(entry);
        if (entry.msg === 'started') resolve();
      });
      void ended.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)));
    });
    await use(log);
  } finally {
    child.kill('SIGTERM');
  }
  expect([await ended, stderr]).toEqual([0, '']);
  return log;
}

const nothing = async (): Promise<void> => {};

test('a directory of version 0.5: what it lists starts, and a line says how to add the others', async () => {
  await asVersion05(home.home);
  const log = await during(nothing);
  expect(of(log, 'started')).toMatchObject([{ roles: ['cash', 'settlement', 'management'] }]);
  const [warning, ...others] = log.filter(({ level }) => (level as number) >= 40);
  expect(others).toEqual([]);
  expect(warning).toMatchObject({
    roles: ['issuer', 'receiver'],
    msg: expect.stringMatching(/^not started, as the directory does not list them: run specie init /),
  });
  const asked = await specie(['start', '--home', home.home, '--role', 'receiver']);
  expect(asked).toMatchObject({ code: 1, stdout: '' });
  expect(asked.stderr).toContain(
    'expected a directory that lists receiver, got one without: run specie init',
  );
});

test('after specie init all of them start; a new seed of notes signs at once, and the one before is still known', async () => {
  // With the ports of a test, as asVersion05 has taken them out with the rest.
  await addMintPorts(home.home);
  await initHome({ home: home.home });
  const log = await during(async (started) => {
    const urls = of(started, 'listening').flatMap(({ httpUrl }) => (httpUrl === undefined ? [] : [httpUrl]));
    expect(urls).toHaveLength(2);
    const keysets = async () =>
      Promise.all(
        urls.map(async (url) => {
          const { keysets: all } = (await (await fetch(`${url}/v1/keysets`)).json()) as {
            keysets: { id: string; unit: string; active: boolean }[];
          };
          return all.map(({ id, unit, active }) => `${id} ${unit} ${active}`).sort();
        }),
      );
    for (const url of urls) {
      const { name, nuts } = (await (await fetch(`${url}/v1/info`)).json()) as {
        name: string;
        nuts: Record<string, { disabled?: boolean }>;
      };
      expect([name, nuts['4']?.disabled, nuts['5']?.disabled]).toEqual(['Operator', false, false]);
    }
    const [[first], before] = (await keysets()) as [[string], string[]];
    expect(first).toMatch(/^01[0-9a-f]{64} eur true$/);
    expect(before).toEqual([first]);
    await rotateNotes({ home: home.home, passphrase: noPassphrase });
    await expect
      .poll(async () => (await keysets()).map(({ length }) => length), { timeout: 10_000 })
      .toEqual([2, 2]);
    const [atIssuer, atReceiver] = await keysets();
    expect(atReceiver).toEqual(atIssuer);
    expect(atIssuer).toContain(first.replace('true', 'false'));
  });
  expect(of(log, 'started')).toMatchObject([
    { roles: ['cash', 'issuer', 'receiver', 'settlement', 'management'] },
  ]);
  expect(of(log, 'new seed of notes').map(({ role, number }) => [role, number])).toEqual(
    expect.arrayContaining([
      ['issuer', 2],
      ['receiver', 2],
    ]),
  );
  expect(log.filter(({ level }) => (level as number) >= 40)).toEqual([]);
});
