/** Checks how commands answer when Deno denies a permission, and that no alert is lost. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { inheritedConfig } from "../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { StateFolder } from "../synapse/cli.ts";

const SRC = new URL("../../src", import.meta.url).pathname;

/** The flags of Deno, without the state directory. */
type Flags = Partial<Readonly<Record<"net" | "read" | "write" | "env" | "sys" | "run", string | undefined>>>;

interface Scene {
  readonly folder: string;
  readonly host: string;
  /** The permissions that `send` needs without a background process. */
  readonly flags: Flags;
  /** Runs a command line with these permissions. */
  run(flags: Flags, ...args: readonly string[]): Promise<{ readonly code: number; readonly text: string }>;
  /** Runs a command of Deno, in which `src/main.ts` is the program. */
  deno(words: readonly string[]): Promise<{ readonly code: number; readonly text: string }>;
  bodies(): readonly string[];
}

async function deniedTest(body: (scene: Scene) => Promise<void>) {
  await using homeserver = await LoopbackHomeserver.start();
  await using state = await StateFolder.create();
  const folder = state.path;
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  for (const name of ["config", "own"]) Deno.mkdirSync(`${folder}/${name}`, { mode: 0o700 });
  const channels = { matrix: { homeserver: homeserver.url, accessToken, room } };
  Deno.writeTextFileSync(`${folder}/config/config.json`, JSON.stringify({ channels }), { mode: 0o600 });
  const deno: Scene["deno"] = async (words) => {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", ...inheritedConfig(), ...words],
      env: { NO_COLOR: "1" },
    }).output();
    return { code, text: new TextDecoder().decode(stderr) + new TextDecoder().decode(stdout) };
  };
  await body({
    folder,
    host: new URL(homeserver.url).host,
    flags: {
      net: new URL(homeserver.url).host,
      read: `${folder}/config,${folder}/own,${SRC}`,
      write: `${folder}/own`,
      env: "",
      sys: "hostname,uid",
    },
    async run(flags, command, ...args) {
      const permissions = Object.entries(flags).filter(([, value]) => value !== undefined).map(([kind, value]) =>
        `--allow-${kind}${value === "" ? "" : `=${value}`}`
      );
      const places = ["--config", `${folder}/config/config.json`, "--state-dir", `${folder}/own`];
      return await deno([...permissions, `${SRC}/main.ts`, command, ...places, ...args]);
    },
    deno,
    bodies: () => homeserver.events(room).map(({ content }) => String(content.body)),
  });
}

Deno.test("send delivers without the queue, with a warning that names the flag, if Deno denies the state directory", async () => {
  await deniedTest(async ({ folder, flags, run, bodies }) => {
    for (const denied of [{ write: undefined }, { read: `${folder}/config,${SRC}` }]) {
      const { code, text } = await run({ ...flags, ...denied }, "send", "Up", "--no-background");
      assertEquals(code, 0, text);
      const [kind] = Object.keys(denied);
      assertMatch(text, new RegExp(`Deno requires ${kind} access to .*sent without the queue .*--allow-${kind}=`));
    }
    assertEquals(bodies().length, 2);
  });
});

Deno.test("send keeps the notification, and names the flag, if Deno denies the network or the background process", async () => {
  await deniedTest(async ({ host, flags, run, bodies }) => {
    const { code, text } = await run({ ...flags, net: undefined }, "send", "Up", "--wait", "1s");
    assertEquals(code, 0, text);
    assert(text.includes(`(run the program with --allow-net=${host})`), text);
    assert(text.includes(`(add --allow-run=${Deno.execPath()}, or turn background processes off`), text);
    const flushed = await run(flags, "flush");
    assertEquals([flushed.code, flushed.text], [0, "1 delivered, 0 still queued\n"]);
    assertEquals(bodies().length, 1);
  });
});

Deno.test("commands end with 77 and name the flag if Deno denies what they cannot work without", async () => {
  await deniedTest(async ({ folder, flags, run, deno }) => {
    const config = `${folder}/config/config.json`;
    const modules = await run({ ...flags, read: `${folder}/own,${folder}/config` }, "send", "Up");
    assertEquals(modules.code, 77);
    assert(modules.text.includes(`hint: run the program with --allow-read=${SRC}\n`), modules.text);
    const unread = await run({ ...flags, read: `${folder}/own,${SRC}` }, "send", "Up");
    assertEquals(unread.code, 77);
    assert(unread.text.includes(`hint: run the program with --allow-read=${config}\n`), unread.text);
    for (
      const [permissions, hint] of [
        [["--allow-env"], "--allow-sys=hostname,uid"],
        [["--allow-sys"], "--allow-env"],
        [["--allow-sys", "--allow-env=HOME"], "--allow-env=XDG_CONFIG_HOME,XDG_STATE_HOME,"],
      ] as const
    ) {
      const { code, text } = await deno([
        ...["--allow-read", ...permissions, `${SRC}/main.ts`],
        ...["send", "Up", "--state-dir", `${folder}/own`],
      ]);
      assertEquals(code, 77, text);
      assert(text.includes(`hint: run the program with ${hint}`), text);
    }
  });
});

Deno.test("run sends an alert and ends with 77 if Deno denies its command", async () => {
  await deniedTest(async ({ flags, run, bodies }) => {
    const { code, text } = await run(flags, "run", "--no-background", "--", "/bin/true");
    assertEquals(code, 77, text);
    assert(text.includes("run the program with --allow-run=/bin/true"), text);
    assertMatch(bodies().join(), /Deno requires run access to "\/bin\/true"/);
  });
});

Deno.test("the line of docs/permissions.md sends, and permits nothing else", async () => {
  await deniedTest(async ({ folder, host, deno, bodies }) => {
    const page = Deno.readTextFileSync(new URL("../../docs/permissions.md", import.meta.url));
    const [, line] = /^deno run ((?:.*\\\n)*.*)$/m.exec(page) ?? [];
    const words = line.replaceAll("\\\n", " ").replaceAll("matrix.example.org:443", host)
      .replaceAll("/etc/matrix-notify", `${folder}/config`).replaceAll("/var/lib/matrix-notify", `${folder}/own`)
      .replaceAll("/opt/matrix-notify/src", SRC).match(/"[^"]*"|\S+/g) ?? [];
    const { code, text } = await deno(words.map((word) => word.replaceAll('"', "")));
    assertEquals(code, 0, text);
    assertMatch(text, /^delivered /);
    assertEquals(bodies().length, 1);
  });
});
