// GET /v1/info (NUT-06): what a mint calls itself and what it offers.
import { TEXT_CHARS_MAX, UNIT_CHARS_MAX, URL_CHARS_MAX } from '../limits.ts';
import {
  amount,
  body,
  boolean,
  type Field,
  integer,
  type JsonBody,
  list,
  members,
  object,
  optional,
  point,
  seconds,
  text,
} from './fields.ts';
import type { JsonOut } from './value.ts';

export interface MethodSetting {
  readonly method: string;
  readonly unit: string;
  readonly minAmount?: bigint;
  readonly maxAmount?: bigint;
}

export interface MethodSettings {
  readonly methods: readonly MethodSetting[];
  readonly isDisabled?: boolean;
}

export interface BatchSettings {
  readonly maxBatchSize?: number;
  readonly methods?: readonly string[];
}

/** Requests that a mint answers alike when they come again (NUT-19). */
export interface CachedSettings {
  /** Seconds; absent: for ever. */
  readonly ttl?: bigint;
  readonly endpoints: readonly CachedEndpoint[];
}

export interface CachedEndpoint {
  readonly method: string;
  readonly path: string;
}

export interface MintNuts {
  /** NUT-04 */
  readonly mint?: MethodSettings;
  /** NUT-05 */
  readonly melt?: MethodSettings;
  /** NUT-19 */
  readonly cached?: CachedSettings;
  /** NUT-29 */
  readonly batchMint?: BatchSettings;
  /** Numbers of the NUTs that are offered without settings. */
  readonly supported: readonly number[];
}

export interface MintInfo {
  readonly name?: string;
  readonly publicKey?: Uint8Array;
  /** Name and version of the software. */
  readonly version?: string;
  readonly description?: string;
  readonly longDescription?: string;
  readonly contact?: readonly Contact[];
  readonly messageOfTheDay?: string;
  readonly iconUrl?: string;
  readonly urls?: readonly string[];
  readonly termsUrl?: string;
  /** Unix seconds. */
  readonly time?: bigint;
  readonly nuts: MintNuts;
}

export interface Contact {
  readonly method: string;
  readonly info: string;
}

/** Method and unit pairs, contacts, addresses. */
const ENTRIES_MAX = 256;

const methodName = text(UNIT_CHARS_MAX);

const methodSettings = members<MethodSettings>({
  methods: [
    'methods',
    list(
      members<MethodSetting>({
        method: ['method', methodName],
        unit: ['unit', text(UNIT_CHARS_MAX)],
        minAmount: ['min_amount', optional(amount)],
        maxAmount: ['max_amount', optional(amount)],
      }),
      ENTRIES_MAX,
    ),
  ],
  isDisabled: ['disabled', optional(boolean)],
});

const batchSettings = members<BatchSettings>({
  maxBatchSize: ['max_batch_size', optional(integer(Number.MAX_SAFE_INTEGER))],
  methods: ['methods', optional(list(methodName, ENTRIES_MAX))],
});

const cachedEndpoints = list(
  members<CachedEndpoint>({ method: ['method', methodName], path: ['path', text(URL_CHARS_MAX)] }),
  ENTRIES_MAX,
);

/** For ever is `null`, which is never left out. */
const cachedSettings: Field<CachedSettings> = {
  read(value, name) {
    const given = object(value, name);
    const ttl = given.get('ttl') ?? null;
    return {
      endpoints: cachedEndpoints.read(given.get('cached_endpoints') ?? null, `${name}.cached_endpoints`),
      ...(ttl === null ? {} : { ttl: seconds.read(ttl, `${name}.ttl`) }),
    };
  },
  write: ({ ttl, endpoints }) => ({
    ttl: ttl === undefined ? null : seconds.write(ttl),
    cached_endpoints: cachedEndpoints.write(endpoints),
  }),
};

const WITH_SETTINGS = members<Omit<MintNuts, 'supported'>>({
  mint: ['4', optional(methodSettings)],
  melt: ['5', optional(methodSettings)],
  cached: ['19', optional(cachedSettings)],
  batchMint: ['29', optional(batchSettings)],
});

const nuts: Field<MintNuts> = {
  read(value, name) {
    const given = object(value, name);
    const supported: number[] = [];
    for (const [nut, settings] of given) {
      // Settings of other NUTs may have any form.
      if (/^[0-9]{1,3}$/.test(nut) && settings instanceof Map && settings.get('supported') === true)
        supported.push(Number(nut));
    }
    return { ...WITH_SETTINGS.read(value, name), supported: supported.sort((left, right) => left - right) };
  },
  write({ supported, ...settings }) {
    const result: Record<string, JsonOut> = WITH_SETTINGS.write(settings) as Record<string, JsonOut>;
    for (const nut of supported) result[nut] = { supported: true };
    return result;
  },
};

const shortText = optional(text(TEXT_CHARS_MAX));
const url = text(URL_CHARS_MAX);

export const mintInfo: JsonBody<MintInfo> = body(
  members<MintInfo>({
    name: ['name', shortText],
    publicKey: ['pubkey', optional(point)],
    version: ['version', shortText],
    description: ['description', shortText],
    longDescription: ['description_long', optional(text(4 * TEXT_CHARS_MAX))],
    contact: [
      'contact',
      optional(
        list(
          members<Contact>({ method: ['method', text(URL_CHARS_MAX)], info: ['info', text(URL_CHARS_MAX)] }),
          ENTRIES_MAX,
        ),
      ),
    ],
    messageOfTheDay: ['motd', shortText],
    iconUrl: ['icon_url', optional(url)],
    urls: ['urls', optional(list(url, ENTRIES_MAX))],
    termsUrl: ['tos_url', optional(url)],
    time: ['time', optional(seconds)],
    nuts: ['nuts', nuts],
  }),
);
