// What became of a request, as a role tells an operator, and a page of them for the audit.
import { type Infer, list, optional, struct, text, u16, u32, u64, u128 } from '../../shared/codec.ts';

/** Steps kept of a request's history; the first ones and the last ones of a longer one. */
export const HISTORY_STEPS_MAX = 32;
/** As many of the longest reports as fit one answer. Beyond: malformed; read on from the last id. */
export const REPORTS_PAGE_MAX = 256;

const Name = text(64);

export const RequestReport = struct({
  request: u128,
  /** What was asked for: `load`, `enrolment`, `charge` … */
  kind: Name,
  state: Name,
  /** Nanoseconds. */
  createdAt: u64,
  updatedAt: u64,
  /** 0n where a request has none. Minor units. */
  amount: u128,
  currency: u32,
  /** Whom it is about, where the role knows: 0n otherwise. */
  device: u128,
  /** The institution's name for a charge, the reason of a refusal … */
  detail: text(256),
  history: list(struct({ state: Name, at: u64 }), HISTORY_STEPS_MAX),
});
export type RequestReport = Infer<typeof RequestReport>;

export const LookupRequest = struct({ request: u128 });
export type LookupRequest = Infer<typeof LookupRequest>;
export const LookupRequestAnswer = struct({ report: optional(RequestReport) });
export type LookupRequestAnswer = Infer<typeof LookupRequestAnswer>;

/** Requests in the order of their ids, after that one. */
export const ListRequests = struct({ after: optional(u128), limit: u16 });
export type ListRequests = Infer<typeof ListRequests>;
export const ListRequestsAnswer = struct({ reports: list(RequestReport, REPORTS_PAGE_MAX) });
export type ListRequestsAnswer = Infer<typeof ListRequestsAnswer>;
