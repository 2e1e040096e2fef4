// Terminals of the operator's own mint: its directory says where the receiver is and what key it proves (Noise NK, unnamed); issuer,
// receiver, cash and a counter as they run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTerminal, OpenTerminal, type WideMintOptions } from '../../src/terminal/index.ts';
import { MintSystem } from '../cashu/mint-system.ts';
import { errorOf } from './support.ts';

let mint: MintSystem;
let folder: string;

beforeAll(async () => {
  mint = await MintSystem.start(5_000n);
  folder = await mkdtemp(join(tmpdir(), 'specie-terminal-system-'));
}, 60_000);
afterAll(async () => {
  await mint?.close();
  await rm(folder, { recursive: true });
});

async function opened(name: string, wide: WideMintOptions): Promise<OpenTerminal> {
  const home = join(folder, name);
  const gateways = [{ name: 'none', url: 'ws://127.0.0.1:9/v1', key: 'ab'.repeat(32) }];
  await makeTerminal({ home, side: 'wan', gateways, mint: wide });
  return OpenTerminal.open({ home });
}

test('withdrawn at the counter, passed on, paid in to a wallet', async () => {
  const { system, wallet } = mint;
  const directory = { directory: system.directory().bytes(), root: system.fingerprint };
  const ada = await opened('ada', directory);
  const bob = await opened('bob', { url: mint.url('issuer') });
  try {
    const { operation, request } = await ada.withdraw(1_300n);
    expect(await errorOf(ada.finishWithdrawal(operation, { patienceMs: 1 }))).toBe('unfinished');
    await mint.pays(request.slice('specie-quote:'.length));
    expect(await ada.finishWithdrawal(operation)).toBe(1_300n);
    expect(await mint.books()).toMatchObject({ out: 1_300n, signed: 1_300n, spent: 0n });

    const { text } = await ada.makeToken(500n, 'rent');
    expect(await bob.takeToken(text)).toBe(500n);
    expect(await ada.checkTokens()).toHaveLength(1);

    const before = await mint.balance();
    const payee = await wallet.payeeAddress();
    expect(await bob.deposit({ payee, amount: 450n })).toBe(450n);
    expect(await errorOf(ada.deposit({ payee: 'specie-device:AAAA', amount: 1n }))).toBe('mint_refused');
    expect(await mint.balance()).toBe(before + 450n);
    expect([ada.balance().free, bob.balance().free]).toEqual([800n, 50n]);
    expect(await ada.audit()).toEqual({ UNSPENT: 800n, PENDING: 0n, SPENT: 0n });
    const { out, signed, spent } = await mint.books();
    expect([out, signed - spent]).toEqual([850n, 850n]);
  } finally {
    await ada.close();
    await bob.close();
  }
});
