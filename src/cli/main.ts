#!/usr/bin/env node
// `specie`: the command line.
import { endOnClosedPipe, processOutput } from './output.ts';
import { run } from './program.ts';

endOnClosedPipe();
process.exitCode = await run(process.argv.slice(2), processOutput);
