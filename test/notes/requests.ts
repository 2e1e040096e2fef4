// Payment requests in the JSON that NUT-18 and NUT-26 write their vectors in.
import type { PaymentRequest, Tags } from '../../src/notes/request/payment-request.ts';

export interface JsonRequest {
  readonly i?: string;
  readonly a?: number;
  readonly u?: string;
  readonly s?: boolean;
  readonly m?: string[];
  readonly d?: string;
  readonly t?: { readonly t: string; readonly a: string; readonly g?: string[][] }[];
  readonly nut10?: { readonly k: string; readonly d: string; readonly t?: string[][] };
}

const withTags = (tags: string[][] | undefined): { tags?: Tags } => (tags === undefined ? {} : { tags });

export function fromJson({ i, a, u, s, m, d, t, nut10 }: JsonRequest): PaymentRequest {
  return {
    ...(i !== undefined && { id: i }),
    ...(a !== undefined && { amount: BigInt(a) }),
    ...(u !== undefined && { unit: u }),
    ...(s !== undefined && { isSingleUse: s }),
    ...(m !== undefined && { mints: m }),
    ...(d !== undefined && { description: d }),
    ...(t !== undefined && {
      transports: t.map((each) => ({ type: each.t, target: each.a, ...withTags(each.g) })),
    }),
    ...(nut10 !== undefined && { condition: { kind: nut10.k, data: nut10.d, ...withTags(nut10.t) } }),
  };
}
