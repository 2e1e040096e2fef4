import { isIP } from 'node:net';

/**
 * The address to listen on without an identity, for a host that is this machine itself.
 * @throws Error for any other: without keys it is not checked who connects, and what they say is not encrypted.
 */
export function loopbackAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (isIP(host) === 4 && host.startsWith('127.')) return host;
  if (isIP(host) === 6 && (host === '::1' || host === '0:0:0:0:0:0:0:1')) return '::1';
  throw new Error(
    `host: expected a loopback address (127.0.0.1, ::1, localhost), got ${JSON.stringify(host)}. ` +
      'Without an identity channels are neither encrypted nor authenticated: whoever reaches this port can move ' +
      'money, and whoever sees its traffic can read every balance. Give the server an identity (its keys), and it may ' +
      'listen anywhere.',
  );
}

/** The address to listen on with an identity: any of this machine's. @throws Error for what is no address */
export function anyAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (isIP(host) !== 0) return host;
  throw new Error(
    `host: expected an IP address to listen on (0.0.0.0 or :: for all), got ${JSON.stringify(host)}`,
  );
}

const MAPPED_IPV4 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Whether an address in binary (4 bytes or 16) is of this machine's loopback net. */
export function isLoopback(address: Uint8Array): boolean {
  if (address.length === 4) return address[0] === 127;
  if (address.length !== 16) return false;
  if (MAPPED_IPV4.every((byte, i) => address[i] === byte)) return address[12] === 127;
  return address.every((byte, i) => byte === (i === 15 ? 1 : 0));
}
