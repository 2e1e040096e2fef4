// A document and an Ed25519 signature over its domain tag and its bytes.
//
//     signed:   ┌──────────────────────────┬──────────────────────┐
//               │ tag, a text ending in \0 │ document (its codec) │
//               └──────────────────────────┴──────────────────────┘
//     sent:     ┌──────────────────────┬────────────────┐
//               │ document (its codec) │ signature (64) │
//               └──────────────────────┴────────────────┘
//
// The codec gives a document one encoding, so what was decoded is what was signed. Nothing here is of Node: a browser
// brings its own `verify` and `sha256`.
import { bytes, type Codec, type Infer, struct } from '../shared/codec.ts';
import { IdentityError } from './errors.ts';

export const KEY_BYTES = 32;
export const KEY_ID_BYTES = 8;
export const SIGNATURE_BYTES = 64;

/**
 * What each signature of this folder is for. None is the beginning of another, because each has its only zero byte at its
 * end; test/identity/signed.test.ts compares all tags of the project.
 */
export const DomainTag = {
  directory: 'specie directory v1\0',
  deviceCertificate: 'specie device certificate v1\0',
  shopCertificate: 'specie shop certificate v1\0',
  purseCertificate: 'specie purse certificate v1\0',
} as const;

/** What verification needs; `verify` is strict about encodings (docs/cryptography.md). */
export interface IdentityCrypto {
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean;
  sha256(message: Uint8Array): Uint8Array;
}

/** A secret Ed25519 key that signs; `ed25519.signingKey` makes one. */
export interface Signer {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

export interface Signed<Document> {
  readonly document: Document;
  readonly signature: Uint8Array;
}

export interface SignedKind<Document> {
  readonly document: Codec<Document>;
  readonly signed: Codec<Signed<Document>>;
  /** What the signature is over. */
  signedBytes(document: Document): Uint8Array<ArrayBuffer>;
  sign(document: Document, signer: Signer): Signed<Document>;
  verify(signed: Signed<Document>, publicKey: Uint8Array, crypto: IdentityCrypto): boolean;
}

const utf8 = new TextEncoder();

/** The tag, then the bytes. */
export function tagged(tag: string, content: Uint8Array): Uint8Array<ArrayBuffer> {
  if (tag.indexOf('\0') !== tag.length - 1) {
    throw new IdentityError(
      'malformed',
      'expected a domain tag whose only zero byte is its last, got another',
    );
  }
  const head = utf8.encode(tag);
  const result = new Uint8Array(head.length + content.length);
  result.set(head);
  result.set(content, head.length);
  return result;
}

export function signedKind<Of extends Codec<unknown>>(tag: string, codec: Of): SignedKind<Infer<Of>> {
  const document = codec as unknown as Codec<Infer<Of>>;
  const signedBytes = (value: Infer<Of>): Uint8Array<ArrayBuffer> => tagged(tag, document.encode(value));
  return {
    document,
    signed: struct({ document, signature: bytes(SIGNATURE_BYTES) }) as Codec<Signed<Infer<Of>>>,
    signedBytes,
    sign: (value, signer) => ({ document: value, signature: signer.sign(signedBytes(value)) }),
    verify: (signed, publicKey, crypto) =>
      crypto.verify(publicKey, signedBytes(signed.document), signed.signature),
  };
}
