/** Tests the permissions of the background deliverer, and changes of its configuration. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { inheritedConfig } from "../../../scripts/std/argv.ts";
import { DELIVERER_COMMAND } from "../../../src/base/deliverer_command.ts";
import { PERMISSION_TABLE } from "../../../src/base/permission_table.ts";
import { VARIABLES } from "../../../src/base/variables.ts";
import { LoopbackGotify, LoopbackHomeserver, LoopbackNtfy, LoopbackTelegram } from "../../../src/testing/mod.ts";
import { LoopbackSlack } from "../../fakes/slack_server.ts";
import { SmtpServer, smtpSuite } from "../../fakes/smtp_server.ts";
import { StateFolder } from "../../synapse/cli.ts";
import { waitForLog } from "./log.ts";

const SRC = new URL("../../../src", import.meta.url).pathname;

/** The port of the inspector of Deno, which every command takes. */
const INSPECTOR = "127.0.0.1:9229";

/** The variables that a parent with few permissions may read. */
const FEW_VARIABLES = ["HOME", "PATH"];

interface Scene {
  readonly folder: string;
  readonly homeserver: LoopbackHomeserver;
  /** The channel of the homeserver, whose token is in a file. */
  readonly matrix: Readonly<Record<string, unknown>>;
  /** Replaces the configuration file. */
  configure(config: Readonly<Record<string, unknown>>): void;
  /** Runs a command with these permissions, and returns its output. */
  run(permissions: readonly string[], ...args: readonly string[]): Promise<string>;
  /** Waits until the log of the deliverer matches, and returns the log. */
  log(pattern: RegExp): Promise<string>;
  /** Waits for the deliverer, and returns the values of its permissions by flag. */
  delivererFlags(): Promise<Readonly<Record<string, readonly string[]>>>;
  bodies(): readonly string[];
}

async function sceneTest(body: (scene: Scene) => Promise<void>) {
  await using homeserver = await LoopbackHomeserver.start();
  await using state = await StateFolder.create();
  const folder = state.path;
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  Deno.writeTextFileSync(`${folder}/token`, accessToken, { mode: 0o600 });
  Deno.mkdirSync(`${folder}/own`, { mode: 0o700 });
  const log = (pattern: RegExp) => waitForLog(`${folder}/own`, pattern);
  await body({
    folder,
    homeserver,
    matrix: { homeserver: homeserver.url, accessTokenFile: `${folder}/token`, room },
    configure: (config) => Deno.writeTextFileSync(`${folder}/config.json`, JSON.stringify(config), { mode: 0o600 }),
    async run(permissions, ...args) {
      const program = ["run", "--quiet", "--no-prompt", ...inheritedConfig(), ...permissions, `${SRC}/main.ts`];
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...program, ...args, "--config", `${folder}/config.json`, "--state-dir", `${folder}/own`],
      }).output();
      return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    },
    log,
    async delivererFlags() {
      const pids = Array.from((await log(/started/)).matchAll(/started, pid (\d+)/g), ([, pid]) => pid);
      const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pids.at(-1)}/cmdline`] }).output();
      const words = new TextDecoder().decode(stdout).split("\0");
      return Object.fromEntries(
        words.filter((word) => word.startsWith("--allow")).map((word) => {
          const [flag, ...values] = word.split(/=|,/);
          return [flag, values];
        }),
      );
    },
    bodies: () => homeserver.events(room).map(({ content }) => String(content.body)),
  });
}

Deno.test("the background deliverer gets the permissions of its configuration, and no others", async () => {
  await sceneTest(async ({ folder, homeserver, matrix, configure, run, delivererFlags }) => {
    const channels = {
      matrix,
      ntfy: { server: "https://ntfy.example.org:8443", topic: "alerts", proxy: "http://127.0.0.1:9" },
      tell: { kind: "exec", command: [`${folder}/tell`] },
    };
    configure({ channels });
    await homeserver.stop();
    assertMatch(await run(["-A"], "send", "Late", "--channel", "matrix"), /^queued /);
    const { "--allow-env": env, "--allow-run": programs, ...rest } = await delivererFlags();
    assertEquals(rest, {
      "--allow-net": [new URL(homeserver.url).host, "ntfy.example.org:8443", "127.0.0.1:9", "127.0.0.1:9229"],
      "--allow-read": [`${folder}/config.json`, `${folder}/token`, `${folder}/tell`, `${folder}/own`, SRC],
      "--allow-write": [`${folder}/own`],
      "--allow-sys": ["hostname", "uid"],
    });
    assertEquals(programs.filter((path) => !path.endsWith("/kill")), [`${folder}/tell`]);
    assertEquals(env, [...new Set(PERMISSION_TABLE[DELIVERER_COMMAND].env.flatMap((group) => VARIABLES[group]))]);
  });
});

Deno.test("the background deliverer gets no permission that its parent does not have", async () => {
  await sceneTest(async ({ folder, homeserver, matrix, configure, run, delivererFlags }) => {
    const { host } = new URL(homeserver.url);
    configure({
      channels: {
        matrix,
        ntfy: { server: "https://ntfy.example.org", topic: "alerts" },
        tell: { kind: "exec", command: ["/bin/true"] },
        domain: { kind: "matrix", homeserver: "example.org", accessToken: "x", room: "!x" },
      },
    });
    await homeserver.stop();
    const parent = {
      "--allow-net": [host],
      "--allow-read": [`${folder}/config.json`, `${folder}/token`, `${folder}/own`, SRC],
      "--allow-write": [`${folder}/own`],
      "--allow-env": FEW_VARIABLES,
      "--allow-run": [Deno.execPath()],
    };
    const permissions = Object.entries(parent).map(([flag, values]) => `${flag}=${values.join(",")}`);
    assertMatch(await run(permissions, "send", "Late", "--channel", "matrix"), /^queued /);
    const { "--allow-env": env, ...rest } = await delivererFlags();
    const { "--allow-run": _, "--allow-env": __, ...expected } = parent;
    assertEquals([rest, env.toSorted()], [expected, FEW_VARIABLES]);
  });
});

Deno.test("the background deliverer uses a changed configuration, and keeps the old one while the new one is broken", async () => {
  await sceneTest(async ({ folder, homeserver, matrix, configure, run, log, bodies }) => {
    configure({ identity: "old", channels: { matrix } });
    await homeserver.stop();
    await run(["-A"], "send", "Late");
    await log(/started/);
    Deno.writeTextFileSync(`${folder}/config.json`, '{ "identity": ');
    assertMatch(await log(/not used yet/), /the new configuration is not used yet: Cannot use configuration .*config/);
    configure({ identity: "new", channels: { matrix } });
    await log(/the configuration has changed/);
    await homeserver.restart();
    const text = await log(/ended/);
    assertEquals(text.match(/started/g)?.length, 2);
    assertMatch(text, /ended: the queue is empty/);
    assertMatch(bodies().join(), /^\[new\] Late/);
  });
});

Deno.test("the background deliverer ends when its configuration needs another host, and the next flush delivers", async () => {
  await sceneTest(async ({ homeserver, matrix, configure, run, log, bodies, folder }) => {
    configure({ channels: { matrix: { ...matrix, homeserver: "http://127.0.0.1:9" } } });
    assertMatch(await run(["-A"], "send", "Late"), /^queued /);
    await log(/started/);
    configure({ channels: { matrix } });
    const text = await log(/ended/);
    const { host } = new URL(homeserver.url);
    assert(text.includes(`ended: the configuration needs --allow-net=${host}, which this process does not have`), text);
    assertEquals(bodies(), []);
    assertEquals(await run(["-A"], "flush"), "1 delivered, 0 still queued\n", folder);
    assertMatch(bodies().join(), /Late/);
  });
});

const smtpTest = await smtpSuite();

smtpTest("the background deliverer delivers through every kind with its permissions", async () => {
  await sceneTest(async ({ folder, homeserver, matrix, configure, run, log, delivererFlags }) => {
    await using smtp = await SmtpServer.start({ login: { user: "jump@example.org", password: "x" } });
    await using ntfy = await LoopbackNtfy.start();
    await using gotify = await LoopbackGotify.start();
    await using telegram = await LoopbackTelegram.start();
    await using slack = new LoopbackSlack();
    // The program waits until the permissions of the deliverer were read.
    const script = '#!/bin/sh\nwhile [ ! -e "$0.go" ]; do sleep 0.05; done; cat > "$0.said"\n';
    Deno.writeTextFileSync(`${folder}/tell`, script, { mode: 0o700 });
    Deno.writeTextFileSync(`${folder}/url`, slack.url, { mode: 0o600 });
    configure({
      channels: {
        matrix,
        domain: { ...matrix, kind: "matrix", homeserver: new URL(homeserver.url).host },
        ntfy: { server: ntfy.url, topic: "alerts" },
        gotify: { server: gotify.url, token: gotify.token },
        telegram: { server: telegram.url, token: telegram.token, chat: "1001" },
        slack: { urlFile: `${folder}/url` },
        webhook: { url: slack.url },
        exec: { command: [`${folder}/tell`] },
        email: {
          ...{ server: "127.0.0.1", port: smtp.port, caFile: smtp.caFile, user: "jump@example.org", password: "x" },
          ...{ from: "jump@example.org", to: "root@example.org" },
        },
      },
    });
    Deno.writeTextFileSync(`${folder}/report`, "12 GB");
    // After this lookup, the hosts of the domain are known.
    assertMatch(await run(["-A"], "send", "First", "--channel", "domain"), /^delivered /);
    await run(
      ["-A"],
      "send",
      "Late",
      "**Body**",
      "--format",
      "markdown",
      "--attach",
      `${folder}/report`,
      "--wait",
      "0",
    );
    const { "--allow-net": hosts } = await delivererFlags();
    const servers = [homeserver.url, ntfy.url, gotify.url, telegram.url, slack.url].map((url) => new URL(url).host);
    assertEquals([...hosts].toSorted(), [...servers, `127.0.0.1:${smtp.port}`, INSPECTOR].toSorted());
    Deno.writeTextFileSync(`${folder}/tell.go`, "");
    const text = await log(/ended/);
    assertMatch(text, /ended: the queue is empty/);
    const channels = Array.from(text.matchAll(/delivered \S+ to (\S+)/g), ([, channel]) => channel);
    assertEquals([...new Set(channels)].toSorted(), [
      ...["domain", "email", "exec", "gotify", "matrix", "ntfy", "slack", "telegram", "webhook"],
    ]);
    assert(!text.includes("Deno requires"), text);
    assertStringIncludes(homeserver.events(String(matrix.room))[1].content.formatted_body as string, "<strong>");
  });
});
