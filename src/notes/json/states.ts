// POST /v1/checkstate (NUT-07).
import { STATES_MAX } from '../limits.ts';
import { body, type JsonBody, list, members, oneOf, optional, point, witness } from './fields.ts';

export interface StatesRequest {
  /** Y of each note, see `noteId`. */
  readonly noteIds: readonly Uint8Array[];
}

export const statesRequest: JsonBody<StatesRequest> = body(
  members<StatesRequest>({ noteIds: ['Ys', list(point, STATES_MAX)] }),
);

export type NoteStateName = 'UNSPENT' | 'PENDING' | 'SPENT';

export interface NoteState {
  readonly noteId: Uint8Array;
  readonly state: NoteStateName;
  /** With what the note's spending condition was met. */
  readonly witness?: string;
}

export interface StatesAnswer {
  /** In the order of the request. */
  readonly states: readonly NoteState[];
}

export const statesAnswer: JsonBody<StatesAnswer> = body(
  members<StatesAnswer>({
    states: [
      'states',
      list(
        members<NoteState>({
          noteId: ['Y', point],
          state: ['state', oneOf('UNSPENT', 'PENDING', 'SPENT')],
          witness: ['witness', optional(witness)],
        }),
        STATES_MAX,
      ),
    ],
  }),
);
