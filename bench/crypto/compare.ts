// Both sides in one run: contenders take turns in short rounds, so that a busy moment of the machine meets all of them,
// and the best round of each counts. What they compute is compared before anything is timed.
import { createHash } from 'node:crypto';
import { Bench } from 'tinybench';

export interface Contender {
  readonly name: string;
  /** Operations that one call does. */
  readonly operations: number;
  /** One call; answers what it computed, as bytes. */
  run(): Uint8Array | Promise<Uint8Array>;
}

export interface Comparison {
  readonly title: string;
  /** All contenders must answer the same bytes, or, with `digestOf`, the same digest of them. */
  readonly contenders: readonly Contender[];
  /** What a result is compared by when contenders do different numbers of operations: default, the bytes themselves. */
  readonly same?: (result: Uint8Array, operations: number) => string;
}

export interface Measured {
  readonly name: string;
  readonly operations: number;
  /** Microseconds an operation, in the best round. */
  readonly microseconds: number;
}

const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** Proves the contenders equal, lets them take turns for `rounds` rounds of `roundMs` each, and prints what came out. */
export async function compare(
  { title, contenders, same = digestOf }: Comparison,
  { rounds, roundMs }: { rounds: number; roundMs: number },
): Promise<Measured[]> {
  const results: string[] = [];
  for (const { name, operations, run } of contenders) {
    const result = same(await run(), operations);
    results.push(result);
    if (result !== results[0]) {
      throw new Error(
        `${title}: expected ${name} to compute what ${contenders[0]!.name} computes, got another result`,
      );
    }
  }
  const best = new Array<number>(contenders.length).fill(Number.POSITIVE_INFINITY);
  for (let round = 0; round < rounds; round++) {
    const bench = new Bench({
      time: roundMs,
      iterations: 1,
      warmup: round === 0,
      warmupTime: roundMs,
      warmupIterations: 1,
    });
    for (const { name, run } of contenders) bench.add(name, () => run() as Promise<unknown>);
    await bench.run();
    for (const [i, task] of bench.tasks.entries()) {
      if (task.result.state !== 'completed') throw new Error(`${title}: ${contenders[i]!.name} failed`);
      best[i] = Math.min(best[i]!, (task.result.latency.p50 * 1000) / contenders[i]!.operations);
    }
  }
  process.stdout.write(`\n${title}   (all compute ${results[0]})\n`);
  const measured = contenders.map(({ name, operations }, i) => ({
    name,
    operations,
    microseconds: best[i]!,
  }));
  for (const { name, microseconds } of measured) {
    const perSecond = Math.round(1e6 / microseconds).toLocaleString('en');
    process.stdout.write(
      `  ${name.padEnd(44)} ${microseconds.toFixed(2).padStart(10)} µs ${perSecond.padStart(12)} a second\n`,
    );
  }
  return measured;
}
