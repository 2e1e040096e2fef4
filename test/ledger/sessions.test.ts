import { expect, test } from 'vitest';
import { Sessions } from '../../src/ledger/sessions.ts';
import { ANSWERS_REMEMBERED, SESSIONS_MAX } from '../../src/wire/limits.ts';

test('a request is new, then applied, then too old to know', () => {
  const sessions = new Sessions();
  expect(sessions.seen(7n, 1n)).toEqual({ kind: 'new' });
  sessions.apply(7n, 1n, 100);
  expect(sessions.seen(7n, 1n)).toEqual({ kind: 'applied', op: 100 });
  expect(sessions.seen(8n, 1n)).toEqual({ kind: 'new' });
  for (let i = 0; i < ANSWERS_REMEMBERED; i++) sessions.apply(7n, BigInt(i + 2), 101 + i);
  expect(sessions.seen(7n, 1n)).toEqual({ kind: 'too_old', forgotten: 1n });
  expect(sessions.seen(7n, 2n)).toEqual({ kind: 'applied', op: 101 });
  expect(sessions.last(7n)).toBe(BigInt(ANSWERS_REMEMBERED + 1));
});

test('numbers may be skipped and come late, as long as they are remembered', () => {
  const sessions = new Sessions();
  sessions.apply(1n, 5n, 1);
  sessions.apply(1n, 3n, 2);
  expect(sessions.seen(1n, 4n)).toEqual({ kind: 'new' });
  expect(sessions.last(1n)).toBe(5n);
});

test('the session that wrote least recently is forgotten first', () => {
  const sessions = new Sessions();
  for (let i = 1; i <= SESSIONS_MAX; i++) sessions.apply(BigInt(i), 1n, i);
  sessions.apply(1n, 2n, SESSIONS_MAX + 1);
  sessions.apply(BigInt(SESSIONS_MAX + 1), 1n, SESSIONS_MAX + 2);
  expect(sessions.size).toBe(SESSIONS_MAX);
  expect(sessions.has(1n)).toBe(true);
  expect(sessions.has(2n)).toBe(false);
});

test('a restored table behaves like the one that was stored, also in what it forgets next', () => {
  const sessions = new Sessions();
  for (let i = 0; i < 3 * ANSWERS_REMEMBERED; i++) sessions.apply(BigInt(1 + (i % 2)), BigInt(i + 1), i + 1);
  sessions.apply((1n << 128n) - 1n, (1n << 64n) - 1n, 2 ** 39);
  const restored = Sessions.restore(sessions.serialise());
  expect(restored.serialise()).toEqual(sessions.serialise());
  expect(restored.seen((1n << 128n) - 1n, (1n << 64n) - 1n)).toEqual({ kind: 'applied', op: 2 ** 39 });
  for (const table of [sessions, restored]) {
    for (let i = 0; i < SESSIONS_MAX - 2; i++) table.apply(BigInt(1000 + i), 1n, 2 ** 39 + i + 1);
    expect(table.has(1n)).toBe(false);
    expect(table.has(2n)).toBe(true);
  }
  expect(restored.serialise()).toEqual(sessions.serialise());
});
