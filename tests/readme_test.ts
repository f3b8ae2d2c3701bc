import { assert } from "@std/assert";
import { CHANNEL_KINDS } from "../src/channels/registry.ts";
import { COMMANDS } from "../src/cli/commands.ts";
import { CHECK_MEANINGS, DOCTOR_MEANINGS, EXIT_MEANINGS } from "../src/cli/exit_codes.ts";

/** As it reads, without what the formatter pads. */
const README = Deno.readTextFileSync(new URL("../README.md", import.meta.url)).replace(/ +/g, " ");

Deno.test("README.md lists every command as the help does", () => {
  for (const { name, operands, summary } of COMMANDS) {
    const row = `| \`${`${name} ${operands}`.trimEnd()}\` | ${summary} |`;
    assert(README.includes(row), `it lacks: ${row}`);
  }
});

Deno.test("README.md lists every exit code as the help does", () => {
  for (const [code, meaning] of [...EXIT_MEANINGS, ...CHECK_MEANINGS, ...DOCTOR_MEANINGS]) {
    assert(README.includes(`| ${code} | ${meaning} |`), String(code));
  }
});

Deno.test("README.md tells of every kind of channel", () => {
  for (const kind of Object.keys(CHANNEL_KINDS)) assert(README.includes(`| \`${kind}\` | \``), kind);
});
