// A process to be killed: one transaction after the other, a few at a time, and the number of each that has resolved.
import { setTimeout as pause } from 'node:timers/promises';
import { u64 } from '../../src/shared/codec.ts';
import { openRoleStore } from '../../src/store/lmdb-store.ts';

const AT_A_TIME = 20;

const [, script, path] = process.argv;
if (script?.endsWith('kill-child.ts') && path !== undefined) {
  const store = await openRoleStore({ path });
  const stored = store.get('meta', 0n);
  let last = stored === undefined ? 0n : u64.decode(stored);
  for (;;) {
    for (let i = 0; i < AT_A_TIME; i++) {
      const number = ++last;
      void store
        .transaction((tx) => {
          tx.put('entries', number, u64.encode(number));
          tx.put('meta', 0n, u64.encode(number));
        })
        .then(() => process.stdout.write(`${number}\n`));
    }
    await pause(1);
  }
}
