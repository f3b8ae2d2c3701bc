/**
 * Runs the examples for importers from README.md and docs/library.md in the same way as a reader.
 */

import { assert, assertEquals } from "@std/assert";
import { freePort } from "../../scripts/free_port.ts";
import { until } from "../../scripts/synapse/until.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { StateFolder } from "../synapse/cli.ts";

/** Creates the command in the comment of an example, with other arguments. */
function exampleCommand(name: string, args: readonly string[], env: Readonly<Record<string, string>>): Deno.Command {
  const url = new URL(`../../docs/examples/${name}`, import.meta.url);
  const [, command, flags] = /^\/\/ deno (run|test) ((?:--allow-[a-z]+ )+)/m.exec(Deno.readTextFileSync(url)) ?? [];
  return new Deno.Command(Deno.execPath(), {
    args: [command, "--quiet", "--no-prompt", "--no-config", ...flags.trim().split(" "), url.href, ...args],
    clearEnv: true,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function runExample(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
  const { stdout, stderr, code } = await exampleCommand(name, args, env).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Starts a homeserver, and returns the variables of a program that sends to it. */
async function setUp() {
  const homeserver = await LoopbackHomeserver.start();
  const state = await StateFolder.create();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const env = {
    MATRIX_NOTIFY_STATE_DIR: `${state.path}/state`,
    MATRIX_NOTIFY_CONFIG: "",
    MATRIX_HOMESERVER: homeserver.url,
    MATRIX_ACCESS_TOKEN: accessToken,
    MATRIX_ROOM: room,
  };
  return {
    homeserver,
    env,
    bodies: () => homeserver.events(room).map(({ content }) => String(content.body)),
    async [Symbol.asyncDispose]() {
      await homeserver[Symbol.asyncDispose]();
      await state[Symbol.asyncDispose]();
    },
  };
}

Deno.test("backup_report.ts reports a failed backup and resolves it after a successful one", async () => {
  await using scene = await setUp();
  for (const code of [1, 0]) {
    const { code: exitCode, stdout, stderr } = await runExample("backup_report.ts", [String(code)], scene.env);
    assertEquals([exitCode, stdout.replace(/\$\S+/, "$EVENT"), stderr], [0, "matrix: delivered $EVENT\n", ""]);
  }
  assertEquals(scene.bodies().map((body) => /Backup \w+/.exec(body)?.[0]), ["Backup failed", "Backup done"]);
  assert(scene.bodies()[0].startsWith(`[${Deno.hostname()}] `), scene.bodies()[0]);
});

Deno.test("backup_report.ts prints the error and its hint when no channel is configured", async () => {
  await using state = await StateFolder.create();
  const env = { HOME: state.path, MATRIX_NOTIFY_STATE_DIR: state.path };
  const { code, stdout, stderr } = await runExample("backup_report.ts", ["1"], env);
  assertEquals([code, stdout], [1, ""]);
  assertEquals(/^Cannot [^\n]+\nHint: [^\n]+\n$/.test(stderr), true, stderr);
});

Deno.test("error_server.ts reports an error, and stops without losing a report", async () => {
  await using scene = await setUp();
  const answer = Promise.withResolvers<void>();
  scene.homeserver.fault("slow", { until: answer.promise });
  const port = freePort();
  await using process = exampleCommand("error_server.ts", [String(port)], scene.env).spawn();
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then((response) => response.text());
  const hello = await until(() => ask("/").catch(() => undefined), { what: "error_server.ts to listen" });
  const answers = [hello, await ask("/nowhere")];
  assertEquals(answers, ["Hello\n", "Internal error\n"]);
  await scene.homeserver.received(({ route }) => route === "send");
  process.kill("SIGTERM");
  answer.resolve();
  const { code, stderr } = await process.output();
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertEquals(scene.bodies().map((body) => body.includes("There is no page /nowhere")), [true]);
});

Deno.test("report_test.ts succeeds", async () => {
  const { code, stdout, stderr } = await runExample("report_test.ts", [], {});
  assertEquals(code, 0, stdout + stderr);
});
