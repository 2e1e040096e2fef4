// What the directory says: where each role is, which keys it has, who the operators are.
//
//     directory ──┬─ version, serial, createdAt, root key
//                 ├─ roles ───── address, key sets: number, keys, times
//                 └─ operators ─ name, keys, times
//
//     a key set's times
//     notBefore          notAfter              openUntil              verifyUntil
//     ├──── in use ──────┼──── overlap ────────┤                      │
//     │ signs, begins    │ opens what was sealed to it, and answers   │
//     │ channels, is     │ handshakes; nothing new                    │
//     │ sealed to        │                                            │
//     ├──── its signatures count ─────────────────────────────────────┤
//
// The root key signs it all. Nothing here is of Node.
import { type Infer, list, struct, text, u8, u32, u64 } from '../shared/codec.ts';
import { toHex } from './binary-text.ts';
import { IdentityError } from './errors.ts';
import { KEY_USES, PublicKeySet, publicKey } from './key-set.ts';
import { ROLES, RoleName } from './roles.ts';
import { DomainTag, signedKind } from './signed.ts';

export const DIRECTORY_VERSION = 1;
export const ADDRESS_BYTES_MAX = 256;
export const OPERATOR_NAME_BYTES_MAX = 64;
/** A key set is listed as long as its signatures count: this many rotations within a certificate's life. */
export const KEY_SETS_MAX = 32;
export const OPERATORS_MAX = 64;
const ROLES_MAX = 8;

const keySetFields = {
  /** 1, 2, 3 …: the name of its file. */
  number: u32,
  keys: PublicKeySet,
  /** Nanoseconds, all ends inclusive. */
  notBefore: u64,
  notAfter: u64,
  openUntil: u64,
  verifyUntil: u64,
} as const;
export const ListedKeySet = struct(keySetFields);
export type ListedKeySet = Infer<typeof ListedKeySet>;

export const ListedRole = struct({
  role: RoleName,
  /** `ws://host:port/v1` */
  address: text(ADDRESS_BYTES_MAX),
  /** In the order of their numbers. */
  keySets: list(ListedKeySet, KEY_SETS_MAX),
});
export type ListedRole = Infer<typeof ListedRole>;

export const ListedOperator = struct({
  name: text(OPERATOR_NAME_BYTES_MAX),
  channelKey: publicKey,
  signingKey: publicKey,
  notBefore: u64,
  notAfter: u64,
});
export type ListedOperator = Infer<typeof ListedOperator>;

const Content = struct({
  version: u8,
  /** Grows with every directory of a system. */
  serial: u64,
  createdAt: u64,
  rootKey: publicKey,
  roles: list(ListedRole, ROLES_MAX),
  operators: list(ListedOperator, OPERATORS_MAX),
});
export type DirectoryContent = Infer<typeof Content>;
export const DirectoryContent = signedKind(DomainTag.directory, Content);

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

export function checkOperatorName(name: string, field: string): void {
  if (!NAME.test(name)) {
    throw malformed(field, 'a name of 1 to 64 of a-z, 0-9, . _ -, beginning with a letter or digit', name);
  }
}

export function checkAddress(address: string, field: string): void {
  let url: URL | undefined;
  try {
    url = new URL(address);
  } catch {}
  const whole = url !== undefined && /^wss?:$/.test(url.protocol) && url.href === address;
  if (!whole || url!.username !== '' || url!.password !== '' || url!.search !== '' || url!.hash !== '') {
    // An address with a password in it must not reach a log.
    throw malformed(field, 'an address such as ws://127.0.0.1:7879/v1', 'something else');
  }
}

/**
 * What a codec does not check. Also of a directory whose signature is good, and of one before it is signed.
 * @throws IdentityError malformed, naming the field
 */
export function checkDirectory(content: DirectoryContent): void {
  if (content.version !== DIRECTORY_VERSION)
    throw malformed('version', String(DIRECTORY_VERSION), content.version);
  const keys = new Map<string, string>();
  // A key that stands twice would make it unclear who is at the other end.
  const once = (key: Uint8Array, field: string): void => {
    const text = toHex(key);
    const other = keys.get(text);
    if (other !== undefined) throw malformed(field, 'a key of its own', `the one of ${other}`);
    keys.set(text, field);
  };
  once(content.rootKey, 'rootKey');
  const roles = new Set<string>();
  content.roles.forEach(({ role, address, keySets }, i) => {
    const at = `roles[${i}]`;
    if (roles.has(role)) throw malformed(`${at}.role`, 'each role once', `${role} again`);
    roles.add(role);
    checkAddress(address, `${at}.address`);
    keySets.forEach((keySet, j) => {
      const field = `${at}.keySets[${j}]`;
      const before = keySets[j - 1]?.number ?? 0;
      if (keySet.number <= before)
        throw malformed(`${field}.number`, `a number above ${before}`, keySet.number);
      for (const use of KEY_USES) once(keySet.keys[use], `${field}.keys.${use}`);
      inOrder(keySet, ['notBefore', 'notAfter', 'openUntil'], field);
      inOrder(keySet, ['notAfter', 'verifyUntil'], field);
    });
  });
  const names = new Set<string>();
  content.operators.forEach((operator, i) => {
    const at = `operators[${i}]`;
    checkOperatorName(operator.name, `${at}.name`);
    if (names.has(operator.name))
      throw malformed(`${at}.name`, 'each operator once', `${operator.name} again`);
    names.add(operator.name);
    once(operator.channelKey, `${at}.channelKey`);
    once(operator.signingKey, `${at}.signingKey`);
    inOrder(operator, ['notBefore', 'notAfter'], at);
  });
}

/** Roles in the order of their numbers: the file is the same whatever was added first. */
export function sortedRoles(roles: readonly ListedRole[]): ListedRole[] {
  return [...roles].sort((left, right) => ROLES.indexOf(left.role) - ROLES.indexOf(right.role));
}

function inOrder<Name extends string>(
  times: { readonly [Key in Name]: bigint },
  names: readonly Name[],
  field: string,
): void {
  for (let i = 1; i < names.length; i++) {
    const [earlier, later] = [names[i - 1]!, names[i]!];
    if (times[earlier] > times[later])
      throw malformed(`${field}.${later}`, `a time not before ${earlier}`, 'an earlier one');
  }
}

function malformed(field: string, expected: string, came: unknown): IdentityError {
  return new IdentityError('malformed', `directory: ${field}: expected ${expected}, got ${came}`);
}
