import type { RequestStatusName } from './status.ts';
import { RequestStatus } from './status.ts';

/** A request that is refused as a whole, with the status that its reply carries. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly code: RequestStatusName;

  constructor(code: RequestStatusName, message: string) {
    super(message);
    this.code = code;
  }

  get status(): number {
    return RequestStatus[this.code];
  }
}
