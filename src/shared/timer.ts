/** Runs something after a pause; what it returns calls that off. Comes in from outside, so that tests own the time. */
export type SetTimer = (run: () => void, milliseconds: number) => () => void;

/** Longest pause of the system's timers (24 days); they run a longer one at once. */
const PAUSE_MAX_MS = 2 ** 31 - 1;

export const systemTimer: SetTimer = (run, milliseconds) => {
  const timer = setTimeout(run, Math.min(milliseconds, PAUSE_MAX_MS));
  return () => clearTimeout(timer);
};
