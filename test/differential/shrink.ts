// Shrink: the shortest sequence found that still shows a difference.
// Holds   the search: ever smaller runs of steps are left out while the difference stays.
// Never   changes a step.
// Source  our own, after delta debugging.

import type { Step } from "./step.ts";

/**
 * Returns a sequence from which no single step can be left out.
 * @param differs  plays a sequence on fresh stores and says whether it still shows a difference
 * @param tries    how often `differs` may be asked
 */
export async function shrink(
  steps: readonly Step[],
  differs: (steps: readonly Step[]) => Promise<boolean>,
  tries: number,
): Promise<readonly Step[]> {
  let best = steps;
  let left = tries;
  for (let size = best.length >> 1; size >= 1 && left > 0; ) {
    let shorter = false;
    for (let at = best.length - size; at >= 0 && left > 0; at -= size) {
      const candidate = [...best.slice(0, at), ...best.slice(at + size)];
      left -= 1;
      if (!(await differs(candidate))) continue;
      best = candidate;
      shorter = true;
    }
    if (!shorter || size > 1) size = size === 1 ? 0 : Math.max(1, size >> 1);
  }
  return best;
}
