/** Checks that everything that runs the program has the permissions of the table. */

import manifest from "../../deno.json" with { type: "json" };
import { assert, assertEquals } from "@std/assert";
import { DELIVERER_COMMAND } from "../../src/base/deliverer_command.ts";
import { PERMISSION_TABLE, PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import { COMMANDS } from "../../src/cli/commands.ts";

const ROOT = new URL("../../", import.meta.url);

/** Returns the permissions in a command line, in which a backslash ends a line. */
function permissionsIn(text: string): readonly string[] {
  return Array.from(text.replaceAll("\\\n", " ").matchAll(/(?<=\s)(-A|--allow-\S+)/g), ([flag]) => flag);
}

Deno.test("PERMISSION_TABLE has a row for every command and for the background deliverer", () => {
  assertEquals(Object.keys(PERMISSION_TABLE), [...COMMANDS.map(({ name }) => name), DELIVERER_COMMAND]);
});

Deno.test("PROGRAM_FLAGS never allow native code", () => {
  assert(PROGRAM_FLAGS.every((flag) => !/ffi|all\b/.test(flag)));
});

Deno.test("deno task matrix-notify has the permissions of the table", () => {
  const { command } = manifest.tasks["matrix-notify"];
  assertEquals(permissionsIn(command), PROGRAM_FLAGS);
});

Deno.test("README.md and docs/ start the program with the permissions of the table", () => {
  const pages = ["README.md", ...Array.from(Deno.readDirSync(new URL("docs", ROOT)), ({ name }) => `docs/${name}`)];
  const scripts = pages.filter((path) => path.endsWith(".md")).flatMap((path) => {
    const text = Deno.readTextFileSync(new URL(path, ROOT));
    return Array.from(text.matchAll(/^exec deno run (?:.*\\\n)*.*\$@.*$/gm), ([script]) => script);
  });
  assert(scripts.length > 0);
  for (const script of scripts) assertEquals(permissionsIn(script), PROGRAM_FLAGS);
});
