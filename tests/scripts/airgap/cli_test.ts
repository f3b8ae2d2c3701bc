/**
 * Tests what we use of `@std/cli`: in the library itself or in its stand-in, depending on the
 * configuration of Deno.
 */

import { assertEquals, assertStrictEquals } from "@std/assert";
import { parseArgs as bareParseArgs } from "@std/cli/parse-args";
import { parseArgs as rootParseArgs } from "@std/cli";
import { parseArgs } from "jsr:@std/cli@1.0.28/parse-args";

Deno.test("parseArgs() is the same function under all specifiers", () => {
  assertStrictEquals(bareParseArgs, parseArgs);
  assertStrictEquals(rootParseArgs, parseArgs);
});

Deno.test("parseArgs() takes a value from the next argument or after an equals sign", () => {
  const args = parseArgs(["--link", "a", "--ttl=2h", "-o", "b"], { string: ["link", "ttl", "o"] });
  assertEquals<unknown>(args, { link: "a", ttl: "2h", o: "b", _: [] });
});

Deno.test("parseArgs() keeps the text of string options, and converts other values to numbers", () => {
  const args = parseArgs(["--id", "007", "--n", "007", "1e3", "x"], { string: ["id"] });
  assertEquals<unknown>(args, { id: "007", n: 7, _: [1000, "x"] });
});

Deno.test("parseArgs() keeps positional arguments as text when _ is a string", () => {
  assertEquals<unknown>(parseArgs(["007", "1e3"], { string: ["_"] })._, ["007", "1e3"]);
});

Deno.test("parseArgs() keeps all text after the first equals sign", () => {
  assertEquals<unknown>(parseArgs(["--link=https://a/?b=c", "--body=two\nlines"], { string: ["link", "body"] }), {
    link: "https://a/?b=c",
    body: "two\nlines",
    _: [],
  });
});

Deno.test("parseArgs() takes only true and false as the value of a boolean option", () => {
  const options = { boolean: ["silent", "json"], string: ["_"] } as const;
  assertEquals<unknown>(parseArgs(["--silent", "x"], options), { silent: true, json: false, _: ["x"] });
  assertEquals<unknown>(parseArgs(["--silent", "false", "--json=true"], options), { silent: false, json: true, _: [] });
});

Deno.test("parseArgs() gives a string option without a value the empty text", () => {
  assertEquals<unknown>(parseArgs(["--link", "--silent"], { string: ["link"], boolean: ["silent"] }), {
    link: "",
    silent: true,
    _: [],
  });
});

Deno.test("parseArgs() takes a negative number after a letter, and after a long name only with =", () => {
  assertEquals<unknown>(parseArgs(["-n", "-"], { string: ["n"] }), { n: "-", _: [] });
  assertEquals<unknown>(parseArgs(["--n=-5"], { string: ["n"] }), { n: "-5", _: [] });
  assertEquals<unknown>(parseArgs(["--n", "-5"], { string: ["n"], unknown: () => false }), { n: "", _: [] });
});

Deno.test("parseArgs() splits combined letters", () => {
  const options = { boolean: ["a", "b"], string: ["c"] } as const;
  assertEquals<unknown>(parseArgs(["-abc", "x"], options), { a: true, b: true, c: "x", _: [] });
  assertEquals<unknown>(parseArgs(["-n5", "-k=v"], {}), { n: 5, k: "v", _: [] });
});

Deno.test("parseArgs() takes a single hyphen as a positional argument", () => {
  assertEquals<unknown>(parseArgs(["-"], { string: ["_"] })._, ["-"]);
});

Deno.test("parseArgs() sets an option and its aliases to the same value", () => {
  const options = { alias: { h: "help", c: ["config", "cfg"] }, boolean: ["help"], string: ["config"] };
  assertEquals<unknown>(parseArgs(["-h", "--cfg", "f"], options), {
    h: true,
    help: true,
    c: "f",
    config: "f",
    cfg: "f",
    _: [],
  });
});

Deno.test("parseArgs() uses a default only for a missing option", () => {
  const options = { string: ["wait", "ttl"], boolean: ["json"], default: { wait: "10s", ttl: "2h", json: true } };
  assertEquals<unknown>(parseArgs(["--ttl", "1d"], options), { wait: "10s", ttl: "1d", json: true, _: [] });
});

Deno.test("parseArgs() collects the values of a repeatable option, in an empty list if there is none", () => {
  const options = { string: ["channel", "header"], collect: ["channel", "header"] } as const;
  assertEquals<unknown>(parseArgs(["--channel", "a", "--channel=b"], options), {
    channel: ["a", "b"],
    header: [],
    _: [],
  });
});

Deno.test("parseArgs() uses the last value of an option that is not repeatable", () => {
  assertEquals<unknown>(parseArgs(["--link", "a", "--link", "b"], { string: ["link"] }).link, "b");
});

Deno.test("parseArgs() accepts --no- only for negatable options", () => {
  const options = { boolean: ["color"], negatable: ["color"] } as const;
  assertEquals<unknown>(parseArgs(["--no-color", "--no-other"], options), { color: false, "no-other": true, _: [] });
});

Deno.test("parseArgs() stops at the first positional argument with stopEarly", () => {
  const options = { stopEarly: true, boolean: ["json"], string: ["_"] } as const;
  assertEquals<unknown>(parseArgs(["--json", "send", "--json", "x"], options), {
    json: true,
    _: ["send", "--json", "x"],
  });
});

Deno.test("parseArgs() does not parse arguments after --, and puts them in _ or in a list of their own", () => {
  const args = ["a", "--", "--json", "-x", "1"];
  assertEquals<unknown>(parseArgs(args, { string: ["_"] }), { _: ["a", "--json", "-x", "1"] });
  assertEquals<unknown>(parseArgs(args, { string: ["_"], "--": true }), { _: ["a"], "--": ["--json", "-x", "1"] });
});

Deno.test("parseArgs() calls unknown() for each undeclared argument, and ignores those for which it returns false", () => {
  const asked: unknown[] = [];
  const args = parseArgs(["--json", "--jsno=1", "-q", "x"], {
    boolean: ["json"],
    unknown: (...seen) => {
      asked.push(seen);
      return false;
    },
  });
  assertEquals<unknown>(args, { json: true, _: [] });
  assertEquals<unknown>(asked, [["--jsno=1", "jsno", "1"], ["-q", "q", "x"]]);
});

Deno.test("parseArgs() keeps undeclared arguments unless unknown() returns false", () => {
  assertEquals<unknown>(parseArgs(["x", "--y"], { boolean: ["z"], unknown: () => true }), {
    z: false,
    y: true,
    _: ["x"],
  });
});

Deno.test("parseArgs() derives the types of values from its options", () => {
  const args = parseArgs(["--json", "--link", "a", "--to", "b"], {
    boolean: ["json"],
    string: ["link", "to", "wait"],
    collect: ["to"],
    default: { wait: "10s" },
    "--": true,
  });
  const json: boolean = args.json;
  const link: string | undefined = args.link;
  const to: string[] = args.to;
  const wait: string = args.wait;
  const rest: string[] = args["--"];
  const positional: (string | number)[] = args._;
  assertEquals<unknown>({ json, link, to, wait, rest, positional }, {
    json: true,
    link: "a",
    to: ["b"],
    wait: "10s",
    rest: [],
    positional: [],
  });
});

Deno.test("parseArgs() accepts names that are known only at run time", () => {
  const names: string[] = ["link"];
  const args: Record<string, unknown> = parseArgs(["--link", "a"], { string: names, boolean: ["json"] as string[] });
  assertEquals<unknown>(args.link, "a");
});
