// The parts of a role, opened one after the other and closed in the other order; and what several roles open them with.
import { randomFillSync } from 'node:crypto';
import type { RevokedPredicate } from '../../identity/server-identity.ts';
import type { PartsOptions, RoleParts } from './parts.ts';

/** Of a role that takes no certificates back. */
export const NOBODY: RevokedPredicate = () => false;

/** Closes in the order of the list, all of them, whatever happens. */
async function closeAll(parts: readonly { close(): void | Promise<void> }[]): Promise<void> {
  const failures: unknown[] = [];
  for (const part of parts) {
    try {
      await part.close();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Opens parts one after the other; when one fails, those before are closed again. */
export class Opened {
  readonly #parts: { close(): void | Promise<void> }[] = [];

  add<Part extends { close(): void | Promise<void> }>(part: Part): Part {
    this.#parts.unshift(part);
    return part;
  }

  close = (): Promise<void> => closeAll(this.#parts);
}

export async function whole(open: (opened: Opened) => Promise<Omit<RoleParts, 'close'>>): Promise<RoleParts> {
  const opened = new Opened();
  try {
    return { ...(await open(opened)), close: opened.close };
  } catch (error) {
    await opened.close().catch(() => {});
    throw error;
  }
}

/** From 0 to below 1, of the system's own source. */
export function random(): number {
  const bytes = new Uint32Array(1);
  randomFillSync(bytes);
  return bytes[0]! / 2 ** 32;
}

/** Nothing more can be written before a restart: end, so that a supervisor starts the role anew. */
export function storeFailed({ log, failed }: PartsOptions): (error: Error) => void {
  return (error) => {
    log.error({ err: error }, 'store failed');
    failed('store failed');
  };
}
