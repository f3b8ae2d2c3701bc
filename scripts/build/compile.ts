/**
 * How the binary is made, and what to make of the compiler's answer.
 *
 * @module
 */

import { LATE_MODULES } from "../../src/base/late_modules.ts";
import type { Target } from "./targets.ts";

/** What the program may do: the same as under `deno task matrix-notify`. */
export const PERMISSIONS: readonly string[] = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-run",
  "--allow-sys=hostname,uid",
];

/** Modules that are loaded by computed specifiers, so that the compiler does not find them by itself. */
export const INCLUDED: readonly string[] = LATE_MODULES.map((path) => `src/${path}`);

/**
 * The command line of Deno that compiles the program, to be run in the repository's folder. The binary never asks for
 * permissions, and keeps no code cache: it would have a name that others can guess, in a folder that they can write to. Of npm
 * packages it holds those that its modules import, whatever lies in a `node_modules` nearby.
 */
export function compileArgv(target: Target, output: string): readonly string[] {
  return [
    "compile",
    "--target",
    target.name,
    "--output",
    output,
    ...PERMISSIONS,
    "--no-prompt",
    "--no-code-cache",
    "--node-modules-dir=none",
    "--exclude-unused-npm",
    "--app-name",
    "matrix-notify",
    ...INCLUDED.flatMap((module) => ["--include", module]),
    "src/main.ts",
  ];
}

/**
 * Says in a sentence that the compiler lacks the part that every binary begins with; undefined when it failed, if it did, for
 * another reason. That text is all that it tells about it.
 */
export function missingRuntime(stderr: string, target: Target, denoVersion: string): string | undefined {
  if (!stderr.includes("Setting up base binary")) return undefined;
  return `Cannot build for ${target.name}: the runtime that a binary begins with, denort ${denoVersion}, could not be fetched: ` +
    "set DENORT_BIN to one for this target, or build where Deno's download server can be reached";
}

/** Says what is wrong with a binary by its answer to `--version`; undefined when nothing is. */
export function versionProblem(answer: string, version: string): string | undefined {
  const expected = `matrix-notify ${version}`;
  if (answer.trim() === expected) return undefined;
  const [line] = answer.trim().split("\n");
  return `it answers --version with "${line}" instead of "${expected}"` +
    (line.startsWith("deno ") ? ": DENORT_BIN must name a denort, and this was deno itself" : "");
}
