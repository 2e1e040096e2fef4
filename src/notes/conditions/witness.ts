// With what a spending condition is met (NUT-11, NUT-14): signatures, and the preimage of a hash.
import { NotesError } from '../errors.ts';
import { fromHex, toHex } from '../hex.ts';
import { type JsonOut, type JsonValue, parseJson, writeJson } from '../json/value.ts';
import { CONDITION_SIGNATURES_MAX, WITNESS_BYTES_MAX } from '../limits.ts';
import { SIGNATURE_SIZE } from '../schnorr.ts';

export interface Witness {
  /** Of BIP 340, 64 bytes each. */
  readonly signatures: readonly Uint8Array[];
  /** Hex of 32 bytes. */
  readonly preimage?: string;
}

const PREIMAGE_SIZE = 32;

const refused = (expected: string): NotesError =>
  new NotesError('condition', `witness: expected ${expected}`);

/** Absent is one without anything in it. @throws NotesError */
export function readWitness(text: string | undefined): Witness {
  if (text === undefined || text === '') return { signatures: [] };
  if (text.length > WITNESS_BYTES_MAX) throw refused(`at most ${WITNESS_BYTES_MAX} bytes`);
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch (error) {
    throw error instanceof NotesError ? refused('JSON') : error;
  }
  if (!(value instanceof Map)) throw refused('an object');
  const { signatures, preimage } = Object.fromEntries(value as ReadonlyMap<string, JsonValue>);
  return {
    signatures: readSignatures(signatures ?? null),
    ...(preimage === undefined || preimage === null ? {} : { preimage: readPreimage(preimage) }),
  };
}

function readSignatures(value: JsonValue): Uint8Array[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw refused('a list of signatures');
  if (value.length > CONDITION_SIGNATURES_MAX)
    throw refused(`at most ${CONDITION_SIGNATURES_MAX} signatures`);
  return value.map((text: JsonValue) => {
    const signature = typeof text === 'string' ? fromHex(text.toLowerCase(), SIGNATURE_SIZE) : undefined;
    if (signature === undefined) throw refused(`signatures of ${SIGNATURE_SIZE} bytes in hex`);
    return signature;
  });
}

function readPreimage(value: JsonValue): string {
  const bytes = typeof value === 'string' ? fromHex(value.toLowerCase(), PREIMAGE_SIZE) : undefined;
  if (bytes === undefined) throw refused(`a preimage of ${PREIMAGE_SIZE} bytes in hex`);
  return toHex(bytes);
}

export function writeWitness({ signatures, preimage }: Witness): string {
  const value: Record<string, JsonOut> = {};
  if (preimage !== undefined) value.preimage = preimage;
  if (signatures.length > 0 || preimage === undefined) value.signatures = signatures.map(toHex);
  return writeJson(value);
}
