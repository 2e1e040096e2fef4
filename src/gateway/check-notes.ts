// What is looked at before an exchange is taken: that the notes were sealed to the gateway for it, are notes, and come to the amount.
import { CryptoError, type NoteCrypto } from '../crypto/index.ts';
import { checkNotes } from '../notes/dleq.ts';
import { NotesError } from '../notes/errors.ts';
import type { PublicKeyset } from '../notes/keyset.ts';
import type { Note } from '../notes/note.ts';
import { isPointForm } from '../notes/point.ts';
import { Refusal } from '../roles/common/refusal.ts';
import { openNotes } from '../roles/common/sealed-notes.ts';
import { PlainNotes } from '../roles/documents/notes.ts';
import type { GatewayRefusal } from '../roles/gateway/errors.ts';
import type { SendRequest } from '../roles/gateway/messages.ts';
import type { BookedNote } from './exchange.ts';
import type { OnStep, SealingKey, WideKeysets } from './interface.ts';
import type { LocalMint } from './local-mint.ts';
import type { WideMint } from './wide-mint.ts';

export type Refused = Refusal<GatewayRefusal>;
export const refuse = (code: Refused['code'], message: string): Refused =>
  new Refusal<GatewayRefusal>(code, message);

/**
 * Refusals that always come to the same stand here. `later`: one that a table decides, remembered with the request; the gateway
 * may know a keyset tomorrow that it does not know today, and the sender was told no.
 */
export type CheckedNotes<Of> = Refused | { readonly later: Refused } | { readonly checked: Of };

export interface NoteChecks {
  readonly sealingKeys: readonly SealingKey[];
  readonly local: LocalMint;
  readonly wide: WideMint;
  readonly wideKeysets: WideKeysets;
  readonly crypto: NoteCrypto;
  readonly step: OnStep;
}

/** A secret with conditions (NUT-10) is a JSON list: whoever may spend it has to say so at the mint. */
const hasConditions = (secret: string): boolean => /^\s*\[/.test(secret);

/** Local notes, for the first job. */
export async function checkLocalNotes(
  message: SendRequest,
  checks: NoteChecks,
): Promise<CheckedNotes<readonly BookedNote[]>> {
  const notes = opened(message, 'send_out', checks);
  if (notes instanceof Refusal) return notes;
  const known = await checks.local.verify(notes);
  if (known === 'keyset_unknown')
    return { later: refuse('keyset_unknown', "notes: expected this organisation's, got others") };
  if (known === 'note_invalid') return refuse('note_invalid', "notes: expected the mint's, got others");
  const sum = notes.reduce((total, { amount }) => total + amount, 0n);
  const mismatch = checkSum(sum, message);
  if (mismatch !== undefined) return mismatch;
  checks.step('confirm amount', message.request);
  return { checked: known };
}

/** Wide notes, for the second job: that they were not spent only the receiver can say. */
export function checkWideNotes(message: SendRequest, checks: NoteChecks): CheckedNotes<readonly Note[]> {
  const { wide, wideKeysets, crypto, step } = checks;
  const notes = opened(message, 'send_in', checks);
  if (notes instanceof Refusal) return notes;
  if (wideKeysets.active() === undefined)
    return refuse('busy', 'expected the keysets of the wide mint, got none yet');
  const keysets = new Map<string, PublicKeyset>();
  for (const { keysetId, amount } of notes) {
    const keyset = wideKeysets.find(keysetId);
    if (keyset?.keys.has(amount) !== true)
      return { later: refuse('keyset_unknown', "notes: expected the wide mint's, got others") };
    keysets.set(keysetId, keyset);
  }
  try {
    checkNotes(notes, keysets, crypto, { isProofRequired: false });
  } catch (error) {
    if (!(error instanceof NotesError) && !(error instanceof CryptoError)) throw error;
    return refuse('note_invalid', "notes: expected the mint's signatures, got others");
  }
  const mismatch = checkSum(wide.worth(notes), message);
  if (mismatch !== undefined) return mismatch;
  step('confirm amount', message.request);
  return { checked: notes };
}

function opened(
  { request, amount, fee, notes: sealed }: SendRequest,
  use: 'send_out' | 'send_in',
  { sealingKeys, step }: NoteChecks,
): readonly Note[] | Refused {
  step('receive', request);
  const notes = openNotes(PlainNotes, sealed, sealingKeys, { use, request, amount: amount + fee });
  if (notes === undefined)
    return refuse('notes_seal_invalid', 'notes: expected them sealed to the gateway for this request');
  step('decrypt', request);
  if (notes.length === 0) return refuse('amounts_mismatch', 'notes: expected one at least, got none');
  if (new Set(notes.map(({ secret }) => secret)).size !== notes.length)
    return refuse('note_invalid', 'notes: expected each once, got one twice');
  for (const [i, { secret, signature }] of notes.entries()) {
    if (secret.length === 0 || hasConditions(secret) || !isPointForm(signature))
      return refuse('note_invalid', `notes[${i}]: expected a plain one, got another`);
  }
  // Without a proof the field is left out, as src/notes has it.
  return notes.map(({ dleq, ...note }) => (dleq === undefined ? note : { ...note, dleq }));
}

function checkSum(sum: bigint, { amount, fee }: SendRequest): Refused | undefined {
  if (sum === amount + fee) return undefined;
  return refuse('amounts_mismatch', `notes: expected ${amount + fee} together, got ${sum}`);
}
