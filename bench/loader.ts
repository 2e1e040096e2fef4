// How a benchmark starts processes of its own: as it was started itself (built.mjs).
import { fileURLToPath } from 'node:url';

/** Arguments of node before the script's name. */
export const LOADER: readonly string[] = ['--import', fileURLToPath(new URL('./built.mjs', import.meta.url))];
