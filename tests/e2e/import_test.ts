/**
 * Tests the library in the same way as importers use it: from a URL, without an import map, only
 * with Deno.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildBundle } from "../../scripts/build/bundle_files.ts";
import { urlPage } from "../../scripts/url_docs.ts";
import { PROGRAM_FLAGS } from "../../src/base/permission_table.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { environmentOf, runDeno, subjectsIn } from "./new_host.ts";
import { StateFolder } from "../synapse/cli.ts";

const HOUSE = new URL("../../", import.meta.url);

/** Serves the source files over HTTP, and the files in another directory. */
function serveSource(directory = "/nowhere") {
  const requested: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    requested.push(pathname);
    try {
      const type = pathname.endsWith(".json")
        ? "application/json"
        : `application/${pathname.endsWith(".js") ? "java" : "type"}script`;
      const text = await Deno.readTextFile(`${directory}${pathname}`)
        .catch(() => Deno.readTextFile(new URL(`.${pathname}`, HOUSE)));
      return new Response(text, {
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
  /** The environment variables of {@linkcode Scene.deno}. */
  readonly environment: Readonly<Record<string, string>>;
  subjects(): string[];
  /** Runs Deno with a new, empty cache, as on a machine that has never loaded matrix-notify. */
  deno(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }>;
}

async function importTest(body: (scene: Scene) => Promise<void>, bundle?: string) {
  await using homeserver = await LoopbackHomeserver.start();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  const { requested, server, host } = serveSource(bundle);
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
  const scene = { directory, homeserver, accessToken, room };
  try {
    await body({
      environment: environmentOf(scene),
      homeserver,
      requested,
      url: `http://${host}`,
      directory,
      subjects: () => subjectsIn(scene),
      deno: async (...args) => await runDeno(scene, [...allow, ...args]),
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

/** The code blocks of a page, by language. */
function codeBlocks(page: string, language: string): readonly string[] {
  return Array.from(page.matchAll(/^```(\w+)\n(.*?)^```$/gms)).filter(([, name]) => name === language)
    .map(([, , code]) => code);
}

Deno.test("docs/url.md has commands that run, install and import matrix-notify from a web server", async () => {
  const bundle = await Deno.makeTempDir();
  await buildBundle(bundle);
  await importTest(async ({ url, directory, subjects, environment }) => {
    const page = urlPage().replaceAll("https://HOST", url).replaceAll("=HOST", `=${new URL(url).host}`);
    const [runIt, installIt] = codeBlocks(page, "sh");
    const [importIt] = codeBlocks(page, "ts");
    await Deno.writeTextFile(`${directory}/import.ts`, importIt);
    const flags = PROGRAM_FLAGS.join(" ");
    await Deno.mkdir(`${directory}/path`);
    await Deno.symlink(Deno.execPath(), `${directory}/path/deno`);
    const script = [runIt, installIt, `deno run -q --no-prompt ${flags} --allow-import=${new URL(url).host} import.ts`]
      .join("\n");
    const bin = `${directory}/.deno/bin`;
    const { code, stdout, stderr } = await new Deno.Command("/bin/sh", {
      args: ["-ec", script],
      cwd: directory,
      clearEnv: true,
      env: { ...environment, PATH: `${bin}:${directory}/path:/usr/bin:/bin` },
    }).output();
    const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assertEquals(code, 0, output);
    assertEquals(subjects(), ["Link down", "Link down", "Backup done"], output);
  }, bundle).finally(() => Deno.remove(bundle, { recursive: true }));
});

Deno.test("urlPage() uses the repository in deno.json, and invents no address without one", () => {
  const without = urlPage({ repository: "", version: "1.2.3" });
  assertEquals(
    Array.from(without.matchAll(/https?:\/\/([^/\s`"]+)/g), ([, host]) => host).every((host) => host === "HOST"),
    true,
  );
  const page = urlPage({ repository: "https://git.example.org/me/project", version: "1.2.3" });
  assertStringIncludes(page, "https://git.example.org/me/project/raw/v1.2.3/mod.ts send");
  assertStringIncludes(page, "--allow-import=git.example.org");
});
