/** Tests what the program does if its output cannot be written. */

import { assertEquals, assertMatch } from "@std/assert";
import { findPython } from "../../scripts/python/python.ts";
import { installOrStub } from "../fakes/installed_suite.ts";
import { setScene } from "../fakes/scene.ts";
import { programWords, runShell, sceneEnv } from "../fakes/shell.ts";

const FULL = "matrix-notify: cannot write to standard output: no space is left on the disk\n";

for (const command of ["--help", "--version", "send --help", "config schema", "queue export", "status --json"]) {
  Deno.test(`main() exits with 74 when ${command} cannot write to standard output`, async () => {
    await using scene = await setScene();
    const env = sceneEnv(scene);
    await runShell("matrix-notify send --no-background --wait 0 Hello ''", env);
    const { code, err } = await runShell(`matrix-notify ${command} > /dev/full`, env);
    assertEquals([code, err], [74, FULL]);
  });
}

Deno.test("main() ends quietly with the exit code of the command when the reader of the output has ended", async () => {
  const script = "{ matrix-notify config schema; echo $? >&2; } | head -n 1";
  assertEquals(await runShell(script), { code: 0, out: "{\n", err: "0\n" });
  const failing = await runShell("{ matrix-notify nonsense 2>&1; echo $? >&2; } | :");
  assertEquals(failing.err, "64\n");
});

Deno.test("main() sends the notification and exits with 74 when it cannot write to either output", async () => {
  await using scene = await setScene();
  const script = "matrix-notify send --no-background Hello '' > /dev/full 2>&1";
  assertEquals((await runShell(script, sceneEnv(scene))).code, 74);
  assertMatch(scene.subjects().join(), /^\[\S+\] Hello$/);
});

Deno.test("main() queues the notification and exits with 74 when standard error cannot be written", async () => {
  await using scene = await setScene();
  const script = "matrix-notify send --no-background Hello '' 2> /dev/full";
  const { code, out } = await runShell(script, { ...sceneEnv(scene), MATRIX_ACCESS_TOKEN: "revoked" });
  assertEquals(code, 74);
  assertMatch(out, /^held /);
  assertEquals((await scene.open()).entries().length, 1);
});

const pythonTest = await installOrStub("a pipe that does not block", findPython) ?? Deno.test;

/** Starts a command with a pipe that does not block, and reads it only when it is full. */
const SLOW_READER = `
import os, select, subprocess, sys
reader, writer = os.pipe()
os.set_blocking(writer, False)
child = subprocess.Popen(sys.argv[1:], stdout=writer)
while child.poll() is None and select.select([], [writer], [], 0.01)[1]:
    pass
os.close(writer)
data = b""
while part := os.read(reader, 1 << 20):
    data += part
sys.stdout.buffer.write(data)
sys.exit(child.wait())
`;

for (const command of ["config schema", "run -- cat SCHEMA"]) {
  pythonTest(`main() waits for a slow reader of a pipe that does not block for ${command}`, async () => {
    const schema = new URL("../../docs/config.schema.json", import.meta.url).pathname;
    const python = (await findPython()).command;
    const words = `${programWords()} ${command.replace("SCHEMA", schema)}`;
    const { code, out } = await runShell(`'${python}' -c '${SLOW_READER}' ${words}`, { MATRIX_NOTIFY_CONFIG: "" });
    assertEquals([code, out], [0, await Deno.readTextFile(schema)]);
  });
}

pythonTest("run() passes binary output unchanged to a slow reader of a pipe that does not block", async () => {
  const command = `head -c 300000 '${Deno.execPath()}'`;
  const slow = `'${(await findPython()).command}' -c '${SLOW_READER}' ${programWords()} run -- ${command}`;
  const { out } = await runShell(`${command} | cksum; ${slow} | cksum`);
  assertEquals(out.split("\n")[0], out.split("\n")[1]);
});
