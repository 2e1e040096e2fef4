// Simple types of ISO 20022, read from elements. Each reader throws an Iso20022Error that names the element.
import { AmountError, parseAmount } from '../shared/amount.ts';
import { type Currencies, type Currency, CurrencyError } from '../shared/currency.ts';
import type { XmlElement } from './document.ts';
import { isIban } from './iban.ts';
import type { Account, Agent, Money, Party } from './parts.ts';

/** Characters that no text here may have: control characters, halves of a pair, and what is no character. */
export const NOT_TEXT =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const UUID = /^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$/;
const DATE = /^(\d{4})-(\d{2})-(\d{2})/;
const DATE_TIME =
  /^\d{4}-\d{2}-\d{2}T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?$/;
/** As the schemas bound amounts and control sums: 18 digits in all. */
const DECIMAL = /^(?=\d{1,18}$|[\d.]{3,19}$)(\d{1,18})(?:\.(\d{1,17}))?$/;
/** Control sums are compared in units of 10^-17, so that amounts of any currency can be added. */
const SUM_PLACES = 17;
const REMITTANCE_CHARS_MAX = 1400;
const ID_CHARS_MAX = 35;

/** Text of 1 to `max` characters. Longer kinds are for people: line breaks in them are those of a layout. */
export function text(element: XmlElement, max: number): string {
  if (element.children.length > 0) element.fail('bad_text', 'expected text, got elements');
  const text = max > ID_CHARS_MAX ? element.text.replace(/\s*[\t\n]\s*/g, ' ') : element.text;
  // Counted as XML Schema does, by characters rather than UTF-16 units; they only differ where there are many units.
  const length = text.length <= max ? text.length : [...text].length;
  if (length < 1 || length > max) element.fail('bad_text', `expected 1 to ${max} characters, got ${length}`);
  // So that what was read can be written in an answer.
  if (NOT_TEXT.test(text)) element.fail('bad_text', 'expected text, got a control character');
  return text;
}

export function optionalText(parent: XmlElement | undefined, name: string, max: number): string | undefined {
  const element = parent?.child(name);
  return element === undefined ? undefined : text(element, max);
}

/** A code of an external set, or the bank's own. */
export function codeOrProprietary(element: XmlElement | undefined): {
  readonly code?: string;
  readonly proprietary?: string;
} {
  if (element === undefined) return {};
  const code = optionalText(element, 'Cd', 4);
  if (code !== undefined) return { code };
  const proprietary = optionalText(element, 'Prtry', 35);
  return proprietary === undefined ? {} : { proprietary };
}

export function uetr(element: XmlElement): string {
  if (!UUID.test(element.text))
    element.fail('bad_text', 'expected a UUID of version 4 in small letters, got other text');
  return element.text;
}

/** `2026-03-31`, kept as text: it has no zone. */
export function date(element: XmlElement): string {
  // A date may carry a zone, as in 2026-03-31+02:00.
  if (!isDate(element.text) || !/^.{10}(?:Z|[+-]\d{2}:\d{2})?$/.test(element.text)) {
    element.fail('bad_date', 'expected a date such as 2026-03-31, got something else');
  }
  return element.text.slice(0, 10);
}

/** `2026-03-31T08:30:00Z`, kept as text: many banks leave the zone out. */
export function dateTime(element: XmlElement): string {
  if (!isDateTime(element.text)) {
    element.fail('bad_date', 'expected a time such as 2026-03-31T08:30:00Z, got something else');
  }
  return element.text;
}

/** Of a choice of date and time, or of a bare date as older versions have it: the text of what is there. */
export function dateOrTime(element: XmlElement): string {
  if (element.children.length === 0) return date(element);
  const day = element.child('Dt');
  return day === undefined ? dateTime(element.required('DtTm')) : date(day);
}

export function isDate(text: string): boolean {
  const match = DATE.exec(text);
  if (match === null) return false;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= days;
}

export function isDateTime(text: string): boolean {
  return DATE_TIME.test(text) && isDate(text);
}

export function count(element: XmlElement): number {
  if (!/^\d{1,15}$/.test(element.text))
    element.fail('bad_count', 'expected up to 15 digits, got something else');
  return Number(element.text);
}

/** A decimal in units of 10^-17; undefined where it is none. */
export function decimalSum(text: string): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1]! + (match[2] ?? '').padEnd(SUM_PLACES, '0'));
}

/** An amount with its currency, such as `<InstdAmt Ccy="EUR">12.34</InstdAmt>`, exactly, in minor units. */
export function money(element: XmlElement, currencies: Currencies): Money {
  const code = element.attribute('Ccy');
  if (code === undefined) element.fail('bad_currency', 'expected the attribute Ccy, got none');
  const currency = currencyOf(element, code, currencies);
  // The schemas have 18 digits in all.
  if (element.text.replace('.', '').length > 18) {
    element.fail('bad_amount', 'expected at most 18 digits, got more');
  }
  try {
    return { amount: parseAmount(element.text, currency), currency: currency.code };
  } catch (error) {
    if (!(error instanceof AmountError)) throw error;
    element.fail('bad_amount', error.message.replace(/^amount: /, ''));
  }
}

function currencyOf(element: XmlElement, code: string, currencies: Currencies): Currency {
  // A number is a currency in files of our own, never here.
  if (/^[A-Z]{3}$/.test(code)) {
    try {
      return currencies.parse(code);
    } catch (error) {
      if (!(error instanceof CurrencyError)) throw error;
    }
  }
  element.fail('bad_currency', 'expected the code of a currency such as EUR, got an unknown one');
}

/** An account; its IBAN's check digits are those of the caller to look at (`accountProblem`). */
export function account(element: XmlElement): Account {
  const id = element.required('Id');
  const iban = id.child('IBAN');
  const currency = optionalText(element, 'Ccy', 3);
  const rest = currency === undefined ? {} : { currency };
  if (iban !== undefined) return { scheme: 'iban', id: text(iban, 34), ...rest };
  return { scheme: 'other', id: text(id.required('Othr').required('Id'), 34), ...rest };
}

/** What is wrong with an account's number, without the number. */
export function accountProblem({ scheme, id }: Account): string | undefined {
  if (scheme === 'other' || isIban(id)) return undefined;
  return 'expected an IBAN whose check digits agree (ISO 7064, mod 97-10), got another text';
}

export function party(element: XmlElement | undefined): Party {
  const name = optionalText(element, 'Nm', 140);
  return name === undefined ? {} : { name };
}

export function agent(element: XmlElement | undefined): Agent | undefined {
  const institution = element?.child('FinInstnId');
  if (institution === undefined) return undefined;
  const bic = optionalText(institution, 'BICFI', 11) ?? optionalText(institution, 'BIC', 11);
  const member = institution.descendant('ClrSysMmbId', 'MmbId');
  const name = optionalText(institution, 'Nm', 140);
  return {
    ...(bic === undefined ? {} : { bic }),
    ...(member === undefined ? {} : { memberId: text(member, 35) }),
    ...(name === undefined ? {} : { name }),
  };
}

/** The lines of an unstructured remittance, joined; a structured one's reference where there are none. */
export function remittance(element: XmlElement | undefined): string | undefined {
  if (element === undefined) return undefined;
  const lines = element.all('Ustrd').map((line) => text(line, 140));
  const joined = lines.join(' ');
  if (joined.length > REMITTANCE_CHARS_MAX) {
    element.fail('bad_text', `expected at most ${REMITTANCE_CHARS_MAX} characters, got ${joined.length}`);
  }
  if (lines.length > 0) return joined;
  const reference = element.all('Strd')[0]?.descendant('CdtrRefInf', 'Ref');
  return reference === undefined ? undefined : text(reference, 35);
}
