// Progress of a long command: a bar on a terminal, a line every few seconds elsewhere (logs, CI).
import { SingleBar } from 'cli-progress';
import { grouped, type Output } from './output.ts';

export interface Progress {
  /** `done` of `total`; `records` is what is counted beside the bar. */
  update(done: number, records: number): void;
  stop(): void;
}

const LINE_INTERVAL_MS = 2000;

export function startProgress(
  output: Output,
  label: string,
  total: number,
  unit: string,
  quiet = false,
): Progress {
  if (quiet) return { update: () => {}, stop: () => {} };
  return output.interactive ? bar(label, total, unit) : lines(output, label, total, unit);
}

function bar(label: string, total: number, unit: string): Progress {
  const started = performance.now();
  const single = new SingleBar({
    format: `${label} {bar} {percentage}% · {count} ${unit} · {rate}/s`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 30,
    hideCursor: true,
    stopOnComplete: false,
    clearOnComplete: false,
    stream: process.stderr,
  });
  single.start(total, 0, { count: '0', rate: '0' });
  return {
    update: (done, records) => {
      const seconds = (performance.now() - started) / 1000;
      single.update(Math.min(done, total), {
        count: grouped(records),
        rate: grouped(records / Math.max(seconds, 0.001)),
      });
    },
    stop: () => single.stop(),
  };
}

function lines(output: Output, label: string, total: number, unit: string): Progress {
  let last = performance.now();
  let latest: [number, number] = [0, 0];
  const print = () => {
    const [done, records] = latest;
    const percent = total === 0 ? 100 : Math.floor((Math.min(done, total) / total) * 100);
    output.note(`${label} ${String(percent).padStart(3)}% · ${grouped(records)} ${unit}`);
  };
  return {
    update: (done, records) => {
      latest = [done, records];
      if (performance.now() - last < LINE_INTERVAL_MS) return;
      last = performance.now();
      print();
    },
    stop: print,
  };
}
