// The bank's side of the simulator over HTTP, and settlement's line to it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OPERATOR_ACCOUNT } from '../../src/institution/operator-account.ts';
import { PaymentsLink } from '../../src/institution/payments-link.ts';
import type { BankDials } from '../../src/institution/simulator/bank-dials.ts';
import { BankServer } from '../../src/institution/simulator/bank-server.ts';
import {
  type Account,
  ibanOf,
  readAccountReport,
  readPaymentStatus,
  writePaymentInitiation,
} from '../../src/iso20022/index.ts';

let path: string;
let bank: BankServer;
let link: PaymentsLink;

async function start(dials: BankDials = {}, died = (): void => {}): Promise<void> {
  bank = await BankServer.listen({ path, port: 0, dials, die: died });
  link = new PaymentsLink({ host: '127.0.0.1', port: bank.port, timeoutMs: 2_000 });
}

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'specie-bank-'));
  await start();
});
afterEach(async () => {
  await link.close();
  await bank.close();
  rmSync(path, { recursive: true, force: true });
});

const iban = (id: string): Account => ({ scheme: 'iban', id });
const CREDITOR = iban(ibanOf('DE', '370400440532013000'));

interface Fields {
  readonly debtor?: string;
  readonly currency?: string;
  readonly creditor?: Account;
  readonly ids?: readonly string[];
}

function message(messageId: string, fields: Fields = {}): string {
  const {
    debtor = OPERATOR_ACCOUNT,
    currency = 'EUR',
    creditor = CREDITOR,
    ids = [`${messageId}-1`],
  } = fields;
  return writePaymentInitiation({
    ...{ messageId, createdAt: '2026-03-01T12:00:00Z', initiatingParty: { name: 'Operator' } },
    payments: [
      {
        ...{ paymentInformationId: messageId, requestedExecutionDate: '2026-03-01' },
        ...{ debtor: { name: 'Operator' }, debtorAccount: iban(debtor) },
        transactions: ids.map((endToEndId) => ({
          ...{ endToEndId, amount: 1_250n, currency },
          ...{ creditor: { name: 'Shop' }, creditorAccount: creditor },
        })),
      },
    ],
  });
}

/** `ACSP`, or `RJCT DUPL`, or `ACSP; A-1 RJCT AC01`. */
async function submitted(document: string): Promise<string> {
  const answer = await link.submit(document);
  if (answer.kind !== 'answered') return `unknown: ${answer.why}`;
  const { groupStatus, reasons, payments } = readPaymentStatus(answer.document);
  const said = payments.flatMap(({ transactions }) =>
    transactions
      .filter(({ status }) => status === 'RJCT')
      .map((one) => `; ${one.endToEndId} ${one.status} ${one.reasons[0]?.code}`),
  );
  return [groupStatus, ...reasons.map(({ code }) => ` ${code}`), ...said].join('');
}

/** Sides and names of what is booked. */
async function booked(after = 0n): Promise<string[]> {
  const page = await link.statements(after);
  if (page.kind !== 'statements') throw new Error(page.why);
  return page.documents.flatMap((document) => {
    const { kind, reports } = readAccountReport(document);
    expect(kind).toBe('statement');
    return reports.flatMap(({ findings, entries }) => {
      expect(findings ?? []).toEqual([]);
      return entries.map(({ side, transactions }) => `${side} ${transactions[0]?.endToEndId}`);
    });
  });
}

test('payments are made, and stand on the statement', async () => {
  expect(await booked()).toEqual([]);
  expect(await submitted(message('A', { ids: ['A-1', 'A-2'] }))).toBe('ACSP');
  expect(await booked()).toEqual(['debit A-1', 'debit A-2']);
  expect(await booked(1n)).toEqual(['debit A-2']);
  expect((await link.status('A')).kind).toBe('answered');
  expect(await link.status('B')).toEqual({ kind: 'not_found' });
  const notification = await fetch(`http://127.0.0.1:${bank.port}/notifications?after=0`);
  expect(readAccountReport(await notification.text()).kind).toBe('notification');
});

test('the same message again does nothing, also after a restart', async () => {
  expect(await submitted(message('A'))).toBe('ACSP');
  await link.close();
  await bank.close();
  await start();
  expect(await submitted(message('A'))).toBe('RJCT DUPL');
  expect(await submitted(message('B', { ids: ['A-1', 'B-2'] }))).toBe('PART; A-1 RJCT DUPL');
  expect(await booked()).toEqual(['debit A-1', 'debit B-2']);
});

test('what it does not take', async () => {
  expect(await submitted(message('A', { debtor: CREDITOR.id }))).toBe('RJCT FF01');
  expect(await submitted(message('B', { currency: 'USD' }))).toBe('RJCT NARR; B-1 RJCT AM03');
  const other = { scheme: 'other', id: '4711' } as const;
  expect(await submitted(message('C', { creditor: other }))).toBe('RJCT NARR; C-1 RJCT AC01');
  expect(await submitted('<Document/>')).toBe('RJCT FF01');
  expect(await booked()).toEqual([]);
});

test('dials: rejected, returned', async () => {
  bank.faults.set({ reject: { probability: 1, code: 'AC04' } });
  expect(await submitted(message('A'))).toBe('RJCT NARR; A-1 RJCT AC04');
  bank.faults.set({ return: { probability: 1, code: 'MD07' } });
  expect(await submitted(message('B'))).toBe('ACSP');
  await booked();
  expect(await booked()).toEqual(['debit B-1', 'credit B-1']);
});

test('dials: lost before and after, garbage', async () => {
  const nth = (what: 'drop_request' | 'drop_answer' | 'garbage', n: number) =>
    ({ do: what, on: 'payments', nth: n }) as const;
  bank.faults.set({ faults: [nth('drop_request', 1), nth('drop_answer', 2), nth('garbage', 3)] });
  expect(await submitted(message('A'))).toMatch(/^unknown/);
  expect(await link.status('A')).toEqual({ kind: 'not_found' });
  expect(await submitted(message('A'))).toMatch(/^unknown/);
  expect((await link.status('A')).kind).toBe('answered');
  await expect(submitted(message('B'))).rejects.toThrow();
  expect(await booked()).toEqual(['debit A-1', 'debit B-1']);
});

test('dials: it dies before what was asked for is written', async () => {
  let deaths = 0;
  await bank.close();
  await start({ faults: [{ do: 'die_before', on: 'payments', nth: 1 }] }, () => void deaths++);
  expect(await submitted(message('A'))).toMatch(/^unknown/);
  expect(deaths).toBe(1);
  await bank.close();
  await start();
  expect(await submitted(message('A'))).toBe('ACSP');
});

test('dials: it dies before what is due is booked', async () => {
  await bank.close();
  const faults = [{ do: 'die_before', on: 'statements', nth: 1 } as const];
  await start({ faults, return: { probability: 1, code: 'AC06' } });
  expect(await submitted(message('A'))).toBe('ACSP');
  expect((await link.statements(0n)).kind).toBe('unknown');
  await bank.close();
  await start();
  // It was not booked then, so it does not come back.
  expect(await booked()).toEqual(['debit A-1']);
});

test('what is asked and answered is bounded and checked', async () => {
  const put = (body: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${bank.port}/dials`, { method: 'PUT', body });
  expect((await put('{"bookAfterMs": 5}')).status).toBe(200);
  expect((await put('{"reject": {"probability": 2, "code": "AC04"}}')).status).toBe(400);
  expect((await put('{')).status).toBe(400);
  expect((await fetch(`http://127.0.0.1:${bank.port}/statements?after=x`)).status).toBe(400);
  const short = new PaymentsLink({ host: '127.0.0.1', port: bank.port, answerBytesMax: 100 });
  expect(await short.submit(message('A'))).toMatchObject({ kind: 'unknown' });
  await short.close();
});
