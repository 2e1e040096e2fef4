// GET /v1/keys, /v1/keys/{id} and /v1/keysets (NUT-01, NUT-02).
import { checkKeys, type KeysetInfo, type PublicKeyset } from '../keyset.ts';
import { INPUT_FEE_PPK_MAX, KEYS_MAX, KEYSETS_MAX, UNIT_CHARS_MAX } from '../limits.ts';
import {
  body,
  boolean,
  type Field,
  integer,
  type JsonBody,
  keysetId,
  list,
  members,
  object,
  optional,
  point,
  seconds,
  text,
  wrong,
} from './fields.ts';

/** Amounts are names here: decimal, without a leading zero. */
const AMOUNT_NAME = /^[1-9][0-9]{0,19}$/;

const keys: Field<ReadonlyMap<bigint, Uint8Array>> = {
  read(value, name) {
    const given = object(value, name);
    if (given.size > KEYS_MAX) throw wrong(name, `at most ${KEYS_MAX} keys`, 'too_large');
    const result = new Map<bigint, Uint8Array>();
    for (const [amount, key] of given) {
      if (!AMOUNT_NAME.test(amount)) throw wrong(name, 'amounts in decimal');
      result.set(BigInt(amount), point.read(key, `${name}.${amount}`));
    }
    checkKeys(result);
    return result;
  },
  write(value) {
    return new Map([...value].map(([amount, key]) => [amount.toString(), point.write(key) as string]));
  },
};

interface KeysetMembers {
  readonly id: string;
  readonly unit: string;
  readonly isActive?: boolean;
  readonly inputFeePpk?: number;
  readonly finalExpiry?: bigint;
}

const infoMembers = {
  id: ['id', keysetId],
  unit: ['unit', text(UNIT_CHARS_MAX)],
  isActive: ['active', optional(boolean)],
  inputFeePpk: ['input_fee_ppk', optional(integer(INPUT_FEE_PPK_MAX))],
  finalExpiry: ['final_expiry', optional(seconds)],
} as const;

/** What is left out: a fee is 0; keys are given of active keysets only (NUT-01), unless one is asked for by its id. */
function withDefaults<Of extends KeysetMembers>(of: Field<Of>): Field<Of & KeysetInfo> {
  return {
    read: (value, name) => ({ isActive: true, inputFeePpk: 0, ...of.read(value, name) }),
    write: (value) => of.write(value),
  };
}

const keyset: Field<PublicKeyset> = withDefaults(
  members<KeysetMembers & Pick<PublicKeyset, 'keys'>>({ ...infoMembers, keys: ['keys', keys] }),
);

const info: Field<KeysetInfo> = withDefaults(members<KeysetMembers>(infoMembers));

/**
 * Keysets of ids or versions that are not known here are passed over: a mint may have others beside them, and a holder
 * does not use what it cannot check.
 */
function knownOnly<Of>(of: Field<Of>, max: number): Field<readonly Of[]> {
  const all = list<Of | undefined>(
    {
      read: (value, name) => (isKnown(object(value, name).get('id')) ? of.read(value, name) : undefined),
      write: (value) => of.write(value!),
    },
    max,
  );
  return {
    read: (value, name) => all.read(value, name).filter((entry) => entry !== undefined),
    write: (value) => all.write(value),
  };
}

function isKnown(id: unknown): boolean {
  try {
    keysetId.read(id as string, 'id');
    return true;
  } catch {
    return false;
  }
}

export interface KeysAnswer {
  readonly keysets: readonly PublicKeyset[];
}

/** The ids are not checked against the keys: see `checkKeyset`. */
export const keysAnswer: JsonBody<KeysAnswer> = body(
  members<KeysAnswer>({ keysets: ['keysets', knownOnly(keyset, KEYSETS_MAX)] }),
);

export interface KeysetsAnswer {
  readonly keysets: readonly KeysetInfo[];
}

export const keysetsAnswer: JsonBody<KeysetsAnswer> = body(
  members<KeysetsAnswer>({ keysets: ['keysets', knownOnly(info, KEYSETS_MAX)] }),
);
