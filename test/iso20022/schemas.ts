// Schemas and samples are read where they are, beside the project; where they are absent, their tests are skipped with a
// message.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { test } from 'vitest';

// Seen from the root of the project, or from a work tree elsewhere by SPECIE_VECTORS.
const FOLDER = join(
  process.env.SPECIE_VECTORS ?? resolve(import.meta.dirname, '../../../shared/vectors'),
  'iso20022',
);

const validators = new Map<string, XsdValidator>();

/** A test that needs schemas or samples. */
export function schemaTest(name: string, run: () => void): void {
  if (existsSync(FOLDER)) test(name, run);
  else test.skip(`${name}: skipped, iso20022 is not beside the project`, () => {});
}

/** @throws libxml2's error where `text` is not valid by the schema that its namespace names. */
export function validate(text: string | Uint8Array): void {
  const document = XmlDocument.fromBuffer(typeof text === 'string' ? Buffer.from(text) : text);
  try {
    validatorOf(document.root.namespaceUri.split(':').at(-1)!).validate(document);
  } finally {
    document.dispose();
  }
}

export function isWellFormed(text: string): boolean {
  try {
    XmlDocument.fromBuffer(Buffer.from(text)).dispose();
    return true;
  } catch {
    return false;
  }
}

export function samples(): { readonly name: string; readonly bytes: Buffer }[] {
  const folder = join(FOLDER, 'samples');
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
}

function validatorOf(messageName: string): XsdValidator {
  let validator = validators.get(messageName);
  if (validator === undefined) {
    const schema = XmlDocument.fromBuffer(readFileSync(join(FOLDER, 'xsd', `${messageName}.xsd`)));
    validator = XsdValidator.fromDoc(schema);
    schema.dispose();
    validators.set(messageName, validator);
  }
  return validator;
}
