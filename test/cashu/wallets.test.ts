// Software that is not ours: @cashu/cashu-ts as it stands, over HTTP, against issuer and receiver as they run. Either's address
// is a mint's. Whatever is done, the notes that cash counts as out are those that were signed and are not spent.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CheckStateEnum,
  createRandomSecretKey,
  getDecodedToken,
  getEncodedToken,
  getPubKeyFromPrivKey,
  hasValidDleq,
  type MeltQuoteBolt11Response,
  Mint,
  MintOperationError,
  type MintQuoteBaseResponse,
  OutputData,
  type Proof,
  Wallet,
} from '@cashu/cashu-ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { MINT_ROLES } from '../../src/identity/roles.ts';
import { toHex } from '../../src/notes/hex.ts';
import { makeTerminal, OpenTerminal } from '../../src/terminal/index.ts';
import { auditOf } from '../claims/system.ts';
import { MintSystem } from './mint-system.ts';

const METHOD = 'specie';
const UNIT = 'eur';
const WALLET_MONEY = 40_000n;

let mint: MintSystem;

beforeAll(async () => {
  mint = await MintSystem.start(WALLET_MONEY);
}, 60_000);
afterAll(async () => {
  await mint?.close();
});

async function expectBooks(out?: bigint): Promise<void> {
  const found = await mint.books();
  expect(found.signed - found.spent).toBe(found.out);
  if (out !== undefined) expect(found.out).toBe(out);
}
afterEach(async () => {
  await expectBooks();
});

const sum = (proofs: readonly Proof[]): bigint =>
  proofs.reduce((total, { amount }) => total + BigInt(amount.toString()), 0n);

describe.each(MINT_ROLES)('by the address of the %s', (role) => {
  /** One that has loaded what a wallet wants to know of a mint. */
  async function opened(options: ConstructorParameters<typeof Wallet>[1] = {}): Promise<Wallet> {
    const wallet = new Wallet(mint.url(role), { unit: UNIT, ...options });
    await wallet.loadMint();
    return wallet;
  }

  const quoted = (wallet: Wallet, amount: number, more: Record<string, unknown> = {}) =>
    wallet.createMintQuote(METHOD, { amount, ...more });

  async function minted(wallet: Wallet, amount: number): Promise<Proof[]> {
    const quote = await quoted(wallet, amount);
    await mint.pays(quote.quote);
    return wallet.mintProofs(METHOD, amount, quote);
  }

  test('what it is, and its keys', async () => {
    const wallet = await opened();
    const info = wallet.getMintInfo();
    for (const nut of [7, 9, 10, 11, 12, 14, 20] as const)
      expect(info.isSupported(nut as 7)).toMatchObject({ supported: true });
    expect(info.isSupported(4)).toMatchObject({
      disabled: false,
      params: [expect.objectContaining({ method: METHOD, unit: UNIT })],
    });
    expect(info.isSupported(5)).toMatchObject({
      disabled: false,
      params: [expect.objectContaining({ method: METHOD, unit: UNIT })],
    });
    const keyset = wallet.getKeyset();
    expect(keyset).toMatchObject({ unit: UNIT, isActive: true, fee: 0 });
    expect(keyset.verify()).toBe(true);
    expect(Object.keys(keyset.keys)).toHaveLength(32);
    const [answered] = (await new Mint(mint.url(role)).getKeys(keyset.id)).keysets;
    expect(answered!.keys).toEqual(keyset.keys);
  });

  test('a quote that is paid at the counter is minted, once', async () => {
    const wallet = await opened();
    const before = await mint.books();
    const quote = await quoted(wallet, 1_040);
    expect(quote).toMatchObject({ unit: UNIT, method: METHOD, state: 'UNPAID' });
    expect(quote.request).toBe(`specie-quote:${quote.quote}`);
    await expect(wallet.mintProofs(METHOD, 1_040, quote)).rejects.toMatchObject({ code: 20001 });

    await mint.pays(quote.quote);
    const paid = await wallet.checkMintQuote<MintQuoteBaseResponse & { state: string }>(METHOD, quote);
    expect(paid).toMatchObject({ state: 'PAID' });
    // Between the payment and the minting they are out at cash, and not signed yet.
    const between = await mint.books();
    expect(between.out - (between.signed - between.spent)).toBe(1_040n);

    const proofs = await wallet.mintProofs(METHOD, 1_040, quote);
    expect(sum(proofs)).toBe(1_040n);
    for (const proof of proofs) expect(hasValidDleq(proof, wallet.getKeyset(proof.id))).toBe(true);
    await expect(wallet.mintProofs(METHOD, 1_040, quote)).rejects.toMatchObject({ code: 20002 });
    await expectBooks(before.out + 1_040n);
  });

  test('sent with change, received from a text, swapped: each note is spent once', async () => {
    const [alice, bob] = [await opened(), await opened()];
    const proofs = await minted(alice, 48);
    const { keep, send } = await alice.send(34, proofs);
    expect([sum(keep), sum(send)]).toEqual([14n, 34n]);

    const token = getEncodedToken({ mint: mint.url(role), unit: UNIT, memo: 'for coffee', proofs: send });
    expect(token).toMatch(/^cashuB/);
    const received = await bob.receive(token, { requireDleq: true });
    expect(sum(received)).toBe(34n);
    await expect(bob.receive(token)).rejects.toMatchObject({ code: 11001 });
    await expect(alice.send(1, send)).rejects.toBeInstanceOf(MintOperationError);

    const states = await alice.checkProofsStates([...send, ...keep]);
    expect(states.map(({ state }) => state)).toEqual([
      ...send.map(() => CheckStateEnum.SPENT),
      ...keep.map(() => CheckStateEnum.UNSPENT),
    ]);
    const { unspent, pending, spent } = await alice.groupProofsByState([...received, ...send]);
    expect([unspent, pending, spent]).toEqual([received, [], send]);
  });

  test('restored from a seed into an empty wallet, whoever has signed', async () => {
    const seed = new Uint8Array(randomBytes(64));
    const wallet = await opened({ bip39seed: seed });
    // By the issuer (minted), and by the receiver (swapped).
    const { keep, send } = await wallet.send(20, await minted(wallet, 33));
    const change = await wallet.receive(send);

    const empty = await opened({ bip39seed: seed });
    const { proofs, lastCounterWithSignature } = await empty.batchRestore(2, 4);
    expect(lastCounterWithSignature).toBeGreaterThan(0);
    const { unspent } = await empty.groupProofsByState(proofs);
    expect(unspent.map(({ secret }) => secret).sort()).toEqual(
      [...keep, ...change].map(({ secret }) => secret).sort(),
    );
    expect(sum(await empty.receive(unspent))).toBe(33n);

    const stranger = await opened({ bip39seed: new Uint8Array(randomBytes(64)) });
    expect((await stranger.batchRestore(2, 4)).proofs).toEqual([]);
  });

  test('melted to a device, whose balance grows by it', async () => {
    const wallet = await opened();
    const proofs = await minted(wallet, 320);
    const [before, out] = [await mint.balance(), (await mint.books()).out];
    const request = await mint.wallet.payeeAddress();
    expect(request).toMatch(/^specie-device:/);
    const quote = await wallet.createMeltQuote<MeltQuoteBolt11Response>(METHOD, { request, amount: 258 });
    expect(quote).toMatchObject({ unit: UNIT, state: 'UNPAID', request });
    expect([String(quote.amount), String(quote.fee_reserve)]).toEqual(['258', '0']);

    const { keep, send } = await wallet.send(258, proofs, { includeFees: true });
    const molten = await wallet.meltProofs(METHOD, quote, send);
    expect(molten.quote).toMatchObject({ state: 'PAID' });
    expect(await mint.balance()).toBe(before + 258n);
    await expectBooks(out - 258n);

    expect(await wallet.checkMeltQuote(METHOD, quote)).toMatchObject({ state: 'PAID' });
    expect((await wallet.groupProofsByState(send)).spent).toHaveLength(send.length);
    const again = await wallet.createMeltQuote(METHOD, { request, amount: 258 });
    await expect(wallet.meltProofs(METHOD, again, send)).rejects.toMatchObject({ code: 11001 });
    expect(sum(keep)).toBe(62n);
  });

  test('locked to a key (NUT-11): who has it receives, nobody else', async () => {
    const wallet = await opened();
    const secret = createRandomSecretKey();
    const [privkey, pubkey] = [toHex(secret), toHex(getPubKeyFromPrivKey(secret))];
    const proofs = await minted(wallet, 24);
    const { send } = await wallet.ops.send(20, proofs).asP2PK({ pubkey }).run();
    const token = getEncodedToken({ mint: mint.url(role), unit: UNIT, proofs: send });

    const outputs = () => OutputData.createRandomData(20, wallet.getKeyset());
    await expect(
      new Mint(mint.url(role)).swap({
        inputs: getDecodedToken(token, wallet.keyChain.getAllKeysetIds()).proofs,
        outputs: outputs().map(({ blindedMessage }) => blindedMessage),
      }),
    ).rejects.toBeInstanceOf(MintOperationError);
    const other = toHex(createRandomSecretKey());
    await expect(wallet.receive(token, { privkey: other })).rejects.toThrow();
    expect(sum(await wallet.ops.receive(token).privkey(privkey).requireDleq(true).run())).toBe(20n);
  });

  test('a quote with a key (NUT-20): who has it mints, nobody else', async () => {
    const wallet = await opened();
    const secret = createRandomSecretKey();
    const [privkey, pubkey] = [toHex(secret), toHex(getPubKeyFromPrivKey(secret))];
    const quote = await quoted(wallet, 42, { pubkey });
    expect(quote).toMatchObject({ pubkey });
    await mint.pays(quote.quote);
    const { pubkey: _, ...unlocked } = quote as typeof quote & { pubkey: string };
    await expect(wallet.mintProofs(METHOD, 42, unlocked)).rejects.toMatchObject({ code: 20008 });
    const other = toHex(createRandomSecretKey());
    await expect(wallet.mintProofs(METHOD, 42, quote, { privkey: other })).rejects.toThrow();
    expect(sum(await wallet.mintProofs(METHOD, 42, quote, { privkey }))).toBe(42n);
  });

  test('several quotes minted at once (NUT-29)', async () => {
    const wallet = await opened();
    const quotes = [await quoted(wallet, 8), await quoted(wallet, 5)];
    for (const { quote } of quotes) await mint.pays(quote);
    const checked = await wallet.checkMintQuoteBatch(METHOD, quotes);
    expect(checked.map(({ quote }) => quote)).toEqual(quotes.map(({ quote }) => quote));
    const preview = await wallet.prepareBatchMint(METHOD, [
      { amount: 8, quote: quotes[0]! },
      { amount: 5, quote: quotes[1]! },
    ]);
    expect(sum(await wallet.completeBatchMint(preview))).toBe(13n);
  });
});

test('notes of one address are notes of the other', async () => {
  const wallets = await Promise.all(
    MINT_ROLES.map(async (role) => {
      const wallet = new Wallet(mint.url(role), { unit: UNIT });
      await wallet.loadMint();
      return wallet;
    }),
  );
  const [first, second] = wallets as [Wallet, Wallet];
  const quote = await first.createMintQuote(METHOD, { amount: 9 });
  await mint.pays(quote.quote);
  const proofs = await first.mintProofs(METHOD, 9, quote);
  expect(sum(await second.receive(proofs))).toBe(9n);
  expect((await first.groupProofsByState(proofs)).spent).toHaveLength(proofs.length);
});

test('a terminal of ours, unnamed at the receiver, passes notes to them, and they to it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'specie-terminal-'));
  const { system } = mint;
  const before = (await mint.books()).out;
  await makeTerminal({
    home,
    side: 'wan',
    gateways: [{ name: 'none', url: 'ws://127.0.0.1:9/v1', key: 'ab'.repeat(32) }],
    mint: { directory: system.directory().bytes(), root: system.fingerprint, url: mint.url('issuer') },
  });
  const terminal = await OpenTerminal.open({ home });
  try {
    const { operation, request } = await terminal.withdraw(1_300n);
    await expect(terminal.finishWithdrawal(operation, { patienceMs: 1 })).rejects.toThrow('not paid yet');
    await mint.pays(request.slice('specie-quote:'.length));
    expect(await terminal.finishWithdrawal(operation)).toBe(1_300n);

    const wallet = new Wallet(mint.url('issuer'), { unit: UNIT });
    await wallet.loadMint();
    const { text } = await terminal.makeToken(500n, 'rent');
    const proofs = await wallet.receive(text);
    expect(sum(proofs)).toBe(500n);
    expect(await terminal.checkTokens()).toHaveLength(1);
    const back = getEncodedToken({ mint: mint.url('issuer'), unit: UNIT, proofs });
    expect(await terminal.takeToken(back)).toBe(500n);

    const [balance, payee] = [await mint.balance(), await mint.wallet.payeeAddress()];
    expect(await terminal.deposit({ payee, amount: 450n })).toBe(450n);
    expect(await mint.balance()).toBe(balance + 450n);
    await expect(terminal.deposit({ payee: 'specie-device:AAAA', amount: 1n })).rejects.toThrow(
      'mint_refused',
    );
    expect(await terminal.audit()).toEqual({ UNSPENT: 850n, PENDING: 0n, SPENT: 0n });
    expect(terminal.balance()).toMatchObject({ free: 850n, open: [] });
    await expectBooks(before + 850n);
  } finally {
    await terminal.close();
    rmSync(home, { recursive: true });
  }
});

test('the audit of the whole system passes', async () => {
  expect(await auditOf(mint.system)).toEqual({ passed: true, open: [], findings: [] });
});
