// Takes the store named on the command line, says so, and keeps it until its input ends.
import { lockStore } from '../../src/journal/store-lock.ts';

try {
  await lockStore(process.argv[2]!);
  process.stdout.write('locked\n');
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
}
process.stdin.resume();
