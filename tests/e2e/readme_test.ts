/** Checks that README and guides match the program. */

import manifest from "../../deno.json" with { type: "json" };
import { assert, assertEquals } from "@std/assert";
import { existsSync } from "@std/fs";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import { CHECK_MEANINGS, DOCTOR_MEANINGS } from "../../src/cli/exit_codes.ts";
import { configSchema } from "../../src/config/schema.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  ...Array.from(Deno.readDirSync(new URL("docs", ROOT)), ({ name }) => `docs/${name}`),
].filter((path) => path.endsWith(".md"));

/** Reads a page, and removes the blanks that align its tables. */
function page(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT)).replace(/ +/g, " ");
}

Deno.test("docs/watching.md lists exit codes as the help does", () => {
  const text = page("docs/watching.md");
  for (const [code, meaning] of [...CHECK_MEANINGS, ...DOCTOR_MEANINGS]) {
    assert(text.includes(`| ${code} | ${meaning} |`), String(code));
  }
});

Deno.test("README.md and docs/ show configurations that the schema permits", async () => {
  const validate = new Ajv2020({ strict: false }).compile(await configSchema());
  for (const path of PAGES) {
    for (const [, text] of page(path).matchAll(/^```json\n(.*?)^```$/gms)) {
      const config: Readonly<Record<string, unknown>> = JSON.parse(text);
      // The page may show only a part of a configuration.
      assertEquals(validate({ channels: {}, ...config }), true, `${path}: ${text}\n${JSON.stringify(validate.errors)}`);
    }
  }
});

Deno.test("README.md and docs/ link to what is there", () => {
  for (const path of PAGES) {
    for (const [, target] of page(path).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const { pathname, hash } = new URL(target, new URL(path, ROOT));
      const text = Deno.readTextFileSync(pathname);
      assertEquals(hash === "" || anchorsOf(text).includes(hash), true, `${path}: ${target}`);
    }
  }
});

Deno.test("README.md, CONTRIBUTING.md and docs/ name source files that exist", () => {
  const names = PAGES.flatMap((path) =>
    Array.from(page(path).matchAll(/(?<![\w/.-])(?:src|tests|scripts)\/[\w./-]*\w/g), ([name]) => `${path}: ${name}`)
  );
  const missing = names.filter((name) => {
    const file = name.replace(/.*: /, "").replace("KIND", "gotify").replace("COMMAND", "send");
    return !existsSync(new URL(file, ROOT));
  });
  assertEquals(missing, []);
});

Deno.test("README.md fits three screens of 48 lines", () => {
  assertEquals(page("README.md").split("\n").length <= 3 * 48, true);
});

Deno.test("README.md and docs/ show the files of docs/examples/, which importer_test.ts runs", () => {
  const files = Array.from(Deno.readDirSync(new URL("docs/examples", ROOT)), ({ name }) => `docs/examples/${name}`);
  const examples = files.map((path) => page(path).replaceAll("../../", "/opt/matrix-notify/"));
  const pages = PAGES.filter((path) => path !== "docs/url.md");
  const blocks = pages.flatMap((path) => Array.from(page(path).matchAll(/^```ts\n(.*?)^```$/gms), ([, text]) => text));
  assertEquals(blocks.toSorted(), examples.toSorted());
});

Deno.test("CONTRIBUTING.md names tasks that exist", () => {
  const names = Array.from(page("CONTRIBUTING.md").matchAll(/deno task ([a-z:]+)/g), ([, name]) => name);
  assertEquals(names.filter((name) => !Object.hasOwn(manifest.tasks, name)), []);
});

/** Returns the anchors of the headings of a page. */
function anchorsOf(text: string): string[] {
  return Array.from(
    text.matchAll(/^#+ (.+)$/gm),
    ([, heading]) => `#${heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")}`,
  );
}
