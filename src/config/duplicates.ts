/** Keys that stand twice in one object of a JSON file. A parser silently keeps the last of them: a channel would be gone that somebody relies on. */

/**
 * Finds the first key that stands twice.
 *
 * @param json valid JSON
 * @returns its dotted path; undefined when there is none
 */
export function duplicateKey(json: string): string | undefined {
  /** The objects and lists that are open, each with the keys that it has so far, and the one whose value is being read. */
  const open: { readonly keys: Set<string>; key: string }[] = [];
  let last = "";
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    const top = open.at(-1);
    if (token === "{" || token === "[") open.push({ keys: new Set(), key: "" });
    else if (token === "}" || token === "]") open.pop();
    else if (token === ":" && top !== undefined) {
      top.key = JSON.parse(last);
      if (top.keys.has(top.key)) return open.map(({ key }) => key).filter((key) => key !== "").join(".");
      top.keys.add(top.key);
    }
    last = token;
  }
  return undefined;
}
