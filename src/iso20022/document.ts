// An ISO 20022 document as a tree, read as it comes in.
//
//     Document (namespace: which message, which version)
//     └─ CstmrCdtTrfInitn
//        ├─ GrpHdr ─ …                    stays until the end
//        └─ PmtInf ─┬─ …
//                   ├─ CdtTrfTxInf ─ …    a part: handed over when it ends, and no longer held
//                   └─ CdtTrfTxInf ─ …
//
// Elements of other namespaces (supplementary data, signatures) are passed over.
import { Iso20022Error, type Iso20022ErrorCode } from './errors.ts';
import { ELEMENTS_MAX, TOKEN_BYTES_MAX } from './limits.ts';
import { type Attributes, type XmlHandler, XmlScanner } from './xml-scanner.ts';

/** Whose paths carry a number, from 1, since there are usually several. */
const NUMBERED = new Set([
  'PmtInf',
  'CdtTrfTxInf',
  'OrgnlPmtInfAndSts',
  'TxInfAndSts',
  'StsRsnInf',
  'Stmt',
  'Ntfctn',
  'Bal',
  'Ntry',
  'NtryDtls',
  'TxDtls',
]);

const NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:';

/** Of a namespace such as `urn:iso:std:iso:20022:tech:xsd:pain.001.001.09`. */
export interface MessageName {
  /** `pain.001.001.09` */
  readonly text: string;
  /** `pain.001` */
  readonly message: string;
  /** `09` */
  readonly version: string;
}

const NO_CHILDREN: readonly XmlElement[] = [];

export class XmlElement {
  readonly name: string;
  readonly parent: XmlElement | undefined;
  readonly attributes: Attributes;
  /** Most elements have none, and share this. */
  children: readonly XmlElement[] = NO_CHILDREN;
  /** Among those of its name and parent, from 1; 0 where paths do not show it. */
  readonly number: number;
  /** Without white space at its ends. */
  text = '';

  constructor(name: string, parent: XmlElement | undefined, attributes: Attributes, number: number) {
    this.name = name;
    this.parent = parent;
    this.attributes = attributes;
    this.number = number;
  }

  add(child: XmlElement): void {
    if (this.children === NO_CHILDREN) this.children = [child];
    else (this.children as XmlElement[]).push(child);
  }

  get path(): string {
    const step = this.number === 0 ? this.name : `${this.name}[${this.number}]`;
    const above = this.parent?.path ?? '';
    return above === '' ? step : `${above}/${step}`;
  }

  /** The only child of a name. @throws Iso20022Error where there are several. */
  child(name: string): XmlElement | undefined {
    let found: XmlElement | undefined;
    for (const child of this.children) {
      if (child.name !== name) continue;
      if (found !== undefined) child.fail('repeated', 'expected it once, got it twice');
      found = child;
    }
    return found;
  }

  /** @throws Iso20022Error where there is none, or several. */
  required(name: string): XmlElement {
    const found = this.child(name);
    if (found !== undefined) return found;
    throw new Iso20022Error('missing', `${this.path}/${name}`, 'expected it, got none');
  }

  /** The descendant at the end of a path of only children. */
  descendant(...names: readonly string[]): XmlElement | undefined {
    let found: XmlElement | undefined = this;
    for (const name of names) found = found?.child(name);
    return found;
  }

  all(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  attribute(name: string): string | undefined {
    return this.attributes.find(([other]) => other === name)?.[1];
  }

  fail(code: Iso20022ErrorCode, problem: string): never {
    throw new Iso20022Error(code, this.path, problem);
  }
}

export interface DocumentOptions {
  /** `pain.001`, … */
  readonly messages: readonly string[];
  /** From and to: `['03', '12']`. */
  readonly versions: readonly [string, string];
  /** Names of elements that are handed over when they end, instead of being held until the document does. */
  readonly parts: readonly string[];
  readonly onPart: (element: XmlElement) => void;
  /** Held at once; ELEMENTS_MAX where it is left out. */
  readonly elementsMax?: number;
}

/** Tab, line feed, carriage return, space. */
const SPACE: ReadonlySet<number> = new Set([9, 10, 13, 32]);
/** An element that is not of the document's namespace, or inside of one that is not. */
const FOREIGN = Symbol('foreign');
type Node = XmlElement | typeof FOREIGN;

interface Frame {
  readonly node: Node;
  /** Namespaces by prefix; shared with the element around it where it declares none. */
  readonly namespaces: ReadonlyMap<string, string>;
  pieces: string;
  /** It has elements inside, so that it can have no text. */
  nested: boolean;
  counts: Map<string, number> | undefined;
}

export class DocumentReader {
  readonly #options: DocumentOptions;
  readonly #parts: ReadonlySet<string>;
  readonly #scanner: XmlScanner;
  readonly #frames: Frame[] = [];
  #name: MessageName | undefined;
  #namespace = '';
  #body: XmlElement | undefined;
  #held = 0;

  constructor(options: DocumentOptions) {
    this.#options = options;
    this.#parts = new Set(options.parts);
    const handler: XmlHandler = {
      open: (name, attributes) => this.#open(name, attributes),
      text: (text) => this.#text(text),
      close: () => this.#close(),
    };
    this.#scanner = new XmlScanner(handler);
  }

  /** @throws Iso20022Error */
  push(chunk: Uint8Array): void {
    this.#scanner.push(chunk);
  }

  /**
   * What is left when all parts were handed over: the element inside of `Document`.
   * @throws Iso20022Error
   */
  end(): { readonly name: MessageName; readonly body: XmlElement } {
    this.#scanner.end();
    if (this.#body === undefined)
      throw new Iso20022Error('missing', '', 'expected a message, got an empty Document');
    return { name: this.#name!, body: this.#body };
  }

  #open(tag: string, attributes: Attributes): void {
    const parent = this.#frames.at(-1);
    const namespaces = declared(parent?.namespaces ?? new Map(), attributes);
    const colon = tag.indexOf(':');
    const prefix = colon === -1 ? '' : tag.slice(0, colon);
    const name = colon === -1 ? tag : tag.slice(colon + 1);
    const namespace = namespaces.get(prefix);
    if (prefix !== '' && namespace === undefined) {
      throw new Iso20022Error('bad_xml', '', `expected a namespace of the prefix ${prefix}, got none`);
    }
    if (parent === undefined) this.#root(name, namespace ?? '');
    const foreign = parent?.node === FOREIGN || namespace !== this.#namespace;
    const node = foreign ? FOREIGN : this.#element(name, attributes, parent);
    if (parent !== undefined) parent.nested = true;
    this.#frames.push({ node, namespaces, pieces: '', nested: false, counts: undefined });
  }

  #text(text: string): void {
    const frame = this.#frames.at(-1)!;
    if (frame.node === FOREIGN || (frame.nested && withoutSpace(text) === '')) return;
    if (frame.pieces.length + text.length > TOKEN_BYTES_MAX) {
      frame.node.fail(
        'too_large',
        `expected a text of at most ${TOKEN_BYTES_MAX} characters, got a longer one`,
      );
    }
    frame.pieces = frame.pieces === '' ? text : frame.pieces + text;
  }

  #root(name: string, namespace: string): void {
    const { messages, versions } = this.#options;
    const found = name === 'Document' ? parseMessageName(namespace) : undefined;
    const expected = `a Document of ${messages.join(' or ')}, versions ${versions.join(' to ')}`;
    if (found === undefined)
      throw new Iso20022Error('wrong_message', '', `expected ${expected}, got other XML`);
    const { text, message, version } = found;
    if (!messages.includes(message) || version < versions[0] || version > versions[1]) {
      throw new Iso20022Error('wrong_message', '', `expected ${expected}, got ${text}`);
    }
    this.#name = found;
    this.#namespace = namespace;
  }

  #element(name: string, attributes: Attributes, frame: Frame | undefined): Node {
    const { elementsMax = ELEMENTS_MAX } = this.#options;
    if (++this.#held > elementsMax) {
      throw new Iso20022Error(
        'too_large',
        '',
        `expected at most ${elementsMax} elements in one part, got more`,
      );
    }
    const around = frame?.node as XmlElement | undefined;
    // The paths begin inside of Document.
    const parent = this.#frames.length <= 1 ? undefined : around;
    let number = 0;
    if (frame !== undefined && NUMBERED.has(name)) {
      frame.counts ??= new Map();
      number = (frame.counts.get(name) ?? 0) + 1;
      frame.counts.set(name, number);
    }
    const element = new XmlElement(name, parent, withoutNamespaces(attributes), number);
    if (this.#frames.length === 1) {
      if (this.#body !== undefined) element.fail('repeated', 'expected one message, got two');
      this.#body = element;
    } else if (around !== undefined && !this.#parts.has(name)) around.add(element);
    return element;
  }

  #close(): void {
    const { node, pieces, nested } = this.#frames.pop()!;
    if (node === FOREIGN) return;
    const text = withoutSpace(pieces);
    if (text !== '' && nested) {
      node.fail('bad_xml', 'expected elements, got text between them');
    }
    node.text = text;
    if (this.#frames.length < 2 || !this.#parts.has(node.name)) return;
    this.#held -= sizeOf(node);
    this.#options.onPart(node);
  }
}

/**
 * Which message a file is, by the namespace of its first element; undefined where it is none.
 * @param head its beginning, a kilobyte or more
 */
export function messageNameOf(head: Uint8Array): MessageName | undefined {
  let found: { name: MessageName | undefined } | undefined;
  const scanner = new XmlScanner({
    open: (tag, attributes) => {
      if (found !== undefined) return;
      const [prefix, name] = tag.includes(':') ? (tag.split(':') as [string, string]) : ['', tag];
      const namespace = declared(new Map(), attributes).get(prefix);
      found = { name: name === 'Document' ? parseMessageName(namespace ?? '') : undefined };
    },
    text: () => {},
    close: () => {},
  });
  try {
    scanner.push(head);
  } catch (error) {
    if (!(error instanceof Iso20022Error)) throw error;
  }
  return found?.name;
}

export function namespaceOf(messageName: string): string {
  return NAMESPACE + messageName;
}

function parseMessageName(namespace: string): MessageName | undefined {
  const text = namespace.startsWith(NAMESPACE) ? namespace.slice(NAMESPACE.length) : '';
  const match = /^([a-z]{4}\.\d{3})\.\d{3}\.(\d{2})$/.exec(text);
  return match === null ? undefined : { text, message: match[1]!, version: match[2]! };
}

function declared(around: ReadonlyMap<string, string>, attributes: Attributes): ReadonlyMap<string, string> {
  let namespaces: Map<string, string> | undefined;
  for (const [name, value] of attributes) {
    if (name !== 'xmlns' && !name.startsWith('xmlns:')) continue;
    namespaces ??= new Map(around);
    namespaces.set(name.slice('xmlns:'.length), value);
  }
  return namespaces ?? around;
}

function withoutNamespaces(attributes: Attributes): Attributes {
  return attributes.some(([name]) => name.includes(':') || name === 'xmlns')
    ? attributes.filter(([name]) => !name.includes(':') && name !== 'xmlns')
    : attributes;
}

/** Without XML's white space at the ends. JavaScript's `trim` takes more away, such as spaces that do not break. */
export function withoutSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && SPACE.has(text.charCodeAt(start))) start++;
  while (end > start && SPACE.has(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function sizeOf(element: XmlElement): number {
  let size = 1;
  for (const child of element.children) size += sizeOf(child);
  return size;
}
