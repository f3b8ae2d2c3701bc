/**
 * Runs the tests, and the examples in the documentation: `deno task test`, `deno task test tests/queue`, `deno task test
 * --filter crc32`. Whatever `deno test` takes may follow.
 *
 * @module
 */

import { runDeno } from "./std/run.ts";

/** Tests start processes, listen on the loopback and write temporary files. */
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-run",
  "--allow-sys",
] as const;

/** Where tests and examples are. */
const DEFAULT_PATHS = ["tests", "src", "mod.ts"] as const;

/** Options whose value is the next argument, which may look like a path. */
const VALUED = ["--filter", "--junit-path", "--reporter"];

/** The command line of `deno test` for what was asked for: everything, unless a path says otherwise. */
export function testArgv(args: readonly string[], exists: (path: string) => boolean): readonly string[] {
  const given = args[0] === "--" ? args.slice(1) : args;
  const isPath = (arg: string, i: number) => !arg.startsWith("-") && !VALUED.includes(given[i - 1]) && exists(arg);
  const paths = given.some(isPath) ? [] : DEFAULT_PATHS;
  return ["test", "--doc", "--parallel", ...PERMISSIONS, ...paths, ...given];
}

function existsAt(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) Deno.exit(await runDeno(testArgv(Deno.args, existsAt)));
