// Why a server does not let an initiator in that could be read: sent encrypted in the handshake's answer, so the initiator
// knows that it comes from the server it meant. Numbers are fixed for ever; 0 is a welcome.

export const ChannelRefusalNumber = {
  unknown_key: 1,
  malformed_payload: 2,
  untrusted_certificate: 3,
  not_yet_valid: 4,
  expired_certificate: 5,
  revoked_certificate: 6,
  wrong_role: 7,
  unsupported_version: 8,
  pattern_not_allowed: 9,
  busy: 10,
  stopping: 11,
  internal_error: 12,
} as const;
export type ChannelRefusalCode = keyof typeof ChannelRefusalNumber;

export interface ChannelRefusal {
  readonly refused: ChannelRefusalCode;
  /** "expected …, got …": at most 512 bytes of it are sent, to an initiator that may be anyone. */
  readonly message: string;
}

/** `retry`: the same may be let in later. Any other: not before that is done. */
export const CHANNEL_ADVICE: { readonly [code in ChannelRefusalCode]: string } = {
  unknown_key: 'enrol this key, or use one that is in the directory',
  malformed_payload: 'use a program of the same version as the server',
  untrusted_certificate: 'use a certificate of this system',
  not_yet_valid: 'check the clocks of both machines, or wait until the certificate is valid',
  expired_certificate: 'renew the certificate',
  revoked_certificate: 'ask the operator: this certificate was withdrawn',
  wrong_role: 'connect to a server that serves this kind of peer',
  unsupported_version: 'use a program of the same version as the server',
  pattern_not_allowed: 'identify yourself as this server asks for',
  busy: 'retry',
  stopping: 'retry',
  internal_error: 'retry',
};

const NAMES: (ChannelRefusalCode | undefined)[] = [];
for (const code of Object.keys(ChannelRefusalNumber) as ChannelRefusalCode[]) {
  NAMES[ChannelRefusalNumber[code]] = code;
}

/** The code with this number; a later version's is an internal_error. */
export function channelRefusalCode(number: number): ChannelRefusalCode {
  return NAMES[number] ?? 'internal_error';
}
