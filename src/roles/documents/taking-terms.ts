// What a receiving at cash is for: cash writes the digest beside the money and learns nothing of the notes, and whoever has
// a receipt of cash and these terms can show that they belong together.
import { bytes, type Infer, list, struct, u32, u128 } from '../../shared/codec.ts';
import { tagged } from './domain-tags.ts';
import { POINT_BYTES } from './notes.ts';

/** Notes of one taking: as many as a request of Cashu's interface may have. */
export const TAKING_NOTES_MAX = 1000;

export const TakingTerms = struct({
  request: u128,
  /** Minor units. */
  amount: u128,
  currency: u32,
  /** Y of each note, in the order of their bytes. */
  notes: list(bytes(POINT_BYTES), TAKING_NOTES_MAX),
});
export type TakingTerms = Infer<typeof TakingTerms>;

/** What the digest of a receiving's reference is over. @param terms `notes` in any order */
export const takingTermsMessage = (terms: TakingTerms): Uint8Array =>
  tagged('takingTerms', TakingTerms.encode({ ...terms, notes: [...terms.notes].sort(Buffer.compare) }));
