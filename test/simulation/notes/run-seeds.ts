// Runs many seeds: tsx test/simulation/notes/run-seeds.ts COUNT [FIRST] [real]. Prints what is found, seed by seed, and a summary.
import { simulateNotes } from './notes-simulation.ts';

const [count = '100', first = '1', arithmetic] = process.argv.slice(2);
const started = performance.now();
const ends = new Map<string, number>();
let [wrong, events, crashes] = [0, 0, 0];
for (let seed = BigInt(first); seed < BigInt(first) + BigInt(count); seed++) {
  const ending = await simulateNotes(seed, { isReal: arithmetic === 'real' }).catch((error: Error) => {
    process.stdout.write(`seed ${seed}: ${error.stack}\n`);
  });
  if (ending === undefined) {
    wrong++;
    continue;
  }
  events += ending.events;
  crashes += ending.crashes;
  for (const [end, times] of ending.ends) ends.set(end, (ends.get(end) ?? 0) + times);
  for (const error of ending.errors) {
    const kind = `log: ${error.replace(/[0-9a-f]{8,}|\d{6,}/g, '…').slice(0, 160)}`;
    ends.set(kind, (ends.get(kind) ?? 0) + 1);
  }
  if (ending.problems.length === 0) continue;
  wrong++;
  process.stdout.write(`seed ${seed}: ${ending.problems.join('\n    ')}\n`);
}
const seconds = (performance.now() - started) / 1000;
process.stdout.write(
  `${count} seeds from ${first}, ${wrong} wrong, ${crashes} crashes, ${events} events, ${seconds.toFixed(1)} s\n`,
);
for (const [end, times] of [...ends].sort()) process.stdout.write(`${String(times).padStart(8)} ${end}\n`);
