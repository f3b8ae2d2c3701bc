import { assertEquals, assertThrows } from "@std/assert";
import { Arguments, type ArgumentsFor, parseArguments } from "../../src/cli/arguments.ts";
import { UsageError } from "../../src/cli/errors.ts";

const OPTIONS = [
  { name: "channel", short: "c", value: "NAME", repeats: true, summary: "" },
  { name: "wait", short: "w", value: "DURATION", summary: "" },
  { name: "silent", short: "q", summary: "" },
  { name: "dry-run", short: "n", summary: "" },
] as const;

type TestArguments = ArgumentsFor<typeof OPTIONS>;

function parse(argv: readonly string[], foreignWords?: "own" | "command"): TestArguments {
  return new Arguments(parseArguments("test", { operands: "[WORD...]", options: OPTIONS, foreignWords }, argv));
}

/** Parses words and returns the operands and the given options. */
function read(args: TestArguments) {
  return [args.operands, args.list("channel"), args.text("wait"), args.has("silent"), args.has("dry-run")];
}

Deno.test("parseArguments() reads short forms that are separate or joined, with joined or separate values", () => {
  for (
    const argv of [
      ["-q", "-n", "-c", "a", "-c", "b", "-w", "5s", "x"],
      ["-qn", "-ca", "-cb", "-w5s", "x"],
      ["x", "-nqc", "a", "-c=b", "-w=5s"],
      ["--silent", "--dry-run", "--channel=a", "--channel", "b", "--wait=5s", "--", "x"],
    ]
  ) assertEquals(read(parse(argv)), [["x"], ["a", "b"], "5s", true, true], argv.join(" "));
});

Deno.test("parseArguments() reads everything after -- as operands", () => {
  assertEquals(read(parse(["-q", "--", "-n", "--wait"])), [["-n", "--wait"], [], undefined, true, false]);
});

Deno.test("parseArguments() reads a dash as a value or an operand", () => {
  assertEquals(read(parse(["-", "-w", "-"])), [["-"], [], "-", false, false]);
});

Deno.test("parseArguments() rejects unknown words and suggests similar words", () => {
  const hintOf = (...argv: string[]) => assertThrows(() => parse(argv), UsageError).hint;
  assertEquals(hintOf("-s"), "did you mean --silent (-q)?");
  assertEquals(hintOf("-qx"), "see matrix-notify test --help; write -- before words that begin with -");
  assertEquals(hintOf("-wait", "5s"), "did you mean --wait?");
  assertEquals(hintOf("--wiat", "5s"), "did you mean --wait?");
  assertEquals(hintOf("-w", "1s", "--wait", "2s"), "remove one of the two");
});

Deno.test("parseArguments() does not parse the short forms of a command that parses its own words", () => {
  assertEquals(read(parse(["--silent", "-n", "-w", "x"], "own")), [["-n", "-w", "x"], [], undefined, true, false]);
});

Deno.test("parseArguments() accepts short forms only before the command to run", () => {
  assertEquals(parse(["-q", "--", "ls", "-n"], "command").operands, ["ls", "-n"]);
  assertThrows(() => parse(["-q", "ls", "-n"], "command"), UsageError, "after the command");
});

Deno.test("Arguments.durationMs() returns milliseconds, and rejects a text that is not a duration", () => {
  assertEquals(parse(["-w", "2m"]).durationMs("wait"), 120_000);
  assertEquals(parse([]).durationMs("wait"), undefined);
  assertThrows(() => parse(["-w", "soon"]).durationMs("wait"), UsageError);
});

Deno.test("Arguments has a type error for options that the command does not declare", () => {
  const args = parse(["--silent"]);
  // @ts-expect-error: the option is not declared
  assertEquals(args.text("subject"), undefined);
  // @ts-expect-error: a switch has no value
  assertEquals(args.text("silent"), undefined);
  // @ts-expect-error: the option can be given several times
  assertEquals(args.text("channel"), undefined);
  // @ts-expect-error: these arguments lack an option
  const other: ArgumentsFor<[{ readonly name: "room"; readonly value: "ROOM"; readonly summary: "" }]> = args;
  assertEquals(other.text("room"), undefined);
  const fewer: ArgumentsFor<[typeof OPTIONS[2]]> = args;
  assertEquals(fewer.has("silent"), true);
});
