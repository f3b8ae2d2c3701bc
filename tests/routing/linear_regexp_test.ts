import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { compileLinear } from "../../src/routing/linear_regexp.ts";

function matches(source: string, text: string, flags = ""): boolean {
  const compiled = compileLinear(source, flags);
  assert("expression" in compiled, `${source}: ${JSON.stringify(compiled)}`);
  return compiled.expression.test(text);
}

function problem(source: string): string | undefined {
  const compiled = compileLinear(source, "");
  return "problem" in compiled ? compiled.problem : undefined;
}

const SOURCES: readonly string[] = [
  ...["a", "ab|c", "^a", "a$", "^$", "", "a|", "(a|b)*c", "(?:ab)+", "a?b", "a{2}", "a{2,}b", "a{1,3}$", "(a*)*b"],
  ...[".", "^.$", "[a-c]+", "[^a]", "[]", "[^]", "[\\]a]", "\\d+", "\\w\\W", "\\bab\\b", "\\Bb", "\\.", "a\\/b"],
  ...["(?<name>a)b", "a+?b", "(|a)+$", "(^a|b)+c", "(?:$|a){2}", "\\u{1F600}", "\\uD83D\\uDE00", "\\p{Lu}", "\\x61b"],
  ...["😀+", "[😀-😂]", "ß", "ſ", "(?:){5}a", "(a|b|ab)(c|bcd)(d*)$", "^(?:a?){3}a{3}$", "\\ca|b", "[\\b]|a"],
];

const TEXTS: readonly string[] = [
  ...["", "a", "b", "ab", "ba", "abc", "aaa", "aab", "A", "Ab", "a b", "a.b", "a/b", "1", "12", "]", "\u0001", "\b"],
  ...["😀", "😁😀", "ß", "SS", "s", "ſ", "K", "abcd", "a\u2028b", "ab ab", "aaaaaa", "ÄB", "É"],
];

Deno.test("LinearRegExp.test() agrees with RegExp", () => {
  for (const flags of ["", "i"]) {
    for (const source of SOURCES) {
      const own = new RegExp(source, `${flags}u`);
      for (const text of TEXTS) {
        assertEquals(matches(source, text, flags), own.test(text), `/${source}/${flags} on ${JSON.stringify(text)}`);
      }
    }
  }
});

/** Creates random numbers that are the same in every run. */
function dice(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor(state / 65_536) % sides;
  };
}

Deno.test("LinearRegExp.test() agrees with RegExp on thousands of random expressions", () => {
  const roll = dice(7);
  const one = <Value>(values: readonly Value[]): Value => values[roll(values.length)];
  const part = (depth: number): string => {
    const atom = depth > 0 && roll(3) === 0
      ? `${one(["(", "(?:"])}${choice(depth - 1)})`
      : one(["a", "b", ".", "[ab]", "[^a]", "\\w"]);
    return roll(6) === 0
      ? one(["^", "$", "\\b", "\\B"])
      : atom + one(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"]);
  };
  const sequence = (depth: number): string => Array.from({ length: roll(4) }, () => part(depth)).join("");
  const choice = (depth: number): string => Array.from({ length: 1 + roll(2) }, () => sequence(depth)).join("|");
  let matched = 0;
  for (let count = 0; count < 3000; count++) {
    const source = choice(2);
    const own = new RegExp(source, "u");
    for (let texts = 0; texts < 8; texts++) {
      const text = Array.from({ length: roll(7) }, () => one(["a", "b", "c", " "])).join("");
      const expected = own.test(text);
      assertEquals(matches(source, text), expected, `/${source}/ on "${text}"`);
      if (expected) matched++;
    }
  }
  assert(matched > 5000 && matched < 23_000, `${matched} matched: too one-sided to prove anything`);
});

/** Expressions for which RegExp needs exponential, cubic or quadratic time. */
const RUNAWAYS: readonly (readonly [source: string, text: string])[] = [
  ["^(a+)+$", "a".repeat(1023) + "!"],
  ["^(a|aa)+$", "a".repeat(1023) + "!"],
  ["(.*)*x(.*)*y", "x".repeat(1024)],
  ["(x+x+)+y", "x".repeat(1024)],
  ["^(([a-z])+.)+[A-Z]([a-z])+$", "a".repeat(1024)],
  ["(a?){500}a{500}$", "a".repeat(999) + "b".repeat(25)],
  [".*.*.*.*.*=.*", "x".repeat(1024)],
  ["(\\w*\\s*)*\\d$", "word ".repeat(200)],
];

Deno.test("LinearRegExp.test() reads 1024 bytes in linear time", () => {
  for (const [source, text] of RUNAWAYS) {
    const start = performance.now();
    assertEquals(matches(source, text), false, source);
    const tookMs = performance.now() - start;
    // This needs at most 40 ms, but more on a busy machine.
    assert(tookMs < 5000, `/${source}/ took ${tookMs} ms`);
  }
});

/** Expressions that are refused: the name of the wrong part, and a part of the hint. */
const REFUSED: readonly (readonly [source: string, what: string, hint: string])[] = [
  ["(?=a)b", 'lookahead "(?="', "without it"],
  ["(?!a)", 'negative lookahead "(?!"', "a rule for the exceptions"],
  ["(?<=a)b", 'lookbehind "(?<="', "without it"],
  ["(?<!a)b", 'negative lookbehind "(?<!"', "a rule for the exceptions"],
  ["(a)\\12", 'back reference "\\12"', "the possible texts"],
  ["(?<n>a)\\k<n>", 'back reference "\\k<n>"', "the possible texts"],
  ["(?P<n>a)(?P=n)", 'named group "(?P<"', '"(?<name>…)"'],
  ["(a)(?P=n)", 'back reference "(?P="', "the possible texts"],
  ["(?i:a)", 'inline modifier "(?i:"', "write an i at the end"],
  ["(?i)a", 'inline modifier "(?i)"', "write an i at the end"],
  ["(?si)a", 'inline modifier "(?si)"', "write an i at the end"],
  ["(?-i:a)", 'inline modifier "(?-i:"', "without it"],
  ["(?m:a)", 'inline modifier "(?m:"', "without it"],
  ["(?>a)", 'atomic group "(?>"', '"(?:…)"'],
  ["(?#x)a", 'comment "(?#"', "remove the comment"],
  ["(?R)", 'group "(?R"', '"(?:…)"'],
  ["(?(1)a)", 'group "(?("', '"(?:…)"'],
  ["[[:alpha:]]+", 'POSIX class "[[:alpha:]"', '"[A-Za-z]"'],
  ["a++", 'possessive quantifier "++"', "the last +"],
  ["a{2,}+", 'possessive quantifier "{2,}+"', "the last +"],
  ["\\Aa", 'escape "\\A"', '"^"'],
  ["a\\z", 'escape "\\z"', '"$"'],
  ["\\<a\\>", 'escape "\\<"', '"\\\\b"'],
  ["\\h", 'escape "\\h"', "the characters themselves"],
  ["a\\-b", 'escape "\\-"', "remove the backslash"],
];

Deno.test("compileLinear() names the part that it refuses, and what to write instead", () => {
  for (const [source, what, hint] of REFUSED) {
    const compiled = compileLinear(source, "");
    assert("problem" in compiled, source);
    assertEquals(compiled.problem, `the ${what} is not supported`);
    assertStringIncludes(compiled.hint ?? "", hint, source);
  }
});

Deno.test("compileLinear() takes the characters of a refused part if they are escaped or in a class", () => {
  for (const source of ["\\(\\?i:a\\)", "[(?i:]", "[[:]", "[++]", "a\\+\\+", "[\\-]", "\\\\A", "[\\]\\[]"]) {
    assertEquals(problem(source), undefined, source);
  }
});

Deno.test("compileLinear() refuses expressions that are malformed or too large", () => {
  assertEquals(problem("(a"), "the regular expression has a mistake (unterminated group)");
  assertEquals(problem("a**"), "the regular expression has a mistake (nothing to repeat)");
  for (const source of ["a{2001}", "(a{100}){100}", "(((a?){99}){99}){99}", "a{99999999999999999999}"]) {
    assertEquals(problem(source), "it is too large: more than 2000 steps");
  }
  assertEquals(problem("(?:(?:(?:(?:){2000}){2000}){2000}){2000}"), undefined);
});
