// A role with everything around it: keys, stores, connections, server. `specie start` runs one of them or all of them in
// one process; they talk over the same channels either way.
import { Registry } from 'prom-client';
import { Server } from '../../channel/server.ts';
import type { ServerLimits } from '../../channel/server-limits.ts';
import { loadHome } from '../../identity/load-home.ts';
import type { PassphraseSource } from '../../identity/passphrase.ts';
import { isMintRole, type RoleName } from '../../identity/roles.ts';
import { hasLostStanding } from '../../identity/standing.ts';
import { systemClock } from '../../identity/time.ts';
import type { Trace } from '../../roles/flow/flow.ts';
import { FRAME_BYTES_MAX } from '../../roles/management/limits.ts';
import type { Engine } from '../../wire/engine.ts';
import { channelMetrics } from '../channel-metrics.ts';
import { cashParts } from './cash-parts.ts';
import { issuerParts } from './issuer-parts.ts';
import { managementParts } from './management-parts.ts';
import { listenMintHttp } from './mint-http.ts';
import type { PartsOptions, RoleLog, RoleParts } from './parts.ts';
import { receiverParts } from './receiver-parts.ts';
import { settlementParts } from './settlement-parts.ts';

/** The order in which they start; they stop in the other one. Whoever is asked is there before whoever asks. */
export const START_ORDER = [
  'cash',
  'issuer',
  'receiver',
  'settlement',
  'management',
] as const satisfies readonly RoleName[];

const PARTS: { readonly [Role in RoleName]: (options: PartsOptions) => Promise<RoleParts> } = {
  management: managementParts,
  settlement: settlementParts,
  cash: cashParts,
  issuer: issuerParts,
  receiver: receiverParts,
};

/**
 * Where devices come in, and anybody who wants to be one.
 * - connectionsMax: each costs some KB. Beyond: they are told to come again.
 * - strangersMax: those that enrol, for a moment each. Beyond: the oldest goes.
 */
const DEVICE_LIMITS = { connectionsMax: 16_384, strangersMax: 1_024, messageBytesMax: FRAME_BYTES_MAX };
/**
 * Where terminals come in, unnamed, beside shops.
 * - connectionsMax: each costs some KB. Beyond: they are told to come again.
 * - unnamedMax: less, so that there is always room for shops. Beyond: the oldest that waits for nothing goes.
 */
const MINT_LIMITS = { connectionsMax: 8_192, unnamedMax: 4_096 };

const limitsOf = (role: RoleName): Partial<ServerLimits> => {
  if (role === 'management') return DEVICE_LIMITS;
  return isMintRole(role) ? MINT_LIMITS : {};
};

export interface StartRoleOptions {
  readonly home: string;
  readonly role: RoleName;
  readonly passphrase: PassphraseSource;
  readonly log: RoleLog;
  /** Called once when the role can take nothing more in before a restart. */
  readonly failed?: ((reason: string) => void) | undefined;
  /** Sees each step of each request; a crash test ends the process there. */
  readonly trace?: Trace | undefined;
  /** Sees how far payments have come, where the role is cash. */
  readonly payTrace?: PartsOptions['payTrace'];
  /** What stands between the server and the role: a test that watches what comes and goes. */
  readonly around?: ((engine: Engine) => Engine) | undefined;
  /** Of the ledger, where the role is cash. */
  readonly ledger?: PartsOptions['ledger'];
  /** How often outcomes of payouts are asked for; a test has no seconds. */
  readonly payoutsPollMs?: PartsOptions['payoutsPollMs'];
}

export interface RunningRole {
  readonly role: RoleName;
  readonly url: string;
  /** Where it speaks Cashu's interface, if it does. */
  readonly httpUrl?: string;
  readonly storePath: string;
  /** What the start found in the store. */
  readonly found: object;
  /** Answers what is in flight, then closes everything. */
  close(): Promise<void>;
}

/** @throws IdentityError, StoreError, PortError … with what to do */
export async function startRole(options: StartRoleOptions): Promise<RunningRole> {
  const {
    home: path,
    role,
    passphrase,
    log,
    failed = () => {},
    trace,
    payTrace,
    around,
    ledger,
    payoutsPollMs,
  } = options;
  const fault = (error: unknown): void => log.error({ role, err: error }, 'fault');
  let parts: RoleParts | undefined;
  let server: Server | undefined;
  const home = await loadHome({
    home: path,
    role,
    passphrase,
    onChange: (directory) => {
      const ended = server?.disconnect((peer) => hasLostStanding(peer, directory, systemClock())) ?? 0;
      parts?.changed?.(directory);
      log.info({ role, serial: directory.serial.toString(), ended }, 'directory changed');
    },
    onNoteSeeds: (seeds) => {
      parts?.noteSeedsChanged?.(seeds);
      log.info({ role, number: seeds.at(-1)?.number }, 'new seed of notes');
    },
    onFault: (error) => log.error({ role, err: error }, 'directory not taken; the one before stays'),
  });
  try {
    const registry = new Registry();
    parts = await PARTS[role]({ home, log, registry, trace, payTrace, failed, ledger, payoutsPollMs });
    const { host, port } = home.configuration.roles[role];
    server = await Server.listen({
      engine: around?.(parts.engine) ?? parts.engine,
      identity: home.serverIdentity(parts.revoked),
      host,
      port,
      limits: limitsOf(role),
      metrics: channelMetrics(registry),
      onFault: fault,
    });
    const { close, found, mint } = parts;
    const listening = server;
    const http =
      mint && isMintRole(role)
        ? await listenMintHttp({ home, role, service: mint, registry, onFault: fault })
        : undefined;
    return {
      role,
      url: listening.url,
      ...(http && { httpUrl: http.url }),
      storePath: home.storePath,
      found,
      async close() {
        await Promise.all([http?.close(), listening.close()]);
        await close();
        home.close();
      },
    };
  } catch (error) {
    await server?.close(0).catch(() => {});
    await parts?.close().catch(() => {});
    home.close();
    throw error;
  }
}
