// Notes, blinded messages and blind signatures in JSON (NUT-00, NUT-12).
import type { BlindedMessage, BlindSignature, Note, NoteDleq, SignatureDleq } from '../note.ts';
import { amount, type Field, keysetId, members, optional, point, scalar, secret, witness } from './fields.ts';

const signatureDleq = members<SignatureDleq>({ e: ['e', scalar], s: ['s', scalar] });
const noteDleq = members<NoteDleq>({ e: ['e', scalar], s: ['s', scalar], r: ['r', scalar] });

/** As holders pass it on (tokens of version 3). */
export const noteField: Field<Note> = members<Note>({
  amount: ['amount', amount],
  keysetId: ['id', keysetId],
  secret: ['secret', secret],
  signature: ['C', point],
  dleq: ['dleq', optional(noteDleq)],
  witness: ['witness', optional(witness)],
  ephemeralKey: ['p2pk_e', optional(point)],
});

const spent = members<Omit<Note, 'dleq' | 'ephemeralKey'>>({
  amount: ['amount', amount],
  keysetId: ['id', keysetId],
  secret: ['secret', secret],
  signature: ['C', point],
  witness: ['witness', optional(witness)],
});

/**
 * As it goes to a mint: proofs are neither written nor read, because their blinding factor tells the mint whom it once
 * signed for; nor is what tells a holder its blinded keys.
 */
export const inputField: Field<Note> = spent;

export const outputField: Field<BlindedMessage> = members<BlindedMessage>({
  amount: ['amount', amount],
  keysetId: ['id', keysetId],
  blinded: ['B_', point],
  witness: ['witness', optional(witness)],
});

export const signatureField: Field<BlindSignature> = members<BlindSignature>({
  amount: ['amount', amount],
  keysetId: ['id', keysetId],
  signature: ['C_', point],
  dleq: ['dleq', optional(signatureDleq)],
});
