// Both toy roles in one process, on stores on disk. The somebody outside is a file: a line for each request it has
// applied.
//
//     toy-child.ts FOLDER NUMBER KILL_AT      finishes the moves 1 to NUMBER - 1, as far as earlier lives have not, then
//                                             begins move NUMBER, and is ended by SIGKILL at that trace point; 0: never
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/ledger/clock.ts';
import { type MessageTransport, RoleClient } from '../../../src/roles/common/role-client.ts';
import { openRoleStore } from '../../../src/store/lmdb-store.ts';
import type { Engine } from '../../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../../src/wire/messages.ts';
import type { Peer } from '../../../src/wire/peer.ts';
import {
  BALANCE_FIRST,
  DRIVER,
  GIVER,
  giverProtocol,
  isDeclined,
  openGiver,
  openTaker,
  total,
} from './toy.ts';

/** Every fifth is declined. */
export const amountOf = (id: bigint): bigint => (id % 5n === 0n ? 7n : 1n);

export interface Report {
  readonly became: readonly string[];
  readonly balance: string;
  readonly taken: string;
  readonly outside: readonly string[];
}

/** Straight into the engine. */
const direct = (engine: Engine, peer: Peer): MessageTransport => ({
  async call(operation, messages) {
    const payload = encodeMessages(messages);
    const request = { operation, session: 0n, request: 0n, payload, count: messages.length, peer };
    const { body, count } = await engine.submit(request);
    return parseMessages(body, count);
  },
});

async function live(folder: string, number: number, killAt: number): Promise<void> {
  const file = join(folder, 'outside');
  const applied = (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);
  let pointsLeft = Number.POSITIVE_INFINITY;
  const trace = (): void => {
    if (--pointsLeft === 0) process.kill(process.pid, 'SIGKILL');
  };
  const clock = systemClock();
  const [givers, takers] = await Promise.all(
    ['giver', 'taker'].map((name) => openRoleStore({ path: join(folder, name) })),
  );
  const taker = openTaker({ store: takers!, clock, trace }, async (id, amount) => {
    if (isDeclined(amount)) return 'returned';
    if (!applied().includes(String(id))) appendFileSync(file, `${id}\n`);
    return 'moved';
  });
  const giver = openGiver({ store: givers!, clock, trace }, direct(taker.engine, GIVER));
  const client = new RoleClient({ protocol: giverProtocol, transport: direct(giver.engine, DRIVER) });
  const drive = async (id: bigint): Promise<string> => {
    for (;;) {
      const result = await client.call('move', { id, amount: amountOf(id) });
      if (result.kind === 'ok' && result.answer.became !== 'pending') return result.answer.became;
    }
  };
  const before = Array.from({ length: number - 1 }, (_, i) => drive(BigInt(i + 1)));
  const became = await Promise.all(before);
  if (killAt > 0) pointsLeft = killAt;
  became.push(await drive(BigInt(number)));
  await Promise.all([giver.runner.close(), taker.runner.close()]);
  const report: Report = {
    became,
    balance: String(total(givers!, BALANCE_FIRST)),
    taken: String(total(takers!, 0n)),
    outside: applied(),
  };
  await Promise.all([givers!.close(), takers!.close()]);
  process.stdout.write(JSON.stringify(report));
}

const [, script, folder, number, killAt] = process.argv;
if (script?.endsWith('toy-child.ts') && folder !== undefined)
  await live(folder, Number(number), Number(killAt));
