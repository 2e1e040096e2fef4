// What a secret may demand of who spends its note (NUT-10), read and written: keys that must sign (NUT-11), a hash whose
// preimage must be shown (NUT-14), until and after a time.
//
//     ["P2PK", {"nonce": …, "data": key,  "tags": [["pubkeys", key, …], ["n_sigs", "2"],
//     ["HTLC", {"nonce": …, "data": hash,          ["locktime", "1790000000"], ["refund", key, …], ["n_sigs_refund", "1"],
//                                                  ["sigflag", "SIG_INPUTS" or "SIG_ALL"]]}]
//
// A secret that only looks like one of these is refused, never taken for one without conditions.
import { NotesError } from '../errors.ts';
import { fromHex, toHex } from '../hex.ts';
import { type JsonValue, parseJson, writeJson } from '../json/value.ts';
import { CONDITION_KEYS_MAX, SECRET_BYTES_MAX } from '../limits.ts';
import { isPoint, isPointForm } from '../point.ts';
import { type RandomBytes, systemRandomBytes } from '../random.ts';

export type ConditionKind = 'P2PK' | 'HTLC';

/** What is signed: each input for itself, or the whole request. */
export type SignatureFlag = 'SIG_INPUTS' | 'SIG_ALL';

export interface Condition {
  readonly kind: ConditionKind;
  /** As it stands in the secret. */
  readonly data: string;
  readonly tags: readonly (readonly string[])[];
  /** Of whom enough must sign, at any time; of a hash perhaps none. */
  readonly publicKeys: readonly Uint8Array[];
  readonly requiredSignatures: number;
  /** SHA-256 of the preimage, 32 bytes. */
  readonly hash?: Uint8Array;
  /** Unix seconds from which on the refund keys may sign instead, or anybody may spend where there are none. */
  readonly locktime?: bigint;
  readonly refundKeys: readonly Uint8Array[];
  readonly requiredRefundSignatures: number;
  readonly flag: SignatureFlag;
}

const KINDS: readonly string[] = ['P2PK', 'HTLC'];
const KNOWN_TAGS = ['sigflag', 'pubkeys', 'n_sigs', 'locktime', 'refund', 'n_sigs_refund'];

const refused = (expected: string): NotesError =>
  new NotesError('condition', `spending condition: expected ${expected}`);

/** undefined: the secret demands nothing, or something of a kind that is not known here. @throws NotesError */
export function conditionOf(secret: string): Condition | undefined {
  // Secrets of notes without conditions are hex: the usual ones cost one look.
  if (!/^[ \t\n\r]*\[/.test(secret)) return undefined;
  let value: JsonValue;
  try {
    value = parseJson(secret);
  } catch (error) {
    // Other software may read it in spite of what is wrong with it, and take it for locked.
    if (KINDS.some((kind) => secret.includes(kind)))
      throw refused('JSON without doubles and escapes that are none');
    if (error instanceof NotesError) return undefined;
    throw error;
  }
  if (!Array.isArray(value) || typeof value[0] !== 'string' || !KINDS.includes(value[0])) return undefined;
  const [kind, content] = value as [ConditionKind, JsonValue];
  if (value.length !== 2 || !(content instanceof Map)) throw refused('a kind and its content');
  const { nonce, data, tags } = Object.fromEntries(content as ReadonlyMap<string, JsonValue>);
  if (typeof nonce !== 'string') throw refused('a nonce');
  if (typeof data !== 'string') throw refused('data as a text');
  return readCondition(kind, data, readTags(tags ?? null));
}

function readTags(value: JsonValue): string[][] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw refused('a list of tags');
  return value.map((tag: JsonValue) => {
    if (!Array.isArray(tag) || tag.length === 0) throw refused('tags that are lists');
    return tag.map((part: JsonValue) => {
      // Numbers stand as text; some wallets write them as numbers.
      if (typeof part === 'bigint') return part.toString();
      if (typeof part !== 'string') throw refused('tags of texts');
      return part;
    });
  });
}

function readCondition(kind: ConditionKind, data: string, tags: string[][]): Condition {
  const values = new Map<string, readonly string[]>();
  for (const [name, ...rest] of tags) {
    if (!KNOWN_TAGS.includes(name!)) continue;
    if (values.has(name!)) throw refused(`the tag ${name} once`);
    values.set(name!, rest);
  }
  const single = (name: string): string | undefined => {
    const found = values.get(name);
    if (found !== undefined && found.length !== 1) throw refused(`one value of ${name}`);
    return found?.[0];
  };
  const named = readKeys(values.get('pubkeys') ?? []);
  const publicKeys = distinct(kind === 'P2PK' ? [readKey(data), ...named] : named);
  const refundKeys = distinct(readKeys(values.get('refund') ?? []));
  const flag = single('sigflag') ?? 'SIG_INPUTS';
  if (flag !== 'SIG_INPUTS' && flag !== 'SIG_ALL') throw refused('SIG_INPUTS or SIG_ALL');
  const locktime = readLocktime(values.get('locktime')?.[0]);
  return {
    kind,
    data,
    tags,
    publicKeys,
    requiredSignatures: readThreshold('n_sigs', single('n_sigs'), publicKeys.length),
    refundKeys,
    requiredRefundSignatures: readThreshold('n_sigs_refund', single('n_sigs_refund'), refundKeys.length),
    flag,
    ...(locktime === undefined ? {} : { locktime }),
    ...(kind === 'HTLC' ? { hash: readHash(data) } : {}),
  };
}

function readKey(text: string): Uint8Array {
  const key = fromHex(text.toLowerCase(), 33);
  if (key === undefined || !isPointForm(key)) throw refused('keys as compressed points in hex');
  return key;
}

function readKeys(texts: readonly string[]): Uint8Array[] {
  if (texts.length > CONDITION_KEYS_MAX) throw refused(`at most ${CONDITION_KEYS_MAX} keys`);
  return texts.map(readKey);
}

/** Two keys of one x have the same signatures: one signer would be counted twice. */
function distinct(keys: readonly Uint8Array[]): readonly Uint8Array[] {
  if (new Set(keys.map((key) => toHex(key.subarray(1)))).size < keys.length)
    throw refused('keys that differ');
  return keys;
}

function readHash(text: string): Uint8Array {
  const hash = fromHex(text.toLowerCase(), 32);
  if (hash === undefined) throw refused('a hash of 32 bytes in hex');
  return hash;
}

/** What is no time locks for ever (NUT-11). */
function readLocktime(text: string | undefined): bigint | undefined {
  if (text === undefined || !/^[0-9]{1,18}$/.test(text)) return undefined;
  const time = BigInt(text);
  return time > 0n ? time : undefined;
}

function readThreshold(name: string, text: string | undefined, keys: number): number {
  if (text === undefined) return 1;
  if (!/^[1-9][0-9]{0,2}$/.test(text) || Number(text) > keys)
    throw refused(`${name} from 1 to the number of keys`);
  return Number(text);
}

export interface LockOptions {
  /** Who may spend: the first is the condition's data (NUT-11), or all stand behind the hash (NUT-14). */
  readonly publicKeys?: readonly Uint8Array[];
  /** SHA-256 of what must be shown. */
  readonly hash?: Uint8Array;
  readonly requiredSignatures?: number;
  /** Unix seconds. */
  readonly locktime?: bigint;
  readonly refundKeys?: readonly Uint8Array[];
  readonly requiredRefundSignatures?: number;
  readonly flag?: SignatureFlag;
}

/** A secret with a condition and a nonce of its own. @throws NotesError for a condition that nobody could meet */
export function lockedSecret(options: LockOptions, randomBytes: RandomBytes = systemRandomBytes): string {
  const { publicKeys = [], hash, locktime, refundKeys = [], flag } = options;
  for (const key of [...publicKeys, ...refundKeys]) if (!isPoint(key)) throw refused('keys that are points');
  if (refundKeys.length > 0 && locktime === undefined) throw refused('a locktime with refund keys');
  const [first, ...others] = publicKeys.map(toHex);
  if (hash === undefined && first === undefined) throw refused('a key or a hash');
  const named = hash === undefined ? others : publicKeys.map(toHex);
  const tags: string[][] = [];
  if (named.length > 0) tags.push(['pubkeys', ...named]);
  if (options.requiredSignatures !== undefined) tags.push(['n_sigs', String(options.requiredSignatures)]);
  if (locktime !== undefined) tags.push(['locktime', locktime.toString()]);
  if (refundKeys.length > 0) tags.push(['refund', ...refundKeys.map(toHex)]);
  if (options.requiredRefundSignatures !== undefined)
    tags.push(['n_sigs_refund', String(options.requiredRefundSignatures)]);
  if (flag !== undefined) tags.push(['sigflag', flag]);
  const data = hash === undefined ? first! : toHex(hash);
  const secret = writeJson([
    hash === undefined ? 'P2PK' : 'HTLC',
    { nonce: toHex(randomBytes(32)), data, tags },
  ]);
  if (secret.length > SECRET_BYTES_MAX)
    throw refused(`at most ${SECRET_BYTES_MAX} bytes, which is twelve keys`);
  // What is read refuses what nobody could meet.
  conditionOf(secret);
  return secret;
}
