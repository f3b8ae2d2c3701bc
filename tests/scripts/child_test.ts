import { assertEquals } from "@std/assert";

const CHILD = new URL("../../scripts/std/child.ts", import.meta.url).href;

/** A program that runs a child and ends with its exit code. */
function wrapper(code: string): Deno.Command {
  const source = `import { runChild } from "${CHILD}"; Deno.exit(await runChild(Deno.execPath(), ${
    JSON.stringify(["eval", code])
  }));`;
  return new Deno.Command(Deno.execPath(), {
    args: ["eval", source],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

Deno.test("runChild() passes on the output and the exit code of the child", async () => {
  const { code, stdout, stderr } = await wrapper("console.log('data'); Deno.exit(3)").output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals({ code, out, err }, { code: 3, out: "data\n", err: "" });
});

Deno.test({
  name: "runChild() forwards signals and leaves no child process behind",
  ignore: Deno.build.os === "windows",
  async fn() {
    const running = wrapper("console.log(Deno.pid); setInterval(() => {}, 1000)").spawn();
    const reader = running.stdout.getReader();
    const { value } = await reader.read();
    const pid = Number(new TextDecoder().decode(value));
    running.kill("SIGTERM");
    assertEquals((await running.status).code, 143);
    assertEquals(isRunning(pid), false);
    await reader.cancel();
    await running.stderr.cancel();
  },
});

function isRunning(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}
