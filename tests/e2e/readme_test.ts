/** What the pages for readers say is what the program does. */

import { assert, assertEquals } from "@std/assert";
import { Ajv2020 } from "npm:ajv@8.17.1/dist/2020.js";
import { knownFields } from "../../src/config/fields/all_fields.ts";
import { CHANNEL_KINDS } from "../../src/channels/registry.ts";
import { CHECK_MEANINGS, DOCTOR_MEANINGS } from "../../src/cli/exit_codes.ts";
import { configSchema } from "../../src/config/schema.ts";

const ROOT = new URL("../../", import.meta.url);
const PAGES = ["README.md", ...Array.from(Deno.readDirSync(new URL("docs", ROOT)), ({ name }) => `docs/${name}`)]
  .filter(
    (path) => path.endsWith(".md"),
  );

/** As it reads, without what the formatter pads. */
function page(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT)).replace(/ +/g, " ");
}

Deno.test("docs/watching.md lists exit codes as the help does", () => {
  const text = page("docs/watching.md");
  for (const [code, meaning] of [...CHECK_MEANINGS, ...DOCTOR_MEANINGS]) {
    assert(text.includes(`| ${code} | ${meaning} |`), String(code));
  }
});

for (const path of ["README.md", "docs/channels.md"]) {
  Deno.test(`${path} tells of every kind of channel`, () => {
    for (const kind of Object.keys(CHANNEL_KINDS)) assert(page(path).includes(`| \`${kind}\` | \``), kind);
  });
}

Deno.test("docs/channels.md names every key of every kind", () => {
  const text = page("docs/channels.md");
  // A secret's file is told of once, for all of them.
  for (const kind of Object.values(CHANNEL_KINDS)) {
    const isFileOfSecret = (key: string) => key.endsWith("File") && kind.fields[key.slice(0, -"File".length)]?.hasFile;
    const keys = Object.keys(knownFields(kind)).filter((key) => !isFileOfSecret(key));
    for (const key of keys) assert(text.includes(`\`${key}\``), `${kind.kind}: ${key}`);
  }
});

Deno.test("README.md and docs/ show configurations that the schema permits", () => {
  const validate = new Ajv2020({ strict: false }).compile(configSchema());
  for (const path of PAGES) {
    for (const [, text] of page(path).matchAll(/^```json\n(.*?)^```$/gms)) {
      const config: Readonly<Record<string, unknown>> = JSON.parse(text);
      // It may be a piece of one.
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

/** The anchors that a page's headings make. */
function anchorsOf(text: string): string[] {
  return Array.from(
    text.matchAll(/^#+ (.+)$/gm),
    ([, heading]) => `#${heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")}`,
  );
}
