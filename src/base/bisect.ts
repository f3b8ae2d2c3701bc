/** The largest whole number that holds, found by halving. */

/** The largest number from `low` to `high` that holds; `low` does, and what is larger than one that does not hold does not either. */
export function bisectLargest(low: number, high: number, holds: (number: number) => boolean): number {
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}
