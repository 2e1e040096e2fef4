// Currencies: an account's `ledger` number is the ISO 4217 numeric code, or one from 1000 on for an operator's own.
//
//     0        1 .. 999                     1000 .. 2^32 - 1
//     ┌────────┬────────────────────────────┬────────────────────────────┐
//     │ none   │ ISO 4217 (table below)     │ operator's own currencies  │
//     └────────┴────────────────────────────┴────────────────────────────┘
//
// The exponent is the number of decimal places of the minor unit: 2 means that 1234 is 12.34.

export interface Currency {
  /** `ledger` of accounts and transfers. */
  readonly ledger: number;
  /** Three to eight capitals or digits; operator currencies without a name carry their number. */
  readonly code: string;
  /** Decimal places of the minor unit, 0 to 30. */
  readonly exponent: number;
}

export const OPERATOR_LEDGER_MIN = 1000;
export const OPERATOR_EXPONENT_DEFAULT = 2;
export const EXPONENT_MAX = 30;
const LEDGER_MAX = 0xffff_ffff;

/**
 * ISO 4217 codes by their exponent. BGN and CUC are withdrawn and kept because books in them are still read. Codes for
 * which the standard has no minor unit (metals, bond units, SDR, testing) count whole units.
 */
const ISO_4217: Readonly<Record<number, string>> = {
  0: `BIF108 CLP152 DJF262 GNF324 ISK352 JPY392 KMF174 KRW410 PYG600 RWF646 UGX800 UYI940 VND704 VUV548 XAF950 XAG961
    XAU959 XBA955 XBB956 XBC957 XBD958 XDR960 XOF952 XPD964 XPF953 XPT962 XSU994 XTS963 XUA965 XXX999`,
  2: `AED784 AFN971 ALL008 AMD051 AOA973 ARS032 AUD036 AWG533 AZN944 BAM977 BBD052 BDT050 BGN975 BMD060 BND096 BOB068
    BOV984 BRL986 BSD044 BTN064 BWP072 BYN933 BZD084 CAD124 CDF976 CHE947 CHF756 CHW948 CNY156 COP170 COU970 CRC188
    CUC931 CUP192 CVE132 CZK203 DKK208 DOP214 DZD012 EGP818 ERN232 ETB230 EUR978 FJD242 FKP238 GBP826 GEL981 GHS936
    GIP292 GMD270 GTQ320 GYD328 HKD344 HNL340 HTG332 HUF348 IDR360 ILS376 INR356 IRR364 JMD388 KES404 KGS417 KHR116
    KPW408 KYD136 KZT398 LAK418 LBP422 LKR144 LRD430 LSL426 MAD504 MDL498 MGA969 MKD807 MMK104 MNT496 MOP446 MRU929
    MUR480 MVR462 MWK454 MXN484 MXV979 MYR458 MZN943 NAD516 NGN566 NIO558 NOK578 NPR524 NZD554 PAB590 PEN604 PGK598
    PHP608 PKR586 PLN985 QAR634 RON946 RSD941 RUB643 SAR682 SBD090 SCR690 SDG938 SEK752 SGD702 SHP654 SLE925 SOS706
    SRD968 SSP728 STN930 SVC222 SYP760 SZL748 THB764 TJS972 TMT934 TOP776 TRY949 TTD780 TWD901 TZS834 UAH980 USD840
    USN997 UYU858 UZS860 VED926 VES928 WST882 XAD396 XCD951 XCG532 YER886 ZAR710 ZMW967 ZWG924`,
  3: 'BHD048 IQD368 JOD400 KWD414 LYD434 OMR512 TND788',
  4: 'CLF990 UYW927',
};

const isoCurrencies: Currency[] = Object.entries(ISO_4217).flatMap(([exponent, codes]) =>
  codes.split(/\s+/).map((entry) => ({
    ledger: Number(entry.slice(3)),
    code: entry.slice(0, 3),
    exponent: Number(exponent),
  })),
);

export class CurrencyError extends RangeError {
  override name = 'CurrencyError';
}

/** The ISO 4217 currencies and those that the operator has defined. */
export class Currencies {
  readonly #byLedger = new Map<number, Currency>();
  readonly #byCode = new Map<string, Currency>();

  /** @throws CurrencyError for a definition that is malformed or clashes with another. */
  constructor(operator: Iterable<Currency> = []) {
    for (const currency of isoCurrencies) this.#add(currency);
    for (const currency of operator) {
      const { ledger, code, exponent } = currency;
      if (!Number.isInteger(ledger) || ledger < OPERATOR_LEDGER_MIN || ledger > LEDGER_MAX) {
        throw new CurrencyError(
          `operator currency: expected a ledger from ${OPERATOR_LEDGER_MIN} to ${LEDGER_MAX}, got ${ledger}`,
        );
      }
      if (!/^[A-Z][A-Z0-9]{2,7}$/.test(code) && code !== String(ledger)) {
        throw new CurrencyError(`operator currency: expected a code such as TOK, got ${code}`);
      }
      if (!Number.isInteger(exponent) || exponent < 0 || exponent > EXPONENT_MAX) {
        throw new CurrencyError(
          `operator currency ${code}: expected an exponent from 0 to ${EXPONENT_MAX}, got ${exponent}`,
        );
      }
      this.#add(currency);
    }
  }

  #add(currency: Currency): void {
    const clash = this.#byLedger.get(currency.ledger) ?? this.#byCode.get(currency.code);
    if (clash) {
      throw new CurrencyError(
        `currency ${currency.code} (${currency.ledger}): expected a code and a number not in use, got those of ` +
          `${clash.code} (${clash.ledger})`,
      );
    }
    this.#byLedger.set(currency.ledger, currency);
    this.#byCode.set(currency.code, currency);
  }

  /** The currency of a ledger number. Operator numbers without a definition have two decimal places. */
  ofLedger(ledger: number): Currency {
    const known = this.#byLedger.get(ledger);
    if (known) return known;
    if (!Number.isInteger(ledger) || ledger < OPERATOR_LEDGER_MIN || ledger > LEDGER_MAX) {
      throw new CurrencyError(
        `ledger: expected an ISO 4217 number or one from ${OPERATOR_LEDGER_MIN} to ${LEDGER_MAX}, got ${ledger}`,
      );
    }
    return { ledger, code: String(ledger), exponent: OPERATOR_EXPONENT_DEFAULT };
  }

  /** Reads a code (`EUR`, `eur`, an operator's `TOK`) or a number (`978`, `1000`). */
  parse(text: string): Currency {
    const trimmed = text.trim();
    if (/^\d{1,10}$/.test(trimmed)) return this.ofLedger(Number(trimmed));
    const known = this.#byCode.get(trimmed.toUpperCase());
    if (!known) {
      throw new CurrencyError(`currency: expected an ISO 4217 code or a ledger number, got "${text}"`);
    }
    return known;
  }

  [Symbol.iterator](): IterableIterator<Currency> {
    return this.#byLedger.values();
  }
}

/**
 * Reads an operator currency's definition: `1000`, `1000:3` (exponent), `1000=TOK`, `1000=TOK:0`.
 * @throws CurrencyError
 */
export function parseOperatorCurrency(text: string): Currency {
  const match = /^(\d{4,10})(?:=([A-Za-z0-9]+))?(?::(\d{1,2}))?$/.exec(text.trim());
  if (!match) {
    throw new CurrencyError(`operator currency: expected <ledger>[=<code>][:<exponent>], got "${text}"`);
  }
  const [, ledger, code, exponent] = match;
  return {
    ledger: Number(ledger),
    code: code?.toUpperCase() ?? String(Number(ledger)),
    exponent: exponent === undefined ? OPERATOR_EXPONENT_DEFAULT : Number(exponent),
  };
}
