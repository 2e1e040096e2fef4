import { isIP } from 'node:net';

/**
 * The address to listen on, for a host that is this machine itself.
 * @throws Error for any other: who may connect is not checked yet, and what they say is not encrypted.
 */
export function loopbackAddress(host: string): string {
  if (host === 'localhost') return '127.0.0.1';
  if (isIP(host) === 4 && host.startsWith('127.')) return host;
  if (isIP(host) === 6 && (host === '::1' || host === '0:0:0:0:0:0:0:1')) return '::1';
  throw new Error(
    `host: expected a loopback address (127.0.0.1, ::1, localhost), got ${JSON.stringify(host)}. ` +
      'Channels are neither encrypted nor authenticated yet: whoever reaches this port can move money, and whoever ' +
      'sees its traffic can read every balance. Until they are, the server listens to this machine only; to reach it ' +
      'from another one, use a tunnel that authenticates both ends (SSH, WireGuard).',
  );
}
