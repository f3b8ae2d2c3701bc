/**
 * Tests that need software that is installed on demand. If it cannot be installed, they are
 * skipped, with a notice on standard error. If `CI` is set, they fail, because there a skipped test
 * must not look like a success.
 *
 * @module
 */

/** Registers a test that cannot run. */
export type Stub = (name: string) => void;

/**
 * Installs the software.
 *
 * @param what its name, for messages
 * @returns a function that registers the tests as skipped or failing; undefined if the software is
 * installed
 */
export async function installOrStub(what: string, install: () => Promise<unknown>): Promise<Stub | undefined> {
  try {
    await install();
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const isFatal = !["", "0", "false", undefined].includes(Deno.env.get("CI"));
    return isFatal ? failing(what, reason) : ignoring(what, reason);
  }
}

function failing(what: string, reason: string): Stub {
  return (name) => Deno.test(name, () => Promise.reject(new Error(`Cannot test with ${what}: ${reason}`)));
}

function ignoring(what: string, reason: string): Stub {
  const line = "!".repeat(100);
  console.error(`\n${line}\nSKIPPED: the tests with ${what}, because it is missing.\n${reason}\n${line}\n`);
  return (name) => Deno.test({ name, ignore: true, fn() {} });
}
