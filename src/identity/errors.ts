/** Why something of keys, directory, certificates or configuration was refused. */
export type IdentityErrorCode =
  /** It does not have the form that it should have. */
  | 'malformed'
  /** The directory is signed by another root key than the one that is trusted. */
  | 'untrusted_root'
  /** The bytes are not what was signed. */
  | 'bad_signature'
  /** A directory older than one that was seen already, or another one under the same serial. */
  | 'rolled_back'
  /** No key, role or operator of that name, or none that is valid now. */
  | 'not_listed'
  /** A file or folder that others may read or change. */
  | 'not_private'
  /** A file is not there. */
  | 'missing'
  /** A file is there and would have to be overwritten. */
  | 'in_the_way'
  /** A file is not what was written: changed, cut short, or of another kind. */
  | 'damaged'
  /** Keys are encrypted, and no passphrase was given. */
  | 'passphrase_needed'
  /** The passphrase is another one, or one that may not be. */
  | 'wrong_passphrase'
  /** The configuration has a field that is wrong, missing or unknown. */
  | 'configuration'
  /** Another process changes the same home. */
  | 'busy';

/** A refusal. The message says what was expected and what came, and never holds a secret. */
export class IdentityError extends Error {
  override readonly name = 'IdentityError';
  readonly code: IdentityErrorCode;

  constructor(code: IdentityErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
