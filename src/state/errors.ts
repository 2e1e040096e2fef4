/** What can go wrong in the state store, and what to do about it. The journal alone is the truth. */
export const STATE_STORE_ADVICE = {
  state_corrupt: 'stop the engine, delete the state folder and start again: it is rebuilt from the journal',
  state_full: 'nothing is lost, the journal has it all; make room on the disk',
  state_io: 'nothing is lost, the journal has it all; check the disk',
  state_memory: 'raise the memory limit of the process',
  state_closed: 'open the store again',
} as const;

export type StateStoreErrorCode = keyof typeof STATE_STORE_ADVICE;

export class StateStoreError extends Error {
  override readonly name = 'StateStoreError';
  readonly code: StateStoreErrorCode;

  constructor(code: StateStoreErrorCode, message: string, options?: ErrorOptions) {
    super(`${message} (${code}: ${STATE_STORE_ADVICE[code]})`, options);
    this.code = code;
  }
}

const NO_SPACE = /MDB_MAP_FULL|ENOSPC|No space left/i;

/** What LMDB or the system threw, as one of ours. */
export function toStateStoreError(error: unknown): StateStoreError {
  if (error instanceof StateStoreError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new StateStoreError(NO_SPACE.test(message) ? 'state_full' : 'state_io', `state store: ${message}`, {
    cause: error,
  });
}

/** An error on its way from a worker thread: structured clone would strip its class. */
export interface PlainStateStoreError {
  readonly code: StateStoreErrorCode;
  readonly message: string;
}

export function toPlain(error: unknown): PlainStateStoreError {
  const { code, message } = toStateStoreError(error);
  return { code, message: message.slice(0, message.length - suffix(code).length) };
}

export function fromPlain({ code, message }: PlainStateStoreError): StateStoreError {
  return new StateStoreError(code, message);
}

const suffix = (code: StateStoreErrorCode): string => ` (${code}: ${STATE_STORE_ADVICE[code]})`;
