// A cash role that dies before or after any write of its store or its ledger, and starts again on what is on the disk.
//
//     event 1        event 2          event 3
//     store flushes  ledger's batch   store flushes   …      dies at event n: what was asked is never answered
import type { Ledger } from '../../../src/ledger/index.ts';
import type { SetTimer } from '../../../src/shared/timer.ts';
import { MemoryDisk, memoryRoleStore } from '../../store/memory-backend.ts';
import { PURSE_TERMS, type TestClock } from './purse-support.ts';
import { TestCash } from './support.ts';

const WRITES = new Set<string | symbol>([
  'createAccounts',
  'createTransfers',
  'createPaymentOrders',
  'setOrderTerms',
]);

export class Mortal {
  readonly clock: TestClock;
  cash!: TestCash;
  /** Counts down to the death; 0: it lives. */
  diesIn = 0;
  /** Whether the write at which it dies is done. */
  isDone = false;
  events = 0;
  deaths = 0;
  readonly #disk: MemoryDisk;
  readonly #path: string;
  readonly #ledger: Ledger;
  #timers: (() => void)[] = [];
  #death: Promise<'died'> = new Promise(() => {});
  #tellDeath: () => void = () => {};

  /** @param base whose ledger and clock it has, not its store */
  constructor({ path, ledger }: TestCash, clock: TestClock) {
    this.#path = path;
    this.#ledger = ledger;
    this.clock = clock;
    this.#disk = new MemoryDisk({
      flush: (done) =>
        setImmediate(() => {
          if (this.#isFatal()) this.#die();
          else done();
        }),
    });
  }

  async start(): Promise<void> {
    this.#death = new Promise((resolve) => {
      this.#tellDeath = () => resolve('died');
    });
    const life = this.#disk.life;
    const timers: (() => void)[] = [];
    this.#timers = timers;
    const setTimer: SetTimer = (run) => {
      timers.push(run);
      return () => void timers.splice(timers.indexOf(run), 1);
    };
    this.cash = await TestCash.open({
      ...{ path: this.#path, currencies: PURSE_TERMS, clock: this.clock.read, setTimer },
      ledger: this.#mortalLedger(life),
      store: memoryRoleStore(this.#disk),
    });
  }

  /** Does it until it is done, through as many deaths as there are. */
  async persist<Value>(work: (cash: TestCash) => Promise<Value>): Promise<Value> {
    for (;;) {
      const done = await Promise.race([work(this.cash), this.#death]);
      if (done !== 'died') return done as Value;
      await this.start();
    }
  }

  /** Everything that is due by the clock. @param queued something that is answered after what was queued before it */
  async pass(queued: (cash: TestCash) => Promise<unknown>): Promise<void> {
    await this.persist(async (cash) => {
      for (let passes = 3; passes > 0; passes--) {
        for (const run of this.#timers.splice(0)) run();
        await queued(cash);
      }
    });
  }

  /** For good. */
  async stop(): Promise<void> {
    this.diesIn = 0;
    await this.cash.cash.close();
  }

  #isFatal(): boolean {
    this.events++;
    return this.diesIn > 0 && --this.diesIn === 0;
  }

  #die(isFlushed = this.isDone): void {
    this.deaths++;
    this.#disk.crash(isFlushed);
    this.#tellDeath();
  }

  #mortalLedger(life: number): Ledger {
    const never = new Promise<never>(() => {});
    return new Proxy(this.#ledger, {
      get: (ledger, name) => {
        const value: unknown = Reflect.get(ledger, name, ledger);
        if (typeof value !== 'function') return value;
        if (!WRITES.has(name)) return value.bind(ledger);
        return async (...args: unknown[]): Promise<unknown> => {
          // Who is dead books nothing.
          if (this.#disk.life !== life) return never;
          const isFatal = this.#isFatal();
          if (isFatal && !this.isDone) this.#die(false);
          if (this.#disk.life !== life) return never;
          const result: unknown = await Reflect.apply(value, ledger, args);
          if (isFatal) this.#die(false);
          return this.#disk.life === life ? result : never;
        };
      },
    });
  }
}
