import { assertEquals } from "@std/assert";
import { SystemdNotifier } from "../../src/runtime/systemd_notify.ts";
import type { Runtime } from "../../src/runtime/runtime.ts";
import { fakeRuntime } from "../fakes/runtime.ts";

/** Records the calls of `systemd-notify`. */
function setScene(env: Readonly<Record<string, string>>, code = 0) {
  const calls: (readonly string[])[] = [], log: string[] = [];
  const run: Runtime["run"] = ({ path, args, env }) => {
    calls.push([path, env.NOTIFY_SOCKET, ...args]);
    return Promise.resolve({ code, stdout: "", stderr: "no such socket\n" });
  };
  const runtime = fakeRuntime({ env, run });
  return { calls, log, runtime, systemd: new SystemdNotifier(runtime, (text) => log.push(text)) };
}

const START = ["systemd-notify", "/run/systemd/notify"];

Deno.test("SystemdNotifier.alive() reports at most once in a third of the watchdog's period", async () => {
  const { calls, runtime, systemd } = setScene({ NOTIFY_SOCKET: "/run/systemd/notify", WATCHDOG_USEC: "30000000" });
  using _ = runtime;
  await systemd.ready("listening");
  assertEquals(calls, [[...START, "READY=1", "STATUS=listening", "WATCHDOG=1"]]);
  runtime.time += 9_999;
  systemd.alive();
  assertEquals(calls.length, 1);
  runtime.time += 1;
  systemd.alive();
  systemd.alive();
  assertEquals(calls.slice(1), [[...START, "WATCHDOG=1"]]);
});

Deno.test("SystemdNotifier.alive() reports nothing without a watchdog", async () => {
  const { calls, runtime, systemd } = setScene({ NOTIFY_SOCKET: "/run/systemd/notify" });
  using _ = runtime;
  await systemd.ready("listening");
  runtime.time += 1e9;
  systemd.alive();
  await systemd.stopping();
  assertEquals(calls, [[...START, "READY=1", "STATUS=listening"], [...START, "STOPPING=1"]]);
});

Deno.test("SystemdNotifier.ready() logs a failure of systemd-notify", async () => {
  const { log, runtime, systemd } = setScene({ NOTIFY_SOCKET: "/run/systemd/notify" }, 1);
  using _ = runtime;
  await systemd.ready("listening");
  assertEquals(log, ["systemd-notify failed: no such socket"]);
});
