/**
 * The command line of the compiler, and the check of its result.
 *
 * @module
 */

import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import type { Target } from "./targets.ts";

/**
 * Returns the command line of Deno that compiles the bundle, to be run in any
 * directory. The binary never asks for permissions and has no code cache: the cache would have a
 * predictable name in a directory that others can write.
 *
 * @param files the files of the bundle, first the file that starts the program. The compiler does
 * not find the other files, because their import paths are computed.
 */
export function compileArgv(
  target: Target,
  output: string,
  [entry, ...others]: readonly string[],
): readonly string[] {
  return [
    "compile",
    "--target",
    target.name,
    "--output",
    output,
    ...PROGRAM_FLAGS,
    "--no-prompt",
    "--no-code-cache",
    "--no-config",
    "--app-name",
    "matrix-notify",
    ...others.flatMap((file) => ["--include", file]),
    entry,
  ];
}

/**
 * Explains that the compiler lacks the runtime for a target; undefined for any other failure. Only
 * the output of the compiler shows it.
 */
export function missingRuntime(stderr: string, target: Target, denoVersion: string): string | undefined {
  if (!stderr.includes("Setting up base binary")) return undefined;
  return `Cannot build for ${target.name}: the runtime that a binary begins with, denort ${denoVersion}, could not be fetched: ` +
    "set DENORT_BIN to one for this target, or build where Deno's download server can be reached";
}

/** Explains a wrong answer of a binary to `--version`; undefined if it is right. */
export function versionProblem(answer: string, version: string): string | undefined {
  const expected = `matrix-notify ${version}`;
  if (answer.trim() === expected) return undefined;
  const [line] = answer.trim().split("\n");
  return `it answers --version with "${line}" instead of "${expected}"` +
    (line.startsWith("deno ") ? ": DENORT_BIN must name a denort, and this was deno itself" : "");
}
