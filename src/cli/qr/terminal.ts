// A QR code in a terminal: two modules a character, light ones drawn, as most terminals are dark.
import { type Modules, qrCode } from './encode.ts';

/** Light modules around it, so that it can be found. ISO/IEC 18004 wants four; readers do with two. */
const MARGIN = 2;

export function qrText(text: string): string {
  return drawn(qrCode(new TextEncoder().encode(text)));
}

function drawn(modules: Modules): string {
  const size = modules.length;
  const isLight = (x: number, y: number): boolean => modules[y]?.[x] !== true;
  const lines: string[] = [];
  for (let y = -MARGIN; y < size + MARGIN; y += 2) {
    let line = '';
    for (let x = -MARGIN; x < size + MARGIN; x++) {
      // Below the last row there is nothing any more.
      const isBelow = y + 1 < size + MARGIN && isLight(x, y + 1);
      line += isLight(x, y) ? (isBelow ? '█' : '▀') : isBelow ? '▄' : ' ';
    }
    lines.push(line);
  }
  return lines.join('\n');
}
