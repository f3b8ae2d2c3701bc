/**
 * Tests the library in the same way as importers use it: from a URL, without an import map, only
 * with Deno.
 */

import { assertEquals } from "@std/assert";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { StateFolder } from "../synapse/cli.ts";

const HOUSE = new URL("../../", import.meta.url);

/** Serves the source files over HTTP. */
function serveSource() {
  const requested: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    requested.push(pathname);
    try {
      const type = pathname.endsWith(".json") ? "application/json" : "application/typescript";
      return new Response(await Deno.readTextFile(new URL(`.${pathname}`, HOUSE)), {
        headers: { "Content-Type": type },
      });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  return { requested, server, host: `127.0.0.1:${server.addr.port}` };
}

interface Scene {
  readonly homeserver: LoopbackHomeserver;
  readonly requested: readonly string[];
  /** The URL of the served source files: `http://…`. */
  readonly url: string;
  readonly directory: string;
  subjects(): string[];
  /** Runs Deno with a new, empty cache, as on a machine that has never loaded matrix-notify. */
  deno(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

async function importTest(body: (scene: Scene) => Promise<void>) {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const { requested, server, host } = serveSource();
  // This ends the background deliverer before the directory is removed.
  await using state = await StateFolder.create();
  const directory = state.path;
  const allow = [
    "--allow-net",
    "--allow-env",
    "--allow-read",
    "--allow-write",
    "--allow-sys",
    "--allow-run",
    `--allow-import=${host}`,
  ];
  try {
    await body({
      homeserver,
      requested,
      url: `http://${host}`,
      directory,
      subjects: () =>
        homeserver.events(room).map(({ content }) => String(content.body).replace(/^\[.*?\] /, "").split("\n")[0]),
      async deno(...args) {
        const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
          args: ["run", "--quiet", "--no-prompt", ...allow, ...args],
          cwd: directory,
          clearEnv: true,
          env: {
            HOME: directory,
            DENO_DIR: `${directory}/deno`,
            XDG_STATE_HOME: `${directory}/state`,
            MATRIX_HOMESERVER: homeserver.url,
            MATRIX_ACCESS_TOKEN: accessToken,
            MATRIX_ROOM: room,
            NO_COLOR: "1",
          },
        }).output();
        const decoder = new TextDecoder();
        return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
      },
    });
  } finally {
    await server.shutdown();
  }
}

Deno.test("mod.ts can be imported from a URL with --no-config", async () => {
  await importTest(async ({ url, directory, deno, subjects, requested }) => {
    await Deno.writeTextFile(
      `${directory}/script.ts`,
      `import { Notifier, sendMatrix, sendNotification } from "${url}/mod.ts";
       const one = await sendNotification("One", "Body", { silent: true });
       const two = await sendMatrix("Two");
       await using notifier = await Notifier.open();
       const three = await notifier.notify({ subject: "Three" });
       console.log(JSON.stringify([one, two, three].flat().map(({ state }) => state)));`,
    );
    const { code, stdout, stderr } = await deno("--no-config", "script.ts");
    assertEquals([code, stdout, stderr], [0, '["delivered","delivered","delivered"]\n', ""]);
    assertEquals(subjects(), ["One", "Two", "Three"]);
    assertEquals(
      requested.filter((path) => path.includes("/cli/")),
      [],
      "importers pay for the library alone",
    );
  });
});

Deno.test("mod.ts runs as a program from a URL, and so does the background deliverer that it starts", async () => {
  await importTest(async ({ url, deno, subjects, homeserver }) => {
    const sent = await deno("--no-config", `${url}/mod.ts`, "send", "One", "Body");
    assertEquals([sent.code, sent.stderr], [0, ""]);
    await homeserver.stop();
    const queued = await deno("--no-config", `${url}/mod.ts`, "send", "Two", "Body");
    // The host that runs this test may be a container.
    const stderr = queued.stderr.replace(/^matrix-notify: the background process ends with .*\n$/, "");
    assertEquals([queued.code, queued.stdout.split(" ")[0], stderr], [0, "queued", ""]);
    await homeserver.restart();
    await homeserver.received(({ status, method }) => method === "PUT" && status === 200, 2);
    assertEquals(subjects(), ["One", "Two"]);
  });
});
