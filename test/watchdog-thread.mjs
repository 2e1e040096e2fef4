// Looks from its own thread whether the main thread's event loop turns; see watchdog.ts.
import { writeSync } from 'node:fs';
import { Session } from 'node:inspector';
import { workerData } from 'node:worker_threads';

/** @type {import('./watchdog.ts').Watched} */
const { beats, name, beatMs, limitMs } = workerData;
/** How long the main thread may take to say where it is. It cannot from within a call into native code. */
const PLACE_MS = 5_000;
const FRAMES_MAX = 30;

let seen = Atomics.load(beats, 0);
let stoodMs = 0;
// Beats of its own are counted, not the clock: a machine that was asleep is not to blame.
const timer = setInterval(() => {
  const now = Atomics.load(beats, 0);
  stoodMs = now === seen ? stoodMs + beatMs : 0;
  seen = now;
  if (stoodMs < limitMs) return;
  clearInterval(timer);
  setTimeout(end, PLACE_MS, ['(somewhere in native code)']);
  place(end);
}, beatMs);

/** Where the main thread is. */
function place(answer) {
  const session = new Session();
  session.connectToMainThread();
  const urls = new Map();
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  session.on('Debugger.paused', ({ params }) =>
    answer(
      params.callFrames
        .slice(0, FRAMES_MAX)
        .map(
          ({ functionName, location: { scriptId, lineNumber } }) =>
            `${functionName || '(anonymous)'} (${urls.get(scriptId)}:${lineNumber + 1})`,
        ),
    ),
  );
  session.post('Debugger.enable');
  session.post('Debugger.pause');
}

function end(frames) {
  const where = frames.map((frame) => `    at ${frame}\n`).join('');
  writeSync(2, `${name}: expected a turn of the event loop within ${limitMs} ms, got none\n${where}`);
  process.kill(process.pid, 'SIGKILL');
}
