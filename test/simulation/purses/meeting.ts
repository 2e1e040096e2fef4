// The medium between two that meet: it takes its time, and while faults last it breaks, loses, repeats and changes pieces.
import { memoryPair, type Pair, type Piece } from '../../wallet/peer/memory-link.ts';
import type { Ground } from '../ground.ts';

export function meeting({ random, weather, world }: Ground): Pair {
  const isBad = weather.delayMaxMs > 3;
  const pieceBytesMax = random.pick([250, 2_000, 32_768]);
  const meddled = ({ bytes }: Piece): Uint8Array[] => {
    const choice = random.float();
    if (choice < 0.03) return [];
    if (choice < 0.06) return [bytes, bytes];
    if (choice >= 0.09) return [bytes];
    const changed = Uint8Array.from(bytes);
    changed[random.below(changed.length)]! ^= 1 << random.below(8);
    return [changed];
  };
  return memoryPair({
    pieceBytesMax,
    clock: { now: () => 0n, setTimer: world.setTimer },
    delayMs: 5 + 50 * random.float(),
    // About where the payment and its receipt are under way.
    ...(isBad && random.chance(0.3) && { cutAfter: random.below(pieceBytesMax === 250 ? 24 : 9) }),
    ...(isBad && random.chance(0.15) && { meddle: meddled }),
  });
}
