/** Tests the background deliverer as a real process. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { inheritedConfig } from "../../../scripts/std/argv.ts";
import type { MatrixConfig } from "../../../src/config/config_types.ts";
import { NotifierCore } from "../../../src/notifier/core.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { runCli, StateFolder } from "../../synapse/cli.ts";
import { waitForLog } from "./log.ts";

async function backgroundTest(
  body: (t: {
    homeserver: LoopbackHomeserver;
    state: StateFolder;
    cli(...args: string[]): ReturnType<typeof runCli>;
    bodies(): string[];
    /** Waits until the log of the deliverer matches, and returns the log. */
    log(pattern: RegExp): Promise<string>;
  }) => Promise<void>,
  directory = "own",
) {
  await using homeserver = await LoopbackHomeserver.start();
  await using state = await StateFolder.create();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const env = { MATRIX_HOMESERVER: homeserver.url, MATRIX_ACCESS_TOKEN: accessToken, MATRIX_ROOM: room };
  await body({
    homeserver,
    state,
    cli: (...args) => runCli([...args, "--state-dir", `${state.path}/${directory}`], { stateDir: state.path, env }),
    bodies: () => homeserver.events(room).map(({ content }) => String(content.body)),
    log: (pattern) => waitForLog(`${state.path}/${directory}`, pattern),
  });
}

Deno.test("the background deliverer outlives its shell and a SIGHUP, delivers once and ends", async () => {
  await backgroundTest(async ({ homeserver, cli, bodies, log }) => {
    await homeserver.stop();
    const sent = await cli("send", "Late", "Body");
    assertEquals([sent.code, sent.stderr], [0, ""]);
    assertMatch(
      sent.stdout,
      /^queued .*: Cannot connect to .*: Connection refused(; next try at .* \(in .*\))?\n$/,
    );
    const [, pid] = /started, pid (\d+)/.exec(await log(/started/)) ?? [];
    Deno.kill(Number(pid), "SIGHUP");
    await homeserver.restart();
    const text = await log(/ended/);
    assertMatch(text, /delivered .* to matrix !.*: \$.*\n.*ended: the queue is empty\n$/s);
    assertEquals(bodies().length, 1);
    assertMatch(bodies()[0], /Late\n\nBody\n\n⏰ Queued since .* late$/);
  });
});

Deno.test("the background deliverer delivers if the path of its queue contains a comma", async () => {
  await backgroundTest(async ({ homeserver, cli, bodies, log }) => {
    await homeserver.stop();
    assertMatch((await cli("send", "Late", "")).stdout, /^queued /);
    await homeserver.restart();
    await log(/ended: the queue is empty/);
    assertEquals(bodies().length, 1);
  }, "a,b");
});

Deno.test("the background deliverer runs only once, and delivers what others queue", async () => {
  await backgroundTest(async ({ homeserver, cli, bodies, log }) => {
    await homeserver.stop();
    for (const subject of ["1", "2", "3"]) assertMatch((await cli("send", subject, "")).stdout, /^queued /);
    await homeserver.restart();
    const text = await log(/ended: the queue is empty/);
    assertEquals(text.match(/started/g)?.length, 1);
    assertEquals(bodies().map((body) => body.split("\n")[0].slice(-1)), ["1", "2", "3"]);
  });
});

Deno.test("the background deliverer stops at SIGTERM, and the next flush delivers", async () => {
  await backgroundTest(async ({ homeserver, cli, bodies, log }) => {
    await homeserver.stop();
    await cli("send", "Late", "");
    const [, pid] = /started, pid (\d+)/.exec(await log(/started/)) ?? [];
    Deno.kill(Number(pid), "SIGTERM");
    await log(/ended: stopped by SIGTERM/);
    await homeserver.restart();
    assertEquals((await cli("flush")).stdout, "1 delivered, 0 still queued\n");
    assertEquals(bodies().length, 1);
  });
});

Deno.test("flush releases a held account whose token was fixed, although a background deliverer runs", async () => {
  await backgroundTest(async ({ homeserver, state, cli, bodies, log }) => {
    const { accessToken } = homeserver.addUser("second");
    const room = homeserver.createRoom({ members: ["@second:loopback.test"] });
    const write = (token: string) =>
      Deno.writeTextFile(
        `${state.path}/c.json`,
        JSON.stringify({
          channels: { other: { kind: "matrix", homeserver: homeserver.url, accessToken: token, room } },
        }),
        { mode: 0o600 },
      );
    await write("revoked");
    const config = ["--config", `${state.path}/c.json`, "--channel", "other"];
    assertMatch((await cli("send", "Hello", "", ...config)).stdout, /^held .*401 M_UNKNOWN_TOKEN/);
    await log(/started/);
    await write(accessToken);
    assertEquals((await cli("flush", "--config", `${state.path}/c.json`)).stdout, "1 delivered, 0 still queued\n");
    assertEquals([bodies(), homeserver.events(room).length], [[], 1]);
    // The deliverer may notice the new token before the flush asks it to end.
    await log(/ended: (a flush continues the delivery|the queue is empty)/);
  });
});

Deno.test("send starts a background deliverer after another process gave up delivering", async () => {
  await backgroundTest(async ({ homeserver, state, cli, bodies }) => {
    homeserver.fault("hang", { times: 1 });
    await using other = await NotifierCore.open({
      stateDir: `${state.path}/own`,
      channels: {
        matrix: { homeserver: "http://127.0.0.1:1", accessToken: "x", room: "!x" },
        hung: hungChannel(homeserver),
      },
    });
    const controller = new AbortController();
    const notified = other.notify({ subject: "Other" }, {
      channels: ["hung"],
      waitMs: 60_000,
      signal: controller.signal,
    });
    await homeserver.received(({ fault }) => fault === "hang");
    assertMatch((await cli("send", "Mine", "", "--wait", "0")).stdout, /^queued /);
    controller.abort(new Error("enough"));
    await assertRejects(() => notified, Error, "enough");
    await homeserver.received(({ status, method, body }) =>
      method === "PUT" && status === 200 && body.includes("Mine")
    );
    assertEquals(bodies().length, 1);
  });
});

function hungChannel(homeserver: LoopbackHomeserver): MatrixConfig {
  const { accessToken, userId } = homeserver.addUser("hung");
  return {
    kind: "matrix",
    homeserver: homeserver.url,
    accessToken,
    room: homeserver.createRoom({ members: [userId] }),
  };
}

Deno.test("no background deliverer starts with --no-background, or with background: false", async () => {
  await backgroundTest(async ({ homeserver, state, cli }) => {
    await homeserver.stop();
    await cli("send", "1", "", "--no-background");
    await Deno.writeTextFile(`${state.path}/c.json`, '{ "background": false }');
    await cli("send", "2", "", "--config", `${state.path}/c.json`);
    assertEquals(await state.processes(), []);
    assertEquals((await cli("status", "--json")).stdout.slice(0, 28), '{"queued":1,"deferred":1,"he');
  });
});

Deno.test("the background deliverer runs the programs of its channels", async () => {
  await backgroundTest(async ({ state, log }) => {
    const script = `${state.path}/tell`;
    const text = '#!/bin/sh\n[ -e "$0.ready" ] || { touch "$0.ready"; exit 75; }\ncat > "$0.said"; echo spoken\n';
    await Deno.writeTextFile(script, text, { mode: 0o700 });
    await Deno.writeTextFile(`${state.path}/c.json`, JSON.stringify({ channels: { exec: { command: [script] } } }));
    const places = ["--config", `${state.path}/c.json`, "--state-dir", `${state.path}/own`];
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-A",
        "--quiet",
        ...inheritedConfig(),
        `${import.meta.dirname}/../../../mod.ts`,
        "send",
        "Up",
        "",
        ...places,
      ],
    }).output();
    assertMatch(new TextDecoder().decode(stdout), /^queued .*: .*tell ended with exit code 75/);
    await log(/delivered .* to exec .*: spoken/);
    assertEquals(JSON.parse(await Deno.readTextFile(`${script}.said`)).subject, "Up");
  });
});

Deno.test("the background deliverer keeps no lock, directory or variable of its caller", async () => {
  await backgroundTest(async ({ homeserver, state, log }) => {
    await homeserver.stop();
    await Deno.writeTextFile(
      `${state.path}/c.json`,
      JSON.stringify({ channels: { matrix: { homeserver: homeserver.url, accessTokenFile: "token", room: "!x" } } }),
    );
    await Deno.writeTextFile(`${state.path}/token`, "x", { mode: 0o600 });
    await Deno.mkdir(`${state.path}/caller`);
    // flock(1) holds its lock in a descriptor that every child process inherits.
    const script = `
      exec 3>"$0/lock3" 9>"$0/lock9" 12>"$0/lock12" 200>"$0/lock200"
      for fd in 3 9 12 200; do flock -n "$fd"; done
      cd "$0/caller" || exit 1
      "$@" send Late "" --config ../c.json --state-dir ../own`;
    const { code } = await new Deno.Command("bash", {
      args: [
        ...["-c", script, state.path, Deno.execPath(), "run", "-A", "--quiet", ...inheritedConfig()],
        `${import.meta.dirname}/../../../mod.ts`,
      ],
      env: { CALLERS_SECRET: "x" },
      stdout: "null",
    }).output();
    assertEquals(code, 0);
    const [, pid] = /started, pid (\d+)/.exec(await log(/started/)) ?? [];
    for (const fd of [3, 9, 12, 200]) {
      const { success } = await new Deno.Command("flock", { args: ["-n", `${state.path}/lock${fd}`, "true"] }).output();
      assertEquals([fd, success], [fd, true]);
    }
    const look =
      `cd /proc/${pid}; readlink cwd; grep -c CALLERS_SECRET environ; grep -c MALLOC_ARENA_MAX=1 environ; readlink fd/[012]`;
    const { stdout } = await new Deno.Command("sh", { args: ["-c", look] }).output();
    assertEquals(new TextDecoder().decode(stdout), "/\n0\n1\n/dev/null\n/dev/null\n/dev/null\n");
    await homeserver.restart();
    assertMatch(await log(/held|ended/), /held .*401 M_UNKNOWN_TOKEN/, "the deliverer finds the file beside c.json");
  });
});

Deno.test("the background deliverer ends if the configuration changed while send waited", async () => {
  await backgroundTest(async ({ homeserver, state, cli, log }) => {
    await using other = await LoopbackHomeserver.start();
    const file = `${state.path}/c.json`;
    const write = (server: LoopbackHomeserver) => {
      const { accessToken, userId } = server.addUser("mover");
      const room = server.createRoom({ members: [userId], alias: "#mover:loopback.test" });
      const moved = { kind: "matrix", homeserver: server.url, accessToken, room: "#mover:loopback.test" };
      Deno.writeTextFileSync(file, JSON.stringify({ channels: { moved } }), { mode: 0o600 });
      return room;
    };
    write(homeserver);
    const config = ["--config", file, "--channel", "moved"];
    homeserver.fault("captive-portal");
    const sending = cli("send", "Moved", "", "--require", "delivered", "--wait", "1s", ...config);
    await homeserver.received(({ fault }) => fault === "captive-portal");
    const room = write(other);
    assertMatch((await sending).stdout, /^queued /);
    assertMatch(
      await log(/ended/),
      new RegExp(`ended: the configuration needs --allow-net=${new URL(other.url).host}`),
    );
    assertEquals((await cli("flush", "--config", file)).stdout, "1 delivered, 0 still queued\n");
    assertEquals(other.events(room).length, 1);
  });
});
