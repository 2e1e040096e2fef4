// A document and an Ed25519 signature over its tag and its bytes.
//
//     ┌──────────────────────┬────────────────┐
//     │ document (its codec) │ signature (64) │
//     └──────────────────────┴────────────────┘
import { KEY_BYTES, KEY_ID_BYTES, SIGNATURE_BYTES, type Signed } from '../../identity/signed.ts';
import { bytes, type Codec, type Infer, struct, written } from '../../shared/codec.ts';
import { type Domain, tagOf } from './domain-tags.ts';

export { KEY_BYTES, KEY_ID_BYTES, SIGNATURE_BYTES, type Signed };

export const DIGEST_BYTES = 32;

/** A public key of Ed25519 or X25519. */
export const publicKey = bytes(KEY_BYTES);
/** The first 8 bytes of SHA-256 of a public key. */
export const keyId = bytes(KEY_ID_BYTES);
export const signature = bytes(SIGNATURE_BYTES);
/** SHA-256. */
export const digest = bytes(DIGEST_BYTES);

/** A kind of document: how it is encoded, and what of it is signed. */
export interface DocumentKind<Document> {
  readonly codec: Codec<Document>;
  readonly signed: Codec<Signed<Document>>;
  /** What the signature is over: the domain's tag and the document's bytes. */
  signedBytes(document: Document): Uint8Array<ArrayBuffer>;
}

export function documentKind<Of extends Codec<unknown>>(domain: Domain, codec: Of): DocumentKind<Infer<Of>> {
  const document = codec as unknown as Codec<Infer<Of>>;
  const tag = tagOf(domain);
  return {
    codec: document,
    signed: struct({ document, signature }) as Codec<Signed<Infer<Of>>>,
    signedBytes: (value) =>
      written((writer) => {
        writer.bytes(tag);
        document.write(writer, value);
      }),
  };
}
