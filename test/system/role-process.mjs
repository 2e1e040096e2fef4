// Roles of a home in a process of their own, from the built package so that it starts quickly, that dies where it is told to:
//
//     node role-process.mjs HOME ROLE… [--institution-timeout MS]
//
// It is told over IPC, so that a spare one can be there with everything loaded before it is needed:
//
//     {start: {kill}}  start the roles          {arm: {kill}}  forget the points passed, count from here
//     {disarm: true}   say the points passed    {stop: true}   close all in good order
//
// and says in lines of JSON: {loaded}, {started}, {passed: [point…]}, {died: [point…]}, {stopped}, {failed}.
//
// A point has a name: "ROLE what where". `kill` says where to SIGKILL itself: {point, nth}, when that point is reached for the
// n-th time; {number}, at the n-th point whatever it is; {only, except: [point…]}, at the first that matches a regular expression and
// is not among these. Points:
//
//     R trace before_write STATE …           each step of each request, of management and settlement (flow.ts)
//     R handles OPERATION                    a frame has come, nothing is done about it
//     R answers OPERATION                    it is handled, the answer has not left
//     R asks OPERATION                       a message to another role, or to the institution, is on its way
//     cash … ledger, journal, registry       before and behind each write of cash: the ledger's call, its flush, the registry
import { writeSync } from 'node:fs';
import { CardInstitution } from '../../dist/institution/card-institution.js';
import { systemTimers } from '../../dist/institution/timers.js';
import { LmdbJournal } from '../../dist/journal/lmdb-journal.js';
import { Ledger } from '../../dist/ledger/index.js';
import { START_ORDER, startRole } from '../../dist/main/roles/start-role.js';
import { CashOperation } from '../../dist/roles/cash/messages.js';
import { Registry } from '../../dist/roles/cash/registry.js';
import { RoleClient } from '../../dist/roles/common/role-client.js';
import { ManagementOperation } from '../../dist/roles/management/messages.js';
import { SettlementOperation } from '../../dist/roles/settlement/messages.js';

const INSTITUTION_TIMEOUT_MS = 5_000;

const [home, ...rest] = process.argv.slice(2);
const roles = START_ORDER.filter((role) => rest.includes(role));
const timeoutAt = rest.indexOf('--institution-timeout');

/** Synchronously, so that what was said is heard even if the process is killed right after. */
function write(descriptor, text) {
  for (let bytes = Buffer.from(`${text}\n`); bytes.length > 0; ) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      // The tests have not read what is there.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

const say = (line) => write(1, JSON.stringify(line));

let passed;
let isThere = () => false;

function arm(kill = {}) {
  const { point: wanted, nth, number, only, except } = kill;
  let left = nth;
  const pattern = only && new RegExp(only);
  const covered = new Set(except);
  passed = [];
  isThere = (name) => {
    if (pattern !== undefined) return pattern.test(name) && !covered.has(name);
    if (number !== undefined) return passed.length === number;
    if (name !== wanted) return false;
    left -= 1;
    return left === 0;
  };
}

function point(name) {
  if (passed === undefined) return;
  passed.push(name);
  if (!isThere(name)) return;
  say({ died: passed });
  process.kill(process.pid, 'SIGKILL');
}

/** Runs `after` each time that the method is called, with the promise that it returned. */
function watch(prototype, method, before, after) {
  const original = prototype[method];
  prototype[method] = function watched(...given) {
    before(...given);
    const result = original.apply(this, given);
    after?.(result, ...given);
    return result;
  };
}

/** Before a method's work, and when its promise has resolved, ahead of all who wait for it. */
function around(prototype, method, name) {
  const original = prototype[method];
  prototype[method] = async function watched(...given) {
    point(`${name} before`);
    const result = await original.apply(this, given);
    point(`${name} after`);
    return result;
  };
}

if (roles.includes('cash')) {
  around(Ledger.prototype, 'createAccounts', 'cash ledger create_accounts');
  around(Ledger.prototype, 'createTransfers', 'cash ledger create_transfers');
  around(LmdbJournal.prototype, 'append', 'cash journal append');
  around(Registry.prototype, 'opened', 'cash registry opened');
  around(Registry.prototype, 'rejected', 'cash registry rejected');
}
// What is asked leaves within this turn: a turn later it is with the kernel, and its answer has not come.
const asks = (role) => (_, operation) => {
  setImmediate(() => point(`${role} asks ${operation}`));
};
if (roles.includes('management')) watch(RoleClient.prototype, 'call', () => {}, asks('management'));
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
// How long settlement waits for the institution is not to be set in a home; tests have no five seconds.
if (timeoutAt >= 0) {
  const milliseconds = Number(rest[timeoutAt + 1]);
  systemTimers.set = (callback, ms) =>
    setTimeout(callback, ms === INSTITUTION_TIMEOUT_MS ? milliseconds : ms);
}

const OPERATIONS = { management: ManagementOperation, settlement: SettlementOperation, cash: CashOperation };

function watched(role, engine) {
  const names = new Map(Object.entries(OPERATIONS[role]).map(([name, number]) => [number, name]));
  return new Proxy(engine, {
    get(target, property) {
      const value = target[property];
      if (typeof value !== 'function') return value;
      if (property !== 'submit') return value.bind(target);
      return async (request) => {
        const name = names.get(request.operation) ?? request.operation;
        point(`${role} handles ${name}`);
        const reply = await target.submit(request);
        point(`${role} answers ${name}`);
        return reply;
      };
    },
  });
}

const log = (role) => {
  const line = (level) => (fields, message) => {
    const text = JSON.stringify({ level, role, message, ...fields }, (_, value) =>
      value instanceof Error ? value.stack : typeof value === 'bigint' ? String(value) : value,
    );
    write(2, text);
  };
  return { info: () => {}, warn: line('warn'), error: line('error') };
};

const started = [];

async function start() {
  for (const role of roles) {
    started.push(
      await startRole({
        home,
        role,
        passphrase: async () => undefined,
        log: log(role),
        failed: (reason) => say({ failed: reason }),
        trace: (where, _, state) => point(`${role} trace ${where} ${state}`),
        around: (engine) => watched(role, engine),
        ledger: { readers: 1, mapSizeBytes: 2 ** 30 },
      }),
    );
  }
  say({ started: true });
}

async function stop() {
  for (const role of started.splice(0).reverse()) await role.close();
  say({ stopped: true });
  process.disconnect();
}

const failed = (error) => {
  say({ failed: error.stack });
  process.exit(1);
};
process.on('message', (message) => {
  if (message.start) {
    arm(message.start.kill);
    start().catch(failed);
  } else if (message.arm) {
    arm(message.arm.kill);
  } else if (message.disarm) {
    say({ passed: passed ?? [] });
    passed = undefined;
  } else if (message.stop) {
    stop().catch(failed);
  }
});
// The tests are gone.
process.on('disconnect', () => process.exit(0));
say({ loaded: true });
