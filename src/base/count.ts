/** Formats numbers with their nouns. */

/** Formats a number and its noun: `1 entry`, `2 entries`, `0 lines`. */
export function formatCount(count: number, singular: string, plural: string = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}
