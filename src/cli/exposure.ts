// What an operator reads of the purses of a lost or cloned device. Honest money first: what is left in its purses can be
// paid out until their allowances end, and reported until `reportBy`. A clone can promise more than that; of what others
// took in good faith the operator pays up to each purse's cover.
import type { PurseExposure } from '../roles/cash/purse-messages.ts';
import { FraudProof } from '../roles/documents/fraud-proof.ts';
import type { DeviceExposureAnswer } from '../roles/management/purse-messages.ts';
import { formatSigned } from '../shared/amount.ts';
import type { Currencies } from '../shared/currency.ts';
import { formatId, formatTimestamp } from './files/fields.ts';
import { hex } from './management.ts';
import { tableText } from './output.ts';

/** Minor units of one currency. */
export interface ExposureSum {
  readonly currency: number;
  /** What the device can still pay out, if it is honest. */
  readonly payable: bigint;
  /** Most that the operator still loses, if it is not. */
  readonly loss: bigint;
}

/** @param now nanoseconds */
export function exposureSums(purses: readonly PurseExposure[], now: bigint): ExposureSum[] {
  const sums = new Map<number, ExposureSum>();
  for (const purse of purses) {
    const { currency, expiresAt, reportBy, left, waiting, covered, coverMax } = purse;
    const isClosed = purse.state === 'closed' || purse.state === 'ended';
    const free = left > waiting ? left - waiting : 0n;
    const before = sums.get(currency) ?? { currency, payable: 0n, loss: 0n };
    sums.set(currency, {
      currency,
      payable: before.payable + (isClosed || now > expiresAt ? 0n : free),
      // A closed purse can have paid more than it said.
      loss:
        before.loss +
        (purse.state === 'ended' || now >= reportBy || coverMax < covered ? 0n : coverMax - covered),
    });
  }
  return [...sums.values()];
}

export function exposureText(
  device: bigint,
  { purses, frauds, blockListSerial, purseCount }: DeviceExposureAnswer,
  now: bigint,
  currencies: Currencies,
): string {
  const listed =
    blockListSerial === 0n ? 'not on the block list' : `on the block list (serial ${blockListSerial})`;
  const lines = [
    `device ${formatId(device)}: ${purseCount === 1 ? '1 purse' : `${purseCount} purses`}, ${listed}`,
  ];
  for (const { currency, payable, loss } of exposureSums(purses, now)) {
    const money = currencies.ofLedger(currency);
    lines.push(
      `${money.code}: can still pay ${formatSigned(payable, money)}; if it cheats, costs at most ${formatSigned(loss, money)}`,
    );
  }
  for (const { purse, kind, provenAt } of frauds) {
    lines.push(`purse ${formatId(purse)}: ${kind.replaceAll('_', ' ')}, proven ${formatTimestamp(provenAt)}`);
  }
  const table =
    purses.length === 0
      ? ''
      : tableText(
          [
            ...['purse', 'state', 'currency', '>allowance', '>received', '>settled', '>left', '>waiting'],
            ...['>covered', '>disputed', '>payments', 'taken until', 'settled until'],
          ],
          purses.map((purse) => {
            const money = currencies.ofLedger(purse.currency);
            const { allowance, received, settled, left, waiting, covered, disputed } = purse;
            const amounts = [allowance, received, settled, left, waiting, covered, disputed];
            return [
              ...[formatId(purse.purse), purse.state, money.code],
              ...amounts.map((amount) => formatSigned(amount, money)),
              ...[String(purse.payments), formatTimestamp(purse.expiresAt), formatTimestamp(purse.reportBy)],
            ];
          }),
        );
  return `${lines.join('\n')}\n${table}`;
}

export function plainExposure(
  device: bigint,
  { purses, frauds, blockListSerial, purseCount }: DeviceExposureAnswer,
  now: bigint,
) {
  return {
    device: formatId(device),
    purseCount,
    blockListSerial,
    sums: exposureSums(purses, now),
    purses: purses.map((purse) => ({
      ...purse,
      purse: formatId(purse.purse),
      expiresAt: formatTimestamp(purse.expiresAt),
      reportBy: formatTimestamp(purse.reportBy),
    })),
    frauds: frauds.map(({ purse, kind, provenAt, proof }) => ({
      ...{ purse: formatId(purse), kind, provenAt: formatTimestamp(provenAt) },
      proof: hex(FraudProof.encode(proof)),
    })),
  };
}
