// Things to do later in the day: a binary heap by time, bounded. Equal times come out in the order they went in, so
// that a seed means one order.

interface Entry<T> {
  readonly time: number;
  readonly order: number;
  readonly item: T;
}

export class Later<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #capacity: number;
  #order = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** False where the plan is full: the item is left out. */
  add(time: number, item: T): boolean {
    if (this.#heap.length >= this.#capacity) return false;
    const heap = this.#heap;
    const entry = { time, order: this.#order++, item };
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
    return true;
  }

  /** The next item due by `time`, taken out; undefined where none is. */
  takeDue(time: number): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    if (first === undefined || first.time > time) return undefined;
    const last = heap.pop()!;
    if (heap.length > 0) {
      let at = 0;
      for (;;) {
        let child = 2 * at + 1;
        if (child >= heap.length) break;
        if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
        if (!before(heap[child]!, last)) break;
        heap[at] = heap[child]!;
        at = child;
      }
      heap[at] = last;
    }
    return first.item;
  }
}

function before<T>(left: Entry<T>, right: Entry<T>): boolean {
  return left.time < right.time || (left.time === right.time && left.order < right.order);
}
