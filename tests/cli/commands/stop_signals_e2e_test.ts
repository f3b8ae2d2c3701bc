/**
 * Stops `send` and `sendmail` with a signal while the server does not answer, as real processes.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { inheritedConfig } from "../../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { StateFolder } from "../../synapse/cli.ts";

const MAIN = new URL("../../../src/main.ts", import.meta.url).pathname;

const CASES = [["send", "SIGTERM", 143], ["send", "SIGINT", 130], ["sendmail", "SIGHUP", 129]] as const;

for (const [command, signal, expected] of CASES) {
  Deno.test(`${command}() prints that the notification is queued and starts the background process when ${signal} ends it`, async () => {
    await using homeserver = await LoopbackHomeserver.start();
    await using state = await StateFolder.create();
    const { userId, accessToken } = homeserver.addUser("bot");
    const room = homeserver.createRoom({ members: [userId] });
    homeserver.fault("hang");
    const operands = command === "send" ? ["Link down", "--no-stdin"] : ["--json", "root"];
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-prompt", ...inheritedConfig(), MAIN, command, ...operands],
      cwd: "/",
      env: {
        HOME: state.path,
        MATRIX_NOTIFY_STATE_DIR: `${state.path}/state`,
        MATRIX_NOTIFY_CONFIG: "",
        XDG_CONFIG_HOME: state.path,
        MATRIX_HOMESERVER: homeserver.url,
        MATRIX_ACCESS_TOKEN: accessToken,
        MATRIX_ROOM: room,
      },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode("Subject: Link down\n\n")).catch(() => {});
    await input.close().catch(() => {});
    await homeserver.received(({ route }) => route === "send");
    child.kill(signal);
    const { code, signal: ended, stdout, stderr } = await child.output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals([ended, code], [signal, expected], output);
    assertMatch(output, command === "send" ? /^queued [-0-9a-f]{36}/ : /^\{"id":.*"state":"queued"/);
    homeserver.clearFaults();
    await homeserver.received(({ route, status }) => route === "send" && status === 200);
    assertEquals(homeserver.events(room).length, 1);
  });
}
