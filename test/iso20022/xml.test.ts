import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DocumentReader } from '../../src/iso20022/document.ts';
import {
  Iso20022Error,
  messageNameOf,
  PaymentInitiationReader,
  readPaymentInitiation,
} from '../../src/iso20022/index.ts';
import { TOKEN_BYTES_MAX } from '../../src/iso20022/limits.ts';
import { XmlScanner } from '../../src/iso20022/xml-scanner.ts';
import { message, payment, transaction } from './pain001.ts';
import { isWellFormed } from './schemas.ts';

/** What a scanner tells, as one text. */
function scan(text: string | Uint8Array, chunkBytes = Number.POSITIVE_INFINITY): string {
  let told = '';
  const scanner = new XmlScanner({
    open: (name, attributes) => {
      told += `<${name}${attributes.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join('')}>`;
    },
    text: (piece) => {
      told += piece;
    },
    close: (name) => {
      told += `</${name}>`;
    },
  });
  const bytes = Buffer.from(text as string);
  for (let at = 0; at < bytes.length; at += chunkBytes) scanner.push(bytes.subarray(at, at + chunkBytes));
  scanner.end();
  return told;
}

function refusal(run: () => unknown): Iso20022Error {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(Iso20022Error);
    return error as Iso20022Error;
  }
  throw new Error('expected an Iso20022Error, got none');
}

describe('XML is read as it is', () => {
  const TEXT =
    '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- x --><?y z?><a x="1&lt;2" y=\'"\'>ö&amp;&#65;&#x20AC;' +
    '<b/><c >1<!-- a > b -->2<![CDATA[<3&]]></c >\r\n</a>\n<!-- end -->\n';
  const TOLD = '<a x="1<2" y="\\"">ö&A€<b></b><c>12<3&</c>\n</a>';

  test('however it is cut', () => {
    for (const chunkBytes of [1, 2, 3, 5, 7, 64, 1000]) expect(scan(TEXT, chunkBytes)).toBe(TOLD);
  });

  test('nothing is taken for a number', () => {
    expect(scan('<a>007.50</a>')).toBe('<a>007.50</a>');
    expect(scan('<a>1e3 0x10 true</a>')).toBe('<a>1e3 0x10 true</a>');
  });
});

const NOT_WELL_FORMED = [
  ['tags that do not match', '<a><b>1</c></a>', 'bad_xml'],
  ['an end that is missing', '<a><b>1</b>', 'bad_xml'],
  ['an end too many', '<a></a></a>', 'bad_xml'],
  ['two roots', '<a/><b/>', 'bad_xml'],
  ['text before', 'x<a/>', 'bad_xml'],
  ['text behind', '<a/>x', 'bad_xml'],
  ['nothing', '', 'bad_xml'],
  ['no element', '<!-- only -->', 'bad_xml'],
  ['an attribute twice', '<a x="1" x="2"/>', 'bad_xml'],
  ['an attribute without quotes', '<a x=1/>', 'bad_xml'],
  ['an attribute without a value', '<a x/>', 'bad_xml'],
  ['attributes without a space', '<a x="1"y="2"/>', 'bad_xml'],
  ['a tag inside of an attribute', '<a x="<"/>', 'bad_xml'],
  ['a bare ampersand', '<a>x & y</a>', 'bad_xml'],
  ['an unfinished entity', '<a>&amp</a>', 'bad_xml'],
  ['an entity that was not declared', '<a>&foo;</a>', 'forbidden_xml'],
  ['a character of number zero', '<a>&#0;</a>', 'bad_xml'],
  ['half a pair', '<a>&#xD800;</a>', 'bad_xml'],
  ['beyond Unicode', '<a>&#x110000;</a>', 'bad_xml'],
  ['a control character', '<a>\u0001</a>', 'bad_xml'],
  ['an open CDATA section', '<a><![CDATA[1</a>', 'bad_xml'],
  ['the end of one without it', '<a>]]></a>', 'bad_xml'],
  ['"--" in a comment', '<a><!-- x -- y --></a>', 'bad_xml'],
  ['an open comment', '<a><!-- x </a>', 'bad_xml'],
  ['a name that begins with a digit', '<1a/>', 'bad_xml'],
  ['a space before the name', '< a/>', 'bad_xml'],
  ['a declaration that comes late', ' <?xml version="1.0"?><a/>', 'bad_xml'],
  ['CDATA outside', '<![CDATA[x]]><a/>', 'bad_xml'],
] as const;

describe('XML that is not well-formed is refused, as libxml2 refuses it', () => {
  test.each(NOT_WELL_FORMED)('%s', (_, text, code) => {
    expect(refusal(() => scan(text)).code).toBe(code);
    expect(isWellFormed(text)).toBe(false);
    expect(refusal(() => scan(text, 1)).code).toBe(code);
  });

  test('an error says where', () => {
    expect(refusal(() => scan('<a>\n<b>\n</c>\n</a>')).message).toBe(
      'line 3: expected </b>, got the end of another element',
    );
  });
});

test('whatever is done to a document: what libxml2 refuses is refused', () => {
  const pieces = [
    '<',
    '>',
    '/',
    '&',
    ';',
    '"',
    "'",
    '=',
    ' ',
    '!',
    '--',
    ']]>',
    '<![CDATA[',
    '&lt;',
    '&#65;',
    '<a>',
    '</a>',
    '<?',
    '?>',
    'x',
    '\n',
  ];
  let accepted = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(120), fc.nat(3), fc.constantFrom('', ...pieces)), {
        minLength: 1,
        maxLength: 3,
      }),
      (changes) => {
        let text = '<a x="1" y=\'2\'><b>1 &amp; 2</b><!-- c --><d/><![CDATA[e]]><f>g</f>&#x41;</a>';
        for (const [at, length, piece] of changes) text = text.slice(0, at) + piece + text.slice(at + length);
        try {
          scan(text);
        } catch (error) {
          expect(error).toBeInstanceOf(Iso20022Error);
          return;
        }
        accepted++;
        expect(isWellFormed(text), text).toBe(true);
      },
    ),
    { numRuns: 400 },
  );
  expect(accepted).toBeGreaterThan(10);
});

describe('hostile XML is refused before it costs anything', () => {
  const body = '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.001.001.10">';

  test('a billion laughs, external entities, any document type', () => {
    const laughs = `<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>${body}&b;</Document>`;
    const external = `<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>${body}&x;</Document>`;
    const remote = `<!DOCTYPE a SYSTEM "http://127.0.0.1/a.dtd">${body}</Document>`;
    for (const text of [laughs, external, remote, `${body}<!ELEMENT a ANY>`]) {
      expect(refusal(() => readPaymentInitiation(text)).code).toBe('forbidden_xml');
    }
  });

  test('a depth bomb', () => {
    const text = body + '<a>'.repeat(1_000_000);
    expect(refusal(() => readPaymentInitiation(text))).toMatchObject({ code: 'too_large' });
  });

  test('a text of 100 MB, a tag, a comment, an attribute without an end: read up to the bound alone', () => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    for (const start of ['<Nm>', '<Nm', '<!-- ', '<![CDATA[', '<Nm x="', '<?x ']) {
      const reader = new PaymentInitiationReader();
      reader.push(Buffer.from(body + start));
      let pushed = 0;
      const error = refusal(() => {
        for (; pushed < 100; pushed++) reader.push(chunk);
      });
      expect(error.code).toBe('too_large');
      expect(pushed).toBe(0);
    }
  });

  test('a text in many pieces', () => {
    const text = `${body}<CstmrCdtTrfInitn><a>${`<![CDATA[${'x'.repeat(1000)}]]>`.repeat(100)}</a></CstmrCdtTrfInitn></Document>`;
    expect(refusal(() => readPaymentInitiation(text)).problem).toContain(`${TOKEN_BYTES_MAX} characters`);
  });

  test('attributes without number, elements without number, a document beyond the bound', () => {
    const attributes = Array.from({ length: 17 }, (_, i) => ` a${i}="1"`).join('');
    expect(refusal(() => scan(`<a${attributes}/>`)).code).toBe('too_large');
    const parts: string[] = [];
    const document = new DocumentReader({
      messages: ['pain.001'],
      versions: ['10', '10'],
      parts: ['part'],
      onPart: ({ name }) => parts.push(name),
      elementsMax: 10,
    });
    // Document, its message and eight more; those of a part are forgotten with it.
    document.push(Buffer.from(`${body}<m>${'<part><a/><a/></part>'.repeat(100)}${'<a/>'.repeat(8)}`));
    expect(parts).toHaveLength(100);
    expect(refusal(() => document.push(Buffer.from('<a/>'))).code).toBe('too_large');
    const scanner = new XmlScanner({ open: () => {}, text: () => {}, close: () => {} }, 10_000);
    const blank = Buffer.from(`<!-- ${' '.repeat(100)} -->`);
    let pushed = 0;
    const error = refusal(() => {
      for (; pushed < 1000; pushed++) scanner.push(blank);
    });
    expect(pushed).toBe(Math.floor(10_000 / blank.length));
    expect(error.problem).toContain('10000 bytes');
  });

  test('other encodings, and bytes that are no text', () => {
    const text = message();
    expect(refusal(() => readPaymentInitiation(Buffer.from(text, 'utf16le'))).code).toBe('bad_encoding');
    const latin = text.replace('UTF-8', 'ISO-8859-1').replace('Ann', 'Jürgen');
    expect(refusal(() => readPaymentInitiation(Buffer.from(latin, 'latin1'))).problem).toContain(
      'ISO-8859-1',
    );
    const broken = Buffer.from(text.replace('Ann', 'Jürgen'), 'latin1');
    expect(refusal(() => readPaymentInitiation(broken)).code).toBe('bad_encoding');
  });

  test('names that JavaScript has a use for are elements like any other', () => {
    const text = message({
      payments: [payment({ header: '<__proto__><constructor/></__proto__><toString/>' })],
    });
    expect(readPaymentInitiation(text).payments[0]!.transactions).toHaveLength(1);
  });
});

describe('namespaces', () => {
  test('a prefix is as good as none', () => {
    const text = message()
      .replace('<Document xmlns=', '<p:Document xmlns:p=')
      .replaceAll(/<(\/?)(?=[A-Z](?!ocument))/g, '<$1p:')
      .replace('</Document>', '</p:Document>');
    expect(readPaymentInitiation(text)).toEqual(readPaymentInitiation(message()));
  });

  test('elements of others are passed over, wherever they stand', () => {
    const foreign = '<x:PmtId xmlns:x="urn:other">text<EndToEndId>no</EndToEndId></x:PmtId>';
    const text = message({ payments: [payment({ transactions: [transaction({ more: foreign })] })] });
    expect(readPaymentInitiation(text)).toEqual(readPaymentInitiation(message()));
    expect(refusal(() => readPaymentInitiation(text.replace(' xmlns:x="urn:other"', ''))).code).toBe(
      'bad_xml',
    );
  });

  test('tell which message it is', () => {
    expect(messageNameOf(Buffer.from(message()))).toEqual({
      text: 'pain.001.001.10',
      message: 'pain.001',
      version: '10',
    });
    for (const text of [
      '',
      'debit_account_id,amount\n',
      '{"id":1}',
      '<html>',
      '<Document xmlns="urn:x"/>',
      '<',
    ]) {
      expect(messageNameOf(Buffer.from(text))).toBeUndefined();
    }
  });

  test.each([
    ['another root', message().replaceAll('Document', 'Documents'), 'got other XML'],
    ['another message', message().replace('pain.001', 'pain.008'), 'got pain.008.001.10'],
    ['a later version', message({ version: '13' }), 'got pain.001.001.13'],
    ['an earlier version', message({ version: '02' }), 'got pain.001.001.02'],
    ['no namespace', message().replace(/ xmlns="[^"]*"/, ''), 'got other XML'],
  ])('%s is refused', (_, text, problem) => {
    const error = refusal(() => readPaymentInitiation(text));
    expect(error.code).toBe('wrong_message');
    expect(error.message).toContain(problem);
  });
});
