// Where a process of a test ends itself, by SIGKILL, and how it is told:
//
//     {start: {kill}}  start                    {arm: {kill}}  forget the points passed, count from here
//     {disarm: true}   say the points passed    {stop: true}   close all in good order
//
// over IPC, so that a spare one can be there with everything loaded before it is needed. It says in lines of JSON:
// {loaded}, {started}, {passed: [point…]}, {died: [point…]}, {stopped}, {failed}.
//
// A point has a name: "ROLE what where". `kill` says where to SIGKILL itself: {point, nth}, when that point is reached for the
// n-th time; {number}, at the n-th point whatever it is; {only, except: [point…]}, at the first that matches a regular expression and
// is not among these.
import { writeSync } from 'node:fs';

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

export const say = (line) => write(1, JSON.stringify(line));

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

export function point(name) {
  if (passed === undefined) return;
  passed.push(name);
  if (!isThere(name)) return;
  say({ died: passed });
  process.kill(process.pid, 'SIGKILL');
}

/** Runs `after` each time that the method is called, with the promise that it returned. */
export function watch(prototype, method, before, after) {
  const original = prototype[method];
  prototype[method] = function watched(...given) {
    before(...given);
    const result = original.apply(this, given);
    after?.(result, ...given);
    return result;
  };
}

/** Before a method's work, and when its promise has resolved, ahead of all who wait for it. */
export function around(prototype, method, name) {
  const original = prototype[method];
  prototype[method] = async function watched(...given) {
    point(`${name} before`);
    const result = await original.apply(this, given);
    point(`${name} after`);
    return result;
  };
}

/** The engine of a role, with a point where a frame has come, and one where its answer is about to leave. @param names of operations */
export function watched(role, engine, names) {
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

export function operationNames(operations) {
  return new Map(Object.entries(operations).map(([name, number]) => [number, name]));
}

/** What a role logs goes to where the tests find it, should it fail. */
export function processLog(role) {
  const line = (level) => (fields, message) => {
    const text = JSON.stringify({ level, role, message, ...fields }, (_, value) =>
      value instanceof Error ? value.stack : typeof value === 'bigint' ? String(value) : value,
    );
    write(2, text);
  };
  return { info: () => {}, warn: line('warn'), error: line('error') };
}

/** Does what it is told. */
export function obey({ start, stop }) {
  const failed = (error) => {
    say({ failed: error.stack });
    process.exit(1);
  };
  const started = async () => {
    await start();
    say({ started: true });
  };
  const stopped = async () => {
    await stop();
    say({ stopped: true });
    process.disconnect();
  };
  process.on('message', (message) => {
    if (message.start) {
      arm(message.start.kill);
      started().catch(failed);
    } else if (message.arm) {
      arm(message.arm.kill);
    } else if (message.disarm) {
      say({ passed: passed ?? [] });
      passed = undefined;
    } else if (message.stop) {
      stopped().catch(failed);
    }
  });
  // The tests are gone.
  process.on('disconnect', () => process.exit(0));
  say({ loaded: true });
}
