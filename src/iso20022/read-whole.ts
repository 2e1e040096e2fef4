import type { DocumentReader } from './document.ts';
import { Iso20022Error } from './errors.ts';
import { DOCUMENT_BYTES_MAX } from './limits.ts';

/** Bytes given to the scanner at a time. */
const CHUNK_BYTES = 1024 * 1024;

/** A document that is there as a whole. A text is measured before it is encoded. @throws Iso20022Error */
export function readWhole(
  reader: Pick<DocumentReader, 'push' | 'end'>,
  document: string | Uint8Array,
): ReturnType<DocumentReader['end']> {
  feed(reader, document);
  return reader.end();
}

export function feed(reader: Pick<DocumentReader, 'push'>, document: string | Uint8Array): void {
  if (document.length > DOCUMENT_BYTES_MAX) {
    throw new Iso20022Error('too_large', '', `expected at most ${DOCUMENT_BYTES_MAX} bytes, got more`);
  }
  const bytes = typeof document === 'string' ? Buffer.from(document, 'utf8') : document;
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) reader.push(bytes.subarray(at, at + CHUNK_BYTES));
}
