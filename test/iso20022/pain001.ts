// A payment initiation as text, with anything in it changed.
export const IBAN = 'DE02120300000000202051';
export const OTHER_IBAN = 'LT121000011101001000';

export interface TransactionText {
  readonly id?: string;
  readonly amount?: string;
  readonly account?: string;
  readonly more?: string;
}

export function transaction({ id = 'E1', amount, account, more = '' }: TransactionText = {}): string {
  return (
    `<CdtTrfTxInf><PmtId><EndToEndId>${id}</EndToEndId></PmtId>` +
    `<Amt>${amount ?? '<InstdAmt Ccy="EUR">12.34</InstdAmt>'}</Amt>` +
    `<Cdtr><Nm>Ann</Nm></Cdtr><CdtrAcct><Id>${account ?? `<IBAN>${IBAN}</IBAN>`}</Id></CdtrAcct>${more}</CdtTrfTxInf>`
  );
}

export interface PaymentText {
  readonly id?: string;
  readonly header?: string;
  readonly date?: string;
  readonly debtorAccount?: string;
  readonly transactions?: readonly string[];
}

export function payment({
  id = 'P1',
  header = '',
  date,
  debtorAccount,
  transactions,
}: PaymentText = {}): string {
  return (
    `<PmtInf><PmtInfId>${id}</PmtInfId><PmtMtd>TRF</PmtMtd>${header}` +
    `<ReqdExctnDt>${date ?? '<Dt>2026-03-31</Dt>'}</ReqdExctnDt><Dbtr><Nm>Works</Nm></Dbtr>` +
    `<DbtrAcct><Id>${debtorAccount ?? `<IBAN>${OTHER_IBAN}</IBAN>`}</Id></DbtrAcct>` +
    `<DbtrAgt><FinInstnId><BICFI>CBSBLT26XXX</BICFI></FinInstnId></DbtrAgt>` +
    `${(transactions ?? [transaction()]).join('')}</PmtInf>`
  );
}

export interface MessageText {
  readonly version?: string;
  readonly count?: number;
  readonly header?: string;
  readonly payments?: readonly string[];
}

export function message({ version = '10', count = 1, header = '', payments }: MessageText = {}): string {
  return (
    `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.${version}">` +
    `<CstmrCdtTrfInitn><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-03-30T10:00:00Z</CreDtTm>` +
    `<NbOfTxs>${count}</NbOfTxs>${header}<InitgPty><Nm>Works</Nm></InitgPty></GrpHdr>` +
    `${(payments ?? [payment()]).join('')}</CstmrCdtTrfInitn></Document>`
  );
}
