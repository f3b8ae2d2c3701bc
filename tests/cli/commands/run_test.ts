import { assert, assertEquals, assertMatch } from "@std/assert";
import { main } from "../../../src/cli/main.ts";
import { inheritedConfig } from "../../../scripts/std/argv.ts";
import { type Scene, setScene } from "../../fakes/scene.ts";
import { fakeRuntime } from "../../fakes/runtime.ts";
import { runShell, sceneEnv } from "../../fakes/shell.ts";
import { HANG_UP, playAtTerminal } from "../../fakes/terminal.ts";
import { until } from "../../../scripts/synapse/until.ts";

function envOf(scene: Scene): Record<string, string> {
  return { ...sceneEnv(scene), HOME: scene.stateDir };
}

/** Runs `matrix-notify run …`. Returns the exit code, the output and the messages in the room. */
async function run(scene: Scene, args: string[], env = envOf(scene)) {
  using runtime = fakeRuntime({ env, realIds: true });
  const code = await main(["run", "--no-background", ...args], runtime);
  const bodies = scene.homeserver.events(scene.room).map(({ content }) => String(content.body));
  return { code, out: runtime.out(), err: runtime.err(), bodies };
}

Deno.test("run() prints the output of a failed command, and sends the exit code and the end of the output", async () => {
  await using scene = await setScene();
  const result = await run(scene, ["--", "sh", "-c", "echo one; echo two >&2; exit 2"]);
  assertEquals([result.code, result.out, result.err], [2, "one\n", "two\n"]);
  assertEquals(result.bodies.length, 1);
  assertMatch(result.bodies[0], /^\[jump\] ❌ sh failed: exit 2 after 0 ms\n\n(one\ntwo|two\none)$/);
});

Deno.test("run() sends a success, except with --only-on-failure", async () => {
  await using scene = await setScene();
  assertEquals((await run(scene, ["--only-on-failure", "--", "true"])).bodies, []);
  const { code, bodies } = await run(scene, ["--subject", "Nightly backup", "--", "printf", "%s", "--help"]);
  assertEquals([code, bodies], [0, ["[jump] Nightly backup succeeded after 0 ms\n\n--help"]]);
});

Deno.test("run() closes the incident of a failure only with the first success", async () => {
  await using scene = await setScene();
  const backup = ["--only-on-failure", "--key", "backup", "--subject", "Backup", "--", "sh", "-c"];
  assertEquals((await run(scene, [...backup, "exit 0"])).bodies, []);
  await run(scene, [...backup, "exit 2"]);
  await run(scene, [...backup, "exit 0"]);
  await run(scene, [...backup, "exit 0"]);
  assertEquals(scene.subjects(), [
    "❌ Backup failed: exit 2 after 0 ms",
    "✅ Resolved after 0 ms: Backup succeeded after 0 ms",
  ]);
  const [failure, success] = scene.homeserver.events(scene.room);
  assertEquals(success.content["m.relates_to"], { "m.in_reply_to": { event_id: failure.event_id } });
});

Deno.test("run() closes an incident whose failure is not delivered yet, and a success does not open an incident", async () => {
  await using scene = await setScene();
  const backup = ["--key", "backup", "--subject", "Backup", "--", "sh", "-c"];
  await run(scene, [...backup, "exit 0"]);
  await scene.homeserver.stop();
  await run(scene, [...backup, "exit 2"]);
  await run(scene, [...backup, "exit 0"]);
  await scene.homeserver.restart();
  assertEquals(await main(["flush"], fakeRuntime({ env: envOf(scene), realIds: true })), 0);
  await run(scene, [...backup, "exit 0"]);
  const relations = scene.homeserver.events(scene.room).map(({ content }) => content["m.relates_to"]);
  assertEquals(scene.subjects(), [
    "Backup succeeded after 0 ms",
    "✅ Resolved after 0 ms: Backup succeeded after 0 ms",
    "Backup succeeded after 0 ms",
  ]);
  assertEquals(relations, [undefined, undefined, undefined]);
});

Deno.test("run() exits like a shell when a signal ended the command or the command could not be started", async () => {
  await using scene = await setScene();
  assertEquals((await run(scene, ["--", "sh", "-c", "kill -KILL $$"])).code, 137);
  const missing = await run(scene, ["--", "/nonexistent/backup", "--password=secret"]);
  assertEquals([missing.code, missing.err], [
    127,
    "matrix-notify: cannot run /nonexistent/backup: there is no such command\n",
  ]);
  assertEquals((await run(scene, ["--", "/etc/passwd"])).code, 126);
  assertEquals(scene.subjects(), [
    "❌ sh failed: SIGKILL after 0 ms",
    "❌ backup failed: there is no such command",
    "❌ passwd failed: permission is denied",
  ]);
});

Deno.test("run() names the reason if the interpreter of a script does not exist", async () => {
  await using scene = await setScene();
  const folder = Deno.makeTempDirSync({ prefix: "interpreter-" });
  try {
    for (const [name, text] of [["windows", "#!/bin/sh\r\necho\r\n"], ["python", "#! /no/such/python3 -u\n"]]) {
      Deno.writeTextFileSync(`${folder}/${name}`, text, { mode: 0o755 });
      assertEquals((await run(scene, ["--", `${folder}/${name}`])).code, 127);
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  assertEquals(scene.subjects(), [
    "❌ windows failed: its first line ends with CR LF, as on Windows; a script needs LF",
    "❌ python failed: its first line names the interpreter /no/such/python3, which cannot be found",
  ]);
});

Deno.test("run() reports once that it cannot send, and still runs the command and returns its exit code", async () => {
  await using scene = await setScene();
  const result = await run(scene, ["--only-on-failure", "--channel", "phone", "--", "echo", "done"]);
  assertEquals([result.code, result.out], [0, "done\n"]);
  assertMatch(result.err, /^matrix-notify: cannot send the result of the command: Cannot use channel "phone"/);
  const failing = await run(scene, ["--", "sh", "-c", "echo running >&2; exit 3"], {
    MATRIX_NOTIFY_STATE_DIR: scene.stateDir,
    HOME: "/",
  });
  assertEquals(failing.code, 3);
  assertMatch(
    failing.err,
    /^matrix-notify: cannot send the result of the command: Cannot send: no channel is configured\n {2}hint: .*\nrunning\n$/,
  );
});

Deno.test("run() does not wait for a background process that keeps the output of the command open", async () => {
  await using scene = await setScene();
  using runtime = fakeRuntime({ env: envOf(scene), realIds: true });
  const drained = new AbortController();
  const stdio = {
    ...runtime.stdio,
    pass(_: string, bytes: Uint8Array) {
      drained.abort(new TextDecoder().decode(bytes));
      return Promise.resolve("open" as const);
    },
  };
  const args = ["run", "--no-background", "--", "sh", "-c", "sleep 60 & echo $! >&2"];
  const code = await main(args, { ...runtime, stdio, timeout: () => drained.signal });
  assertEquals(code, 0);
  Deno.kill(Number(drained.signal.reason), "SIGKILL");
});

Deno.test("run() passes on all output of a command that has ended when the reader is slow", async () => {
  await using scene = await setScene();
  using runtime = fakeRuntime({ env: envOf(scene), realIds: true });
  const reads = Promise.withResolvers<void>();
  let passed = 0, limits = 0, isPassing = false, limit = new AbortController();
  const stdio = {
    ...runtime.stdio,
    async pass(_: string, bytes: Uint8Array) {
      if (!isPassing) limit.abort();
      isPassing = true;
      await reads.promise;
      passed += bytes.length;
      return "open" as const;
    },
  };
  // The output fits into the pipe (64 KiB), so that the command ends. The time limit for the rest
  // of the output passes twice before the reader reads.
  const timeout = () => {
    limit = new AbortController();
    if (isPassing && ++limits < 3) limit.abort();
    if (limits === 3) reads.resolve();
    return limit.signal;
  };
  const args = ["run", "--no-background", "--", "head", "-c", "60000", "/dev/zero"];
  assertEquals(await main(args, { ...runtime, stdio, timeout }), 0);
  assertEquals(passed, 60_000);
});

Deno.test("run() reports a failure and exits with 74 when the output of a successful command is cut", async () => {
  await using scene = await setScene();
  const script = "matrix-notify run --no-background --only-on-failure -- echo one > /dev/full";
  const { code, err } = await runShell(script, sceneEnv(scene));
  const cut = "annot write to standard output: no space is left on the disk";
  assertEquals([code, err], [74, `matrix-notify: c${cut}\n`]);
  const [{ content }] = scene.homeserver.events(scene.room);
  assertMatch(String(content.body), new RegExp(`echo failed: its output is cut after .*\n\none\n✂ C${cut}$`));
});

Deno.test("run() sends the end of a long output as the message, and the whole output as a file", async () => {
  await using scene = await setScene();
  await runShell("matrix-notify run --no-background -- sh -c 'seq 20000; exit 3' > /dev/null", sceneEnv(scene));
  const lines = Array.from({ length: 20_000 }, (_, at) => `${at + 1}`).join("\n");
  const [{ content }] = scene.homeserver.events(scene.room);
  assertMatch(
    String(content.body),
    / failed: exit 3 .*\n\n✂ Cut here: \d+ of 108893 bytes are missing; output\.txt has/,
  );
  assert(String(content.body).endsWith(lines.slice(-50_000)));
  assertEquals(scene.homeserver.uploads().map(({ bytes }) => new TextDecoder().decode(bytes)), [lines]);
});

Deno.test("run() exits with the exit code of a failed command when its output is cut too", async () => {
  await using scene = await setScene();
  const script = "matrix-notify run --no-background -- sh -c 'echo one; exit 3' > /dev/full";
  assertEquals((await runShell(script, sceneEnv(scene))).code, 3);
  assertMatch(scene.subjects().join(), / sh failed: exit 3 after /);
});

Deno.test("run() lets SIGPIPE end the command when the reader of its output has ended", async () => {
  await using scene = await setScene();
  const script = "{ matrix-notify run --no-background -- yes; echo $? >&2; } | head -n 1";
  assertEquals(await runShell(script, sceneEnv(scene)), { code: 0, out: "y\n", err: "141\n" });
  assertMatch(scene.subjects().join(), / yes failed: SIGPIPE after /);
});

/** Starts `matrix-notify run … -- sh -c script` in a process of its own. */
function startRun(scene: Scene, script: string, through: readonly string[] = []): Deno.ChildProcess {
  const program = ["run", ...inheritedConfig(), "-A", "--no-prompt", new URL("../../../mod.ts", import.meta.url).href];
  return new Deno.Command(Deno.execPath(), {
    args: [...program, "run", "--no-background", "--", ...through, "sh", "-c", script],
    env: envOf(scene),
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
}

const FORWARDED = [
  ...["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "ABRT", "ALRM", "VTALRM", "PROF", "XCPU"] as const,
  ...["IO", "PWR", "WINCH", "CONT"] as const,
];

for (const signal of FORWARDED) {
  Deno.test(`run() forwards SIG${signal} to the command and sends the result`, async () => {
    await using scene = await setScene();
    const script = `trap "echo stopping; exit 7" ${signal} || exit 8; echo ready; while :; do sleep 0.01; done`;
    const child = startRun(scene, script);
    let out = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      out += chunk;
      if (out === "ready\n") child.kill(`SIG${signal}`);
    }
    assertEquals([out, (await child.status).code], ["ready\nstopping\n", 7]);
    assertMatch(scene.subjects().join(), / sh failed: exit 7 after /);
  });
}

Deno.test("run() stops together with its command on SIGTSTP, and continues together with it", async () => {
  if (!await canStop()) return;
  await using scene = await setScene();
  const child = startRun(scene, 'echo $$; while [ ! -e "$MATRIX_NOTIFY_STATE_DIR/go" ]; do sleep 0.01; done; exit 7');
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const command = Number((await reader.read()).value);
  child.kill("SIGTSTP");
  await until(async () => await states(child.pid, command) === "TT" || undefined, { what: "both stop" });
  child.kill("SIGCONT");
  await until(async () => !(await states(child.pid, command)).includes("T") || undefined, { what: "both continue" });
  Deno.writeTextFileSync(`${scene.stateDir}/go`, "");
  assertEquals((await child.status).code, 7);
  await reader.cancel();
});

Deno.test("run() that is killed leaves no command behind that writes output", async () => {
  await using scene = await setScene();
  const child = startRun(scene, "echo $$; while :; do echo tick; sleep 0.01; done");
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const command = parseInt((await reader.read()).value ?? "", 10);
  child.kill("SIGKILL");
  assertEquals((await child.status).signal, "SIGKILL");
  await until(async () => await states(command) === "" || undefined, { what: "the command ends" });
  await reader.cancel();
});

Deno.test("run() with setpriv leaves no silent command behind when it is killed", async () => {
  await using scene = await setScene();
  const child = startRun(scene, "sleep 60 & echo $!; wait", ["setpriv", "--pdeathsig", "TERM", "--"]);
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const silent = Number((await reader.read()).value);
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "ppid=", "-p", `${silent}`] }).output();
  const command = Number(new TextDecoder().decode(stdout));
  child.kill("SIGKILL");
  await child.status;
  await until(async () => await states(command) === "" || undefined, { what: "the command ends" });
  Deno.kill(silent, "SIGKILL");
  await reader.cancel();
});

/**
 * Returns true if SIGTSTP stops processes of this process group. The kernel does not stop a group
 * without a shell that could continue it (POSIX, "orphaned process group"), for example on a build
 * server.
 */
async function canStop(): Promise<boolean> {
  const child = new Deno.Command("sh", { args: ["-c", "kill -TSTP $$"] }).spawn();
  let ended = false;
  const status = child.status.then(() => ended = true);
  const stops = await until(async () => ended ? "no" : await states(child.pid) === "T" ? "yes" : undefined, {
    what: "a shell stops or ends",
  });
  if (stops === "yes") child.kill("SIGKILL");
  await status;
  return stops === "yes";
}

/**
 * Returns the states of processes as letters, for example `T` for stopped; nothing for a process
 * that has ended.
 */
async function states(...pids: readonly number[]): Promise<string> {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "state=", "-p", pids.join()] }).output();
  return new TextDecoder().decode(stdout).replaceAll(/[\sZ]/g, "");
}

Deno.test("run() at a terminal passes each Ctrl-C to the command once, and is not ended by a second Ctrl-C", async () => {
  await using scene = await setScene();
  const script = `n=0; trap 'n=$((n+1)); echo got $n' INT; echo ready; while [ $n -lt 2 ]; do sleep 0.05; done; exit 7`;
  const { code, screen } = await playAtTerminal([
    "run",
    "--no-background",
    "--",
    "sh",
    "-c",
    script,
  ], {
    env: { ...envOf(scene), PATH: Deno.env.get("PATH") ?? "" },
    steps: [[/ready/, "\x03"], [/got 1/, "\x03"]],
  });
  assertEquals([code, screen.match(/got \d/g)], [7, ["got 1", "got 2"]], screen);
  assertMatch(scene.subjects().join(), / sh failed: exit 7 after /);
});

Deno.test("run() ends its command and sends the result when its terminal is closed", async () => {
  await using scene = await setScene();
  const script = "echo ready; while :; do sleep 0.05; done";
  await playAtTerminal(["run", "--no-background", "--", "sh", "-c", script], {
    env: { ...envOf(scene), PATH: Deno.env.get("PATH") ?? "" },
    steps: [[/ready/, HANG_UP]],
  });
  assertMatch(scene.subjects().join(), / sh failed: SIGHUP after /);
});

Deno.test("run() is not ended by a signal while it sends the result", async () => {
  await using scene = await setScene();
  scene.homeserver.fault("hang-after-persisting", { times: 1 });
  const child = startRun(scene, "exit 7");
  await scene.homeserver.received(({ route, handled }) => route === "send" && handled);
  child.kill("SIGTERM");
  await scene.homeserver.clearFaults();
  assertEquals((await child.output()).code, 7);
});

Deno.test("run() passes arguments that are not UTF-8 to the command unchanged", async () => {
  const script =
    `matrix-notify run -- printf '%s|' "$(printf 'a\\344\\tb\\377\\n.')" 'ü � =r' '' -x "$(printf '\\357\\273\\277\\344')" | od -An -tx1`;
  const { out } = await runShell(script);
  const bytes = "61 e4 09 62 ff 0a 2e 7c c3 bc 20 ef bf bd 20 3d 72 7c 7c 2d 78 7c ef bb bf e4 7c";
  assertEquals(out.trim().split(/\s+/).join(" "), bytes);
});

Deno.test("run() warns when the bytes of an argument cannot be read", async () => {
  await using scene = await setScene();
  const { code, out, err } = await run(scene, ["--", "echo", "a\ufffd"]);
  assertEquals([code, out], [0, "a\ufffd\n"]);
  assertMatch(err, /^matrix-notify: cannot read the exact bytes of the arguments: /);
});
