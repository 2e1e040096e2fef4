// `specie device`, against a system whose wallets are enrolled.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExitCode } from '../../../src/cli/exit-codes.ts';
import { run } from '../../../src/cli/program.ts';
import type { Wallet } from '../../../src/wallet/index.ts';
import { accountNumber, System } from '../../claims/system.ts';

const HOSTILE = 'Bert\u001b[2J\u202e';
let system: System;
let wallets: Wallet[];

beforeAll(async () => {
  system = await System.start({ deaf: true });
  wallets = [await system.wallet('Ada'), await system.wallet('Bert')];
  await wallets[0]!.enrol({ userData: 'Ada' });
  await wallets[1]!.enrol({ userData: HOSTILE });
});
afterAll(() => system?.close());

async function devices(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await run(['device', ...args, '--home', system.home], {
    write: (text) => {
      stdout += text;
    },
    note: (line) => {
      stderr += `${line}\n`;
    },
    interactive: false,
  });
  return { code, stdout, stderr };
}

interface Row {
  readonly device: string;
  readonly userData: string;
  readonly revoked: boolean;
}

async function rows(): Promise<Row[]> {
  const { stdout } = await devices('list', '--json');
  return (JSON.parse(stdout) as { devices: Row[] }).devices;
}

test('list and show every device, and no control character of what one calls itself', async () => {
  const listed = await rows();
  expect(listed.map(({ userData }) => userData).sort()).toEqual(['Ada', HOSTILE]);
  expect(listed[0]).toEqual({
    device: expect.stringMatching(/^0x[0-9a-f]{32}$/),
    revoked: false,
    blocked: false,
    replacedBy: null,
    enrolledAt: expect.stringMatching(/^20\d\d-/),
    accountOnFile: false,
    userData: expect.any(String),
    signingKey: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const { stdout } = await devices('list');
  expect(stdout).toContain(String.raw`Bert\u{1b}[2J\u{202e}`);
  expect(stdout).not.toContain('\u001b');
  const ada = listed.find(({ userData }) => userData === 'Ada')!;
  expect((await devices('show', ada.device)).stdout).toMatch(/state +enrolled\n(?:.*\n)*user data +Ada\n/);
  expect(JSON.parse((await devices('show', ada.device, '--json')).stdout)).toEqual(ada);
  expect((await devices('exposure', ada.device)).stdout).toBe(
    `device ${ada.device}: 0 purses, not on the block list\n`,
  );
  expect(JSON.parse((await devices('exposure', ada.device, '--json')).stdout)).toMatchObject({ purses: [] });
  expect(await devices('exposure', '0x5')).toMatchObject({ code: ExitCode.refused });
});

test('a revoked device is refused from then on, also by cash, and there is no way back', async () => {
  const { device } = (await rows()).find(({ userData }) => userData === 'Ada')!;
  const revoked = await devices('revoke', device, '--reason', 'phone lost');
  expect(revoked).toMatchObject({
    code: ExitCode.ok,
    stdout: expect.stringContaining(`device ${device}: revoked at 20`),
  });
  expect(await devices('unblock', device)).toMatchObject({ code: ExitCode.ok });
  expect((await rows()).map(({ revoked: is, userData }) => [userData, is]).sort()).toEqual([
    ['Ada', true],
    [HOSTILE, false],
  ]);
  expect((await devices('show', device)).stdout).toMatch(/state +revoked\n/);
  await expect(wallets[0]!.balance({ online: true, patienceMs: 3000 })).rejects.toThrow(/revoked/);
});

test('block, limits, unblock: carried out by cash, and a blocked device loads nothing but sees its balance', async () => {
  const { device } = (await rows()).find(({ userData }) => userData === HOSTILE)!;
  const blocked = await devices('block', device, '--reason', 'phone lost');
  expect(blocked).toMatchObject({
    code: ExitCode.ok,
    stdout: expect.stringContaining(`${device}: blocked at 20`),
  });
  expect((await devices('show', device)).stdout).toMatch(/state +blocked\n/);
  const wallet = wallets[1]!;
  const refused = await wallet.load({ amount: 500n as never, accountNumber: accountNumber(1) });
  expect(refused.state).toMatchObject({ kind: 'refused', code: 'device_blocked' });
  expect(await wallet.balance({ online: true })).toMatchObject({ online: { verdict: 'agrees' } });
  const limited = await devices('limits', device, '--payment', '50.00', '--day', '0', '--json');
  expect(JSON.parse(limited.stdout)).toMatchObject({ device, action: 'limits', moved: [] });
  expect((await devices('unblock', device)).code).toBe(ExitCode.ok);
  expect((await rows()).find((row) => row.device === device)).toMatchObject({ blocked: false });
});

test('replace: the balance moves to the other device, the old one is revoked for good', async () => {
  const old = await system.wallet('Cleo');
  await old.enrol({ userData: 'Cleo' });
  await old.load({ amount: 2_000n as never, accountNumber: accountNumber(2) });
  const next = await system.wallet('Cleo again');
  await next.enrol({ userData: 'Cleo again' });
  const numberOf = async (name: string) => (await rows()).find(({ userData }) => userData === name)!.device;
  const [device, by] = [await numberOf('Cleo'), await numberOf('Cleo again')];
  const replaced = await devices('replace', device, '--by', by);
  expect(replaced.stdout).toMatch(/: replaced at 20.*\n20\.00 EUR moved\n$/);
  const shown = JSON.parse((await devices('show', device, '--json')).stdout);
  expect(shown).toMatchObject({ revoked: true, replacedBy: by });
  await expect(old.balance({ online: true, patienceMs: 3000 })).rejects.toThrow(/revoked/);
  expect((await devices('unblock', device)).code).toBe(ExitCode.refused);
});

test.each([
  ['a device that is not there', ['show', '7'], ExitCode.refused, /expected a device 0x0{31}7, got none/],
  ['to revoke one that is not there', ['revoke', '7'], ExitCode.refused, /^specie: management: /],
  [
    'a reason that is too long',
    ['revoke', '7', '--reason', 'é'.repeat(65)],
    ExitCode.failed,
    /at most 128 bytes, got 130/,
  ],
  ['no number', ['show', 'Ada'], ExitCode.failed, /got "Ada"/],
])('%s is refused', async (_, args, code, message) => {
  const result = await devices(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(message);
});
