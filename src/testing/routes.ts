/** A table of endpoints. Each endpoint has a method and a path, which can contain parameters. */

/** An endpoint. Parts of the path that begin with a colon are parameters. */
export interface Route<Name extends string> {
  readonly name: Name;
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
}

/** The result of a lookup. */
export type Match<R> =
  | { readonly kind: "route"; readonly route: R; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: "wrong-method" }
  | { readonly kind: "unknown" };

/**
 * Finds the endpoint of a request. Splits the path first, and then decodes its parts. Because of
 * this order, an encoded slash (`%2F`) does not split a part.
 */
export function matchRoute<R extends Route<string>>(routes: readonly R[], method: string, path: string): Match<R> {
  const parts = path.split("/").map(decodePart);
  let pathIsKnown = false;
  for (const route of routes) {
    const params = matchParts(route.path.split("/"), parts);
    if (params === undefined) continue;
    if (route.method === method) return { kind: "route", route, params };
    pathIsKnown = true;
  }
  return { kind: pathIsKnown ? "wrong-method" : "unknown" };
}

function decodePart(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

function matchParts(
  pattern: readonly string[],
  parts: readonly (string | undefined)[],
): Record<string, string> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, expected] of pattern.entries()) {
    const part = parts[index];
    if (part === undefined) return undefined;
    if (!expected.startsWith(":")) {
      if (part !== expected) return undefined;
    } else if (part === "") return undefined;
    else params[expected.slice(1)] = part;
  }
  return params;
}
