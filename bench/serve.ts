// The engine under test, a process of its own: `serve PATH [JSON]`. Prints a line of JSON when it listens and another one,
// with the digest of its state, when it has been told to stop (SIGTERM).
import { Server } from '../src/channel/server.ts';
import { Ledger, type LedgerOptions } from '../src/ledger/index.ts';

const [path, json = '{}'] = process.argv.slice(2);
const options = JSON.parse(json) as Partial<LedgerOptions> & { verbose?: boolean };
const log = options.verbose
  ? (event: string, detail: Record<string, unknown>) =>
      process.stderr.write(`${event} ${JSON.stringify(detail)}\n`)
  : () => {};

const ledger = await Ledger.open({ ...options, path: path!, log });
const server = await Server.listen({ engine: ledger });
const print = (value: unknown) =>
  process.stdout.write(`${JSON.stringify(value, (_, v) => (typeof v === 'bigint' ? String(v) : v))}\n`);
process.once('SIGTERM', async () => {
  const { user, system } = process.cpuUsage();
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  await server.close();
  print({ digest: ledger.digest(), status: ledger.status(), cpuSeconds: (user + system) / 1e6, peakBytes });
  await ledger.close();
});

// Whoever reads this may stop the process at once.
print({ url: server.url, recovery: ledger.recovery });
