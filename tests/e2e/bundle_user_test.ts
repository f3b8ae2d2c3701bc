/** Tests the bundle as an unprivileged user who can write only to the state directory. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { buildBundle, BUNDLE } from "../../scripts/build/bundle_files.ts";
import { LoopbackHomeserver } from "../../src/testing/mod.ts";
import { needsRoot } from "./host.ts";

/** The user `nobody`. */
const UID = 65534;

Deno.test(
  "the bundle does everything for a user with an empty home and no network but loopback",
  needsRoot,
  async () => {
    await using homeserver = await LoopbackHomeserver.start();
    const { userId, accessToken, password } = homeserver.addUser("bot");
    const room = homeserver.createRoom({ members: [userId] });
    const login = { MATRIX_HOMESERVER: homeserver.url, MATRIX_ACCESS_TOKEN: accessToken, MATRIX_ROOM: room };
    // Other users cannot reach the temporary directory of the tests.
    const [program, state] = [await Deno.makeTempDir({ dir: "/tmp" }), await Deno.makeTempDir({ dir: "/tmp" })];
    try {
      await buildBundle(program);
      await Deno.chmod(program, 0o755);
      await Deno.writeTextFile(`${state}/password`, password, { mode: 0o600 });
      for (const path of [state, `${state}/password`]) await Deno.chown(path, UID, UID);

      // Runs the bundle in a directory that this user cannot write.
      const run = async (args: readonly string[], env: Readonly<Record<string, string>> = login, input = "") => {
        const allow = ["-A", "--deny-net=1.1.1.1", "--cached-only", "--no-prompt", "--no-config", "--quiet"];
        const child = new Deno.Command("setpriv", {
          args: [
            `--reuid=${UID}`,
            `--regid=${UID}`,
            "--clear-groups",
            Deno.execPath(),
            "run",
            ...allow,
            `${program}/${BUNDLE}`,
            ...args,
          ],
          cwd: "/",
          clearEnv: true,
          env: {
            ...{ HOME: "/nonexistent", DENO_DIR: "/nonexistent/deno", TMPDIR: state, NO_COLOR: "1" },
            ...{ XDG_STATE_HOME: state, XDG_CONFIG_HOME: `${state}/config`, PATH: "/usr/bin:/bin" },
            ...env,
          },
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const writer = child.stdin.getWriter();
        await writer.write(new TextEncoder().encode(input)).then(() => writer.close()).catch(() => {});
        const { code, stdout, stderr } = await child.output();
        const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
        assertEquals(code, 0, `${args.join(" ")}: ${out}${err}`);
        return out;
      };

      assertStringIncludes(await run(["demo"], {}), "No message was lost");
      await run(["send", "Markdown", "**bold**", "--format", "markdown"]);
      await run(["send", "HTML", "<b>bold</b>", "--format", "html"]);
      await run(["send", "File", "", "--attach", `${program}/${BUNDLE}`]);
      await run(["sendmail", "root"], login, "Subject: Mail\nContent-Type: text/html\n\n<p>hello</p>\n");
      await homeserver.stop();
      assertStringIncludes(await run(["send", "Queued", "later", "--wait", "0s"]), "queued");
      await homeserver.restart();
      await homeserver.received(({ status, method }) => method === "PUT" && status === 200, 6);
      await run(["send", "Flushed", "", "--wait", "0s", "--no-background"]);
      await run(["flush"]);
      const account = ["--user", userId, "--homeserver", homeserver.url, "--password-file", `${state}/password`];
      await run(["setup", ...account, "--room", room, "--yes", "--no-test"], {});
      await run(["send", "After setup", "Body"], {});
      const events = homeserver.events(room).map(({ content }) => String(content.body).replace(/^\[.*?\] /, ""));
      assertEquals(events.map((body) => body.split("\n")[0]), [
        ...["Markdown", "HTML", "File", BUNDLE, "Mail", "Queued", "Flushed", "After setup"],
      ]);
    } finally {
      for (const path of [program, state]) await Deno.remove(path, { recursive: true });
    }
  },
);
