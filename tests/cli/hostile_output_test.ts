/** Texts from outside that contain escape sequences, line breaks and invisible characters. */

import { assertEquals } from "@std/assert";
import { COMMANDS } from "../../src/cli/commands.ts";
import { main } from "../../src/cli/main.ts";
import { NotifierCore } from "../../src/notifier/core.ts";
import { appendLog } from "../../src/runtime/files.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** C0, DEL, C1, bidirectional marks and isolates, separators, zero-width and tag characters. */
const HOSTILE =
  "a\x1b]0;title\x07b\x7fc\x9b31md\u202ee\u2066f\u2069g\u2028h\u2029i\u200bj\u2060k\ufeffl\u00adm\u034fn\u3164o\u{e0041}p\u{e0100}q\r\nroot: r";

const HIDDEN_REGEXP = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]--[\n\ufe0f]]/v;

interface Screen {
  readonly stateDir: string;
  readonly config: unknown;
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs a command line. Returns its output. */
async function run(argv: readonly string[], { stateDir, config, env }: Screen): Promise<string> {
  const path = `${stateDir}/config.json`;
  Deno.writeTextFileSync(path, typeof config === "string" ? config : JSON.stringify(config), { mode: 0o600 });
  using runtime = fakeRuntime({
    env: { HOME: stateDir, MATRIX_NOTIFY_CONFIG: path, MATRIX_NOTIFY_STATE_DIR: `${stateDir}/state`, ...env },
    realIds: true,
  });
  await main(argv, runtime);
  return runtime.out() + runtime.err();
}

async function hostileTest(body: (stateDir: string) => Promise<void>) {
  const stateDir = await Deno.makeTempDir();
  try {
    await body(stateDir);
  } finally {
    await Deno.remove(stateDir, { recursive: true });
  }
}

/** The program starts servers, long-lived commands or other programs in these commands. */
const SKIPPED = ["demo", "run", "doctor", "service install", "service remove", "service status", "service alert"];

/** Each word after this command is the name of a file that the command creates. */
const CREATES_FILE = "queue export";

Deno.test("main() prints no hidden character of its arguments, for every command and option", async () => {
  await hostileTest(async (stateDir) => {
    const screen = { stateDir, config: { channels: {} } };
    const lines: string[][] = [[HOSTILE], [`--${HOSTILE}`], ["help", HOSTILE], ["queue", HOSTILE], [
      `${HOSTILE}@x.org`,
    ], [...CREATES_FILE.split(" "), `${stateDir}/${HOSTILE}`]];
    for (const { name, load } of COMMANDS.filter(({ name }) => ![...SKIPPED, CREATES_FILE].includes(name))) {
      const words = name.split(" ");
      lines.push([...words, HOSTILE], [...words, `--${HOSTILE}`], [...words, `-${HOSTILE}`], [
        ...words,
        `--json=${HOSTILE}`,
      ]);
      for (const { name } of (await load()).options) {
        lines.push([...words, `--${name}`, HOSTILE], [...words, `--${name}=${HOSTILE}`]);
      }
    }
    for (const line of lines) assertEquals(HIDDEN_REGEXP.exec(await run(line, screen)), null, JSON.stringify(line));
  });
});

Deno.test("main() prints no hidden character of a configuration or a variable", async () => {
  await hostileTest(async (stateDir) => {
    const ntfy = { kind: "ntfy", server: "https://ntfy.example.org", topic: "alerts" };
    const values: readonly unknown[] = [
      { channels: { [HOSTILE]: ntfy } },
      { channels: { [HOSTILE]: HOSTILE, x: { ...ntfy, [HOSTILE]: HOSTILE } } },
      { channels: { x: { ...ntfy, kind: HOSTILE } }, [HOSTILE]: HOSTILE },
      { channels: { x: { kind: "exec", command: [`/${HOSTILE}`.replace("\0", ""), HOSTILE] } }, identity: HOSTILE },
      { channels: { x: { ...ntfy, tokenFile: HOSTILE, server: HOSTILE, topic: HOSTILE } } },
      { channels: { x: ntfy }, routes: [{ when: { [HOSTILE]: HOSTILE }, channels: [HOSTILE] }], quiet: HOSTILE },
      `{"channels": ${HOSTILE}`,
    ];
    const env = { MATRIX_HOMESERVER: HOSTILE, MATRIX_ROOM: HOSTILE, NTFY_TOPIC: HOSTILE, HTTPS_PROXY: HOSTILE };
    const lines = [
      "config check",
      "config check --json",
      "config show",
      "config show --json",
      "send a --dry-run",
      "status",
    ];
    for (const config of values) {
      for (const line of [...lines, "queue list", "route explain a", "whoami", "room list"]) {
        for (const variables of [{}, env]) {
          const output = await run(line.split(" "), { stateDir, config, env: variables });
          assertEquals(HIDDEN_REGEXP.exec(output), null, `${line}: ${JSON.stringify(config)}`);
        }
      }
    }
  });
});

Deno.test("main() prints no hidden character of a server's answer or of a notification", async () => {
  await hostileTest(async (stateDir) => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
      const isSend = url.includes("/send/");
      const answer = isSend
        ? { errcode: `M_${HOSTILE}`, error: HOSTILE }
        : { user_id: HOSTILE, name: HOSTILE, flows: [] };
      return Response.json(answer, { status: isSend ? 400 : 200 });
    });
    const matrix = {
      homeserver: `http://127.0.0.1:${server.addr.port}`,
      accessToken: "token-of-the-bot",
      room: "!r:x.org",
    };
    const screen = { stateDir, config: { background: false, channels: { matrix } } };
    const lines = [
      ["send", HOSTILE, HOSTILE, "--key", "k", "--origin", HOSTILE, "--link", `https://example.org/${HOSTILE}`],
      ...[
        "flush",
        "status",
        "status --check",
        "queue list",
        "queue list --json",
        "whoami",
        "whoami --json",
        "room list",
      ]
        .map((line) => line.split(" ")),
    ];
    for (const line of lines) assertEquals(HIDDEN_REGEXP.exec(await run(line, screen)), null, line.join(" "));
    const id = /"id":"([^"]+)/.exec(await run(["queue", "list", "--json"], screen))?.[1] ?? "";
    for (const line of [["queue", "show", id], ["queue", "show", id, "--json"], ["queue", "retry", id]]) {
      assertEquals(HIDDEN_REGEXP.exec(await run(line, screen)), null, line.join(" "));
    }
  });
});

Deno.test("NotifierCore.notify() returns and reports one line without hidden characters", async () => {
  await hostileTest(async (stateDir) => {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
      return Response.json({ ok: false, error_code: 400, description: HOSTILE }, { status: 400 });
    });
    using runtime = fakeRuntime({ realIds: true });
    const telegram = { server: `http://127.0.0.1:${server.addr.port}`, token: "123:abc", chat: 5 };
    const exec = { kind: "exec", command: ["/bin/echo", HOSTILE] } as const;
    const warnings: string[] = [];
    const options = {
      stateDir,
      runtime,
      channels: { telegram, exec },
      onWarning: (text: string) => warnings.push(text),
    };
    await using notifier = await NotifierCore.open(options);
    const outcomes = await notifier.notify({ subject: "Up" }, { waitMs: 5000 });
    assertEquals(outcomes.map(({ state }) => state), ["queued", "delivered"]);
    const texts = [...outcomes.flatMap((outcome) => Object.values(outcome).map(String)), ...warnings];
    assertEquals(texts.filter((text) => HIDDEN_REGEXP.test(text) || text.includes("\n")), []);
  });
});

Deno.test("appendLog() writes one line without hidden characters", async () => {
  await hostileTest((stateDir) => {
    appendLog(`${stateDir}/x.log`, HOSTILE, 0);
    const text = Deno.readTextFileSync(`${stateDir}/x.log`);
    assertEquals([text.split("\n").length, HIDDEN_REGEXP.exec(text)], [2, null]);
    return Promise.resolve();
  });
});
