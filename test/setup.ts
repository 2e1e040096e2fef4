// Runs before each test file. What goes wrong must be told soon and in few words: a run of all tests has minutes, and a
// property that shrinks for ever, or a loop that never lets a timer run, would take them all and tell nothing.
import fc from 'fast-check';
import { expect } from 'vitest';
import { isSeedGiven, seedOf, TEST_TIMEOUT_MS } from './property/seed.ts';
import { watch } from './watchdog.ts';

/** A counterexample can be megabytes; its seed and path come first, and they are enough to have it again. */
const REPORT_CHARACTERS_MAX = 20_000;

function report(details: fc.RunDetails<unknown>): void {
  const text = fc.defaultReportMessage(details);
  if (text === undefined) return;
  const more = text.length - REPORT_CHARACTERS_MAX;
  const shown = more > 0 ? `${text.slice(0, REPORT_CHARACTERS_MAX)}… (${more} more characters)` : text;
  const error = new Error(shown, { cause: details.errorInstance });
  // The line of the test, not this one.
  Error.captureStackTrace(error, report);
  throw error;
}

// As in production. A refusal is an error with a stack: with the hundred lines that vitest asks for, they would be a third of
// what test/claims/mutations.test.ts takes.
Error.stackTraceLimit = 10;

fc.configureGlobal({
  seed: seedOf(),
  endOnFailure: !isSeedGiven,
  // Before the test's own time is up, so that the failure tells the seed.
  interruptAfterTimeLimit: TEST_TIMEOUT_MS - 10_000,
  markInterruptAsFailure: true,
  reporter: report,
});

watch(`${expect.getState().testPath} (SPECIE_SEED=${seedOf()})`, 2 * TEST_TIMEOUT_MS);
