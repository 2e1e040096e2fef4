// Where a thread is busy: V8's sampling profiler, each sample given to the part of the source that it was in or was called
// from last.
import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';

/** Parts of the time in which the thread ran JavaScript or what that called, largest first; together 1. */
export type Shares = readonly { readonly part: string; readonly share: number }[];

/** Waiting, and what V8 cannot tell from it: the event loop itself, and moments in which another process had the core. */
const OUTSIDE = 'outside';
const SAMPLE_MICROSECONDS = 250;

/** The first that a file's path matches. What matches none belongs to its caller. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/\/(?:src|dist)\/(channel\/secure\/|crypto\/aead|crypto\/chacha)/, 'channel: encryption'],
  [/\/(?:src|dist)\/(channel|wire)\/|uWebSockets/, 'channel: sockets, frames'],
  [/\/(?:src|dist)\/(crypto|kernel\/crypto)/, 'signatures, seals, digests'],
  [/\/(?:src|dist)\/(store|pool)\/|\/lmdb\/|\/piscina\//, 'store'],
  [/\/(?:src|dist)\/shared\/codec/, 'codec'],
  [/\/(?:src|dist)\/(ledger|journal|state|kernel)\//, 'ledger'],
  [/\/(?:src|dist)\/roles\/flow\//, 'flow runner'],
  [/\/(?:src|dist)\/institution\//, 'institution, ISO 8583'],
  [/\/(?:src|dist)\//, 'role'],
];

export class ThreadProfile {
  readonly #name: string;
  #session: Session | undefined;

  /** @param name of the file that is left in the folder that SPECIE_BENCH_PROFILES names, for a look at single functions */
  constructor(name = 'thread') {
    this.#name = name;
  }

  async start(): Promise<void> {
    const session = new Session();
    this.#session = session;
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROSECONDS });
    await session.post('Profiler.start');
  }

  async stop(): Promise<Shares> {
    const { profile } = await this.#session!.post('Profiler.stop');
    this.#session!.disconnect();
    const folder = process.env.SPECIE_BENCH_PROFILES;
    if (folder !== undefined)
      writeFileSync(join(folder, `${this.#name}.cpuprofile`), JSON.stringify(profile));
    const partOf = new Map<number, string>();
    const byId = new Map(profile.nodes.map((node) => [node.id, node]));
    const walk = (id: number, caller: string): void => {
      const { callFrame, children = [] } = byId.get(id)!;
      const part = nameOf(callFrame.functionName, callFrame.url) ?? caller;
      partOf.set(id, part);
      for (const child of children) walk(child, part);
    };
    walk(profile.nodes[0]!.id, 'Node itself');
    const microseconds = new Map<string, number>();
    profile.samples?.forEach((id, i) => {
      const part = partOf.get(id)!;
      microseconds.set(part, (microseconds.get(part) ?? 0) + profile.timeDeltas![i]!);
    });
    microseconds.delete(OUTSIDE);
    const busy = [...microseconds.values()].reduce((sum, value) => sum + value, 0);
    return [...microseconds]
      .map(([part, value]) => ({ part, share: value / busy }))
      .sort((a, b) => b.share - a.share);
  }
}

function nameOf(functionName: string, url: string): string | undefined {
  if (functionName === '(idle)' || functionName === '(program)') return OUTSIDE;
  if (functionName === '(garbage collector)') return 'garbage collector';
  return PARTS.find(([pattern]) => pattern.test(url))?.[1];
}
