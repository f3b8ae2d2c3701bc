/** Binary search. */

/**
 * Finds the largest whole number from `low` to `high` for which `holds` returns true. `holds` must
 * return true for `low`. If `holds` returns false for a number, `holds` must also return false for
 * every larger number.
 */
export function bisectLargest(low: number, high: number, holds: (number: number) => boolean): number {
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
