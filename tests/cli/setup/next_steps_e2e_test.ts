/** Pastes the lines that `setup` prints, as a real process. */

import { assert, assertEquals } from "@std/assert";
import { inheritedConfig } from "../../../scripts/std/argv.ts";
import { LoopbackHomeserver } from "../../../src/testing/mod.ts";
import { denoCache } from "../../fakes/deno_cache.ts";
import { StateFolder } from "../../synapse/cli.ts";

/** The environment of a cron job. The cache of Deno is that of this test. */
function cronEnv(home: string): Record<string, string> {
  return { PATH: "/usr/bin:/bin", HOME: home, NO_COLOR: "1", DENO_DIR: denoCache() };
}

/** Runs a program in the directory `/`, where cron and sshd also start programs. */
async function run(path: string, args: readonly string[], env: Record<string, string>) {
  const command = new Deno.Command(path, { args: [...args], cwd: "/", clearEnv: true, env, stdin: "null" });
  const { code, stdout, stderr } = await command.output();
  return { code, output: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("setup prints next steps that work when they are pasted", async () => {
  await using homeserver = await LoopbackHomeserver.start();
  await using state = await StateFolder.create();
  const { userId, accessToken } = homeserver.addUser("bot");
  const room = homeserver.createRoom({ members: [userId] });
  await Deno.writeTextFile(`${state.path}/token`, accessToken, { mode: 0o600 });
  const env = cronEnv(state.path);
  const places = {
    MATRIX_NOTIFY_CONFIG: `${state.path}/100%/config.json`,
    MATRIX_NOTIFY_STATE_DIR: `${state.path}/it's`,
  };
  const options = ["--homeserver", homeserver.url, "--user", userId, "--token-file", `${state.path}/token`];
  const main = new URL("../../../src/main.ts", import.meta.url).pathname;
  const program = ["run", "-A", "--quiet", ...inheritedConfig(), main];
  const set = await run(
    Deno.execPath(),
    [...program, "setup", ...options, "--room", room, "--yes"],
    { ...env, ...places, PATH: Deno.env.get("PATH") ?? "" },
  );
  assertEquals(set.code, 0, set.output);
  const steps = [...set.output.matchAll(/^ {2}(script|crontab|router|check|monitoring| {11}) +(.*)$/gm)].map(
    ([, name, line]) => {
      if (name === "router") return `${line} core1 --address 127.0.0.1 --network 127.0.0.1 --yes`;
      const ssh = /^or by ssh: .*command="(.*)"$/.exec(line)?.[1];
      if (ssh !== undefined) return ssh.replace(/\\(.)/g, "$1");
      // cron removes the schedule and the backslash before a percent sign.
      const cron = /^(?:@reboot|(?:\S+ ){4}\S+) (.*)$/.exec(line);
      return name === "crontab" || name.trim() === ""
        ? (cron?.[1] ?? "").replaceAll("\\%", "%").replace("/usr/local/bin/backup", "/bin/false")
        : line;
    },
  );
  assert(steps.length === 6 || steps.length === 8, set.output);
  for (const step of steps) {
    const { code, output } = await run("/bin/sh", ["-c", step], env);
    assertEquals([step, code <= 1], [step, true], output);
  }
  const subjects = homeserver.events(room).map(({ content }) =>
    String(content.body).split("\n")[0].replace(/^\[.*?\] /, "")
  );
  assertEquals(subjects.slice(0, 2).concat(subjects.slice(-1)), ["Test message", "❌ Backup failed", "Link down"]);
  assert(subjects.some((subject) => /^❌ false failed: exit 1/.test(subject)), subjects.join());
});
