import { assert, assertEquals } from "@std/assert";
import { compileLinear } from "../../src/routing/linear_regexp.ts";
import { loadExpressionCompiler, parsePattern } from "../../src/routing/pattern.ts";

function matches(pattern: string, text: string): boolean {
  const parsed = parsePattern(pattern, compileLinear);
  assert("pattern" in parsed, pattern);
  return parsed.pattern.matches(text);
}

Deno.test("parsePattern() matches a word only by itself", () => {
  assertEquals(["backup", "Backup", "backup-email", ""].map((text) => matches("backup", text)), [
    ...[true, false, false, false],
  ]);
  assert(matches("a.b+(c)", "a.b+(c)"));
});

Deno.test("parsePattern() matches a glob as the regular expression that says the same", () => {
  const globs = ["*", "?", "a*", "*a", "a*b", "*a*b*", "a?b", "??*", "*ab*ab", "a**b", "*?a", "a*a*a"];
  const texts = ["", "a", "b", "ab", "aab", "abab", "aXb", "a*b", "a\nb", "aaa", "baa", "😀", "a😀b", "ababab", "abba"];
  for (const glob of globs) {
    const expression = new RegExp(`^${glob.replaceAll("*", "[^]*").replaceAll("?", "[^]")}$`, "u");
    for (const text of texts) assertEquals(matches(glob, text), expression.test(text), `${glob} on "${text}"`);
  }
});

Deno.test("parsePattern() matches a long glob in time", () => {
  const start = performance.now();
  assertEquals(matches("*a".repeat(400), "a".repeat(399) + "b".repeat(600)), false);
  assertEquals(matches("*a*b".repeat(200), "a".repeat(1024)), false);
  const tookMs = performance.now() - start;
  assert(tookMs < 5000, `it took ${tookMs} ms`);
});

Deno.test("parsePattern() matches regular expressions, and refuses unknown flags", () => {
  assertEquals(["Backup failed", "my backup"].map((text) => matches("/^backup/i", text)), [true, false]);
  for (const wrong of ["/a/g", "/a", "/(/"]) assert("problem" in parsePattern(wrong, compileLinear), wrong);
});

Deno.test("loadExpressionCompiler() loads the compiler only for rules with a regular expression", async () => {
  assertEquals(await loadExpressionCompiler(undefined), undefined);
  assertEquals(await loadExpressionCompiler([{ when: { origin: "backup-*" } }]), undefined);
  assertEquals(await loadExpressionCompiler([{ when: { origin: ["a", " /^b/"] } }]), compileLinear);
});
