import { assertEquals, assertThrows } from "@std/assert";
import { recipeScript, recipeSteps, TITLES } from "./page.ts";

/** Recipes whose tests are shared with others, or that have only examples. */
const SHARED = ["restic", "borg", "Containers", "Discord", "Mattermost", "Microsoft Teams"];

Deno.test("docs/recipes.md has no recipe without a test", () => {
  const folder = new URL(".", import.meta.url);
  const tests = Array.from(Deno.readDirSync(folder), ({ name }) => Deno.readTextFileSync(new URL(name, folder)));
  const texts = tests.join("");
  const untested = TITLES.filter((title) => !texts.includes(`recipeScript("${title}")`) && !SHARED.includes(title));
  assertEquals(untested, []);
});

Deno.test("docs/recipes.md says for each recipe how to see that it works", () => {
  // A channel is tried with the command in the introduction.
  const channels = ["Discord", "Mattermost", "Microsoft Teams"];
  const page = Deno.readTextFileSync(new URL("../../docs/recipes.md", import.meta.url));
  const sections = page.split("\n## ").slice(1);
  const silent = sections.filter((section) => !/\bsee\s+that\s+it\s+works\b/.test(section));
  assertEquals(silent.map((section) => section.split("\n")[0]), channels);
});

Deno.test("recipeSteps() distinguishes files, commands and examples", () => {
  const steps = recipeSteps("RouterOS").map((step) => ["mode" in step ? step.mode : 0, step.kind]);
  assertEquals(steps, [[0, "run"], [0o755, "write"], [0o644, "append"], [0, "example"]]);
  assertThrows(() => recipeSteps("RouterBOARD"), Error, "Cannot find the recipe RouterBOARD");
  assertThrows(() => recipeScript("Discord"), Error, "it has only examples");
});
