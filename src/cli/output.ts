// What commands write: results to standard output, everything that is said along the way to standard error, so that a
// pipe gets only results.

export interface Output {
  /** Results. */
  write(text: string): void;
  /** One line of what goes on. */
  note(line: string): void;
  /** Standard error is a terminal that can redraw a line. */
  readonly interactive: boolean;
}

export const processOutput: Output = {
  write: (text) => {
    process.stdout.write(text);
  },
  note: (line) => {
    process.stderr.write(`${line}\n`);
  },
  get interactive() {
    return process.stderr.isTTY === true && process.env.TERM !== 'dumb' && process.env.CI === undefined;
  },
};

/** A reader that has seen enough (`| head`) closes the pipe: that ends the command quietly. */
export function endOnClosedPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}

/** One JSON value. Bigints become strings: JSON numbers beyond 2^53 lose digits in most readers. */
export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, (_, item) => (typeof item === 'bigint' ? item.toString() : item), 2)}\n`;
}

/** Columns aligned by spaces; those whose header starts with `>` to the right. */
export function tableText(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const names = headers.map((header) => header.replace(/^>/, ''));
  const widths = names.map((name, i) => Math.max(name.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => (headers[i]!.startsWith('>') ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  return `${[names, ...rows].map(line).join('\n')}\n`;
}

/** `1,234,567`: figures for people. */
export function grouped(value: number | bigint): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

export function milliseconds(value: number): string {
  return value < 10
    ? `${value.toFixed(2)} ms`
    : value < 10_000
      ? `${value.toFixed(0)} ms`
      : `${(value / 1000).toFixed(1)} s`;
}
