// A home of its own for a test: keys, directory, and a configuration with free ports.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initHome } from '../../src/identity/init-home.ts';
import { isMintRole, MINT_ROLES, ROLES } from '../../src/identity/roles.ts';
import { Random } from '../../src/shared/random.ts';

export interface TestHomeOptions {
  /** Units, as in specie.json. */
  readonly loadAmountMax?: string;
  readonly balanceMax?: string;
  readonly deviceRequestsPerMinute?: number;
  /** As in specie.json. */
  readonly payouts?: object;
}

export interface TestHome {
  /** Everything of the test is below it. */
  readonly folder: string;
  readonly home: string;
  readonly fingerprint: string;
  readonly institutionPort: number;
  /** Of its side that makes payments. */
  readonly paymentsPort: number;
  remove(): void;
}

/** Tests in other processes draw from other ports. */
const random = new Random(BigInt(process.pid) * 1_000_003n + BigInt(Date.now()));
const given = new Set<number>();

/**
 * A port that is free and below those that the system gives to clients: otherwise one of them could have it while a server
 * is down, a client that tries to connect included.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + random.below(20_000);
    if (given.has(port)) continue;
    given.add(port);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** For a configuration that has none for issuer and receiver. */
export async function addMintPorts(home: string): Promise<void> {
  const path = join(home, 'specie.json');
  const configuration = JSON.parse(readFileSync(path, 'utf8'));
  for (const role of MINT_ROLES) {
    configuration.roles[role] = { port: await freePort(), http: { port: await freePort() } };
  }
  writeFileSync(path, JSON.stringify(configuration));
}

export async function makeHome({
  loadAmountMax,
  balanceMax,
  deviceRequestsPerMinute,
  payouts,
}: TestHomeOptions = {}): Promise<TestHome> {
  const folder = mkdtempSync(join(tmpdir(), 'specie-system-'));
  const home = join(folder, 'home');
  await initHome({ home });
  const path = join(home, 'specie.json');
  const configuration = JSON.parse(readFileSync(path, 'utf8'));
  for (const role of ROLES) {
    configuration.roles[role].port = await freePort();
    if (isMintRole(role)) configuration.roles[role].http.port = await freePort();
  }
  const institutionPort = await freePort();
  configuration.institution.port = institutionPort;
  const paymentsPort = await freePort();
  configuration.institution.payments.port = paymentsPort;
  Object.assign(configuration.payouts, payouts);
  if (loadAmountMax !== undefined) configuration.limits.loadAmountMax = loadAmountMax;
  if (balanceMax !== undefined) configuration.limits.balanceMax = balanceMax;
  if (deviceRequestsPerMinute !== undefined) {
    configuration.limits.deviceRequestsPerMinute = deviceRequestsPerMinute;
  }
  writeFileSync(path, JSON.stringify(configuration));
  // The directory names the new addresses.
  const { fingerprint } = await initHome({ home });
  return {
    folder,
    home,
    fingerprint,
    institutionPort,
    paymentsPort,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
