// Roles of a home in a process of their own, from the built package so that it starts quickly, that dies where it is told to:
//
//     node role-process.mjs HOME ROLE… [--institution-timeout MS]
//
// kill-points.mjs says how it is told. Points:
//
//     R trace before_write STATE …           each step of each request, of management and settlement (flow.ts)
//     R handles OPERATION                    a frame has come, nothing is done about it
//     R answers OPERATION                    it is handled, the answer has not left
//     R asks OPERATION                       a message to another role, or to the institution, is on its way
//     R store TABLES before, after           each write about payouts that no flow makes
//     settlement hears OPERATION             the bank has answered, nothing is done about it
//     cash … ledger, journal, registry       before and behind each write of cash: the ledger's call, its flush, the registry
import { CardInstitution } from '../../dist/institution/card-institution.js';
import { PaymentsLink } from '../../dist/institution/payments-link.js';
import { systemTimers } from '../../dist/institution/timers.js';
import { LmdbJournal } from '../../dist/journal/lmdb-journal.js';
import { Ledger } from '../../dist/ledger/index.js';
import { START_ORDER, startRole } from '../../dist/main/roles/start-role.js';
import { CashOperation } from '../../dist/roles/cash/messages.js';
import { Registry } from '../../dist/roles/cash/registry.js';
import { RoleClient } from '../../dist/roles/common/role-client.js';
import { ManagementOperation } from '../../dist/roles/management/messages.js';
import { SettlementOperation } from '../../dist/roles/settlement/messages.js';
import { GroupStore } from '../../dist/store/group-store.js';
import { around, obey, operationNames, point, processLog, say, watch, watched } from './kill-points.mjs';

const INSTITUTION_TIMEOUT_MS = 5_000;
/** Tests have no two seconds. */
const PAYOUTS_POLL_MS = 50;

const [home, ...rest] = process.argv.slice(2);
const roles = START_ORDER.filter((role) => rest.includes(role));
const timeoutAt = rest.indexOf('--institution-timeout');

if (roles.includes('cash')) {
  around(Ledger.prototype, 'createAccounts', 'cash ledger create_accounts');
  around(Ledger.prototype, 'createTransfers', 'cash ledger create_transfers');
  around(LmdbJournal.prototype, 'append', 'cash journal append');
  around(Registry.prototype, 'opened', 'cash registry opened');
  around(Registry.prototype, 'rejected', 'cash registry rejected');
  around(Ledger.prototype, 'createPaymentOrders', 'cash ledger create_payment_orders');
  around(Registry.prototype, 'paymentsRejected', 'cash registry payments_rejected');
}
// What is asked leaves within this turn: a turn later it is with the kernel, and its answer has not come.
const asks = (role) => (_, operation) => {
  setImmediate(() => point(`${role} asks ${operation}`));
};
if (roles.includes('management')) {
  for (const method of ['call', 'callAll']) watch(RoleClient.prototype, method, () => {}, asks('management'));
}
if (roles.includes('settlement')) {
  for (const operation of ['authorise', 'capture', 'reverse', 'inquire']) {
    watch(
      CardInstitution.prototype,
      operation,
      () => {},
      (result) => asks('settlement')(result, operation),
    );
  }
}
if (roles.includes('settlement')) {
  for (const operation of ['submit', 'status', 'statements']) {
    const original = PaymentsLink.prototype[operation];
    PaymentsLink.prototype[operation] = async function watchedLink(...given) {
      const answer = original.apply(this, given);
      asks('settlement')(answer, operation);
      const heard = await answer;
      if (heard.documents?.length !== 0) point(`settlement hears ${operation}`);
      return heard;
    };
  }
}
const { transaction } = GroupStore.prototype;
GroupStore.prototype.transaction = async function watchedTransaction(run) {
  const tables = new Set();
  const write = transaction.call(this, (tx) => {
    const put = (table, ...given) => {
      tables.add(table);
      tx.put(table, ...given);
    };
    return run({ ...tx, put });
  });
  // Flows have points of their own.
  const names = tables.has('requests') ? [] : [...tables].filter((table) => table.startsWith('payout'));
  const name = `${roles.join('+')} store ${names.sort().join('+')}`;
  if (names.length > 0) point(`${name} before`);
  const result = await write;
  if (names.length > 0) point(`${name} after`);
  return result;
};
// How long settlement waits for the institution is not to be set in a home; tests have no five seconds.
if (timeoutAt >= 0) {
  const milliseconds = Number(rest[timeoutAt + 1]);
  systemTimers.set = (callback, ms) =>
    setTimeout(callback, ms === INSTITUTION_TIMEOUT_MS ? milliseconds : ms);
}

const OPERATIONS = { management: ManagementOperation, settlement: SettlementOperation, cash: CashOperation };

const started = [];

async function start() {
  for (const role of roles) {
    started.push(
      await startRole({
        home,
        role,
        passphrase: async () => undefined,
        log: processLog(role),
        failed: (reason) => say({ failed: reason }),
        trace: (where, _, state) => point(`${role} trace ${where} ${state}`),
        around: (engine) => watched(role, engine, operationNames(OPERATIONS[role])),
        ledger: { readers: 1, mapSizeBytes: 2 ** 30 },
        payoutsPollMs: PAYOUTS_POLL_MS,
      }),
    );
  }
}

async function stop() {
  for (const role of started.splice(0).reverse()) await role.close();
}

obey({ start, stop });
