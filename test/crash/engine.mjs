// The engine that the tests kill, from the built package so that it starts quickly: `engine.mjs PATH [JSON]`. Says in
// lines of JSON what it does:
//
//     {"ready": …}     recovered, and listening when `port` is given (else it stops at once); with the digest of its state
//     {"event": …}     what the ledger logs
//     {"stopped": …}   SIGTERM: everything in flight is answered, a checkpoint is written, the store is closed
//     {"error": …}     the store could not be opened, or not be closed; exit code 1
import { writeSync } from 'node:fs';
import { Server } from '../../dist/channel/server.js';
import { Ledger } from '../../dist/ledger/index.js';

const [path, json = '{}'] = process.argv.slice(2);
const { port, ...options } = JSON.parse(json);

/** Synchronously, so that a line that was said is heard even if the process is killed right after. */
function say(line) {
  const text = JSON.stringify(line, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  writeSync(1, `${text}\n`);
}

function fail(error) {
  say({ error: { name: error.name, code: error.code, message: error.message } });
  process.exit(1);
}

try {
  const log = (event, detail) => say({ event, detail });
  const ledger = await Ledger.open({ ...options, path, log });
  const server = port === undefined ? undefined : await Server.listen({ engine: ledger, port });
  const stop = async () => {
    try {
      await server?.close();
      const digest = ledger.digest();
      const status = ledger.status();
      await ledger.close();
      say({ stopped: { digest, status } });
    } catch (error) {
      fail(error);
    }
  };
  process.once('SIGTERM', stop);
  say({ ready: { url: server?.url, recovery: ledger.recovery, digest: ledger.digest() } });
  if (server === undefined) await stop();
} catch (error) {
  fail(error);
}
