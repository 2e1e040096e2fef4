// `directory.json`: the directory as people read it. The signature is over the codec's bytes, not over this text, so that
// its layout may change; what is read is turned into those bytes and verified.
import type { z } from 'zod';
import { toHex } from './binary-text.ts';
import { Directory, type RootPin, type SignedDirectory } from './directory.ts';
import {
  ADDRESS_BYTES_MAX,
  DIRECTORY_VERSION,
  KEY_SETS_MAX,
  OPERATOR_NAME_BYTES_MAX,
  OPERATORS_MAX,
} from './directory-content.ts';
import {
  choice,
  field,
  fields,
  hexBytes,
  isoTime,
  isoTimeOrNever,
  listOf,
  literal,
  parseJson,
  wholeNumber,
} from './json-fields.ts';
import { ROLES } from './roles.ts';
import { type IdentityCrypto, KEY_BYTES, SIGNATURE_BYTES } from './signed.ts';
import { FOREVER, isoTime as isoText } from './time.ts';

const KIND = 'specie directory';

const shortText = (max: number) =>
  field(`a text of 1 to ${max} characters`, (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= max && !/\p{Surrogate}/u.test(value)
      ? value
      : undefined,
  );

const key = hexBytes(KEY_BYTES);

const DirectoryFile = fields({
  kind: literal(KIND),
  version: literal(DIRECTORY_VERSION),
  serial: wholeNumber(0, Number.MAX_SAFE_INTEGER),
  createdAt: isoTime,
  rootKey: key,
  roles: listOf(
    fields({
      role: choice(ROLES),
      address: shortText(ADDRESS_BYTES_MAX),
      keySets: listOf(
        fields({
          number: wholeNumber(1, 0xffff_ffff),
          signing: key,
          channel: key,
          sealing: key,
          notBefore: isoTime,
          notAfter: isoTimeOrNever,
          openUntil: isoTimeOrNever,
          verifyUntil: isoTimeOrNever,
        }),
        KEY_SETS_MAX,
      ),
    }),
    ROLES.length,
  ),
  operators: listOf(
    fields({
      name: shortText(OPERATOR_NAME_BYTES_MAX),
      channelKey: key,
      signingKey: key,
      notBefore: isoTime,
      notAfter: isoTimeOrNever,
    }),
    OPERATORS_MAX,
  ),
  signature: hexBytes(SIGNATURE_BYTES),
});

/** @throws IdentityError malformed, untrusted_root, bad_signature */
export function parseDirectoryFile(
  text: string,
  pin: RootPin,
  crypto: IdentityCrypto,
  path = 'directory.json',
): Directory {
  const { kind: _, signature, ...file } = parseJson(text, DirectoryFile, path, 'malformed');
  const document = {
    ...file,
    serial: BigInt(file.serial),
    roles: file.roles.map(({ keySets, ...role }) => ({
      ...role,
      keySets: keySets.map(({ signing, channel, sealing, ...rest }) => ({
        ...rest,
        keys: { signing, channel, sealing },
      })),
    })),
  };
  return Directory.verify({ document, signature }, pin, crypto);
}

export function directoryFileText({ document, signature }: SignedDirectory): string {
  const end = (time: bigint): string | null => (time === FOREVER ? null : isoText(time));
  const file: z.input<typeof DirectoryFile> = {
    kind: KIND,
    version: document.version,
    serial: Number(document.serial),
    createdAt: isoText(document.createdAt),
    rootKey: toHex(document.rootKey),
    roles: document.roles.map(({ role, address, keySets }) => ({
      role,
      address,
      keySets: keySets.map(({ number, keys, notBefore, notAfter, openUntil, verifyUntil }) => ({
        number,
        signing: toHex(keys.signing),
        channel: toHex(keys.channel),
        sealing: toHex(keys.sealing),
        notBefore: isoText(notBefore),
        notAfter: end(notAfter),
        openUntil: end(openUntil),
        verifyUntil: end(verifyUntil),
      })),
    })),
    operators: document.operators.map(({ name, channelKey, signingKey, notBefore, notAfter }) => ({
      name,
      channelKey: toHex(channelKey),
      signingKey: toHex(signingKey),
      notBefore: isoText(notBefore),
      notAfter: end(notAfter),
    })),
    signature: toHex(signature),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}
