/**
 * Above this number of line pairs both values are printed in full: a comparison would take too
 * long.
 */
const MAX_PAIRS = 4_000_000;

/** Formats a value, one property a line, sorted by name. */
export function shown(value: unknown): string {
  return Deno.inspect(value, {
    compact: false,
    depth: Infinity,
    iterableLimit: Infinity,
    sorted: true,
    strAbbreviateSize: Infinity,
    trailingComma: true,
  });
}

/**
 * Formats the difference of two texts: `-` marks lines of the actual text, `+` lines of the
 * expected one.
 */
export function difference(actual: string, expected: string): string {
  const [a, b] = [actual.split("\n"), expected.split("\n")];
  const lines = a.length * b.length > MAX_PAIRS
    ? [...a.map((line) => `-   ${line}`), ...b.map((line) => `+   ${line}`)]
    : merged(a, b);
  return ["    [Diff] Actual (-) / Expected (+)", "", ...lines, ""].join("\n");
}

function merged(a: readonly string[], b: readonly string[]): string[] {
  const common = commonLengths(a, b);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && a[i] === b[j]) {
      lines.push(`    ${a[i++]}`);
      j++;
    } else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) lines.push(`-   ${a[i++]}`);
    else lines.push(`+   ${b[j++]}`);
  }
  return lines;
}

/**
 * `[i][j]` is the length of the longest common subsequence of the lines from `i` and from `j` on.
 */
function commonLengths(a: readonly string[], b: readonly string[]): Uint32Array[] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i][j] = a[i] === b[j] ? lengths[i + 1][j + 1] + 1 : Math.max(lengths[i + 1][j], lengths[i][j + 1]);
    }
  }
  return lengths;
}
