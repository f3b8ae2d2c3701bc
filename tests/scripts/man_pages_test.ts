import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { walk } from "@std/fs";
import { basename } from "@std/path";
import { COMMANDS } from "../../src/cli/commands.ts";
import { writeManPages } from "../../scripts/build/man_pages.ts";
import { escape, markdownToRoff } from "../../scripts/build/roff.ts";
import { findProgram } from "../fakes/find_program.ts";
import { installOrStub } from "../fakes/installed_suite.ts";

/** Returns the path of the page of a command. */
function pathOf(command: string): string {
  return `man1/matrix-notify-${command.replace(" ", "-")}.1`;
}

/** Writes the pages into a temporary directory. */
async function withPages(check: (directory: string, files: readonly string[]) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir({ prefix: "man-" });
  try {
    await check(directory, await writeManPages(directory, { date: new Date(0) }));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("writeManPages() writes a page for the program, each command, each first word and the configuration", async () => {
  await withPages(async (directory, files) => {
    const pages = COMMANDS.map(({ name }) => pathOf(name));
    const families = ["queue", "service", "route", "config", "room"].map(pathOf);
    const expected = ["man1/matrix-notify.1", ...pages, ...families, "man5/matrix-notify-config.json.5"].toSorted();
    assertEquals(files.toSorted(), expected);
    const written = await Array.fromAsync(walk(directory, { includeDirs: false }), ({ path }) => path);
    assertEquals(written.toSorted(), expected.map((file) => `${directory}/${file}`));
    for (const file of files) {
      const text = await Deno.readTextFile(`${directory}/${file}`), name = basename(file);
      assert(text.startsWith(`.TH "${name.slice(0, -2).toUpperCase()}" "${name.at(-1)}" "1970-01-01"`), name);
      assertEquals(text.match(/[^\n\x20-\x7e]/g), null, name);
    }
  });
});

Deno.test("writeManPages() names only pages that exist", async () => {
  await withPages(async (directory, files) => {
    const names = files.map((file) => basename(file));
    for (const file of files) {
      const text = (await Deno.readTextFile(`${directory}/${file}`)).replaceAll("\\-", "-");
      for (const [, page, section] of text.matchAll(/\\fB(matrix-notify[\w.-]*)\\fR\((\d)\)/g)) {
        assert(names.includes(`${page}.${section}`), `${file}: ${page}(${section})`);
      }
    }
  });
});

Deno.test("writeManPages() writes the same texts as --help", async () => {
  await withPages(async (directory) => {
    for (const { name, load } of COMMANDS) {
      const text = await Deno.readTextFile(`${directory}/${pathOf(name)}`);
      const { options, details = [], examples } = await load();
      for (const { summary } of options) assertStringIncludes(text, escape(summary));
      for (const paragraph of details) assertStringIncludes(text, escape(paragraph));
      for (const line of examples.flatMap((example) => example.split("\n"))) assertStringIncludes(text, escape(line));
    }
  });
});

Deno.test("escape() protects hyphens, quotes, backslashes and a dot at the beginning of a line", () => {
  assertEquals(escape("--key 'a\\b' ~ ^ `"), "\\-\\-key \\(aqa\\eb\\(aq \\(ti \\(ha \\(ga");
  assertEquals(escape("a\n.b\n'c"), "a\n\\&.b\n\\(aqc");
  assertEquals(escape("5 °C ❌"), "5 \\[u00B0]C \\[u274C]");
});

Deno.test("markdownToRoff() converts headings, paragraphs and tables", () => {
  const page = "See [this](x.md) and `a-b`.\n\n## Every channel\n\n| key | meaning |\n| --- | --- |\n| `a` | b\\|c |\n";
  assertEquals(
    markdownToRoff(page),
    ["See this and \\fBa\\-b\\fR\\&.", '.SH "EVERY CHANNEL"', ".TP", "\\fBa\\fR", "b|c"].join("\n"),
  );
});

const stub = await installOrStub("mandoc", () => findProgram("mandoc"));
const title = "writeManPages() writes pages without warnings of mandoc";
if (stub) stub(title);
else {
  Deno.test(title, async () => {
    await withPages(async (directory, files) => {
      const { stdout, stderr } = await new Deno.Command("mandoc", {
        args: ["-T", "lint", "-W", "warning", ...files.map((file) => `${directory}/${file}`)],
      }).output();
      assertEquals(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr), "");
    });
  });
}
