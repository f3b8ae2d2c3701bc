/** What a rule compares a text with: a word, a glob (`backup-*`), or a regular expression (`/^backup/i`). */

import { compileLinear } from "./linear_regexp.ts";

/** One of them. */
export interface Pattern {
  /** As it was written. */
  readonly text: string;
  /** Whether nothing but its own text matches. */
  readonly isWord: boolean;
  /** Whether everything matches. */
  readonly isAnything: boolean;
  /** Whether a text matches. */
  matches(text: string): boolean;
}

/** A pattern, or why there is none. */
export type ParsedPattern = { readonly pattern: Pattern } | { readonly problem: string; readonly hint?: string };

/** A longer one is a mistake. */
const MAX_PATTERN_CHARS = 1000;

/** Reads a pattern. */
export function parsePattern(text: string): ParsedPattern {
  if (text.length > MAX_PATTERN_CHARS) return { problem: `it is longer than ${MAX_PATTERN_CHARS} characters` };
  if (text.startsWith("/")) return parseExpression(text);
  if (!/[*?]/.test(text)) {
    return { pattern: { text, isWord: true, isAnything: false, matches: (other) => other === text } };
  }
  const source = Array.from(text, (one) => one === "*" ? "[^]*" : one === "?" ? "[^]" : literal(one)).join("");
  return compiled(text, `^${source}$`, { isAnything: /^\*+$/.test(text) });
}

function parseExpression(text: string): ParsedPattern {
  const [, source, flags] = /^\/(.+)\/([a-z]*)$/s.exec(text) ?? [];
  if (source === undefined) {
    return {
      problem: "it begins like a regular expression, with /, and does not end like one",
      hint: "write /…/ or /…/i, or ? in the place of the first / of a path",
    };
  }
  if (flags === "" || flags === "i") return compiled(text, source, { flags, isAnything: false });
  return { problem: `the flag "${flags}" of a regular expression is not known`, hint: "i is, for any case" };
}

function compiled(
  text: string,
  source: string,
  { flags = "", isAnything }: { readonly flags?: string; readonly isAnything: boolean },
): ParsedPattern {
  const result = compileLinear(source, flags);
  if ("problem" in result) return result;
  return { pattern: { text, isWord: false, isAnything, matches: (other) => result.expression.test(other) } };
}

function literal(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}
