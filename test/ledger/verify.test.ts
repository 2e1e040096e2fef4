import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AccountFlags, TransferFlags } from '../../src/layout/generated.ts';
import { Ledger, verifyStore } from '../../src/ledger/index.ts';

let path: string;
beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'specie-verify-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const TRANSFERS = 3000;

/** A store with plain, pending, posted, voided, expired, refused and balancing transfers, several runs and checkpoints. */
async function fillStore(): Promise<string> {
  let now = 1_000_000_000_000n;
  const clock = () => now;
  const maintenance = { sealEntries: 700, checkpointBytesMin: 150_000, checkpointRatio: 0 };
  const ledger = await Ledger.open({ path, clock, maintenance });
  await ledger.createAccounts(
    Array.from({ length: 40 }, (_, i) => ({
      id: BigInt(i + 1),
      ledger: 978,
      code: 1,
      flags: i % 3 === 0 ? AccountFlags.debits_must_not_exceed_credits : AccountFlags.history,
    })),
  );
  for (let first = 0; first < TRANSFERS; first += 300) {
    now += 1_000_000_000n;
    await ledger.createTransfers(
      Array.from({ length: 300 }, (_, i) => {
        const n = first + i;
        const base = { id: BigInt(n + 1) * 7919n, ledger: 978, code: 1, amount: BigInt(1 + (n % 50)) };
        const sides = {
          debitAccountId: BigInt(1 + (n % 40)),
          creditAccountId: BigInt(1 + ((n * 7 + 3) % 40)),
        };
        if (n % 10 === 1) return { ...base, ...sides, flags: TransferFlags.pending, timeout: 1 + (n % 3) };
        if (n % 10 === 2 || n % 10 === 3) {
          const flags =
            n % 10 === 2 ? TransferFlags.post_pending_transfer : TransferFlags.void_pending_transfer;
          return { id: base.id, pendingId: BigInt(n - (n % 10) + 2) * 7919n, flags, amount: 0n };
        }
        if (n % 10 === 4) return { ...base, ...sides, flags: TransferFlags.balancing_debit };
        return { ...base, ...sides };
      }),
    );
  }
  const digest = ledger.digest();
  await ledger.close();
  return digest;
}

describe('verifyStore', () => {
  test('proves a whole store: chain, replay, books, checkpoint, index; and leaves nothing behind', async () => {
    const digest = await fillStore();
    const steps = new Set<string>();
    const report = await verifyStore({ path, onProgress: (step) => steps.add(step) });
    expect(report.findings).toEqual([]);
    expect(report.stateDigest).toBe(digest);
    expect(report.replayedRecords).toBeGreaterThanOrEqual(TRANSFERS + 40);
    expect(report.checkpointOp).toBe(report.proof!.toOp);
    expect(report.indexEntries).toBeGreaterThan(TRANSFERS / 2);
    expect(report.books).toMatchObject([{ ledger: 978, accounts: 40 }]);
    expect(steps).toContain('chain');
    expect(readdirSync(path).sort()).toEqual(['journal', 'state']);
  });

  test('a store without state is proved from the journal alone', async () => {
    const digest = await fillStore();
    rmSync(join(path, 'state'), { recursive: true });
    expect(await verifyStore({ path })).toMatchObject({ findings: [], stateDigest: digest, checkpointOp: 0 });
  });

  test('names entry, part and byte range of a flipped byte in the journal', async () => {
    await fillStore();
    await change(
      'journal',
      'entries',
      (key) => key.readUIntBE(0, 6) === 4 && key.readUInt16BE(6) === 1,
      1000,
    );
    const { findings, proof } = await verifyStore({ path });
    expect(proof!.toOp).toBe(3);
    expect(findings[0]).toMatchObject({
      step: 'chain',
      journal: { kind: 'segment_damaged', op: 4, part: 1 },
    });
    expect(findings[0]!.what).toMatch(/operation 4, segment 0, bytes 0 to \d+/);
    expect(findings[0]!.advice).not.toBe('');
  });

  test('finds a checkpoint page and a run that are not what the journal makes of them', async () => {
    await fillStore();
    await change('state', 'pages', () => true, 500);
    expect((await verifyStore({ path })).findings).toMatchObject([{ step: 'checkpoint' }]);
    await change('state', 'pages', () => true, 500);
    expect((await verifyStore({ path })).findings).toEqual([]);
    await change('state', 'runs', (key) => key[4] === 0, 40);
    expect((await verifyStore({ path })).findings).toMatchObject([{ step: 'index' }]);
  });

  test('a folder without a store is said to be one', async () => {
    const { findings } = await verifyStore({ path: join(path, 'nowhere') });
    expect(findings).toMatchObject([{ step: 'file' }]);
  });
});

/** Flips the lowest bit of one byte in the last value whose key fits. */
async function change(
  folder: string,
  name: string,
  fits: (key: Buffer) => boolean,
  at: number,
): Promise<void> {
  const options = { encoding: 'binary', keyEncoding: 'binary', cache: false } as const;
  const root = open<Buffer, Buffer>({
    path: `${join(path, folder)}/`,
    noSubdir: false,
    maxDbs: 8,
    pageSize: 4096,
    overlappingSync: false,
    ...options,
  });
  const store = root.openDB<Buffer, Buffer>(name, options);
  const key = [...store.getKeys({})].filter((k) => fits(k as Buffer)).at(-1)! as Buffer;
  const value = Buffer.from(store.getBinary(Buffer.from(key))!);
  value[at]! ^= 1;
  await store.put(Buffer.from(key), value);
  await root.close();
}
