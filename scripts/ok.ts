/**
 * The gate: all checks that must pass before a change is merged. `deno task ok`, or `deno task ok
 * --except=test` if the tests are run separately.
 *
 * @module
 */

import { runChild } from "./std/child.ts";

/** The steps, cheap ones first: a name and the arguments of `deno`. */
export const STEPS: readonly (readonly [name: string, args: readonly string[]])[] = [
  ["fmt", ["fmt", "--check"]],
  ["lint", ["lint"]],
  ["check", ["task", "--quiet", "check"]],
  ["structure", ["task", "--quiet", "structure"]],
  ["doc", ["doc", "--lint", "mod.ts", "src/testing/mod.ts"]],
  ["test", ["task", "--quiet", "test"]],
  ["publish", ["publish", "--dry-run", "--allow-dirty"]],
];

/** Runs the steps until one fails; returns its exit code, or 0. */
async function ok(args: readonly string[]): Promise<number> {
  const except = args.flatMap((arg) => arg.match(/^--except=(.+)$/)?.[1].split(",") ?? []);
  for (const [name, argv] of STEPS.filter(([name]) => !except.includes(name))) {
    console.error(`ok: ${name}`);
    const code = await runChild(Deno.execPath(), argv);
    if (code !== 0) {
      console.error(`ok: ${name} failed`);
      return code;
    }
  }
  return 0;
}

if (import.meta.main) Deno.exit(await ok(Deno.args));
