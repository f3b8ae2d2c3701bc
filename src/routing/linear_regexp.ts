/**
 * Regular expressions without backtracking (Thompson's construction). The matcher reads each
 * character of a text only once, and tracks all states of the expression at the same time. Its run
 * time is at most proportional to the length of the text times the size of the expression. The size
 * of the expression is limited.
 *
 * The syntax is the same as in JavaScript with the flag `u`, but without back references,
 * lookaround and inline modifiers. JavaScript's RegExp checks the syntax and matches single
 * characters.
 *
 * This file is loaded only if a rule contains a `/regular expression/`.
 *
 * @module
 */

/** An expression, or the reason why it cannot be used. */
export type Compiled = { readonly expression: LinearRegExp } | { readonly problem: string; readonly hint?: string };

/** The maximum number of steps of an expression. `a{1000}` has 1000 steps. */
const MAX_STEPS = 2000;

/**
 * One step of a compiled expression: it reads a character, continues at other steps, or checks an
 * assertion. The last step is the end of the expression.
 */
type Step =
  | { readonly kind: "character"; readonly characterClass: number }
  | { readonly kind: "split"; readonly to: readonly number[] }
  | { readonly kind: "assertion"; readonly assertion: Assertion }
  | { readonly kind: "end" };

type Assertion = "^" | "$" | "\\b" | "\\B";

/** A node of the syntax tree. */
type Part =
  | { readonly kind: "character"; readonly source: string }
  | { readonly kind: "assertion"; readonly assertion: Assertion }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Part[] }
  | { readonly kind: "repetition"; readonly part: Part; readonly least: number; readonly most: number };

/** Matches one token of an expression. If no named group matches, the token is a character. */
const TOKEN_REGEXP = new RegExp(
  [
    String.raw`(?<assertion>\^|\$|\\[bB])`,
    String.raw`(?<refused>\\(?:[1-9]\d*|k(?:<[^>]*>)?|[^bBcdDfnpPrsStuvwWx0^$\\.*+?()[\]{}|/])`,
    String.raw`\(\?(?:<?[=!]|[a-z-]+[:)]|P[<=]|[^:<])|(?:[*+?]|\{\d+(?:,\d*)?\})\+|\[\[:[a-z]+:\])`,
    String.raw`(?<open>\((?:\?:|\?<[^>]*>)?)`,
    String.raw`(?<close>\))`,
    String.raw`(?<or>\|)`,
    String.raw`(?<times>[*+?]|\{(?<least>\d+)(?<rest>,(?<most>\d*))?\})\??`,
    String.raw`\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}`,
    String.raw`\\(?:u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|[pP]\{[^}]*\}|.)`,
    String.raw`\[(?:[^\]\\]|\\.)*\]`,
    "[^]",
  ].join("|"),
  "gu",
);

/**
 * The parts of an expression that are refused, with their names and hints. The first row that
 * matches counts.
 */
const REFUSED: readonly (readonly [part: RegExp, name: string, hint: string])[] = [
  [/^\(\?=/, "lookahead", "write the regular expression without it"],
  [/^\(\?<=/, "lookbehind", "write the regular expression without it"],
  [/^\(\?!/, "negative lookahead", "write a rule for the exceptions, and put it before this rule"],
  [/^\(\?<!/, "negative lookbehind", "write a rule for the exceptions, and put it before this rule"],
  [/^\\[1-9k]|^\(\?P=/, "back reference", 'list the possible texts instead: "/aa|bb/"'],
  [/^\(\?[a-z]*i/, "inline modifier", 'to ignore upper and lower case everywhere, write an i at the end: "/…/i"'],
  [/^\(\?[a-z-]+[:)]/, "inline modifier", "write the regular expression without it"],
  [/^\(\?P</, "named group", 'write "(?<name>…)"'],
  [/^\(\?>/, "atomic group", 'write "(?:…)"'],
  [/^\(\?#/, "comment", "remove the comment"],
  [/^\(/, "group", 'write "(?:…)"'],
  [/^\[/, "POSIX class", 'write the characters, such as "[A-Za-z]"'],
  [/\+$/, "possessive quantifier", "remove the last +"],
  [/^\\A/, "escape", 'write "^" for the beginning of the text'],
  [/^\\[zZ]/, "escape", 'write "$" for the end of the text'],
  [/^\\[<>]/, "escape", 'write "\\\\b" for the beginning or the end of a word'],
  [/^\\[A-Za-z]/, "escape", "write the characters themselves"],
  [/^\\/, "escape", "remove the backslash"],
];

/**
 * Compiles an expression.
 *
 * @param flags the flags: `i` or an empty string
 */
export function compileLinear(source: string, flags: string): Compiled {
  const tokens = Array.from(source.matchAll(TOKEN_REGEXP), ({ 0: text, groups }): Token => ({ ...groups, text }));
  const refused = tokens.find(({ refused }) => refused !== undefined)?.text;
  if (refused !== undefined) {
    const [, name = "", hint] = REFUSED.find(([part]) => part.test(refused)) ?? [];
    return { problem: `the ${name} "${refused}" is not supported`, hint };
  }
  try {
    new RegExp(source, `${flags}u`);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*: /, "").toLowerCase() : "";
    return {
      problem: `the regular expression has a mistake (${why})`,
      hint: 'to match a special character itself, write \\\\ before it: "/\\\\(/"',
    };
  }
  const emitter = new Emitter(flags);
  emitter.emit(parseChoice(tokens.values()));
  const expression = emitter.end();
  return expression ? { expression } : { problem: `it is too large: more than ${MAX_STEPS} steps` };
}

interface Token {
  readonly text: string;
  readonly [group: string]: string | undefined;
}

/**
 * Parses tokens until the end of the group or of the expression. RegExp has already checked the
 * syntax.
 */
function parseChoice(tokens: Iterator<Token>): Part {
  const choices: Part[][] = [[]];
  for (let next = tokens.next(); !next.done && next.value.close === undefined; next = tokens.next()) {
    const sequence = choices[choices.length - 1];
    const { text, assertion, open, or, times } = next.value;
    if (or !== undefined) choices.push([]);
    else if (open !== undefined) sequence.push(parseChoice(tokens));
    else if (assertion !== undefined) sequence.push({ kind: "assertion", assertion: assertion as Assertion });
    else if (times === undefined) sequence.push({ kind: "character", source: text });
    else sequence.push(repetition(sequence.pop(), next.value));
  }
  const parts = choices.map((parts): Part => ({ kind: "sequence", parts }));
  return parts.length === 1 ? parts[0] : { kind: "choice", parts };
}

function repetition(part: Part = { kind: "sequence", parts: [] }, { times, least, rest, most }: Token): Part {
  if (least === undefined) {
    return { kind: "repetition", part, least: times === "+" ? 1 : 0, most: times === "?" ? 1 : Infinity };
  }
  return {
    kind: "repetition",
    part,
    least: Number(least),
    most: rest === undefined ? Number(least) : most ? Number(most) : Infinity,
  };
}

/** Creates the steps of an expression. Stops if there are too many steps. */
class Emitter {
  readonly #flags: string;
  readonly #steps: Step[] = [];
  readonly #sources: string[] = [];

  constructor(flags: string) {
    this.#flags = flags;
  }

  emit(part: Part): void {
    if (this.#steps.length > MAX_STEPS) return;
    switch (part.kind) {
      case "character": {
        const known = this.#sources.indexOf(part.source);
        this.#steps.push({
          kind: "character",
          characterClass: known < 0 ? this.#sources.push(part.source) - 1 : known,
        });
        return;
      }
      case "assertion":
        this.#steps.push(part);
        return;
      case "sequence":
        for (const one of part.parts) this.emit(one);
        return;
      case "choice":
        return this.#emitChoice(part.parts);
      case "repetition":
        return this.#emitRepetition(part);
    }
  }

  /** Returns the expression; undefined if it is too large. */
  end(): LinearRegExp | undefined {
    if (this.#steps.length > MAX_STEPS) return undefined;
    const characters = this.#sources.map((source) => new RegExp(`^(?:${source})$`, `${this.#flags}u`));
    return new LinearRegExp([...this.#steps, { kind: "end" }], characters, new RegExp("\\w", `${this.#flags}u`));
  }

  #emitChoice(parts: readonly Part[]): void {
    const ends: number[] = [];
    for (const [at, part] of parts.entries()) {
      if (at === parts.length - 1) this.emit(part);
      else {
        const split = this.#reserve();
        this.emit(part);
        ends.push(this.#reserve());
        this.#split(split, split + 1, this.#steps.length);
      }
    }
    for (const end of ends) this.#split(end, this.#steps.length);
  }

  #emitRepetition({ part, least, most }: Extract<Part, { readonly kind: "repetition" }>): void {
    for (let count = 0, before = -1; count < least && before < this.#steps.length; count++) {
      // If the repeated part creates no steps, the loop ends, because more repetitions change
      // nothing.
      before = this.#steps.length;
      this.emit(part);
    }
    if (most === Infinity) {
      const split = this.#reserve();
      this.emit(part);
      this.#split(this.#reserve(), split);
      this.#split(split, split + 1, this.#steps.length);
      return;
    }
    const splits: number[] = [];
    for (let count = least; count < most && this.#steps.length <= MAX_STEPS; count++) {
      splits.push(this.#reserve());
      this.emit(part);
    }
    for (const split of splits) this.#split(split, split + 1, this.#steps.length);
  }

  #reserve(): number {
    return this.#steps.push({ kind: "split", to: [] }) - 1;
  }

  #split(at: number, ...to: number[]): void {
    this.#steps[at] = { kind: "split", to };
  }
}

/** A compiled expression. */
export class LinearRegExp {
  readonly #steps: readonly Step[];
  readonly #characters: readonly RegExp[];
  readonly #word: RegExp;

  /**
   * @param characters the character classes; steps refer to them by index
   * @param word matches a word character, for `\b`
   */
  constructor(steps: readonly Step[], characters: readonly RegExp[], word: RegExp) {
    this.#steps = steps;
    this.#characters = characters;
    this.#word = word;
  }

  /** Returns true if the expression matches any part of a text. */
  test(text: string): boolean {
    const characters = Array.from(text);
    let states: number[] = [];
    for (let at = 0; at <= characters.length; at++) {
      // Add step 0 (the start of the expression) at each position, because a match may begin
      // anywhere.
      const reached = this.#expand([...states, 0], characters, at);
      if (reached === "end") return true;
      const fits: (boolean | undefined)[] = [];
      states = [];
      for (const state of reached) {
        const step = this.#steps[state];
        if (step.kind !== "character" || at === characters.length) continue;
        fits[step.characterClass] ??= this.#characters[step.characterClass].test(characters[at]);
        if (fits[step.characterClass]) states.push(state + 1);
      }
    }
    return false;
  }

  /** Returns the steps that can be reached without reading a character. */
  #expand(from: readonly number[], characters: readonly string[], at: number): Iterable<number> | "end" {
    const reached = new Set<number>();
    const open = [...from];
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (reached.has(state)) continue;
      reached.add(state);
      const step = this.#steps[state];
      if (step.kind === "end") return "end";
      if (step.kind === "split") open.push(...step.to);
      if (step.kind === "assertion" && this.#holds(step.assertion, characters, at)) open.push(state + 1);
    }
    return reached;
  }

  #holds(assertion: Assertion, characters: readonly string[], at: number): boolean {
    if (assertion === "^") return at === 0;
    if (assertion === "$") return at === characters.length;
    const [before, after] = [at - 1, at].map((one) => this.#word.test(characters[one] ?? ""));
    return (before !== after) === (assertion === "\\b");
  }
}
