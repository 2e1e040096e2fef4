// A process that ends at any trace point or write of its store, and comes back on what its disk has.
//
//     start ─▶ open ─▶ serves ─ trace point, flush ─▶ fate ─┬─ lives
//       ▲                                                   ╰─ dies: what was being written is on the disk, or is not
//       ╰──────────────────── a pause ◀─────────────────────────╯
import type { SetTimer } from '../../../src/shared/timer.ts';
import { MemoryDisk } from '../../store/memory-backend.ts';
import type { Ground, Life } from '../ground.ts';

export type Fate = 'lives' | 'lost' | 'flushed';
/** Asked at each point of each process; `point` names it. */
export type Fates = (process: string, point: string) => Fate;

export interface OpenLife extends Life {
  /** Nothing happens after it where the process has died there. */
  readonly point: (name: string) => void;
  readonly setTimer: SetTimer;
}

export interface ProcessOptions<Opened> {
  readonly name: string;
  readonly ground: Ground;
  readonly fates: Fates;
  readonly open: (life: OpenLife, disk: MemoryDisk) => Promise<Opened> | Opened;
  /** What else is lost with the process. */
  readonly onCrash?: (isFlushed: boolean) => void;
  readonly onFault: (fault: string) => void;
}

export class Process<Opened> {
  readonly name: string;
  readonly #options: ProcessOptions<Opened>;
  disk: MemoryDisk;
  opened: Opened | undefined;
  crashes = 0;
  /** Of the life that there is now: what it was asked for never ends. */
  died: Promise<void> = Promise.resolve();
  #onDeath: () => void = () => {};
  #life = 0;

  constructor(options: ProcessOptions<Opened>) {
    this.name = options.name;
    this.#options = options;
    this.disk = this.newDisk();
  }

  newDisk(): MemoryDisk {
    const { world } = this.#options.ground;
    return new MemoryDisk({
      flush: (done) => {
        this.#point('flush');
        world.setTimer(done, 0.5 + 4 * world.random.float());
      },
    });
  }

  /** Also of one that is not up. */
  get isUp(): boolean {
    return this.opened !== undefined;
  }

  start(): void {
    const { ground, open, onFault } = this.#options;
    const number = ++this.#life;
    const isAlive = (): boolean => this.#life === number;
    const life = {
      ...ground.life(isAlive),
      point: (name: string): void => {
        if (isAlive()) this.#point(name);
      },
    };
    this.died = new Promise((resolve) => {
      this.#onDeath = resolve;
    });
    ground.note(this.name, 'starts');
    const opening = async (): Promise<void> => {
      const opened = await open(life, this.disk);
      // It may have died while it opened.
      if (isAlive()) this.opened = opened;
    };
    opening().catch((error: unknown) => {
      if (isAlive()) onFault(`${this.name}: ${(error as Error).stack}`);
    });
  }

  #point(name: string): void {
    const { ground, fates } = this.#options;
    ground.note(this.name, name);
    const fate = fates(this.name, name);
    if (fate !== 'lives') this.crash(fate === 'flushed');
  }

  /** @param pauseMs until it is started again; undefined: some time */
  crash(isFlushed: boolean, pauseMs = 50 + 3_000 * this.#options.ground.random.float()): void {
    const { ground, onCrash } = this.#options;
    ground.note(this.name, `dies, ${isFlushed ? 'its last write is on the disk' : 'its last write is lost'}`);
    this.crashes++;
    this.stop();
    this.disk.crash(isFlushed);
    onCrash?.(isFlushed);
    const stopped = this.#life;
    ground.world.setTimer(() => {
      if (this.#life === stopped) this.start();
    }, pauseMs);
  }

  /** Nothing that it still does has an effect. */
  stop(): void {
    this.#life++;
    this.opened = undefined;
    this.#onDeath();
  }
}
