// The handshake patterns that are offered (Noise, revision 34, sections 7.3 to 7.5), and which keys each side needs.
//
//     IK   a client to a server whose key it knows
//            <- s
//            -> e, es, s, ss     the first payload: encrypted, but a recorded message can be sent again
//            <- e, ee, se
//     KK   two roles of one directory
//            -> s   <- s
//            -> e, es, ss        the first payload: as with IK
//            <- e, ee, se
//     XX   two devices, certificates as payloads of the second and third message
//            -> e                the first payload: readable by all, and not authenticated before the second message
//            <- e, ee, s, es
//            -> s, se
//     NK   a client that stays unnamed
//            <- s
//            -> e, es            the first payload: from anyone
//            <- e, ee

export type NoisePattern = 'IK' | 'KK' | 'XX' | 'NK';
export type Role = 'initiator' | 'responder';
/** A Diffie-Hellman of the initiator's key, ephemeral or static, and the responder's. */
export type Secret = 'ee' | 'es' | 'se' | 'ss';
/** Secrets that follow one another stand together: the kernel computes two in the time of one. */
export type Token = 'e' | 's' | readonly Secret[];

export interface Pattern {
  /** Whose static keys both know before the first message, in the order in which they are hashed. */
  readonly known: readonly Role[];
  /** The initiator's first, then in turns. */
  readonly messages: readonly (readonly Token[])[];
}

export const PATTERNS: Readonly<Record<NoisePattern, Pattern>> = {
  IK: {
    known: ['responder'],
    messages: [
      ['e', ['es'], 's', ['ss']],
      ['e', ['ee', 'se']],
    ],
  },
  KK: {
    known: ['initiator', 'responder'],
    messages: [
      ['e', ['es', 'ss']],
      ['e', ['ee', 'se']],
    ],
  },
  XX: {
    known: [],
    messages: [['e'], ['e', ['ee'], 's', ['es']], ['s', ['se']]],
  },
  NK: {
    known: ['responder'],
    messages: [
      ['e', ['es']],
      ['e', ['ee']],
    ],
  },
};

export const other = (role: Role): Role => (role === 'initiator' ? 'responder' : 'initiator');

/** Who writes message number `index`. */
export const writerOf = (index: number): Role => (index % 2 === 0 ? 'initiator' : 'responder');

/** Whether `role` has a static key in this pattern: known beforehand, or sent. */
export function hasStaticKey(pattern: Pattern, role: Role): boolean {
  return (
    pattern.known.includes(role) ||
    pattern.messages.some((tokens, index) => writerOf(index) === role && tokens.includes('s'))
  );
}
