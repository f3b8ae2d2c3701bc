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

Deno.test("parseArguments() reads words that begin with a dash as text, unless they have the form of an option", () => {
  for (
    const text of [
      ...[
        "-5",
        "-5 °C",
        "-12.5",
        "- one\n- two",
        "-rw-r--r-- 1 root root 0 Jan  1 00:00 log",
        "-> x",
        "-ä",
        "-q is short",
      ],
      ...["---", "-----BEGIN CERTIFICATE-----", "--- a/file", "-- x", "--5", "--help me", "-unknown-", "-\n"],
    ]
  ) {
    assertEquals(read(parse(["Subject", text, "-q"])), [["Subject", text], [], undefined, true, false], text);
    assertEquals(read(parse(["-q", text, "-w", text])), [[text], [], text, true, false], text);
    assertEquals(read(parse([`--wait=${text}`])), [[], [], text, false, false], text);
  }
});

Deno.test("parseArguments() does not take a declared option as a value", () => {
  for (const next of ["--silent", "--wait=5", "-q", "--"]) {
    const error = assertThrows(() => parse(["--channel", next]), UsageError, "Cannot use --channel: it needs a value");
    const other = next === "--" ? "" : `; if ${next} is the value, write --channel=${next}`;
    assertEquals(error.hint, `write --channel NAME${other}`);
  }
  assertEquals(parse(["--channel=-q", "--wait=--silent"]).list("channel"), ["-q"]);
  assertEquals(parse(["--channel", "-x"]).list("channel"), ["-x"]);
});

Deno.test("parseArguments() accepts an empty value only for options that are part of a notification", () => {
  assertThrows(() => parse(["--wait", ""]), UsageError, "it needs a value");
  const origin = { name: "origin", value: "NAME", allowsEmpty: true, summary: "" } as const;
  const args: ArgumentsFor<readonly [typeof origin]> = new Arguments(
    parseArguments("test", { operands: "", options: [origin] }, ["--origin", ""]),
  );
  assertEquals([args.text("origin"), args.isGiven("origin")], [undefined, true]);
});

Deno.test("parseArguments() rejects a value of a switch, except of --help", () => {
  assertThrows(
    () => parse(["--silent=false"]),
    UsageError,
    "Cannot use --silent=false: this option does not take a value",
  );
  assertEquals(parse(["--help=1"]).has("help"), true);
});

Deno.test("parseArguments() rejects unknown words and suggests similar words", () => {
  const hintOf = (...argv: string[]) => assertThrows(() => parse(argv), UsageError).hint;
  assertEquals(hintOf("-s"), "did you mean --silent (-q)?");
  assertEquals(hintOf("-qx"), "see: matrix-notify test --help; write -- before words that begin with -");
  assertEquals(hintOf("-wait", "5s"), "did you mean --wait?");
  assertEquals(hintOf("--wiat", "5s"), "did you mean --wait?");
  assertEquals(hintOf("-w", "1s", "--wait", "2s"), "keep one of them");
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
