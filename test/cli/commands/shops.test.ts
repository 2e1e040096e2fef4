// `specie shops`, against a system in which one shop is open and others have applied.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ExitCode } from '../../../src/cli/exit-codes.ts';
import { run } from '../../../src/cli/program.ts';
import { managementClient } from '../../../src/roles/management/client.ts';
import { HandmadeShop } from '../../claims/shop.ts';
import { accountNumber, answerOf, System } from '../../claims/system.ts';

let system: System;
let open: HandmadeShop;

beforeAll(async () => {
  system = await System.start({ deaf: true });
  open = await HandmadeShop.open(system, accountNumber(1));
});
afterAll(() => system?.close());

async function shops(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const code = await run(['shops', ...args, '--home', system.home], {
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
  readonly shop: string;
  readonly name: string;
  readonly state: string;
}

async function row(shop: string): Promise<Row | undefined> {
  const { stdout } = await shops('list', '--json');
  return (JSON.parse(stdout) as { shops: Row[] }).shops.find((one) => one.shop === shop);
}

const shown = (shop: bigint): string => `0x${shop.toString(16).padStart(32, '0')}`;

async function applied(): Promise<string> {
  const shop = new HandmadeShop(system, accountNumber(2));
  const client = await shop.connect();
  const answer = answerOf(await managementClient(client).enrolShop({ enrolment: shop.enrolment }));
  await client.close(0);
  if (answer.kind !== 'pending') throw new Error(`expected it to wait, got ${answer.kind}`);
  return shown(answer.shop);
}

test('an open shop is listed with its name, and no control character of it', async () => {
  expect(await row(shown(open.number))).toEqual({
    shop: shown(open.number),
    name: open.enrolment.document.name,
    state: 'open',
    enrolledAt: expect.stringMatching(/^20\d\d-/),
    signingKey: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const { stdout } = await shops('list');
  expect(stdout).toContain(String.raw`a shop\u{1b}[2J made by hand`);
  expect(stdout).not.toContain('\u001b');
});

test('one that has applied is approved, once; then it is closed', async () => {
  const shop = await applied();
  expect(await row(shop)).toMatchObject({ state: 'awaiting_approval' });
  const approved = await shops('approve', shop);
  expect(approved).toMatchObject({ code: ExitCode.ok, stdout: expect.stringMatching(/: approved at 20/) });
  expect((await shops('approve', shop)).stdout).toBe(approved.stdout);
  expect((await row(shop))?.state).toMatch(/^(opening|open)$/);
  const closed = await shops('close', shop, '--reason', 'lease ended');
  expect(closed).toMatchObject({ code: ExitCode.ok, stdout: expect.stringMatching(/: closed since 20/) });
  expect((await shops('close', shop)).stdout).toBe(closed.stdout);
  expect(await row(shop)).toMatchObject({ state: 'closed' });
  expect(await shops('approve', shop)).toMatchObject({ code: ExitCode.refused });
});

test('one that is turned down is gone', async () => {
  const shop = await applied();
  expect((await shops('close', shop)).code).toBe(ExitCode.ok);
  await expect.poll(() => row(shop)).toBeUndefined();
});

test('trades of a shop where nobody has bought', async () => {
  const { stdout } = await shops('trades', shown(open.number), '--json');
  expect(JSON.parse(stdout)).toEqual({ shop: shown(open.number), trades: [] });
});

test.each([
  ['a shop that is not there', ['approve', '7'], ExitCode.refused, /^specie: management: shop/],
  [
    'a reason that is too long',
    ['close', '7', '--reason', 'é'.repeat(65)],
    ExitCode.failed,
    /at most 128 bytes/,
  ],
  ['no number', ['approve', 'Ada'], ExitCode.failed, /got "Ada"/],
])('%s is refused', async (_, args, code, message) => {
  const result = await shops(...args);
  expect(result.code).toBe(code);
  expect(result.stderr).toMatch(message);
});
