// The rules for what a mint is asked, one function each, that need no look at what is stored. The first that is broken is the
// answer; their order is Cashu's usual one.
//
//     inputs    there, each once, of known keysets that have the amount and have not expired
//     outputs   there, each once, of known keysets that sign and have the amount
//     both      one unit; inputs = outputs + fee
import { feeOf } from '../notes/amounts.ts';
import type { PublicKeyset } from '../notes/keyset.ts';
import { INPUTS_MAX, OUTPUTS_MAX, STATES_MAX } from '../notes/limits.ts';
import { type BlindedMessage, type Note, sumOf } from '../notes/note.ts';
import { badRequest, type MintRefused, refused } from './errors.ts';
import type { MintKeysets } from './keysets.ts';

type Inputs = readonly Pick<Note, 'amount' | 'keysetId' | 'secret'>[];
type Outputs = readonly BlindedMessage[];
type Refusal = MintRefused | undefined;

const nameOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

function inputsCounted(inputs: Inputs): Refusal {
  if (inputs.length === 0) return badRequest('inputs: expected one at least, got none');
  if (inputs.length > INPUTS_MAX)
    return refused('too_many_inputs', `inputs: expected at most ${INPUTS_MAX}, got ${inputs.length}`);
  return undefined;
}

function inputsDiffer(inputs: Inputs): Refusal {
  return new Set(inputs.map(({ secret }) => secret)).size < inputs.length
    ? refused('duplicate_inputs')
    : undefined;
}

function inputsKnown(inputs: Inputs, keysets: MintKeysets): Refusal {
  const place = inputs.findIndex(({ keysetId }) => keysets.get(keysetId) === undefined);
  if (place >= 0) return refused('keyset_unknown', `inputs[${place}]: keyset is not known`);
  const wrong = inputs.findIndex(({ keysetId, amount }) => !keysets.get(keysetId)!.keys.has(amount));
  return wrong < 0
    ? undefined
    : refused('note_not_valid', `inputs[${wrong}]: expected an amount that the keyset has a key for`);
}

function inputsNotExpired(inputs: Inputs, keysets: MintKeysets, now: bigint): Refusal {
  const place = inputs.findIndex(({ keysetId }) => isExpired(keysets.get(keysetId)!, now));
  return place < 0 ? undefined : refused('keyset_expired', `inputs[${place}]: keyset has expired`);
}

const isExpired = ({ finalExpiry }: PublicKeyset, now: bigint): boolean =>
  finalExpiry !== undefined && finalExpiry > 0n && finalExpiry <= now;

function outputsCounted(outputs: Outputs): Refusal {
  if (outputs.length === 0) return badRequest('outputs: expected one at least, got none');
  if (outputs.length > OUTPUTS_MAX)
    return refused('too_many_outputs', `outputs: expected at most ${OUTPUTS_MAX}, got ${outputs.length}`);
  return undefined;
}

function outputsDiffer(outputs: Outputs): Refusal {
  return new Set(outputs.map(({ blinded }) => nameOf(blinded))).size < outputs.length
    ? refused('duplicate_outputs')
    : undefined;
}

function outputsKnown(outputs: Outputs, keysets: MintKeysets): Refusal {
  const place = outputs.findIndex(({ keysetId }) => keysets.get(keysetId) === undefined);
  if (place >= 0) return refused('keyset_unknown', `outputs[${place}]: keyset is not known`);
  const wrong = outputs.findIndex(({ keysetId, amount }) => !keysets.get(keysetId)!.keys.has(amount));
  return wrong < 0
    ? undefined
    : refused('amount_outside_limits', `outputs[${wrong}]: expected an amount that the keyset has a key for`);
}

function outputsActive(outputs: Outputs, keysets: MintKeysets, now: bigint): Refusal {
  for (const [place, { keysetId }] of outputs.entries()) {
    const keyset = keysets.get(keysetId)!;
    if (!keyset.isActive) return refused('keyset_inactive', `outputs[${place}]: keyset is inactive`);
    if (isExpired(keyset, now)) return refused('keyset_expired', `outputs[${place}]: keyset has expired`);
  }
  return undefined;
}

const unitsOf = (of: readonly { readonly keysetId: string }[], keysets: MintKeysets): Set<string> =>
  new Set(of.map(({ keysetId }) => keysets.get(keysetId)!.unit));

function oneUnit(inputs: Inputs, outputs: Outputs, keysets: MintKeysets): Refusal {
  const [taken, given] = [unitsOf(inputs, keysets), unitsOf(outputs, keysets)];
  if (taken.size > 1 || given.size > 1) return refused('several_units');
  const [left, right] = [[...taken][0], [...given][0]];
  return left !== undefined && right !== undefined && left !== right ? refused('units_differ') : undefined;
}

function ofUnit(of: readonly { readonly keysetId: string }[], unit: string, keysets: MintKeysets): Refusal {
  const units = unitsOf(of, keysets);
  if (units.size > 1) return refused('several_units');
  return units.has(unit) ? undefined : refused('units_differ', `expected notes of the quote's unit ${unit}`);
}

function balanced(inputs: Inputs, wanted: bigint, keysets: MintKeysets): Refusal {
  const [given, fee] = [sumOf(inputs), feeOf(inputs, keysets.byId)];
  return given === wanted + fee
    ? undefined
    : refused('not_balanced', `expected inputs of ${wanted} and a fee of ${fee}, got ${given}`);
}

/** @param now Unix seconds */
function checkInputs(inputs: Inputs, keysets: MintKeysets, now: bigint): Refusal {
  return (
    inputsCounted(inputs) ??
    inputsDiffer(inputs) ??
    inputsKnown(inputs, keysets) ??
    inputsNotExpired(inputs, keysets, now)
  );
}

/** @param now Unix seconds */
function checkOutputs(outputs: Outputs, keysets: MintKeysets, now: bigint): Refusal {
  return (
    outputsCounted(outputs) ??
    outputsDiffer(outputs) ??
    outputsKnown(outputs, keysets) ??
    outputsActive(outputs, keysets, now)
  );
}

/** NUT-03. @param now Unix seconds */
export function checkSwap(inputs: Inputs, outputs: Outputs, keysets: MintKeysets, now: bigint): Refusal {
  return (
    checkInputs(inputs, keysets, now) ??
    checkOutputs(outputs, keysets, now) ??
    oneUnit(inputs, outputs, keysets) ??
    balanced(inputs, sumOf(outputs), keysets)
  );
}

/** NUT-04, of a quote of that unit and amount. @param now Unix seconds */
export function checkMint(
  outputs: Outputs,
  { unit, amount }: { readonly unit: string; readonly amount: bigint },
  keysets: MintKeysets,
  now: bigint,
): Refusal {
  const refusal = checkOutputs(outputs, keysets, now) ?? ofUnit(outputs, unit, keysets);
  if (refusal !== undefined) return refusal;
  const sum = sumOf(outputs);
  return sum === amount
    ? undefined
    : refused('not_balanced', `outputs: expected ${amount} in all, got ${sum}`);
}

/** NUT-05, of a quote of that unit and amount. @param now Unix seconds */
export function checkMelt(
  inputs: Inputs,
  { unit, amount }: { readonly unit: string; readonly amount: bigint },
  keysets: MintKeysets,
  now: bigint,
): Refusal {
  return (
    checkInputs(inputs, keysets, now) ?? ofUnit(inputs, unit, keysets) ?? balanced(inputs, amount, keysets)
  );
}

export interface AmountLimits {
  readonly amountMin: bigint;
  readonly amountMax: bigint;
}

/** Of a quote. */
export function checkQuote(
  { unit, amount }: { readonly unit: string; readonly amount: bigint },
  { amountMin, amountMax }: AmountLimits,
  keysets: MintKeysets,
): Refusal {
  if (keysets.active(unit) === undefined) return refused('unit_not_supported');
  return amount < amountMin || amount > amountMax
    ? refused('amount_outside_limits', `amount: expected ${amountMin} to ${amountMax}, got ${amount}`)
    : undefined;
}

/** NUT-07 */
export function checkStates(noteIds: readonly Uint8Array[]): Refusal {
  return noteIds.length > STATES_MAX
    ? badRequest(`Ys: expected at most ${STATES_MAX}, got ${noteIds.length}`)
    : undefined;
}

/** NUT-09 */
export function checkRestore(outputs: Outputs): Refusal {
  if (outputs.length > OUTPUTS_MAX)
    return refused('too_many_outputs', `outputs: expected at most ${OUTPUTS_MAX}, got ${outputs.length}`);
  return outputsDiffer(outputs);
}
