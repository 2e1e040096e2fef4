// Test management behind a real server, with keys and a directory of its own, valid now.
import { afterEach } from 'vitest';
import { Server } from '../../src/channel/server.ts';
import { ed25519, sha256 } from '../../src/crypto/index.ts';
import type { DeviceCertificate } from '../../src/identity/device-certificate.ts';
import { Directory, signDirectory } from '../../src/identity/directory.ts';
import { fingerprint, publicKeys } from '../../src/identity/key-set.ts';
import { generateKeyPair, generateKeySet } from '../../src/identity/new-key-set.ts';
import { ROLES } from '../../src/identity/roles.ts';
import { serverIdentity } from '../../src/identity/server-identity.ts';
import { shopServerIdentity } from '../../src/identity/shop-server-identity.ts';
import { systemCrypto } from '../../src/identity/system-crypto.ts';
import { FOREVER, systemClock } from '../../src/identity/time.ts';
import type { Engine, EngineReply, EngineRequest } from '../../src/wire/engine.ts';
import { encodeMessages, parseMessages } from '../../src/wire/messages.ts';
import type { Peer } from '../../src/wire/peer.ts';
import { RequestStatus } from '../../src/wire/status.ts';
import { DAY } from '../identity/support.ts';
import { TestManagement, type TestSystem } from './management.ts';
import { TestShop } from './shop.ts';

const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Answering = (peer: Peer, operation: number, message: Uint8Array) => Promise<Uint8Array>;

/** Not a role engine: it may be told not to answer at all. */
class AnsweringEngine implements Engine {
  readonly peers: Peer[] = [];
  readonly congested = false;
  readonly #answer: Answering;

  constructor(answer: Answering) {
    this.#answer = answer;
  }

  understands(operation: number): boolean {
    return operation >= 32;
  }

  async submit({ peer, operation, payload, count }: EngineRequest): Promise<EngineReply> {
    this.peers.push(peer);
    const messages = parseMessages(payload, count);
    const answers = await Promise.all(messages.map((message) => this.#answer(peer, operation, message)));
    return { status: RequestStatus.ok, timestamp: 1n, count, body: encodeMessages(answers) };
  }

  openSession() {
    return { resumed: false, applied: 0n };
  }

  onRelieved(): void {}

  metrics(): string {
    return '';
  }

  health() {
    return { status: 'ok' as const, detail: {} };
  }
}

const managementEngine = (management: TestManagement): AnsweringEngine =>
  new AnsweringEngine((peer, operation, message) =>
    management.answer(peer.kind === 'device' ? 'device' : 'unenrolled', operation, message),
  );

export interface TestServer {
  readonly management: TestManagement;
  readonly peers: readonly Peer[];
  readonly rootFingerprint: string;
  readonly port: number;
  revoked: (certificate: DeviceCertificate) => boolean;
  close(): Promise<void>;
}

function newSystem(port: number): TestSystem {
  const now = systemClock();
  const keys = {
    management: twoSets(),
    cash: twoSets(),
    settlement: twoSets(),
    issuer: twoSets(),
    receiver: twoSets(),
  };
  const root = ed25519.signingKey(generateKeyPair('signing').secretKey);
  const content = {
    version: 1,
    serial: 1n,
    createdAt: now,
    roles: ROLES.map((role, i) => ({
      role,
      address: `ws://127.0.0.1:${role === 'management' ? port : i + 1}/v1`,
      keySets: [
        {
          number: 1,
          keys: publicKeys(keys[role][0]),
          notBefore: now - DAY,
          notAfter: FOREVER,
          openUntil: FOREVER,
          verifyUntil: FOREVER,
        },
      ],
    })),
    operators: [],
  };
  const directory = Directory.verify(signDirectory(content, root), root.publicKey, systemCrypto);
  return { directory, keySets: keys, root, rootKey: root.publicKey };
}

const twoSets = () => [generateKeySet(), generateKeySet()] as const;

/** The directory names the port, and the identity needs the directory: a first server only finds a free one. */
async function freePort(): Promise<number> {
  const placeholder = new TestManagement(systemClock, async () => {});
  const finder = await Server.listen({ engine: managementEngine(placeholder), port: 0 });
  await finder.close(0);
  return finder.port;
}

/** Closed after the test. */
export async function startManagement(port?: number): Promise<TestServer> {
  port ??= await freePort();
  const system = newSystem(port);
  const management = new TestManagement(
    systemClock,
    (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    system,
  );
  const engine = managementEngine(management);
  const state = { directory: system.directory, keySets: system.keySets.management };
  const test: { revoked: (certificate: DeviceCertificate) => boolean } = { revoked: () => false };
  const identity = serverIdentity({
    role: 'management',
    source: { current: () => state },
    clock: systemClock,
    crypto: systemCrypto,
    revoked: (certificate) => !('device' in certificate) || test.revoked(certificate),
  });
  const server = await Server.listen({ engine, port, identity });
  const close = (): Promise<void> => server.close(200);
  closing.push(close);
  return Object.assign(test, {
    management,
    port,
    peers: engine.peers,
    rootFingerprint: fingerprint(system.rootKey, sha256),
    close,
  });
}

/** A shop that can be reached; closed after the test. */
export async function startShop(management: TestManagement): Promise<TestShop & { readonly peers: Peer[] }> {
  const shop = new TestShop(management);
  const engine = new AnsweringEngine((_, operation, message) => shop.answer(operation, message));
  const identity = shopServerIdentity(shop.keys.channel);
  const server = await Server.listen({ engine, port: 0, identity });
  closing.push(() => server.close(200));
  shop.address = `ws://127.0.0.1:${server.port}/v1`;
  return Object.assign(shop, { peers: engine.peers });
}
