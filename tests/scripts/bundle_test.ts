import { DatabaseSync } from "node:sqlite";
import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { buildBundle, BUNDLE, FOLDER, toAscii } from "../../scripts/build/bundle_files.ts";
import { COMMANDS } from "../../src/cli/commands.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import * as programFiles from "../../src/base/program_files.ts";
import { runDeno, subjectsIn } from "../e2e/new_host.ts";
import { StateFolder } from "../synapse/cli.ts";

/** A bundle, and a homeserver for it. */
interface Scene {
  readonly directory: string;
  readonly homeserver: LoopbackHomeserver;
  readonly files: readonly string[];
  subjects(): string[];
  /** Runs Deno in an empty directory, without the configuration of the repository. */
  deno(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

async function bundleTest(body: (scene: Scene) => Promise<void>) {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  // This ends the background deliverer before the directory is removed.
  await using state = await StateFolder.create();
  const host = { directory: state.path, homeserver, accessToken, room };
  const bundle = await Deno.makeTempDir();
  try {
    await buildBundle(bundle);
    const sums = (await Deno.readTextFile(`${bundle}/SHA256SUMS`)).trimEnd().split("\n");
    await body({
      directory: bundle,
      homeserver,
      files: sums.map((line) => line.split(/ +/)[1]).filter((file) => file.endsWith(".js")),
      subjects: () => subjectsIn(host),
      deno: async (...args) => await runDeno(host, ["--no-config", ...args]),
    });
  } finally {
    await Deno.remove(bundle, { recursive: true });
  }
}

/** Commands, and the parts of the bundle that they may load in addition to start.js and send.js. */
const LOADED: readonly (readonly [args: readonly string[], parts: readonly string[]])[] = [
  [["send", "One", "Body", "--config", "CONFIG", "--channel", "matrix"], ["attachments", "connections", "email"]],
  [["status", "--config", "CONFIG"], ["attachments", "connections", "email", "more"]],
  [["send", "Two", "Body"], []],
  [["send", "Two", "Body", "--key", "disk", "--resolve"], []],
  [["status"], ["more"]],
  [["queue", "list"], ["more"]],
  [["flush"], ["more"]],
  [["run", "--", "/bin/true"], ["run"]],
  [["config", "check"], ["config"]],
  [["send", "Three", "Body", "--attach", "CONFIG"], ["attachments"]],
  [["status", "--check"], ["more", "storage", "deliver", "unix_socket"]],
  [["completions", "channels"], ["completions"]],
  [["whoami"], ["login", "accounts"]],
  [["room", "list"], ["login", "accounts"]],
  // An entry waits after this command. So it is the last one.
  [["send", "Four", "<b>Body</b>", "--format", "html", "--wait", "0s", "--no-background"], ["attachments"]],
];

Deno.test("deno task build --bundle writes a program whose commands load only the parts that they need", async () => {
  await bundleTest(async ({ directory, files, deno }) => {
    const config = `${directory}/config.json`;
    const email = { kind: "email", server: "smtp.example.org", from: "a@example.org", to: "b@example.org" };
    await Deno.writeTextFile(config, JSON.stringify({ channels: { email } }), { mode: 0o600 });
    for (const [args, parts] of LOADED) {
      const loaded = [BUNDLE, ...["start", "send", ...parts].map((part) => `${FOLDER}/${part}.js`)];
      const denied = files.filter((file) => !loaded.includes(file)).map((file) => `--deny-read=${directory}/${file}`);
      const words = args.map((word) => word === "CONFIG" ? config : word);
      const { code, stderr } = await deno("-A", ...denied, `${directory}/${BUNDLE}`, ...words);
      assertEquals([words.join(" "), code, stderr], [words.join(" "), 0, ""]);
    }
  });
});

Deno.test("deno task build --bundle writes only ASCII, and deno cache parses all its files", async () => {
  await bundleTest(async ({ directory, files }) => {
    for (const file of files) {
      const [character] = /[^\0-\x7f]/.exec(await Deno.readTextFile(`${directory}/${file}`)) ?? [];
      assertEquals(character, undefined, file);
    }
    const args = ["cache", "-q", "--no-config", `${directory}/${FOLDER}/url.js`];
    const { success } = await new Deno.Command(Deno.execPath(), { args, env: { DENO_DIR: `${directory}/cache` } })
      .output();
    assertEquals(success, true);
    using database = new DatabaseSync(`${directory}/cache/dep_analysis_cache_v2`, { readOnly: true });
    const parsed = database.prepare("SELECT specifier FROM moduleinfocache").all();
    const paths = parsed.map(({ specifier }) => String(specifier).replace(`file://${directory}/`, ""));
    assertEquals(paths.toSorted(), files.toSorted());
  });
});

Deno.test("toAscii() replaces characters by escapes, and refuses them in String.raw", () => {
  assertEquals(toAscii('"é✅🚨", /[\u200d✂️]/u'), String.raw`"\u00e9\u2705\ud83d\udea8", /[\u200d\u2702\ufe0f]/u`);
  assertThrows(() => toAscii("String.raw`é`"), Error, "Cannot escape String.raw`é`");
});

Deno.test("deno task build --bundle puts the functions of a plain send into parentheses, and no others", async () => {
  await bundleTest(async ({ directory }) => {
    const code = await Deno.readTextFile(`${directory}/${FOLDER}/send.js`);
    const text = (regexp: RegExp) => regexp.exec(code)?.[0];
    assertEquals(text(/^.*function createNotification\(/m), "var createNotification = (function createNotification(");
    assertEquals(text(/^.*function sendEvent\(/m), "var sendEvent = (async function sendEvent(");
    assertEquals(text(/^.*function renew\(/m), "async function renew(");
    assertEquals(text(/beforeSending\(.*#checkEncryption/), "beforeSending((() => this.#checkEncryption");
    assertEquals(text(/#ask\(.*#resolveAlias/), "#ask(() => this.#resolveAlias");
  });
});

Deno.test("deno task build --bundle writes a program that has every command and every library", async () => {
  await bundleTest(async ({ directory, deno, subjects }) => {
    const run = (...args: readonly string[]) => deno("-A", "--cached-only", `${directory}/${BUNDLE}`, ...args);
    for (const { name } of COMMANDS) {
      const { code, stdout, stderr } = await run(...name.split(" "), "--help");
      assertEquals([code, stderr], [0, ""], name);
      assertStringIncludes(stdout, `matrix-notify ${name}`);
    }
    const attached = await run("send", "File", "", "--attach", `${directory}/${BUNDLE}`);
    assertEquals([attached.code, attached.stderr], [0, ""]);
    for (const [format, body] of [["markdown", "**bold**"], ["html", "<b>bold</b>"]]) {
      const { code, stderr } = await run("send", format, body, "--format", format);
      assertEquals([code, stderr], [0, ""]);
    }
    assertEquals(subjects(), ["File", BUNDLE, "markdown", "html"]);
    assertStringIncludes((await run("doctor")).stdout, "0 failures");
  });
});

Deno.test("url.js loads every file at the first start, and a later start needs no server", async () => {
  await bundleTest(async ({ directory, files, deno, subjects, homeserver }) => {
    const requested: string[] = [];
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      const path = new URL(request.url).pathname.slice(1);
      requested.push(path);
      return new Response(await Deno.readTextFile(`${directory}/${path}`), {
        headers: { "Content-Type": "text/javascript" },
      });
    });
    const host = `127.0.0.1:${server.addr.port}`;
    const allow = ["net", "env", "read", "write", "sys", "run", `import=${host}`].map((name) => `--allow-${name}`);
    const run = (...args: readonly string[]) => deno(...allow, `http://${host}/${FOLDER}/url.js`, ...args);
    const first = await run("send", "One", "Body");
    assertEquals([first.code, first.stderr], [0, ""]);
    await server.shutdown();
    assertEquals(requested.toSorted(), files);
    assertEquals((await run("send", "Two", "**bold**", "--format", "markdown")).code, 0);
    await homeserver.stop();
    const queued = await run("send", "Three", "Body");
    assertEquals([queued.code, queued.stdout.split(" ")[0]], [0, "queued"]);
    await homeserver.restart();
    await homeserver.received(({ status, method }) => method === "PUT" && status === 200, 3);
    assertEquals(subjects(), ["One", "Two", "Three"]);
  });
});

Deno.test("the bundle has the status page in a part of its own, which serve loads with the first request", async () => {
  await bundleTest(async ({ directory, files }) => {
    const part = `${FOLDER}/status_page.js`;
    const texts = await Promise.all(files.map(async (file) => [file, await Deno.readTextFile(`${directory}/${file}`)]));
    const having = (text: string) => texts.filter(([, code]) => code.includes(text)).map(([file]) => file);
    assertEquals(having("Everything is delivered"), [part]);
    assertEquals(having("Content-Security-Policy"), [part]);
    assertEquals(having('import "./status_page.js"'), []);
    assertEquals(having('from "./status_page.js"'), []);
  });
});

Deno.test("the bundle replaces every export of program_files.ts", async () => {
  await bundleTest(async ({ directory, files }) => {
    const texts = await Promise.all(files.map((file) => Deno.readTextFile(`${directory}/${file}`)));
    const all = texts.join("\n");
    assertEquals(Object.keys(programFiles).toSorted(), ["ENTRY", "LATE_DIRECTORY", "LOCK", "importModule"]);
    assertStringIncludes(all, `new URL("../${BUNDLE}", import.meta.url)`);
    for (const text of texts) assertEquals(/["'](npm|jsr):/.test(text), false);
  });
});
