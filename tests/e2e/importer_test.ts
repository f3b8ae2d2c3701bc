/** Runs the example for importers from the README in the same way as a reader. */

import { assertEquals } from "@std/assert";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { StateFolder } from "../synapse/cli.ts";

const EXAMPLE = new URL("../../docs/examples/backup_report.ts", import.meta.url);

/** The permissions from the comment in the example. */
function exampleFlags(): string[] {
  return Array.from(Deno.readTextFileSync(EXAMPLE).matchAll(/--allow-[a-z]+/g), ([flag]) => flag);
}

async function runExample(code: number, env: Readonly<Record<string, string>>) {
  const { stdout, stderr, code: exitCode } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-config", ...exampleFlags(), EXAMPLE.href, String(code)],
    clearEnv: true,
    env: { ...env, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code: exitCode, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("backup_report.ts reports a failed backup and resolves it after a successful one", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using state = await StateFolder.create();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const env = {
    HOME: state.path,
    XDG_STATE_HOME: state.path,
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
  };
  for (const code of [1, 0]) {
    const { code: exitCode, stdout, stderr } = await runExample(code, env);
    assertEquals([exitCode, stdout.replace(/\$\S+/, "$EVENT"), stderr], [0, "matrix: delivered $EVENT\n", ""]);
  }
  const bodies = homeserver.events(room).map(({ content }) => String(content.body));
  assertEquals(bodies.map((body) => /Backup \w+/.exec(body)?.[0]), ["Backup failed", "Backup done"]);
});

Deno.test("backup_report.ts prints the error and its hint when no channel is configured", async () => {
  await using state = await StateFolder.create();
  const { code, stdout, stderr } = await runExample(1, { HOME: state.path });
  assertEquals([code, stdout], [1, ""]);
  assertEquals(/^Cannot [^\n]+\nHint: [^\n]+\n$/.test(stderr), true, stderr);
});
