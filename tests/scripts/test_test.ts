import { assertEquals, assertMatch } from "@std/assert";
import { testArgv } from "../../scripts/test.ts";

Deno.test("testArgv() runs all tests if no path is given", () => {
  const exists = (path: string) => path === "tests/queue" || path === "crc32";
  const paths = (...args: string[]) => testArgv(args, exists).filter((arg) => !arg.startsWith("-")).slice(1);
  assertEquals(paths(), ["tests", "src", "mod.ts"]);
  assertEquals(paths("tests/queue"), ["tests/queue"]);
  assertEquals(paths("--filter", "crc32"), ["tests", "src", "mod.ts", "crc32"]);
  assertEquals(paths("--", "--fail-fast"), ["tests", "src", "mod.ts"]);
});

const LEAVES_A_FILE =
  'Deno.test("leaves a file", () => Deno.writeTextFileSync(`${Deno.makeTempDirSync()}/left.txt`, ""));';
const LEAVES_NOTHING = 'Deno.test("leaves nothing", () => Deno.removeSync(Deno.makeTempFileSync()));';

Deno.test("the test command lists what a test leaves in its temporary directory, and fails", async () => {
  const { code, stderr } = await runTests(LEAVES_A_FILE);
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /^Tests left files in their temporary directory \S+\/matrix-notify-tests-\w+:\n {2}\w+\/left.txt\n$/m,
  );
});

Deno.test("the test command succeeds if tests leave nothing", async () => {
  assertEquals((await runTests(LEAVES_NOTHING)).code, 0);
});

/** Runs the test command on a file with this source. */
async function runTests(source: string): Promise<{ readonly code: number; readonly stderr: string }> {
  const directory = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(`${directory}/some_test.ts`, source);
    const script = new URL("../../scripts/test.ts", import.meta.url).pathname;
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "-q", script, "--no-check", `${directory}/some_test.ts`],
      env: { TMPDIR: directory, NO_COLOR: "1" },
    }).output();
    return { code, stderr: new TextDecoder().decode(stderr) };
  } finally {
    Deno.removeSync(directory, { recursive: true });
  }
}
