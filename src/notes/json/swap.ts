// POST /v1/swap (NUT-03) and /v1/restore (NUT-09).
import { INPUTS_MAX, OUTPUTS_MAX } from '../limits.ts';
import type { BlindedMessage, BlindSignature, Note } from '../note.ts';
import { body, type JsonBody, list, members } from './fields.ts';
import { inputField, outputField, signatureField } from './notes.ts';

export interface SwapRequest {
  readonly inputs: readonly Note[];
  readonly outputs: readonly BlindedMessage[];
}

export const swapRequest: JsonBody<SwapRequest> = body(
  members<SwapRequest>({
    inputs: ['inputs', list(inputField, INPUTS_MAX, 'too_many_inputs')],
    outputs: ['outputs', list(outputField, OUTPUTS_MAX, 'too_many_outputs')],
  }),
);

/** Of a swap, and of minting. */
export interface SignaturesAnswer {
  /** In the order of the outputs. */
  readonly signatures: readonly BlindSignature[];
}

export const signaturesAnswer: JsonBody<SignaturesAnswer> = body(
  members<SignaturesAnswer>({ signatures: ['signatures', list(signatureField, OUTPUTS_MAX)] }),
);

export interface RestoreRequest {
  readonly outputs: readonly BlindedMessage[];
}

export const restoreRequest: JsonBody<RestoreRequest> = body(
  members<RestoreRequest>({ outputs: ['outputs', list(outputField, OUTPUTS_MAX, 'too_many_outputs')] }),
);

export interface RestoreAnswer {
  /** Of those asked for, the ones that were signed. */
  readonly outputs: readonly BlindedMessage[];
  /** In the order of these outputs. */
  readonly signatures: readonly BlindSignature[];
}

export const restoreAnswer: JsonBody<RestoreAnswer> = body(
  members<RestoreAnswer>({
    outputs: ['outputs', list(outputField, OUTPUTS_MAX, 'too_many_outputs')],
    signatures: ['signatures', list(signatureField, OUTPUTS_MAX)],
  }),
);
