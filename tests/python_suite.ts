/**
 * Tests with a server that runs on Python. Where it cannot be installed they are ignored, and standard error says loudly why. With `CI` set they fail:
 * there a test that nobody runs must not look like one that passes.
 *
 * @module
 */

/** Registers the tests of a suite in place of those that cannot run. */
export type Stub = (name: string) => void;

/**
 * Installs the server.
 *
 * @param what what the server is, for people
 * @returns what registers tests that only say that there is none; undefined when there is one
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
  console.error(`\n${line}\nSKIPPED: the tests with ${what}, because there is none.\n${reason}\n${line}\n`);
  return (name) => Deno.test({ name, ignore: true, fn() {} });
}
