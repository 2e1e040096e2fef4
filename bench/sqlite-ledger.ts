// What a Node engineer would write instead: the same ledger on better-sqlite3, prepared statements, one transaction a
// batch, flushed on commit (WAL, synchronous FULL). It covers what the benchmark's workload uses: plain transfers with
// unique ids and accounts whose debits must not exceed their credits.
import Database from 'better-sqlite3';
import {
  AccountFlags,
  AccountLayout,
  CreateTransferStatus,
  TransferLayout,
} from '../src/layout/generated.ts';

export interface SqliteLedger {
  createAccounts(records: Uint8Array): void;
  /** Statuses, one a record. */
  createTransfers(records: Uint8Array): number[];
  /** Debits and credits posted of every account, by id. */
  balances(): Map<bigint, { debits: bigint; credits: bigint }>;
  close(): void;
}

export function openSqliteLedger(path: string): SqliteLedger {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec(`
    CREATE TABLE accounts (
      id BLOB PRIMARY KEY, debits INTEGER NOT NULL, credits INTEGER NOT NULL, flags INTEGER NOT NULL,
      ledger INTEGER NOT NULL, code INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE transfers (
      id BLOB PRIMARY KEY, debit_account_id BLOB NOT NULL, credit_account_id BLOB NOT NULL, amount INTEGER NOT NULL,
      user_data_128 BLOB NOT NULL, user_data_64 INTEGER NOT NULL, user_data_32 INTEGER NOT NULL,
      ledger INTEGER NOT NULL, code INTEGER NOT NULL, timestamp INTEGER NOT NULL
    ) WITHOUT ROWID;
  `);
  const insertAccount = db.prepare('INSERT INTO accounts VALUES (?, 0, 0, ?, ?, ?)');
  const account = db
    .prepare('SELECT debits, credits, flags, ledger FROM accounts WHERE id = ?')
    .safeIntegers();
  const debit = db.prepare('UPDATE accounts SET debits = debits + ? WHERE id = ?');
  const credit = db.prepare('UPDATE accounts SET credits = credits + ? WHERE id = ?');
  const insertTransfer = db.prepare('INSERT OR IGNORE INTO transfers VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');

  type Row = { debits: bigint; credits: bigint; flags: bigint; ledger: bigint };
  const limited = BigInt(AccountFlags.debits_must_not_exceed_credits);
  let timestamp = 0n;

  const createAccounts = db.transaction((records: Buffer) => {
    for (let at = 0; at < records.length; at += AccountLayout.size) {
      insertAccount.run(
        records.subarray(at, at + 16),
        records.readUInt16LE(at + AccountLayout.flags),
        records.readUInt32LE(at + AccountLayout.ledger),
        records.readUInt16LE(at + AccountLayout.code),
      );
    }
  });

  const createTransfers = db.transaction((records: Buffer) => {
    const statuses: number[] = [];
    for (let at = 0; at < records.length; at += TransferLayout.size) {
      const debitId = records.subarray(
        at + TransferLayout.debitAccountId,
        at + TransferLayout.debitAccountId + 16,
      );
      const creditId = records.subarray(
        at + TransferLayout.creditAccountId,
        at + TransferLayout.creditAccountId + 16,
      );
      const amount = records.readBigUInt64LE(at + TransferLayout.amount);
      const ledger = records.readUInt32LE(at + TransferLayout.ledger);
      const from = account.get(debitId) as Row | undefined;
      const to = account.get(creditId) as Row | undefined;
      let status: number;
      if (from === undefined) status = CreateTransferStatus.debit_account_not_found;
      else if (to === undefined) status = CreateTransferStatus.credit_account_not_found;
      else if (from.ledger !== BigInt(ledger) || to.ledger !== BigInt(ledger)) {
        status = CreateTransferStatus.transfer_must_have_the_same_ledger_as_accounts;
      } else if ((from.flags & limited) !== 0n && from.debits + amount > from.credits) {
        status = CreateTransferStatus.exceeds_credits;
      } else {
        timestamp += 1n;
        const { changes } = insertTransfer.run(
          records.subarray(at, at + 16),
          debitId,
          creditId,
          amount,
          records.subarray(at + TransferLayout.userData128, at + TransferLayout.userData128 + 16),
          records.readBigInt64LE(at + TransferLayout.userData64),
          records.readUInt32LE(at + TransferLayout.userData32),
          ledger,
          records.readUInt16LE(at + TransferLayout.code),
          timestamp,
        );
        if (changes === 0) status = CreateTransferStatus.exists;
        else {
          debit.run(amount, debitId);
          credit.run(amount, creditId);
          status = CreateTransferStatus.created;
        }
      }
      statuses.push(status);
    }
    return statuses;
  });

  return {
    createAccounts: (records) =>
      createAccounts(Buffer.from(records.buffer, records.byteOffset, records.length)),
    createTransfers: (records) =>
      createTransfers(Buffer.from(records.buffer, records.byteOffset, records.length)),
    balances: () => {
      const rows = db.prepare('SELECT id, debits, credits FROM accounts').safeIntegers().all() as {
        id: Buffer;
        debits: bigint;
        credits: bigint;
      }[];
      return new Map(
        rows.map(({ id, debits, credits }) => [
          id.readBigUInt64LE(0) | (id.readBigUInt64LE(8) << 64n),
          { debits, credits },
        ]),
      );
    },
    close: () => db.close(),
  };
}
