// What each signature and each seal is for. The tag stands before the bytes that are signed, or begins a seal's `info`, so
// that nothing made for one purpose passes for another. Each ends in a zero byte, and none is the beginning of another.
const tags = {
  enrolment: 'specie enrolment v1\0',
  accountFiling: 'specie account filing v1\0',
  loadOrder: 'specie load order v2\0',
  chargeReceipt: 'specie charge receipt v1\0',
  creditReceipt: 'specie credit receipt v1\0',
  creditRejection: 'specie credit rejection v1\0',
  accountSeal: 'specie account seal v1\0',
  purchase: 'specie purchase v1\0',
  numberSeal: 'specie number seal v1\0',
  paymentSeal: 'specie payment seal v1\0',
  paymentOrder: 'specie payment order v1\0',
  paymentReceipt: 'specie payment receipt v1\0',
  paymentRejection: 'specie payment rejection v2\0',
  shopEnrolment: 'specie shop enrolment v1\0',
  shopOrder: 'specie shop order v1\0',
  shopOrderReceipt: 'specie shop order receipt v1\0',
  shopOrderRejection: 'specie shop order rejection v1\0',
  deviceOrder: 'specie device order v1\0',
  payoutOrder: 'specie payout order v1\0',
  payoutReceipt: 'specie payout receipt v1\0',
  statement: 'specie statement v1\0',
  purseOpening: 'specie purse opening v1\0',
  purseClosing: 'specie purse closing v1\0',
  allowance: 'specie allowance v1\0',
  transfer: 'specie transfer v1\0',
  payerSeal: 'specie payer seal v1\0',
  transferReceipt: 'specie transfer receipt v1\0',
  blockList: 'specie block list v1\0',
  noteOrder: 'specie note order v1\0',
  noteReceipt: 'specie note receipt v1\0',
  noteRejection: 'specie note rejection v1\0',
  payeeSeal: 'specie payee seal v1\0',
  notesSeal: 'specie notes seal v1\0',
  issueTerms: 'specie issue terms v1\0',
  takingTerms: 'specie taking terms v1\0',
  acknowledgement: 'specie acknowledgement v1\0',
} as const;

export type Domain = keyof typeof tags;

const utf8 = new TextEncoder();
const encoded = new Map(Object.entries(tags).map(([domain, tag]) => [domain, utf8.encode(tag)]));

/** Not to be written to. */
export const tagOf = (domain: Domain): Uint8Array => encoded.get(domain)!;

/** The tag, then the bytes. */
export function tagged(domain: Domain, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const tag = tagOf(domain);
  const result = new Uint8Array(tag.length + bytes.length);
  result.set(tag);
  result.set(bytes, tag.length);
  return result;
}
