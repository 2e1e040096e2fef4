import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  CreateAccountStatusNames,
  CreateTransferStatusNames,
  SetOrderTermsStatus,
  SetOrderTermsStatusNames,
} from '../../src/layout/generated.ts';
import { modelTarget } from '../conformance/model-target.ts';
import { kernelTarget } from './kernel-target.ts';
import { parseTables } from './table-language.ts';
import { runStatusTable } from './table-runner.ts';

const FOLDER = new URL('status-tables/', import.meta.url);

const files = readdirSync(FOLDER).map((name) => ({
  name,
  tables: parseTables(readFileSync(new URL(name, FOLDER), 'utf8')),
}));

// The model of the property tests goes through the same tables: it shares no code with the kernel.
const TARGETS = { kernel: kernelTarget, model: modelTarget } as const;

for (const [target, open] of Object.entries(TARGETS)) {
  for (const { name, tables } of files) {
    describe(`${target}: ${name}`, () => {
      for (const table of tables) it(table.name, () => runStatusTable(open(), table));
    });
  }
}

describe('the status tables', () => {
  const rows = files.flatMap(({ tables }) => tables.flatMap((table) => table.rows));

  it('have every status of create_accounts', () => {
    const seen = new Set(rows.flatMap((row) => (row.kind === 'account' ? [row.answer.status] : [])));
    const missing = [...CreateAccountStatusNames].filter(([status]) => !seen.has(status));
    expect(missing).toEqual([]);
  });

  it('have every status of create_transfers and create_payment_orders', () => {
    const seen = new Set(
      rows.flatMap((row) => (row.kind === 'transfer' || row.kind === 'order' ? [row.answer.status] : [])),
    );
    const missing = [...CreateTransferStatusNames].filter(([status]) => !seen.has(status));
    expect(missing).toEqual([]);
  });

  it('have every status of set_order_terms', () => {
    const seen = new Set(rows.flatMap((row) => (row.kind === 'terms' ? [row.answer.status] : [])));
    // A record of the tables has no reserved field; test/kernel/payment-orders.test.ts sets one byte by byte.
    const missing = [...SetOrderTermsStatusNames.values()].filter(
      (name) => name !== 'reserved_field' && !seen.has(SetOrderTermsStatus[name]),
    );
    expect(missing).toEqual([]);
  });
});

describe('the language of the tables', () => {
  it('names the line and the word that it does not understand', () => {
    expect(() => parseTables('== a\naccount A1 -> creatd')).toThrow(
      "line 2: expected a status after '->', got creatd",
    );
    expect(() => parseTables('== a\n\ntransfer T1 A1 A2 1O -> created')).toThrow(
      'line 3: expected a number, got 1O',
    );
    expect(() => parseTables('== a\naccount A1 histry -> created')).toThrow(
      'expected a flag or field=value, got histry',
    );
    expect(() => parseTables('account A1 -> created')).toThrow("expected '== name'");
  });

  it('fails where a result differs', async () => {
    const [table] = parseTables('== a\naccount A1 -> created\naccount A2 code=0 -> created');
    await expect(runStatusTable(kernelTarget(), table!)).rejects.toThrow('line 3');
  });
});
