// International bank account numbers, ISO 13616: check digits by ISO 7064 mod 97-10.
//
//     DE 02 120300000000202051    moved to the end, letters as 10 to 35:  120300000000202051 131402  ≡ 1 (mod 97)
//     └┘ └┘ └────────────────┘
//     country, check digits, the country's own number

/** As the messages' type has it; countries have fixed lengths within. */
const PATTERN = /^[A-Z]{2}\d{2}[A-Za-z0-9]{1,30}$/;

export function isIban(text: string): boolean {
  return PATTERN.test(text) && remainder(text) === 1;
}

/** The IBAN of a country's own account number. */
export function ibanOf(country: string, number: string): string {
  const check = 98 - remainder(`${country}00${number}`);
  const iban = `${country}${String(check).padStart(2, '0')}${number}`;
  if (!PATTERN.test(iban))
    throw new RangeError('IBAN: expected a country and up to 30 letters and digits, got others');
  return iban;
}

function remainder(iban: string): number {
  let rest = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
