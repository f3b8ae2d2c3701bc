/**
 * Tests that trace system calls. Without strace they are skipped with a notice; in CI they fail.
 */

import { hasStrace } from "./sweep.ts";

const isMissing = !hasStrace();
const isCi = !["", "0", "false", undefined].includes(Deno.env.get("CI"));

/** Registers a test that needs strace. */
export function straceTest(name: string, fn: () => Promise<void>): void {
  if (isMissing && !isCi) console.error(`SKIPPED, because strace is missing or not permitted: ${name}`);
  Deno.test({
    name,
    ignore: isMissing && !isCi,
    async fn() {
      if (isMissing) throw new Error("Cannot trace system calls: strace is missing or not permitted");
      await fn();
    },
  });
}
