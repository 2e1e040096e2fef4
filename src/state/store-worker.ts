// The store thread: everything that writes to the state, one task at a time. What a task has written is flushed when it
// answers. The journal's thread writes to an environment of its own, so that the two never wait for one another's lock.
import { poolData } from '../pool/pool.ts';
import { NoRoomError } from '../shared/disk-room.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import { openStateEnvironment } from './environment.ts';
import { toPlain } from './errors.ts';
import { RunStore } from './run-store.ts';
import type { MemoryPart, StoreAnswer, StoreTask, StoreWorkerData } from './store-tasks.ts';

/** Pages of a merge between two looks at other tasks: 4 MB, about 30 ms with the flush. */
const MERGE_STEP_PAGES = 64;

export interface StoreHandler {
  handle(task: StoreTask): Promise<StoreAnswer>;
}

export function createStoreHandler({ path, mapSizeBytes, seed }: StoreWorkerData): StoreHandler {
  const environment = openStateEnvironment(path, mapSizeBytes);
  const runs = new RunStore(environment, seed);
  let checkpoints: CheckpointWriter | undefined;
  const writer = (): CheckpointWriter => {
    checkpoints ??= new CheckpointWriter(environment);
    return checkpoints;
  };
  // Before anything else is written: what a crash has left has names that come again.
  let isClean = false;
  const clean = (): number => {
    const leftovers = runs.leftovers();
    for (const run of leftovers) while (!runs.removeStep(run)) {}
    writer();
    isClean = true;
    return leftovers.length;
  };
  const work = async (task: StoreTask): Promise<StoreAnswer> => {
    if (!isClean && task.kind !== 'clean' && task.kind !== 'close') clean();
    switch (task.kind) {
      case 'clean':
        try {
          return { removedRuns: clean() };
        } catch (error) {
          // Reading needs no room.
          if (error instanceof NoRoomError) return { removedRuns: 0 };
          throw error;
        }
      case 'seal':
        return { run: runs.seal(view(task.entries), task.coveredOp) };
      case 'merge':
        runs.beginMerge(task.runs);
        return {};
      case 'mergeStep': {
        const run = runs.stepMerge(MERGE_STEP_PAGES);
        return run === undefined ? {} : { run };
      }
      case 'remove':
        return { done: runs.removeStep(task.run) };
      case 'pages':
        writer().write(view(task.images), task.checkpoint);
        return {};
      case 'complete':
        writer().complete(task.record);
        return {};
      case 'close':
        await environment.root.close();
        return {};
    }
  };
  return {
    async handle(task) {
      try {
        const answer = await work(task);
        return { ...answer, manifest: runs.manifest };
      } catch (error) {
        return { error: toPlain(error, path) };
      }
    },
  };
}

const view = ({ buffer, address, bytes }: MemoryPart): Uint8Array => new Uint8Array(buffer, address, bytes);

let handler: StoreHandler | undefined;

/** Runs one task; the environment is opened with the first. */
export function runStoreTask(task: StoreTask): Promise<StoreAnswer> {
  handler ??= createStoreHandler(poolData<StoreWorkerData>());
  return handler.handle(task);
}
