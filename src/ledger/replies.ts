import type { EngineReply } from '../wire/engine.ts';

const EMPTY = new Uint8Array(0);

/** An answer that says why a request was not taken in. */
export function refusal(status: number, message: string): EngineReply {
  return { status, timestamp: 0n, count: 0, body: EMPTY, message };
}
