// The operation `open_purse`: what a device reserves for a purse.
//
//     check ─▶ the device's signature ─▶ queue: rules ─▶ account, device ─▶ purse ─▶ allowance, signed
//
// The allowance is made anew each time it is asked for, the same to the byte: all that it says is in the record.
import { sha256 } from '../../crypto/index.ts';
import { U128_MAX } from '../../shared/bytes.ts';
import { struct, u128 } from '../../shared/codec.ts';
import { Refusal } from '../common/refusal.ts';
import { Allowance, PurseOpening, type SignedAllowance } from '../documents/purse.ts';
import { type CashRefused, currencyNotOffered, deviceUnknown, signatureInvalid } from './check.ts';
import { deviceTerms } from './device-terms.ts';
import { findDevice } from './find-holder.ts';
import type { CashParts } from './interface.ts';
import type { PurseRecord } from './purse-book.ts';
import { checkOpening, openingDiffers, purseDiffers } from './purse-check.ts';
import type { Job } from './purse-desk.ts';
import type { OpenPurseAnswer, OpenPurseRequest } from './purse-messages.ts';
import { open, type Rules } from './purse-rules.ts';

type Answer = OpenPurseAnswer | CashRefused;

/** The signature is left out: two may be good. */
const OpeningName = struct({ purse: u128, document: PurseOpening.codec });

const NANOSECONDS_PER_DAY = 86_400_000_000_000n;

/** One answer a request, in order. @throws RequestError, StoreError, CryptoError: the same requests may come again */
export async function openPurses(requests: readonly OpenPurseRequest[], parts: CashParts): Promise<Answer[]> {
  const answers: (Answer | undefined)[] = requests.map((request) => refusalOf(request, parts));
  const places = [...answers.keys()].filter((i) => answers[i] === undefined);
  if (places.length === 0) return answers as Answer[];
  const verdicts = await parts.verifyBatch(
    places.map((i) => {
      const { document, signature } = requests[i]!.opening;
      const { preparedKey } = parts.registry.device(document.device)!;
      return { publicKey: preparedKey, message: PurseOpening.signedBytes(document), signature };
    }),
  );
  const good = places.filter((place, i) => {
    if (!verdicts[i]) answers[place] = signatureInvalid();
    return verdicts[i];
  });
  const done = await parts.purses.add(good.map((i) => jobOf(requests[i]!, parts)));
  good.forEach((place, i) => {
    answers[place] = done[i]!;
  });
  return answers as Answer[];
}

function refusalOf(request: OpenPurseRequest, parts: CashParts): CashRefused | undefined {
  const refused = checkOpening(request);
  if (refused !== undefined) return refused;
  const { device: number, currency } = request.opening.document;
  const device = findDevice(number, parts) ?? deviceUnknown(number);
  if (device instanceof Refusal) return device;
  return device.accounts.has(currency)
    ? undefined
    : currencyNotOffered([...device.accounts.keys()], currency);
}

function jobOf(request: OpenPurseRequest, parts: CashParts): Job<OpenPurseAnswer> {
  const { purse, opening } = request;
  const { document } = opening;
  const openingDigest = sha256(OpeningName.encode({ purse, document }));
  return {
    purses: [purse],
    run(rules) {
      const { draft } = rules;
      const known = draft.findOpening(document.request);
      const there = draft.find(known ?? purse);
      if (there === undefined) {
        const added = open(
          rules,
          purse,
          recordOf(request, openingDigest, rules, parts),
          against(request, rules, parts),
        );
        return () => answerOf(purse, added.record, parts);
      }
      if (Buffer.compare(there.record.openingDigest, openingDigest) === 0) {
        return () => answerOf(purse, there.record, parts);
      }
      return () => (known === undefined ? purseDiffers(purse) : openingDiffers(document.request));
    },
  };
}

/** The rule that the opening is against, for good. */
function against(
  { opening: { document } }: OpenPurseRequest,
  { draft, at }: Rules,
  { terms }: CashParts,
): string | undefined {
  const { device, currency, amount, applyBy } = document;
  if (applyBy <= at) return 'expired';
  const offline = terms.get(currency)?.offline;
  if (offline === undefined || offline.allowanceMax === 0n) return 'purses_not_offered';
  if (amount > offline.allowanceMax) return 'exceeds_allowance';
  const { isBlocked, isRevoked, replacedBy } = deviceTerms(draft.reads, device);
  if (replacedBy !== 0n) return 'device_replaced';
  if (isRevoked) return 'device_revoked';
  return isBlocked ? 'device_blocked' : undefined;
}

function recordOf(
  { opening: { document } }: OpenPurseRequest,
  openingDigest: Uint8Array,
  { at: openedAt }: Rules,
  { terms }: CashParts,
): PurseRecord {
  const { request: openingRequest, device, currency, signingKey, amount } = document;
  const offline = terms.get(currency)?.offline;
  const after = (days = 0): bigint => openedAt + BigInt(days) * NANOSECONDS_PER_DAY;
  // Of an opening that is rejected, too: its amount may be any.
  const cover = (amount * BigInt(offline?.coverPercent ?? 0)) / 100n;
  return {
    ...{ device, currency, signingKey, openingDigest, openingRequest, amount, openedAt },
    epoch: 0,
    expiresAt: after(offline?.validDays),
    reportBy: after(offline?.reportDays),
    coverMax: cover < U128_MAX ? cover : U128_MAX,
    ...{ state: 'opening', reason: '', isCheated: false, covered: 0n, recovered: 0n, closing: undefined },
    ...{ released: 0n, releasedAt: 0n, moves: 0, orders: 0, unsettled: 0 },
  };
}

function answerOf(purse: bigint, record: PurseRecord, parts: CashParts): OpenPurseAnswer {
  if (record.state === 'rejected') return { kind: 'rejected', reason: record.reason };
  return { kind: 'opened', allowance: allowanceOf(purse, record, parts) };
}

function allowanceOf(purse: bigint, record: PurseRecord, { signers }: CashParts): SignedAllowance {
  const { signingKey, currency, amount, expiresAt, reportBy, openedAt } = record;
  const content = { purse, signingKey, currency, amount, expiresAt, reportBy };
  return signers.sign(Allowance, content, openedAt);
}
