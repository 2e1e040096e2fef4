// Every batch operation that a thread of the pool can run. One that is missing here is refused there.
import type { Runnable } from './operation.ts';

export const OPERATIONS: readonly Runnable[] = [];
