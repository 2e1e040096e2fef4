import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ACCOUNTS, TRANSFERS } from '../../src/cli/files/columns.ts';
import { type FailedLine, FailuresFile } from '../../src/cli/submit/failures-file.ts';
import { Pipeline } from '../../src/cli/submit/pipeline.ts';
import { reasonOf, statusName } from '../../src/cli/submit/reasons.ts';
import { submitFile } from '../../src/cli/submit/submit-file.ts';
import { Tally } from '../../src/cli/submit/tally.ts';
import { CreateAccountStatus, CreateTransferStatus, readTransfer } from '../../src/layout/generated.ts';
import { Currencies } from '../../src/shared/currency.ts';
import { LedgerCalls } from '../../src/wire/calls.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'specie-submit-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Answers transfers by their amount: 1 is refused, an id seen before exists, everything else is created. */
class FakeLedger extends LedgerCalls {
  readonly ids: bigint[] = [];
  batches = 0;
  failAt = Number.POSITIVE_INFINITY;

  protected override async exchange({ count, bodySize, write }: Parameters<LedgerCalls['exchange']>[0]) {
    if (++this.batches === this.failAt) throw new Error('the connection is gone');
    const body = new Uint8Array(bodySize);
    write(body);
    const view = new DataView(body.buffer);
    const answers = new DataView(new ArrayBuffer(count * 16));
    for (let i = 0; i < count; i++) {
      const { id, amount } = readTransfer(view, i * 128);
      const { exists, exceeds_credits, created } = CreateTransferStatus;
      const status = this.ids.includes(id) ? exists : amount === 1n ? exceeds_credits : created;
      if (status === created) this.ids.push(id);
      answers.setUint32(i * 16 + 8, status, true);
    }
    return new Uint8Array(answers.buffer);
  }
}

async function submit(ledger: FakeLedger, name: string, text: string) {
  const path = join(folder, name);
  await writeFile(path, text);
  const failed: FailedLine[] = [];
  const report = await submitFile(ledger, {
    path,
    currencies: new Currencies(),
    amountUnit: 'minor',
    inFlightMax: 4,
    onFailed: (lines) => {
      failed.push(...lines);
    },
  });
  return { report, failed };
}

const HEADER = 'debit_account_id,credit_account_id,amount,ledger,code\n';

describe('submitting a file', () => {
  test('counts answers, explains failures, and is safe to repeat without ids', async () => {
    const ledger = new FakeLedger();
    const text = `${HEADER}10,20,5,EUR,1\n10,20,1,EUR,1\n10,20,oops,EUR,1\n10,20,7,EUR,1\n`;
    const first = await submit(ledger, 'a.csv', text);
    expect(first.report).toMatchObject({
      kind: 'transfers',
      answered: 3,
      created: 2,
      existing: 0,
      refused: 1,
      unreadable: 1,
    });
    expect(first.failed).toEqual([
      {
        line: 3,
        id: expect.any(BigInt),
        status: 'exceeds_credits',
        reason: 'the account it debits does not hold enough',
      },
      { line: 4, id: undefined, status: 'unreadable', reason: expect.stringContaining('got "oops"') },
    ]);
    const again = await submit(ledger, 'b.csv', text);
    expect(again.report).toMatchObject({ created: 0, existing: 2, refused: 1, unreadable: 1 });
    expect(ledger.ids.length).toBe(2);
    const changed = await submit(ledger, 'c.csv', `${text}10,20,9,EUR,1\n`);
    expect(changed.report.created).toBe(3);
  });

  test('an empty or unreadable file is an error of its own', async () => {
    await expect(submit(new FakeLedger(), 'e.csv', '')).rejects.toThrow('got an empty file');
    await expect(submit(new FakeLedger(), 'e.ndjson', '\n\n')).rejects.toThrow('got an empty file');
    await expect(submit(new FakeLedger(), 'f.ndjson', 'hello\n')).rejects.toThrow(
      'line 1: expected one JSON object',
    );
    const { report } = await submit(new FakeLedger(), 'h.csv', HEADER);
    expect(report.answered).toBe(0);
  });

  test('a lost connection ends it with that error', async () => {
    const ledger = new FakeLedger();
    ledger.failAt = 2;
    const lines = Array.from({ length: 30_000 }, (_, i) => `10,20,${i + 2},EUR,1\n`).join('');
    await expect(submit(ledger, 'g.csv', HEADER + lines)).rejects.toThrow('the connection is gone');
  });
});

describe('the pipeline', () => {
  test('keeps the order of answers and the bound on what is under way', async () => {
    let underWay = 0;
    let most = 0;
    const answered: number[] = [];
    const pipeline = new Pipeline<number>(
      async (item) => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, (item * 7) % 5));
        underWay--;
        return new Uint8Array();
      },
      3,
      ({ item, latencyMs }) => {
        expect(latencyMs).toBeGreaterThanOrEqual(0);
        answered.push(item);
      },
    );
    for (let i = 0; i < 20; i++) await pipeline.push(i);
    await pipeline.drain();
    expect(answered).toEqual(Array.from({ length: 20 }, (_, i) => i));
    expect(most).toBe(3);
  });
});

describe('reports', () => {
  test('every status has a reason of its own', () => {
    const names = [...Object.keys(CreateAccountStatus), ...Object.keys(CreateTransferStatus)];
    expect(new Set(names).size).toBe(new Set(names.map(reasonOf)).size);
    expect(statusName(TRANSFERS, CreateTransferStatus.exceeds_credits)).toBe('exceeds_credits');
    expect(statusName(ACCOUNTS, CreateAccountStatus.exists)).toBe('exists');
    expect(statusName(TRANSFERS, 4000)).toBe('status_4000');
    expect(reasonOf('status_4000')).toContain('later version');
  });

  test('percentiles are those of the nearest rank', () => {
    const tally = new Tally();
    for (let i = 100; i >= 1; i--) tally.addLatency(i);
    expect(tally.latencies()).toEqual({ p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100 });
    expect(new Tally().latencies().maxMs).toBe(0);
    for (const answer of ['b', 'a', 'b']) tally.add(answer);
    expect(Object.entries(tally.answers())).toEqual([
      ['b', 2],
      ['a', 1],
    ]);
  });

  test('the results file exists only where something failed', async () => {
    const path = join(folder, 'failed.csv');
    await writeFile(path, 'of an earlier run');
    const empty = new FailuresFile(path);
    await empty.write([]);
    await empty.close();
    await expect(readFile(path)).rejects.toThrow('ENOENT');
    const file = new FailuresFile(path);
    await file.write([{ line: 2, id: 1n, status: 'exists', reason: 'a, "b"' }]);
    await file.close();
    expect(await readFile(path, 'utf8')).toBe(
      'line,id,status,reason\n2,0x00000000000000000000000000000001,exists,"a, ""b"""\n',
    );
    const nowhere = new FailuresFile(join(folder, 'no', 'folder.csv'));
    await expect(nowhere.write([{ line: 1, id: 1n, status: 's', reason: 'r' }])).rejects.toThrow('ENOENT');
  });
});
