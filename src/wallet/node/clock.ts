import { systemClock } from '../../identity/time.ts';
import type { WalletClock } from '../core/ports.ts';

/** The system's. Its timers keep the process alive: somebody waits for what a wallet waits for. */
export const nodeClock: WalletClock = {
  now: systemClock,
  setTimer(run, milliseconds) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};
