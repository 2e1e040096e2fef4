// What each role is given to be made of, and what it is then, beside its server.
import type { Registry } from 'prom-client';
import type { Directory } from '../../identity/directory.ts';
import type { RoleHome } from '../../identity/load-home.ts';
import type { NoteSeed } from '../../identity/note-seeds.ts';
import type { RevokedPredicate } from '../../identity/server-identity.ts';
import type { MintService } from '../../mint/service.ts';
import type { PayTrace } from '../../roles/cash/interface.ts';
import type { Trace } from '../../roles/flow/flow.ts';
import type { Engine } from '../../wire/engine.ts';

/** What pino's loggers have. */
export interface RoleLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface PartsOptions {
  readonly home: RoleHome;
  readonly log: RoleLog;
  readonly registry: Registry;
  readonly trace?: Trace | undefined;
  /** Of cash. */
  readonly payTrace?: PayTrace | undefined;
  /** Ends the process: the engine takes nothing more until a restart. */
  readonly failed: (reason: string) => void;
  readonly ledger?: { readonly readers?: number; readonly mapSizeBytes?: number } | undefined;
  /** Between two questions of management and settlement for outcomes of payouts; left out: as they have it. */
  readonly payoutsPollMs?: number | undefined;
}

export interface RoleParts {
  readonly engine: Engine;
  readonly revoked: RevokedPredicate;
  /** What the start found, for the log. */
  readonly found: object;
  /** Of a role of the mint: all of Cashu's interface, for an HTTP server. */
  readonly mint?: MintService;
  /** Another directory counts from now on. */
  changed?(directory: Directory): void;
  /** There are new seeds of notes: the newest signs from now on. */
  noteSeedsChanged?(seeds: readonly NoteSeed[]): void;
  /** In good order: what was taken in is written, what is under way goes on at the next start. */
  close(): Promise<void>;
}
