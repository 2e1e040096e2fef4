// Wallets with purses, and the management and cash that have signed for them.
import { ed25519, sha256, x25519 } from '../../../src/crypto/index.ts';
import { keyIdOf } from '../../../src/identity/key-set.ts';
import { issuePurseCertificate, PurseCertificate } from '../../../src/identity/purse-certificate.ts';
import { systemCrypto } from '../../../src/identity/system-crypto.ts';
import { Allowance, type SignedAllowance } from '../../../src/roles/documents/purse.ts';
import { idGenerator } from '../../../src/shared/id.ts';
import type { WalletCrypto } from '../../../src/wallet/core/ports.ts';
import type { Keys } from '../../../src/wallet/core/secrets.ts';
import { Trust } from '../../../src/wallet/core/trust.ts';
import { nodeCrypto } from '../../../src/wallet/node/crypto.ts';
import type { OwnPurse, PeerEvent, PeerParty } from '../../../src/wallet/peer/ledger.ts';
import type { PeerTimes } from '../../../src/wallet/peer/limits.ts';
import { type AskOptions, type AskReport, askPeer } from '../../../src/wallet/peer/payee.ts';
import { type PayOptions, type PayReport, payPeer } from '../../../src/wallet/peer/payer.ts';
import { DAY, directory, keySets, seededBytes } from '../../identity/support.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { EUR, NOW, ROOT_FINGERPRINT } from '../support.ts';
import { VirtualClock } from '../virtual-clock.ts';
import { type Dials, memoryPair, type Pair } from './memory-link.ts';
import { StoredLedger } from './stored-ledger.ts';

export { DAY, EUR, NOW };

export const management = {
  keys: keySets.management[0],
  signer: ed25519.signingKey(keySets.management[0].signing.secretKey),
};
export const cash = {
  keyId: keyIdOf(keySets.cash[0].signing.publicKey, sha256),
  secretKey: keySets.cash[0].signing.secretKey,
};

export const trust = Trust.of(directory().bytes(), ROOT_FINGERPRINT, nodeCrypto);

export interface PurseChanges {
  readonly purse?: bigint;
  readonly allowance?: Partial<Allowance>;
  readonly certificate?: Partial<PurseCertificate>;
}

export function signedAllowance(document: Allowance, secretKey = cash.secretKey): SignedAllowance {
  return { document, signature: ed25519.sign(secretKey, Allowance.signedBytes(document)) };
}

export function keysOf(seed: number): Keys {
  const random = seededBytes(seed);
  const [signingSecret, channelSecret] = [random(32), random(32)];
  return {
    ...{ signingSecret, channelSecret },
    signingKey: ed25519.publicKey(signingSecret),
    channelKey: x25519.publicKey(channelSecret),
  };
}

/** Purse 5000 + seed of device 1000 + seed. */
export function openPurse(seed: number, amount: bigint, changes: PurseChanges = {}): OwnPurse {
  const keys = keysOf(1000 + seed);
  const purse = changes.purse ?? (5000n + BigInt(seed)) * 0x1_0000_0001_0000_0001n;
  const certificate = issuePurseCertificate(
    {
      purse,
      signingKey: keys.signingKey,
      channelKey: keys.channelKey,
      currency: EUR.ledger,
      notBefore: NOW - DAY,
      notAfter: NOW + 7n * DAY,
      ...changes.certificate,
    },
    management.signer,
    systemCrypto,
  );
  return {
    device: deviceOf(seed),
    keys,
    certificate: PurseCertificate.signed.encode(certificate),
    allowance: signedAllowance({
      keyId: cash.keyId,
      purse,
      signingKey: keys.signingKey,
      currency: EUR.ledger,
      amount,
      expiresAt: NOW + 7n * DAY,
      reportBy: NOW + 37n * DAY,
      ...changes.allowance,
    }),
  };
}

/** Not a number that could be found by chance. */
export const deviceOf = (seed: number): bigint =>
  (0x00de_71ce_0000_0000n + BigInt(seed)) * 0xf123_4567_89ab_cdefn;

export interface World {
  readonly clock: VirtualClock;
  readonly blocked: Set<bigint>;
}

export const newWorld = (): World => ({ clock: new VirtualClock(NOW), blocked: new Set() });

/** A wallet whose storage outlives it: `restart` opens it anew. */
export class TestWallet {
  readonly world: World;
  readonly purse: OwnPurse;
  readonly events: PeerEvent[] = [];
  readonly #newId: () => bigint;
  readonly crypto: WalletCrypto;
  times: Partial<PeerTimes> = {};
  storage = new MemoryStorage();
  ledger = new StoredLedger(this.storage);

  constructor(world: World, seed: number, amount: bigint, changes?: PurseChanges) {
    this.world = world;
    this.purse = openPurse(seed, amount, changes);
    const random = seededBytes(7_000 + seed);
    this.crypto = { ...nodeCrypto, randomBytes: random };
    this.#newId = idGenerator({
      now: () => Number(world.clock.now() / 1_000_000n),
      random: (bytes) => bytes.set(random(bytes.length)),
    });
  }

  get number(): bigint {
    return this.purse.allowance.document.purse;
  }

  restart(): this {
    this.storage = new MemoryStorage(this.storage.disk);
    this.ledger = new StoredLedger(this.storage);
    return this;
  }

  party(changes: Partial<PeerParty> = {}): PeerParty {
    return {
      purse: this.purse,
      ledger: this.ledger,
      trust,
      isBlocked: (purse) => this.world.blocked.has(purse),
      crypto: this.crypto,
      clock: this.world.clock,
      newId: this.#newId,
      times: this.times,
      onEvent: (event) => this.events.push(event),
      ...changes,
    };
  }
}

export interface Meeting {
  readonly payer: PayReport | Error;
  readonly payee: AskReport | Error;
  readonly pair: Pair;
}

export interface MeetOptions {
  readonly dials?: Dials;
  readonly ask?: AskOptions;
  readonly pay?: Partial<PayOptions>;
}

/** One session; both ends' outcomes. */
export async function meet(
  payer: TestWallet,
  payee: TestWallet,
  { dials = {}, ask = { amount: 500n }, pay = {} }: MeetOptions = {},
): Promise<Meeting> {
  const pair = memoryPair(dials);
  const options: PayOptions = { payee: {}, decide: ({ amount }) => ({ amount: amount ?? 500n }), ...pay };
  const [paid, asked] = await Promise.all([
    payPeer(pair.payer, payer.party(), options).catch((error: Error) => error),
    askPeer(pair.payee, payee.party(), ask).catch((error: Error) => error),
  ]);
  return { payer: paid, payee: asked, pair };
}

/** One session that must come to its end. */
export async function paid(payer: TestWallet, payee: TestWallet, amount: bigint): Promise<PayReport> {
  const meeting = await meet(payer, payee, { ask: { amount } });
  if (meeting.payer instanceof Error) throw meeting.payer;
  if (meeting.payee instanceof Error) throw meeting.payee;
  return meeting.payer;
}
