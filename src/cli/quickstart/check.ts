// One thing that quickstart claims, and how often it was looked at.

const EXAMPLES_MAX = 3;

export class Check {
  readonly name: string;
  readonly #mayBeEmpty: boolean;
  readonly examples: string[] = [];
  failures = 0;
  /** What was looked at. */
  compared = 0;

  /** @param mayBeEmpty it passes where there was nothing to look at */
  constructor(name: string, mayBeEmpty = false) {
    this.name = name;
    this.#mayBeEmpty = mayBeEmpty;
  }

  expect(holds: boolean, describe: () => string): void {
    this.compared++;
    if (!holds) this.fail(describe());
  }

  fail(example: string): void {
    this.failures++;
    if (this.examples.length < EXAMPLES_MAX) this.examples.push(example);
  }

  get passed(): boolean {
    return this.failures === 0 && (this.compared > 0 || this.#mayBeEmpty);
  }
}
