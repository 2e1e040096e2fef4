// A process to be killed: seals and merges runs and writes checkpoints for ever, and says what it has done.
import { Random } from '../../src/shared/random.ts';
import { StateStore } from '../../src/state/state-store.ts';
import { makePages } from './pages.ts';

export const RUN_ENTRIES = 8000;
export const PAGES = 1500;

/** Each checkpoint changes every third page. */
export const pageVersion = (page: number, checkpoint: number): number => {
  for (let version = checkpoint; version > 1; version--) if ((page + version) % 3 === 0) return version;
  return 1;
};

async function live(path: string): Promise<void> {
  const store = await StateStore.open({ path });
  const memory = new SharedArrayBuffer(8 * 1024 * 1024);
  const checkpoints = async (): Promise<void> => {
    for (;;) {
      const checkpoint = store.checkpointNumber + 1;
      const pages = Array.from({ length: PAGES }, (_, page) => page).filter(
        (page) => pageVersion(page, checkpoint) === checkpoint,
      );
      const images = makePages(pages.map((page) => ({ table: 0, page, version: checkpoint })));
      new Uint8Array(memory).set(images);
      await store.writePages({ memory, address: 0, count: pages.length, checkpoint });
      await store.completeCheckpoint({
        checkpoint,
        op: checkpoint,
        timestamp: 1n,
        globals: new Uint8Array(72),
        digest: new Uint8Array(32),
        pageCounts: [PAGES],
        sessions: new Uint8Array(100_000),
      });
      process.stdout.write(`checkpoint ${checkpoint}\n`);
    }
  };
  const runs = async (): Promise<void> => {
    const entries = new SharedArrayBuffer(RUN_ENTRIES * 24);
    const words = new BigUint64Array(entries);
    const random = new Random(BigInt(Date.now()));
    for (;;) {
      for (let i = 0; i < words.length; i++)
        words[i] = (BigInt(random.uint32()) << 30n) | BigInt(random.uint32());
      const coveredOp = store.coveredOp + 1;
      await store.sealRun({ memory: entries, address: 0, count: RUN_ENTRIES, coveredOp });
      process.stdout.write(`sealed ${coveredOp}\n`);
      const plan = store.planMerge();
      if (plan === undefined) continue;
      await store.mergeRuns(plan);
      await store.removeRuns(plan);
    }
  };
  await Promise.all([checkpoints(), runs()]);
}

const [, script, path] = process.argv;
if (script?.endsWith('victim.ts') && path !== undefined) await live(path);
