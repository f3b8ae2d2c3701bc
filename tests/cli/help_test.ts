import { assert, assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { commandHelp, programHelp } from "../../src/cli/help.ts";
import { GENERAL_OPTIONS } from "../../src/cli/table/options.ts";

const MAX_COLUMNS = 120;

Deno.test("programHelp() fits into a wide terminal", () => {
  assertEquals(tooLong(programHelp(COMMANDS, GENERAL_OPTIONS)), []);
});

for (const command of COMMANDS) {
  Deno.test(`commandHelp() of ${command.name} fits into a wide terminal, and names each option once`, () => {
    assertEquals(tooLong(commandHelp(command, GENERAL_OPTIONS)), []);
    const names = [...command.options, ...GENERAL_OPTIONS].map(({ name }) => name);
    assert(new Set(names).size === names.length, names.join(", "));
  });
}

function tooLong(help: string): string[] {
  return help.split("\n").filter((line) => line.length > MAX_COLUMNS);
}
