/** The patterns of rules: a word, a glob (`backup-*`), or a regular expression (`/^backup/i`). */

import type { compileLinear } from "./linear_regexp.ts";

/** A pattern that a text can match. */
export interface Pattern {
  /** The pattern as written in the configuration. */
  readonly text: string;
  /** True if the pattern matches only a text that is equal to the pattern. */
  readonly isWord: boolean;
  /** True if the pattern matches every text. */
  readonly isAnything: boolean;
  matches(text: string): boolean;
}

/** A pattern, or the reason why a text is not a valid pattern. */
export type ParsedPattern = { readonly pattern: Pattern } | { readonly problem: string; readonly hint?: string };

/** Compiles a regular expression. */
export type ExpressionCompiler = typeof compileLinear;

/** The maximum length of a pattern. A longer pattern is probably a mistake. */
const MAX_PATTERN_CHARS = 1000;

/**
 * Loads the compiler for regular expressions, if the rules may contain a regular expression.
 *
 * @param rules the rules as written in the configuration
 * @returns the compiler; undefined if it is not needed
 */
export async function loadExpressionCompiler(rules: unknown): Promise<ExpressionCompiler | undefined> {
  if (!JSON.stringify(rules)?.includes("/")) return undefined;
  const { compileLinear } = await import("./linear_regexp.ts");
  return compileLinear;
}

/**
 * Parses a pattern.
 *
 * @param compile the compiler from {@linkcode loadExpressionCompiler}
 */
export function parsePattern(text: string, compile: ExpressionCompiler | undefined): ParsedPattern {
  if (text.length > MAX_PATTERN_CHARS) return { problem: `it is longer than ${MAX_PATTERN_CHARS} characters` };
  if (text.startsWith("/")) return parseExpression(text, compile);
  if (!/[*?]/.test(text)) {
    return { pattern: { text, isWord: true, isAnything: false, matches: (other) => other === text } };
  }
  const glob = Array.from(text);
  return {
    pattern: { text, isWord: false, isAnything: /^\*+$/.test(text), matches: (other) => matchesGlob(glob, other) },
  };
}

/**
 * Matches a whole text: `*` matches any number of characters, and `?` matches one character. After
 * a mismatch, lets the last `*` match one more character and tries again. The run time is at most
 * proportional to the length of the glob times the length of the text.
 */
function matchesGlob(glob: readonly string[], text: string): boolean {
  const characters = Array.from(text);
  let at = 0, globAt = 0, star = -1, starEnd = 0;
  while (at < characters.length) {
    if (glob[globAt] === "*") {
      star = globAt++;
      starEnd = at;
    } else if (glob[globAt] === "?" || glob[globAt] === characters[at]) {
      globAt++;
      at++;
    } else if (star >= 0) {
      globAt = star + 1;
      at = ++starEnd;
    } else return false;
  }
  return glob.slice(globAt).every((character) => character === "*");
}

function parseExpression(text: string, compile: ExpressionCompiler | undefined): ParsedPattern {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(text) ?? [];
  if (source === undefined) {
    return {
      problem: "it begins with / like a regular expression, but does not end with / or /i",
      hint: "write a regular expression as /…/ or /…/i; in a path, write ? instead of the first /",
    };
  }
  if (flags !== "" && flags !== "i") {
    return {
      problem: `the flag "${flags}" of a regular expression is not known`,
      hint: "use i to ignore upper and lower case",
    };
  }
  if (compile === undefined) {
    throw new TypeError(`Cannot parse ${text}: the compiler of regular expressions is not loaded`);
  }
  const result = compile(source, flags);
  if ("problem" in result) return result;
  const { expression } = result;
  return { pattern: { text, isWord: false, isAnything: false, matches: (other) => expression.test(other) } };
}
