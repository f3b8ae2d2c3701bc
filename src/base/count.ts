/** Formats numbers with their nouns, and sizes. */

/** Formats a number and its noun: `1 entry`, `2 entries`, `0 lines`. */
export function formatCount(count: number, singular: string, plural: string = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** Formats a size: `12 bytes`, `1.5 KiB`, `3 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return formatCount(bytes, "byte");
  const kib = bytes / 1024;
  const [size, unit] = kib < 1024 ? [kib, "KiB"] : [kib / 1024, "MiB"];
  return `${size.toFixed(1).replace(/\.0$/, "")} ${unit}`;
}
