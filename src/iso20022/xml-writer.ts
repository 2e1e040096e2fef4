// Writes ISO 20022 documents: the same text for the same content, one element a line.

import { amountOf, formatAmount } from '../shared/amount.ts';
import { type Currencies, CurrencyError } from '../shared/currency.ts';
import { namespaceOf, withoutSpace } from './document.ts';
import { Iso20022Error } from './errors.ts';
import { isIban } from './iban.ts';
import type { Account, Agent, Money, Party, Reason } from './parts.ts';
import { isDate, isDateTime, NOT_TEXT } from './values.ts';

/** The characters that every bank takes in references; a slash neither first nor last nor twice (SEPA's rules). */
const REFERENCE = /^(?!\/)(?!.*\/\/)[A-Za-z0-9/\-?:().,'+ ]{1,35}(?<!\/)$/;
const LINES_JOINED = 4096;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export interface WriteOptions<Version> {
  readonly version?: Version;
  /** With those of the operator; otherwise ISO 4217's. */
  readonly currencies?: Currencies;
}

export class XmlWriter {
  readonly #currencies: Currencies;
  readonly #open: string[] = [];
  /** Joined now and then: a text that grows by a line at a time keeps a node for each. */
  #lines: string[] = [];
  readonly #chunks: string[] = [];

  constructor(messageName: string, currencies: Currencies) {
    this.#currencies = currencies;
    this.#lines.push(
      `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="${namespaceOf(messageName)}">\n`,
    );
  }

  /** An element with others inside, none where `write` writes nothing and there must be something. */
  inside(name: string, write: () => void): void {
    this.#line(`<${name}>`);
    this.#open.push(name);
    write();
    this.#open.pop();
    this.#line(`</${name}>`);
  }

  /** A text of 1 to `max` characters; nothing where there is none. */
  text(name: string, text: string | undefined, max: number): void {
    if (text === undefined) return;
    const length = [...text].length;
    if (length < 1 || length > max) this.#fail(name, `expected 1 to ${max} characters, got ${length}`);
    // Readers take white space at the ends for layout.
    if (text !== withoutSpace(text)) this.#fail(name, 'expected no white space at the ends, got some');
    if (NOT_TEXT.test(text)) this.#fail(name, 'expected text, got a control character or half a character');
    this.#line(`<${name}>${escaped(text)}</${name}>`);
  }

  /** A reference that we give, in characters that every bank takes. */
  reference(name: string, text: string | undefined): void {
    if (text !== undefined && !REFERENCE.test(text)) {
      this.#fail(name, "expected 1 to 35 of A-Z a-z 0-9 / - ? : ( ) . , ' + and space, got another text");
    }
    this.text(name, text, 35);
  }

  code(name: string, code: string | undefined): void {
    if (code !== undefined && !/^[A-Za-z0-9]{1,4}$/.test(code))
      this.#fail(name, 'expected a code of 1 to 4 letters and digits, got another text');
    this.text(name, code, 4);
  }

  date(name: string, date: string | undefined): void {
    if (date === undefined) return;
    if (date.length !== 10 || !isDate(date))
      this.#fail(name, `expected a date such as 2026-03-31, got "${date.slice(0, 40)}"`);
    this.text(name, date, 10);
  }

  dateTime(name: string, time: string | undefined): void {
    if (time === undefined) return;
    if (!isDateTime(time))
      this.#fail(name, `expected a time such as 2026-03-31T08:30:00Z, got "${time.slice(0, 40)}"`);
    this.text(name, time, 40);
  }

  /** `<ReqdExctnDt><Dt>…`, or `<DtTm>` where it is a time. */
  dateOrTime(name: string, text: string | undefined): void {
    if (text === undefined) return;
    this.inside(name, () => {
      if (text.length === 10) this.date('Dt', text);
      else this.dateTime('DtTm', text);
    });
  }

  number(name: string, number: number | undefined): void {
    if (number === undefined) return;
    if (!Number.isSafeInteger(number) || number < 0)
      this.#fail(name, `expected a whole number, got ${number}`);
    this.text(name, String(number), 15);
  }

  /** A decimal that was a sum or an amount already. */
  decimal(name: string, text: string | undefined): void {
    if (text !== undefined && (!/^\d{1,18}(\.\d{1,17})?$/.test(text) || text.replace('.', '').length > 18)) {
      this.#fail(name, 'expected a decimal of at most 18 digits, got another text');
    }
    this.text(name, text, 19);
  }

  uetr(name: string, text: string | undefined): void {
    if (
      text !== undefined &&
      !/^[a-f0-9]{8}-[a-f0-9]{4}-4[a-f0-9]{3}-[89ab][a-f0-9]{3}-[a-f0-9]{12}$/.test(text)
    ) {
      this.#fail(name, 'expected a UUID of version 4 in small letters, got other text');
    }
    this.text(name, text, 36);
  }

  money(name: string, money: Money | undefined): void {
    if (money === undefined) return;
    const text = this.decimalOf(name, money);
    this.#line(`<${name} Ccy="${money.currency}">${text}</${name}>`);
  }

  /** The decimal of an amount, with all of its currency's places. */
  decimalOf(name: string, { amount, currency: code }: Money): string {
    if (!/^[A-Z]{3}$/.test(code)) this.#fail(name, 'expected a currency of three capitals, got another text');
    try {
      const text = formatAmount(amountOf(amount), this.#currencies.parse(code));
      if (/^\d+(?:\.\d{1,5})?$/.test(text) && text.replace('.', '').length <= 18) return text;
    } catch (error) {
      if (!(error instanceof CurrencyError)) throw error;
      this.#fail(name, 'expected the code of a currency such as EUR, got an unknown one');
    }
    this.#fail(name, 'expected an amount of at most 18 digits, 5 of them decimal places, got a larger one');
  }

  party(name: string, { name: text }: Party): void {
    this.inside(name, () => this.text('Nm', text, 140));
  }

  account(name: string, account: Account | undefined): void {
    if (account === undefined) return;
    const { scheme, id, currency } = account;
    this.inside(name, () => {
      this.inside('Id', () => {
        if (scheme === 'iban') {
          if (!isIban(id)) this.#fail('IBAN', 'expected an IBAN whose check digits agree, got another text');
          this.text('IBAN', id, 34);
        } else this.inside('Othr', () => this.text('Id', id, 34));
      });
      if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) {
        this.#fail('Ccy', 'expected a currency of three capitals, got another text');
      }
      this.text('Ccy', currency, 3);
    });
  }

  agent(name: string, agent: Agent | undefined): void {
    this.inside(name, () =>
      this.inside('FinInstnId', () => {
        const { bic, memberId, name: text } = agent ?? {};
        if (bic !== undefined && !/^[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?$/.test(bic)) {
          this.#fail('BICFI', 'expected a BIC of 8 or 11 characters, got another text');
        }
        this.text('BICFI', bic, 11);
        if (memberId !== undefined) this.inside('ClrSysMmbId', () => this.text('MmbId', memberId, 35));
        this.text('Nm', text, 140);
        // An agent that is not known must still be there.
        if (bic === undefined && memberId === undefined && text === undefined) {
          this.inside('Othr', () => this.text('Id', 'NOTPROVIDED', 35));
        }
      }),
    );
  }

  /** `Rsn` and what goes with it. */
  reason({ code, proprietary, information }: Reason): void {
    if (code !== undefined || proprietary !== undefined) {
      this.inside('Rsn', () => {
        if (code !== undefined) this.code('Cd', code);
        else this.text('Prtry', proprietary, 35);
      });
    }
    // Longer texts go in pieces: the element may come several times, each of at most 105 characters.
    for (const piece of pieces(information ?? '', 105)) this.text('AddtlInf', piece, 105);
  }

  end(): string {
    return [...this.#chunks, ...this.#lines, '</Document>\n'].join('');
  }

  #line(text: string): void {
    this.#lines.push(`${'  '.repeat(this.#open.length + 1)}${text}\n`);
    if (this.#lines.length < LINES_JOINED) return;
    this.#chunks.push(this.#lines.join(''));
    this.#lines = [];
  }

  #fail(name: string, problem: string): never {
    throw new Iso20022Error('bad_text', [...this.#open, name].join('/'), problem);
  }
}

/** Cut where there is a space, so that joining them with one gives the text back; only longer words are cut. */
function pieces(text: string, max: number): string[] {
  const words = text.split(/\s+/).flatMap((word) => word.match(new RegExp(`[^]{1,${max}}`, 'gu')) ?? []);
  const found: string[] = [];
  for (const word of words) {
    const last = found.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= max)
      found[found.length - 1] = `${last} ${word}`;
    else found.push(word);
  }
  return found;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ESCAPES[character]!);
}
