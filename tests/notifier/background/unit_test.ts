import { assertEquals } from "@std/assert";
import { NotifierCore } from "../../../src/notifier/core.ts";
import type { Surroundings } from "../../../src/runtime/surroundings.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { StateFolder } from "../../synapse/cli.ts";

/** Options of {@linkcode warningsIn}. */
interface Options {
  /** The shell script that replaces `systemd-run`. @default one that fails */
  readonly systemdRun?: string;
  /** Creates more files in the home directory. */
  readonly prepare?: (home: string) => Promise<void>;
}

/** Queues two notifications in an outage. Returns the warnings. */
async function warningsIn(
  surroundings: Surroundings,
  { systemdRun = "exit 1", prepare }: Options = {},
): Promise<string[]> {
  await using state = await StateFolder.create();
  const channel = { homeserver: "http://127.0.0.1:1", accessToken: "x", room: "!x" };
  await Deno.writeTextFile(`${state.path}/c.json`, JSON.stringify({ channels: { matrix: channel } }), { mode: 0o600 });
  await Deno.mkdir(`${state.path}/bin`);
  await Deno.writeTextFile(`${state.path}/bin/systemd-run`, `#!/bin/sh\n${systemdRun}\n`, { mode: 0o700 });
  await prepare?.(state.path);
  using runtime = fakeRuntime({
    surroundings,
    realIds: true,
    env: { HOME: state.path, PATH: `${state.path}/bin:/bin` },
  });
  const warnings: string[] = [];
  await using notifier = await NotifierCore.open({
    ...{ runtime, stateDir: `${state.path}/state`, configFile: `${state.path}/c.json`, role: "program" },
    background: true,
    onWarning: (text) => warnings.push(text),
  });
  await notifier.notify({ subject: "Late" }, { waitMs: 0 });
  await notifier.notify({ subject: "Later" }, { waitMs: 0 });
  return warnings;
}

const SERVICE = { kind: "unit", unit: "backup.service", manager: "system" } as const;

const SERVICE_WARNING = "The background process ends with backup.service: to deliver queued notifications later, " +
  "run `matrix-notify service install` once";

Deno.test("handOver() warns in a container and in a service that the background process cannot leave", async () => {
  assertEquals(await warningsIn({ kind: "host" }), []);
  const [warning] = await warningsIn({ kind: "container" });
  assertEquals(
    warning,
    "The background process ends with this container: to deliver queued notifications later, run " +
      "`matrix-notify flush --timer` every minute, for example in a crontab",
  );
  assertEquals((await warningsIn(SERVICE))[0], SERVICE_WARNING);
});

Deno.test("handOver() starts the deliverer in a scope, and does not warn, where systemd-run succeeds", async () => {
  const systemdRun = '[ "$1 $5 $6" = "--scope --description=matrix-notify deliverer --user" ] || exit 1\n' +
    'while [ "$1" != -- ]; do shift; done; shift\nexec "$@"';
  assertEquals(await warningsIn(SERVICE, { systemdRun }), []);
});

Deno.test("handOver() does not warn if the timer delivers this queue", async () => {
  const units = (path: string) => `${path}/.config/systemd/user`;
  const install = async (path: string, stateDir: string) => {
    await Deno.mkdir(`${units(path)}/timers.target.wants`, { recursive: true });
    await Deno.writeTextFile(`${units(path)}/timers.target.wants/matrix-notify-flush.timer`, "");
    const command = `ExecStart=/usr/bin/matrix-notify flush --timer --state-dir ${stateDir}\n`;
    await Deno.writeTextFile(`${units(path)}/matrix-notify-flush.service`, command);
  };
  assertEquals(await warningsIn(SERVICE, { prepare: (path) => install(path, `${path}/state`) }), []);
  assertEquals((await warningsIn(SERVICE, { prepare: (path) => install(path, "/var/lib/other") }))[0], SERVICE_WARNING);
});
