/** Binary search. */

/**
 * Finds the largest whole number from `low` to `high` for which `holds` is true. It must be true
 * for `low`, and false for every number above one for which it is false.
 */
export function bisectLargest(low: number, high: number, holds: (number: number) => boolean): number {
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
