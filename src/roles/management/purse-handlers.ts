// What is done about each message that concerns purses (handler.ts has the others).
import type { Handlers } from '../common/role-engine.ts';
import type { Refused } from './check.ts';
import { refuse } from './check.ts';
import type { ManagementRefusal } from './errors.ts';
import type { ManagementOperations } from './messages.ts';
import { type DevicePeer, isDevice, isOperator, type ManagementPeer } from './peers.ts';
import { purseAskers } from './purse-askers.ts';
import type { BlockLists } from './purse-block-list.ts';
import { type ClosingOptions, closePurses } from './purse-closing.ts';
import { findFraudIn, writeFraud } from './purse-frauds.ts';
import type {
  GetBlockListAnswer,
  OpenPurseAnswer,
  ReportFraudAnswer,
  ReportFraudRequest,
} from './purse-messages.ts';
import { type OpeningsOptions, openPurses } from './purse-openings.ts';
import { deviceExposure, getPurseStatement, type QuestionsOptions } from './purse-questions.ts';
import { findFraud } from './purse-registry.ts';
import { logFraud, type ReportsOptions, reportTransfers } from './purse-reports.ts';

export interface PurseHandlerOptions
  extends OpeningsOptions,
    ReportsOptions,
    ClosingOptions,
    QuestionsOptions {
  readonly store: ReportsOptions['store'];
  readonly cash: ReportsOptions['cash'] & ClosingOptions['cash'] & QuestionsOptions['cash'];
  readonly blockLists: BlockLists;
}

type PurseOperation =
  | 'open_purse'
  | 'report_transfer'
  | 'close_purse'
  | 'get_purse_statement'
  | 'get_block_list'
  | 'report_fraud'
  | 'device_exposure';

export function purseHandlers(
  options: PurseHandlerOptions,
): Pick<Handlers<ManagementOperations, ManagementPeer, ManagementRefusal>, PurseOperation> {
  const { blockLists, clock } = options;
  return {
    open_purse: {
      allowed: isDevice,
      handle: (messages, peers): readonly Promise<OpenPurseAnswer | Refused>[] =>
        openPurses(messages, peers as readonly DevicePeer[], options),
    },
    report_transfer: {
      allowed: isDevice,
      handle: (messages, peers) => reportTransfers(messages, peers as readonly DevicePeer[], options),
    },
    close_purse: {
      allowed: isDevice,
      handle: (messages, peers) => closePurses(messages, peers as readonly DevicePeer[], options),
    },
    get_purse_statement: {
      allowed: isDevice,
      handle: (messages, peers) =>
        messages.map((message, i) => getPurseStatement(message, peers[i] as DevicePeer, options)),
    },
    get_block_list: {
      allowed: isDevice,
      handle: (messages, peers) => {
        const mayAsk = purseAskers(clock(), options);
        return messages.map(
          async (query, i): Promise<GetBlockListAnswer | Refused> =>
            mayAsk(peers[i] as DevicePeer) ?? { list: blockLists.part(query) },
        );
      },
    },
    report_fraud: {
      allowed: isDevice,
      handle: (messages, peers) => {
        const mayReport = purseAskers(clock(), options);
        return messages.map(
          async (message, i) => mayReport(peers[i] as DevicePeer) ?? reportFraud(message, options),
        );
      },
    },
    device_exposure: {
      allowed: isOperator,
      handle: (messages) => messages.map((message) => deviceExposure(message, options)),
    },
  };
}

/** Whoever has a proof may bring it: it proves itself. The same answer for each proof against the purse. */
async function reportFraud(
  { proof }: ReportFraudRequest,
  { store, clock, log }: PurseHandlerOptions,
): Promise<ReportFraudAnswer | Refused> {
  const fraud = findFraudIn(store, proof);
  if (fraud === undefined) {
    return refuse(
      'fraud_unproven',
      'proof: expected two documents that a purse cannot both sign, got others',
    );
  }
  const known = findFraud(store, fraud.purse);
  if (known !== undefined) return { blockedAt: known.provenAt };
  const { provenAt, isNew } = await store.transaction((tx) => writeFraud(tx, fraud, clock()));
  if (isNew) logFraud(fraud, log);
  return { blockedAt: provenAt };
}
