/** The patterns of a rule: a word, a glob (`backup-*`), or a regular expression (`/^backup/i`). */

import type { compileLinear } from "./linear_regexp.ts";

/** A pattern that a text can match. */
export interface Pattern {
  /** The pattern as it was written. */
  readonly text: string;
  /** True if only its own text matches. */
  readonly isWord: boolean;
  /** True if every text matches. */
  readonly isAnything: boolean;
  matches(text: string): boolean;
}

/** A pattern, or the reason why the text is none. */
export type ParsedPattern = { readonly pattern: Pattern } | { readonly problem: string; readonly hint?: string };

/** Compiles a regular expression. */
export type ExpressionCompiler = typeof compileLinear;

/** A longer pattern is a mistake. */
const MAX_PATTERN_CHARS = 1000;

/**
 * Loads the compiler of regular expressions, which most configurations do not need.
 *
 * @param rules the rules as they were written
 * @returns undefined if they contain no regular expression
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
 * Matches a whole text: `*` stands for any characters, `?` for one. After a mismatch only the last
 * `*` takes one character more, so that the time is at most the product of the two lengths.
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
      problem: "it begins like a regular expression, with /, and does not end like one",
      hint: "write /…/ or /…/i, or ? in the place of the first / of a path",
    };
  }
  if (flags !== "" && flags !== "i") {
    return { problem: `the flag "${flags}" of a regular expression is not known`, hint: "i is, for any case" };
  }
  if (compile === undefined) throw new TypeError(`Cannot parse ${text}: the compiler is not loaded`);
  const result = compile(source, flags);
  if ("problem" in result) return result;
  const { expression } = result;
  return { pattern: { text, isWord: false, isAnything: false, matches: (other) => expression.test(other) } };
}
