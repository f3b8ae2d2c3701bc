import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { main } from "../../src/cli/main.ts";
import { fakeRuntime } from "../fakes/runtime.ts";
import { commandHelp, programHelp } from "../../src/cli/help.ts";
import { GENERAL_OPTIONS, type OptionSpec } from "../../src/cli/options.ts";

const MAX_COLUMNS = 80;
const MAX_SUMMARY = 60;

Deno.test("programHelp() fits 80 columns and lists every command", () => {
  const help = programHelp(COMMANDS);
  assertEquals(tooLong(help), []);
  for (const { name, summary } of COMMANDS) {
    assert(help.includes(`\n  ${name} `) && help.includes(summary), name);
    assert(summary.length < MAX_SUMMARY, `too long: ${summary}`);
  }
});

Deno.test("main() prints the help of the commands with one first word", async () => {
  for (const words of [["queue", "--help"], ["queue", "-h"], ["help", "queue"]]) {
    using runtime = fakeRuntime();
    let help = "";
    const stdio = { ...runtime.stdio, stdout: (text: string) => void (help += text) };
    assertEquals(await main(words, { ...runtime, stdio }), 0, words.join(" "));
    assertEquals(tooLong(help), []);
    for (const { name } of COMMANDS) assertEquals(help.includes(`\n  ${name} `), name.startsWith("queue "), name);
  }
});

for (const entry of COMMANDS) {
  Deno.test(`commandHelp() of ${entry.name} fits 80 columns, has an example and lists each option only one time`, async () => {
    const command = await entry.load();
    assertEquals(tooLong(commandHelp(entry, command)), []);
    assertNotEquals(command.examples, []);
    for (const example of command.examples) assert(example.includes("matrix-notify"), example);
    const options: readonly OptionSpec[] = [...command.options, ...GENERAL_OPTIONS];
    const names = options.flatMap(({ name, short = [] }) => [name, short].flat());
    assertEquals(names, [...new Set(names)]);
  });
}

Deno.test("commandHelp() shows the same short form for the same option in every command", async () => {
  const forms = new Map<string, string>();
  for (const { name, load } of COMMANDS) {
    for (const option of (await load()).options) {
      if (option.short === undefined) continue;
      const known = forms.get(option.short) ?? option.name;
      assertEquals(option.name, known, `-${option.short} of ${name}`);
      forms.set(option.short, option.name);
    }
  }
});

function tooLong(help: string): string[] {
  return help.split("\n").filter((line) => line.length > MAX_COLUMNS);
}
