// Which requests of which client have been applied, so that a repeated one gets its stored answer.
//
// The table follows from the journal (each entry's header names session and request), so a replay rebuilds it, and a
// checkpoint stores it:
//
//     u32 number of sessions, then for each, oldest first:
//     ┌─────────────┬────────────┬───────┬──────────────────────────────┐
//     │ session u128│ forgotten  │ u32 n │ n × { request u64, op u64 }  │
//     └─────────────┴────────────┴───────┴──────────────────────────────┘
import { readU128, writeU128 } from '../shared/bytes.ts';
import { ANSWERS_REMEMBERED, SESSIONS_MAX } from '../wire/limits.ts';

interface Session {
  /** Largest request number that was applied and is no longer remembered. */
  forgotten: bigint;
  /** Request number → op, oldest first. */
  readonly applied: Map<bigint, number>;
}

export type Seen = { kind: 'new' } | { kind: 'applied'; op: number } | { kind: 'too_old'; forgotten: bigint };

export class Sessions {
  #sessions = new Map<bigint, Session>();

  get size(): number {
    return this.#sessions.size;
  }

  has(session: bigint): boolean {
    return this.#sessions.has(session);
  }

  seen(session: bigint, request: bigint): Seen {
    const known = this.#sessions.get(session);
    if (known === undefined) return { kind: 'new' };
    const op = known.applied.get(request);
    if (op !== undefined) return { kind: 'applied', op };
    return request <= known.forgotten ? { kind: 'too_old', forgotten: known.forgotten } : { kind: 'new' };
  }

  /** Largest request number ever applied in this session; 0n when there is none. */
  last(session: bigint): bigint {
    const known = this.#sessions.get(session);
    if (known === undefined) return 0n;
    let last = known.forgotten;
    for (const request of known.applied.keys()) if (request > last) last = request;
    return last;
  }

  apply(session: bigint, request: bigint, op: number): void {
    const known = this.#sessions.get(session) ?? { forgotten: 0n, applied: new Map() };
    known.applied.set(request, op);
    if (known.applied.size > ANSWERS_REMEMBERED) {
      const oldest = known.applied.keys().next().value!;
      known.applied.delete(oldest);
      if (oldest > known.forgotten) known.forgotten = oldest;
    }
    // A Map keeps the order of insertion: the session that wrote last goes to the end.
    this.#sessions.delete(session);
    this.#sessions.set(session, known);
    if (this.#sessions.size > SESSIONS_MAX) this.#sessions.delete(this.#sessions.keys().next().value!);
  }

  serialise(): Uint8Array {
    let size = 4;
    for (const { applied } of this.#sessions.values()) size += 28 + 16 * applied.size;
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, this.#sessions.size, true);
    let at = 4;
    for (const [session, { forgotten, applied }] of this.#sessions) {
      writeU128(view, at, session, 'session');
      view.setBigUint64(at + 16, forgotten, true);
      view.setUint32(at + 24, applied.size, true);
      at += 28;
      for (const [request, op] of applied) {
        view.setBigUint64(at, request, true);
        view.setBigUint64(at + 8, BigInt(op), true);
        at += 16;
      }
    }
    return bytes;
  }

  static restore(bytes: Uint8Array): Sessions {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const sessions = new Sessions();
    let at = 4;
    for (let left = view.getUint32(0, true); left > 0; left--) {
      const session = readU128(view, at);
      const known: Session = { forgotten: view.getBigUint64(at + 16, true), applied: new Map() };
      const count = view.getUint32(at + 24, true);
      at += 28;
      for (let i = 0; i < count; i++, at += 16) {
        known.applied.set(view.getBigUint64(at, true), Number(view.getBigUint64(at + 8, true)));
      }
      sessions.#sessions.set(session, known);
    }
    return sessions;
  }
}
