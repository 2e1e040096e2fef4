// Keys and identities for the tests of the encrypted channel: a system of its own, whose "certificate" is a text.
import { keyIdOf } from '../../src/channel/secure/preamble.ts';
import { x25519 } from '../../src/crypto/x25519.ts';
import type {
  Admission,
  ClientIdentity,
  Initiator,
  ServerIdentity,
} from '../../src/wire/channel-identity.ts';
import type { ChannelRefusal } from '../../src/wire/channel-refusal.ts';

export interface KeyPair {
  readonly secretKey: Uint8Array;
  readonly publicKey: Uint8Array;
}

export function keyPair(): KeyPair {
  const { privateKey, publicKey } = x25519.generateKeyPair();
  return { secretKey: privateKey, publicKey };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
export const utf8 = (string: string): Uint8Array => new Uint8Array(Buffer.from(string));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A server with its keys, the roles it knows, and devices that bring "device NUMBER" as a certificate. */
export class System implements ServerIdentity {
  readonly keys: KeyPair[] = [keyPair()];
  readonly roles = new Map<string, { role: string; key: KeyPair }>();
  readonly asked: Initiator[] = [];
  /** When certificates end. */
  until: bigint | undefined;

  channelKeys(): readonly KeyPair[] {
    return this.keys;
  }

  peerKey(keyId: Uint8Array): Uint8Array | undefined {
    return this.roles.get(hex(keyId))?.key.publicKey;
  }

  authorise(initiator: Initiator): Admission | ChannelRefusal {
    this.asked.push(initiator);
    const { pattern, staticKey, payload } = initiator;
    const until = this.until === undefined ? {} : { until: this.until };
    if (pattern === 'NK') return { peer: { kind: 'unnamed' }, ...until };
    if (pattern === 'KK') {
      for (const [keyId, { role, key }] of this.roles) {
        if (hex(key.publicKey) === hex(staticKey!)) {
          return { peer: { kind: 'role', role, keyId: new Uint8Array(Buffer.from(keyId, 'hex')) }, ...until };
        }
      }
      return { refused: 'unknown_key', message: 'expected a role of the directory, got another' };
    }
    const [, name, number] = text(payload).match(/^(\w+) ?(\d*)$/) ?? [];
    if (name === 'broken') throw new Error('broken');
    if (name === 'stranger') return { peer: { kind: 'unenrolled', channelKey: staticKey! }, ...until };
    if (name !== 'device') {
      return { refused: 'expired_certificate', message: 'expected one that is valid, got one of last year' };
    }
    return {
      peer: {
        kind: 'device',
        device: BigInt(number!),
        signingKey: new Uint8Array(32),
        channelKey: staticKey!,
        serial: 1n,
        notAfter: 0n,
      },
      ...until,
    };
  }

  /** A device's identity at this server. */
  device(number: number, key = keyPair()): ClientIdentity {
    return {
      pattern: 'IK',
      staticKey: key.secretKey,
      remoteStaticKey: this.keys[0]!.publicKey,
      payload: utf8(`device ${number}`),
    };
  }

  /** A role's identity at this server, known to it. */
  role(role: string, key = keyPair()): ClientIdentity {
    this.roles.set(hex(keyIdOf(key.publicKey)), { role, key });
    return { pattern: 'KK', staticKey: key.secretKey, remoteStaticKey: this.keys[0]!.publicKey };
  }

  /** Whoever wants a certificate of this server. */
  stranger(key = keyPair()): ClientIdentity {
    return { ...this.device(0, key), payload: utf8('stranger') };
  }

  /** Whoever knows this server. */
  unnamed(): ClientIdentity {
    return { pattern: 'NK', remoteStaticKey: this.keys[0]!.publicKey };
  }
}
