// A thread of the cryptographic pool.
import { OPERATIONS } from './operations.ts';
import { serveBatches } from './serve.ts';

export const batch = serveBatches(OPERATIONS);
