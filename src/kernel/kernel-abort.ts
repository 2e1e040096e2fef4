/**
 * The kernel found itself in a state that cannot be, or out of memory where room had been promised. Its memory must not
 * be used any further: the engine stops, and recovery starts from what is durable.
 */
export class KernelAbort extends Error {
  override readonly name = 'KernelAbort';
  /** Where in assembly/: file:line:column. */
  readonly place: string;

  constructor(what: string, place: string, options?: ErrorOptions) {
    super(`${what} (${place})`, options);
    this.place = place;
  }
}
