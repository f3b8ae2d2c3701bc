/**
 * Runs the tests and the examples in the documentation: `deno task test`, `deno task test
 * tests/queue`, `deno task test --filter crc32`. All options of `deno test` are accepted.
 *
 * The tests get a temporary directory of their own. If they leave anything in it, the command lists
 * it and fails.
 *
 * @module
 */

import { inheritedConfig } from "./std/argv.ts";
import { runChild } from "./std/child.ts";

/** Tests start processes, listen on the loopback and write temporary files. */
const PERMISSIONS = [
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-run",
  "--allow-sys",
] as const;

/** The folders and files with tests or examples. */
const DEFAULT_PATHS = ["tests", "src", "mod.ts"] as const;

/** Options whose value is the next argument, which may look like a path. */
const VALUED = ["--filter", "--junit-path", "--reporter"];

/** How many leftovers are listed at most. */
const MAX_LISTED = 20;

/** Returns the arguments of `deno test`. Without a path among them all tests run. */
export function testArgv(args: readonly string[], exists: (path: string) => boolean): readonly string[] {
  const given = args[0] === "--" ? args.slice(1) : args;
  const isPath = (arg: string, i: number) => !arg.startsWith("-") && !VALUED.includes(given[i - 1]) && exists(arg);
  const paths = given.some(isPath) ? [] : DEFAULT_PATHS;
  return ["test", "--doc", "--parallel", ...PERMISSIONS, ...paths, ...given];
}

/**
 * Runs tests and checks their temporary directory; returns the exit code. Leftovers of a failed run
 * are kept as evidence.
 */
async function runTests(args: readonly string[]): Promise<number> {
  const directory = Deno.makeTempDirSync({ prefix: "matrix-notify-tests-" });
  const [subcommand, ...options] = testArgv(args, existsAt);
  const code = await runChild(Deno.execPath(), [subcommand, ...inheritedConfig(), ...options], {
    TMPDIR: directory,
    TMP: directory,
    TEMP: directory,
  });
  const left = listFiles(directory);
  if (left.length === 0) {
    Deno.removeSync(directory);
    return code;
  }
  console.error(`Tests left files in their temporary directory ${directory}:`);
  for (const path of left.slice(0, MAX_LISTED)) console.error(`  ${path}`);
  if (left.length > MAX_LISTED) console.error(`  … and ${left.length - MAX_LISTED} more`);
  return code || 1;
}

/** Lists all files below a directory, and the empty directories. Paths are relative. */
function listFiles(directory: string, prefix = ""): string[] {
  return Array.from(Deno.readDirSync(directory)).flatMap(({ name, isDirectory }) => {
    const path = `${prefix}${name}`;
    const below = isDirectory ? listFiles(`${directory}/${name}`, `${path}/`) : [];
    return below.length > 0 ? below : [path];
  });
}

function existsAt(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) Deno.exit(await runTests(Deno.args));
