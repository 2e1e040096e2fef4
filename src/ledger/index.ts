// `import { Ledger } from 'specie/ledger'`: the ledger inside the caller's own process.
export type { Clock } from './clock.ts';
export { Ledger, type LedgerOptions, type LedgerStatus } from './ledger.ts';
export type { OrderState } from './order-state.ts';
export { refuseVerdicts } from './order-verdicts.ts';
export type { PendingOutcome } from './reader.ts';
export { type StoreFinding, type StoreReport, type VerifyStep, verifyStore } from './verify.ts';
