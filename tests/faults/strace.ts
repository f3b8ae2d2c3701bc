/**
 * Tests that look over a program's shoulder. On a developer's machine without strace they are
 * skipped, loudly; in CI they fail.
 */

import { hasStrace } from "./sweep.ts";

const isMissing = !hasStrace();
const isCi = !["", "0", "false", undefined].includes(Deno.env.get("CI"));

/** Registers a test that needs strace. */
export function straceTest(name: string, fn: () => Promise<void>): void {
  if (isMissing && !isCi) console.error(`SKIPPED, because strace is not installed, or may not trace: ${name}`);
  Deno.test({
    name,
    ignore: isMissing && !isCi,
    async fn() {
      if (isMissing) throw new Error("Cannot watch system calls: strace is not installed, or may not trace");
      await fn();
    },
  });
}
