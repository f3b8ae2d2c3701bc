/**
 * Regular expressions that cannot backtrack. A text is read once, from its beginning to its end, with all places of the expression at which the reading can be
 * (Thompson's construction): the time is at most the length of the text times the size of the expression, which is limited.
 *
 * The language is JavaScript's, with its flag `u`, but for what needs backtracking: back references and looking ahead or behind. What a single character may be
 * is left to JavaScript's own expressions, as is the question whether all of it is well-formed.
 *
 * @module
 */

/** An expression, or why there is none. */
export type Compiled = { readonly expression: LinearRegExp } | { readonly problem: string };

/** More steps than this no expression has: `a{1000}` has a thousand. */
const MAX_STEPS = 2000;

/** A step of the reading: over a character, to several places at once, or over a place where something holds. The last one is the end. */
type Step =
  | { readonly kind: "character"; readonly fits: number }
  | { readonly kind: "split"; readonly to: readonly number[] }
  | { readonly kind: "assertion"; readonly holds: Assertion }
  | { readonly kind: "end" };

type Assertion = "^" | "$" | "\\b" | "\\B";

/** A part of an expression. */
type Part =
  | { readonly kind: "character"; readonly source: string }
  | { readonly kind: "assertion"; readonly holds: Assertion }
  | { readonly kind: "sequence" | "choice"; readonly parts: readonly Part[] }
  | { readonly kind: "repetition"; readonly part: Part; readonly least: number; readonly most: number };

/** The words of the language; what is in none of the groups is a character. */
const TOKEN_REGEXP = new RegExp(
  [
    String.raw`(?<assertion>\^|\$|\\[bB])`,
    String.raw`(?<refused>\\[1-9k]|\(\?(?!:|<[^=!]))`,
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
 * Compiles an expression.
 *
 * @param flags `i`, or nothing
 */
export function compileLinear(source: string, flags: string): Compiled {
  try {
    new RegExp(source, `${flags}u`);
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*: /, "").toLowerCase() : "";
    return { problem: `it is not well-formed: ${why}` };
  }
  const tokens = Array.from(source.matchAll(TOKEN_REGEXP), ({ 0: text, groups }): Token => ({ ...groups, text }));
  const refused = tokens.find(({ refused }) => refused !== undefined)?.text;
  if (refused !== undefined) {
    const what = refused.startsWith("(") ? "looking ahead or behind" : "a back reference";
    return { problem: `${what} (${refused}) can take time without end` };
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

/** Reads up to the end, or to the parenthesis that closes the group. The whole is well-formed. */
function parseChoice(tokens: Iterator<Token>): Part {
  const choices: Part[][] = [[]];
  for (let next = tokens.next(); !next.done && next.value.close === undefined; next = tokens.next()) {
    const sequence = choices[choices.length - 1];
    const { text, assertion, open, or, times } = next.value;
    if (or !== undefined) choices.push([]);
    else if (open !== undefined) sequence.push(parseChoice(tokens));
    else if (assertion !== undefined) sequence.push({ kind: "assertion", holds: assertion as Assertion });
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

/** Writes the steps of parts, one behind the other, until there are too many. */
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
        this.#steps.push({ kind: "character", fits: known < 0 ? this.#sources.push(part.source) - 1 : known });
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

  /** The expression; undefined when it would be too large. */
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
      // A part without steps is the same however often it is repeated.
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

/** An expression that reads a text once. */
export class LinearRegExp {
  readonly #steps: readonly Step[];
  readonly #characters: readonly RegExp[];
  readonly #word: RegExp;

  /** @param characters what a character may be, by the number that steps have */
  constructor(steps: readonly Step[], characters: readonly RegExp[], word: RegExp) {
    this.#steps = steps;
    this.#characters = characters;
    this.#word = word;
  }

  /** Whether it matches somewhere in a text. */
  test(text: string): boolean {
    const characters = Array.from(text);
    let places: number[] = [];
    for (let at = 0; at <= characters.length; at++) {
      // A match may begin anywhere.
      const reached = this.#reach([...places, 0], characters, at);
      if (reached === "end") return true;
      const fits: (boolean | undefined)[] = [];
      places = [];
      for (const place of reached) {
        const step = this.#steps[place];
        if (step.kind !== "character" || at === characters.length) continue;
        fits[step.fits] ??= this.#characters[step.fits].test(characters[at]);
        if (fits[step.fits]) places.push(place + 1);
      }
    }
    return false;
  }

  /** Where the reading can be without another character. */
  #reach(from: readonly number[], characters: readonly string[], at: number): Iterable<number> | "end" {
    const reached = new Set<number>();
    const open = [...from];
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      if (reached.has(place)) continue;
      reached.add(place);
      const step = this.#steps[place];
      if (step.kind === "end") return "end";
      if (step.kind === "split") open.push(...step.to);
      if (step.kind === "assertion" && this.#holds(step.holds, characters, at)) open.push(place + 1);
    }
    return reached;
  }

  #holds(assertion: Assertion, characters: readonly string[], at: number): boolean {
    if (assertion === "^") return at === 0;
    if (assertion === "$") return at === characters.length;
    const [before, behind] = [at - 1, at].map((one) => this.#word.test(characters[one] ?? ""));
    return (before !== behind) === (assertion === "\\b");
  }
}
