// The gateway's process ends at each trace point of both jobs, both directions at once: nothing is lost, nothing is there twice,
// nothing is delivered twice, nothing is erased that was not replaced.
import { expect, test } from 'vitest';
import type { Note } from '../../src/notes/note.ts';
import { Refusal } from '../../src/roles/common/refusal.ts';
import type { SendRequest } from '../../src/roles/gateway/messages.ts';
import { Random } from '../../src/shared/random.ts';
import { MemoryDisk } from '../store/memory-backend.ts';
import { copyOfState, newWideState, type WideState } from './wide.ts';
import { Place, type PlaceOptions, type Terminal } from './world.ts';

const isSlow = process.env.SPECIE_SLOW_TESTS === '1';
const RETRY_MS = 500;
const RESTART_MS = 400;

/** A till with local notes of 10, as they are on the disk, and the world's wide notes. */
async function morning(): Promise<{ records: MemoryDisk['records']; wide: WideState; local: Note[] }> {
  const wide = newWideState();
  const place = new Place({ wide });
  const till = await place.terminal('till', 'lan');
  const visitor = await place.terminal('visitor', 'wan');
  await visitor.send(visitor.message(1n, till, 10n, place.wide.mint(12n)));
  await place.until(1n, 'generated');
  const local = await till.receive();
  await place.until(1n, 'delivered');
  return { records: new Map(place.disk.records), wide, local };
}

/** What is on the disk only as long as something waits. */
const leftOf = ({ disk }: Place): string[] =>
  [...disk.records.keys()].filter((key) => /^(deliveries|copies|open-requests)\0/.test(key));

type Fate = (number: number) => 'lives' | 'lost' | 'flushed';
interface Ending {
  readonly tracePoints: number;
  readonly crashes: number;
  readonly place: Place;
  readonly till: Terminal;
  readonly visitor: Terminal;
}

/** The till sends 8 out and the visitor sends 10 in, at once; each fetches, or nobody does until it has gone back. */
async function day(
  { records, wide, local }: Awaited<ReturnType<typeof morning>>,
  fate: Fate,
  isFetched: boolean,
  storm: Pick<PlaceOptions, 'faults' | 'worldSeed'> = {},
): Promise<Ending> {
  let tracePoints = 0;
  let crashes = 0;
  let isOver = false;
  const disk = new MemoryDisk({ flush: (done) => void place.world.setTimer(done, 1) });
  for (const [key, value] of records) disk.records.set(key, value);
  const place: Place = new Place({
    disk,
    wide: copyOfState(wide),
    seed: 'day',
    ...storm,
    terms: { returnAfterSeconds: 30 },
    gateway: {
      trace: () => {
        if (isOver) return;
        const end = fate(++tracePoints);
        if (end === 'lives') return;
        crashes++;
        place.crash(end === 'flushed');
        place.world.setTimer(() => place.start(), RESTART_MS);
      },
    },
  });
  const { world } = place;
  const [till, visitor] = [place.bare('till', 'lan'), place.bare('visitor', 'wan')];
  const states = new Map<bigint, string>();

  /** Sends until it has an answer, then asks until it is over. */
  const drive = async (from: Terminal, message: SendRequest): Promise<void> => {
    const { request } = message;
    const answer = await from.call(from.side === 'lan' ? 'send_out' : 'send_in', message);
    if (answer instanceof Refusal) throw new Error(`${request}: ${answer.code}`);
    if (answer !== undefined) states.set(request, answer.state);
  };
  const fetch = async (terminal: Terminal): Promise<void> => {
    const answer = await terminal.call('list_deliveries', { after: 0n });
    if (answer === undefined || answer instanceof Refusal) return;
    for (const delivery of answer.deliveries) {
      if (!isFetched && !delivery.isReturn) continue;
      terminal.take(delivery);
      await terminal.call('confirm_delivery', terminal.confirmation(delivery));
    }
  };
  const again = (run: () => Promise<void>): void => {
    if (isOver) return;
    void run();
    world.setTimer(() => again(run), RETRY_MS * (isFetched ? 1 : 20));
  };
  const out = till.message(2n, visitor, 8n, local);
  const into = visitor.message(3n, till, 10n, place.wide.mint(12n));
  again(() => drive(till, out));
  again(() => drive(visitor, into));
  again(() => fetch(till));
  again(() => fetch(visitor));
  const final = isFetched ? 'delivered' : 'returned';
  const isFinal = (): boolean =>
    place.gateway?.status().underWay === 0 &&
    [2n, 3n].every((request) => states.get(request) === final) &&
    [till, visitor].every(({ received }) => received.size === 1) &&
    leftOf(place).length === 0;
  await world.runUntil(isFinal, 86_400_000);
  isOver = true;
  return { tracePoints, crashes, place, till, visitor };
}

function expectWhole({ place, till, visitor }: Ending, isFetched: boolean): void {
  const { local, counters, backing } = place.open.status();
  const { balance, outstanding } = place.wide.state;
  const sum = (notes: readonly Note[]): bigint => notes.reduce((total, { amount }) => total + amount, 0n);
  const held = ({ received }: Terminal): Note[] => [...received.values()].flatMap(({ notes }) => notes);
  // 24 were minted, of which 2 + 2 + 2 are fees; nothing of it is anywhere else.
  expect(place.total).toBe(24n);
  expect(backing).toBe(balance);
  expect(local).toEqual(expect.objectContaining({ held: 0n, outstanding: isFetched ? 10n : 8n }));
  expect(outstanding).toBe(isFetched ? 8n : 10n);
  expect(counters).toMatchObject({
    fees: 6n,
    requested: 0n,
    offered: 0n,
    generating: 0n,
    waitingWide: 0n,
    waitingLocal: 0n,
  });
  // What the terminals hold is what is out.
  expect(sum(held(till))).toBe(local.outstanding);
  expect(sum(held(visitor))).toBe(outstanding);
  expect(held(visitor).every((note) => !place.wide.isSpent(note))).toBe(true);
  expect(place.wide.state.issued.size).toBe(isFetched ? 1 : 2);
  expect(place.wide.state.taken.size).toBe(isFetched ? 2 : 3);
  expect(leftOf(place)).toEqual([]);
}

for (const isFetched of [true, false]) {
  test(`the process ends at each trace point (${isFetched ? 'delivered' : 'returned'})`, async () => {
    const begin = await morning();
    const calm = await day(begin, () => 'lives', isFetched);
    expectWhole(calm, isFetched);
    for (let end = 1; end <= calm.tracePoints; end++) {
      // What was being written is lost or not: both at every point take four times as long.
      const losses = (['lost', 'flushed'] as const).filter((_, i) => isSlow || end % 4 === 2 * i);
      for (const loss of losses) {
        const ending = await day(begin, (number) => (number === end ? loss : 'lives'), isFetched);
        expect(ending.crashes).toBe(1);
        expectWhole(ending, isFetched);
      }
    }
  });
}

test('storms: messages to partners lost, late, repeated, and a process that keeps dying', async () => {
  const begin = await morning();
  const faults = { drop: 0.25, repeat: 0.25, delayMaxMs: 200 };
  for (let seed = 1n; seed <= (isSlow ? 200n : 12n); seed++) {
    const random = new Random(seed);
    const fate: Fate = () => (!random.chance(0.04) ? 'lives' : random.chance(0.5) ? 'lost' : 'flushed');
    const isFetched = seed % 2n === 0n;
    expectWhole(await day(begin, fate, isFetched, { faults, worldSeed: seed }), isFetched);
  }
});

test.skipIf(!isSlow)('… and again at each trace point of the recovery', async () => {
  const begin = await morning();
  for (const isFetched of [true, false]) {
    const { tracePoints } = await day(begin, () => 'lives', isFetched);
    for (let first = 1; first <= tracePoints; first++) {
      for (let second = first + 1; second <= first + tracePoints; second += 1 + (first % 11)) {
        const ending = await day(
          begin,
          (number) => (number === first ? 'lost' : number === second ? 'flushed' : 'lives'),
          isFetched,
        );
        expectWhole(ending, isFetched);
      }
    }
  }
});
